//! `ProductService`.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use kernel::SellerId;
use proto::catalog::v1::product_service_server::ProductService;
use proto::catalog::v1::{
    CreateProductRequest, CreateProductResponse, GetProductRequest, GetProductResponse,
    ImportProductsRequest, ImportProductsResponse, ListProductsRequest, ListProductsResponse,
    UpdateProductRequest, UpdateProductResponse, WithdrawProductRequest, WithdrawProductResponse,
};
use rpc::page::Page;
use rpc::{Caller, Violations};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::decode;
use super::{Api, encode, import_rows, maybe_seller, seller_of};
use crate::app::create_product::CreateProduct;
use crate::app::get_product::GetProduct;
use crate::app::list_products::ListProducts;
use crate::app::update_product::UpdateProduct;
use crate::app::withdraw_product::WithdrawProduct;
use crate::store::search::Filter;

/// Rows of an import that share a transaction.
const IMPORT_ROWS_MAX: usize = 64;

#[tonic::async_trait]
impl ProductService for Api {
    type ImportProductsStream = Pin<Box<dyn Stream<Item = Result<ImportProductsResponse, Status>> + Send>>;

    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        let (languages, hub) = (self.0.app().hub.languages(), self.0.app().hub.clone());
        let decode = |asked, caller: &Caller| create_product(asked, caller, languages);
        let encode =
            move |_: &_, made| Ok(CreateProductResponse { product: Some(encode::product(&made, &hub)) });
        self.0.mutate(request, decode, encode).await
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let (languages, hub) = (self.0.app().hub.languages(), self.0.app().hub.clone());
        let decode = |asked, caller: &Caller| update_product(asked, caller, languages);
        let encode =
            move |_: &_, edited| Ok(UpdateProductResponse { product: Some(encode::product(&edited, &hub)) });
        self.0.mutate(request, decode, encode).await
    }

    async fn withdraw_product(
        &self,
        request: Request<WithdrawProductRequest>,
    ) -> Result<Response<WithdrawProductResponse>, Status> {
        let hub = self.0.app().hub.clone();
        let encode =
            move |_: &_, gone| Ok(WithdrawProductResponse { product: Some(encode::product(&gone, &hub)) });
        self.0.mutate(request, withdraw_product, encode).await
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let seller = maybe_seller(rpc::caller(&request));
        let product_id = decode::id("product_id", &request.get_ref().product_id)?;
        let product = self.0.query(GetProduct { product_id, seller }).await?;
        let product = encode::product(&product, &self.0.app().hub);
        Ok(Response::new(GetProductResponse { product: Some(product) }))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let (caller, asked) = (rpc::caller(&request), request.get_ref());
        let filter = filter(caller, asked)?;
        let prices = format!("{:?}{:?}", asked.min_price, asked.max_price);
        let bound = ["ListProducts", &asked.text, &asked.seller_id, &asked.category, &asked.origin, &prices];
        let page: Page<Uuid> = Page::of(caller, &bound, asked.page_size, &asked.page_token)?;
        let found = self.0.query(ListProducts { filter, before: page.after, limit: page.limit() }).await?;
        let (products, next_page_token) = page.fill_short(
            found.products,
            found.more,
            |product| product.id.uuid(),
            |product| encode::product(&product, &self.0.app().hub),
        );
        Ok(Response::new(ListProductsResponse { products, next_page_token }))
    }

    async fn import_products(
        &self,
        request: Request<Streaming<ImportProductsRequest>>,
    ) -> Result<Response<Self::ImportProductsStream>, Status> {
        let seller_id = seller_of(&rpc::require(&request)?)?;
        let stream = Arc::new(import_rows::Import::new(self.0.clone(), seller_id));
        // Rows that have come in while the ones before were written share the next transaction.
        let batches = request.into_inner().ready_chunks(IMPORT_ROWS_MAX);
        let answers = batches.then(move |batch| import_rows::batch(stream.clone(), batch));
        Ok(Response::new(Box::pin(answers.flat_map(futures::stream::iter))))
    }
}

/// `languages` are the hub's.
fn create_product(
    asked: CreateProductRequest,
    caller: &Caller,
    languages: &[String],
) -> Result<CreateProduct, Status> {
    let seller_id = seller_of(caller)?;
    let new = decode::product(languages, &asked.category, &asked.translations, &asked.variants)?;
    Ok(CreateProduct { seller_id, new })
}

/// `languages` are the hub's.
fn update_product(
    asked: UpdateProductRequest,
    caller: &Caller,
    languages: &[String],
) -> Result<UpdateProduct, Status> {
    let seller_id = seller_of(caller)?;
    let product_id = decode::id("product_id", &asked.product_id)?;
    let version = decode::etag(&asked.etag)?;
    let new = decode::product(languages, &asked.category, &asked.translations, &asked.variants)?;
    Ok(UpdateProduct { seller_id, product_id, version, new })
}

fn withdraw_product(asked: WithdrawProductRequest, caller: &Caller) -> Result<WithdrawProduct, Status> {
    let seller_id = seller_of(caller)?;
    let product_id = decode::id("product_id", &asked.product_id)?;
    Ok(WithdrawProduct { seller_id, product_id, version: decode::etag(&asked.etag)? })
}

fn filter(caller: Option<&Caller>, asked: &ListProductsRequest) -> Result<Filter, Status> {
    let mut violations = Violations::default();
    let words = violations.take(decode::words("text", &asked.text));
    let min_price = violations.take(decode::bound("min_price", asked.min_price.as_ref()));
    let max_price = violations.take(decode::bound("max_price", asked.max_price.as_ref()));
    if let (Some(Some(min)), Some(Some(max))) = (&min_price, &max_price) {
        violations.take(decode::range(*min, *max));
    }
    let category = if asked.category.is_empty() {
        Some(String::new())
    } else {
        violations.take(decode::slug("category", &asked.category))
    };
    let origin = if asked.origin.is_empty() {
        Some(String::new())
    } else {
        violations.take(decode::country("origin", &asked.origin)).map(|origin| origin.as_str().to_owned())
    };
    let seller_id: Option<SellerId> =
        if asked.seller_id.is_empty() { None } else { Some(decode::id("seller_id", &asked.seller_id)?) };
    let filter = (|| {
        Some(Filter {
            words: words?,
            seller_id,
            category: category?,
            origin: origin?,
            min_price: min_price?,
            max_price: max_price?,
            own: seller_id.is_some() && maybe_seller(caller) == seller_id,
        })
    })();
    violations.end(filter)
}
