//! `ProductService`.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
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
        let decode = |asked, caller: &Caller, violations: &mut Violations| {
            create_product(asked, caller, languages, violations)
        };
        let encode =
            move |_: &_, made| Ok(CreateProductResponse { product: Some(encode::product(&made, &hub)) });
        self.0.mutate(request, decode, encode).await
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let (languages, hub) = (self.0.app().hub.languages(), self.0.app().hub.clone());
        let decode = |asked, caller: &Caller, violations: &mut Violations| {
            update_product(asked, caller, languages, violations)
        };
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
        let product_id =
            Violations::of(|violations| violations.id("product_id", &request.get_ref().product_id))?;
        let product = self.0.query(GetProduct { product_id, seller }).await?;
        let product = encode::product(&product, &self.0.app().hub);
        Ok(Response::new(GetProductResponse { product: Some(product) }))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let (caller, asked) = (rpc::caller(&request), request.get_ref());
        let prices = format!("{:?}{:?}", asked.min_price, asked.max_price);
        let bound = [&asked.text, &asked.seller_id, &asked.category, &asked.origin, &prices];
        let (filter, page): (_, Page<Uuid>) = Violations::of(|violations| {
            let filter = decode::filter(asked, maybe_seller(caller), violations);
            Some((filter, Page::of(caller, asked, &bound.map(String::as_str), violations)?))
        })?;
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
    violations: &mut Violations,
) -> Option<CreateProduct> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let new = decode::product(languages, &asked.category, &asked.translations, &asked.variants, violations);
    Some(CreateProduct { seller_id, new })
}

/// `languages` are the hub's.
fn update_product(
    asked: UpdateProductRequest,
    caller: &Caller,
    languages: &[String],
    violations: &mut Violations,
) -> Option<UpdateProduct> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let product_id = violations.id("product_id", &asked.product_id);
    let version = decode::etag(&asked.etag, violations);
    let new = decode::product(languages, &asked.category, &asked.translations, &asked.variants, violations);
    Some(UpdateProduct { seller_id, product_id: product_id?, version: version?, new })
}

fn withdraw_product(
    asked: WithdrawProductRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<WithdrawProduct> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let product_id = violations.id("product_id", &asked.product_id);
    let version = decode::etag(&asked.etag, violations);
    Some(WithdrawProduct { seller_id, product_id: product_id?, version: version? })
}
