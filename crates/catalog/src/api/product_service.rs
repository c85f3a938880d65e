//! `ProductService`.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use kernel::{ProductId, SellerId};
use proto::catalog::v1::product_service_server::ProductService;
use proto::catalog::v1::{
    CreateProductRequest, CreateProductResponse, GetProductRequest, GetProductResponse,
    ImportProductsRequest, ImportProductsResponse, ListProductsRequest, ListProductsResponse,
    UpdateProductRequest, UpdateProductResponse, WithdrawProductRequest, WithdrawProductResponse,
};
use rpc::Caller;
use rpc::page::Page;
use rpc::replay::{Key, once};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::decode::{self, Problems};
use super::{encode, import_rows, maybe_seller, seller_of};
use crate::app::allow::Before;
use crate::app::{App, Error, list_product};
use crate::domain::product::NewProduct;
use crate::store::search::Filter;

/// Rows of an import that share a transaction.
const IMPORT_ROWS_MAX: usize = 64;

pub(super) struct Api(pub(super) App);

impl Api {
    fn filter(&self, caller: Option<&Caller>, asked: &ListProductsRequest) -> Result<Filter, Status> {
        let mut problems = Problems::default();
        let words = problems.take(decode::words("text", &asked.text));
        let min_price = problems.take(decode::bound("min_price", asked.min_price.as_ref()));
        let max_price = problems.take(decode::bound("max_price", asked.max_price.as_ref()));
        if let (Some(Some(min)), Some(Some(max))) = (&min_price, &max_price) {
            problems.take(decode::range(*min, *max));
        }
        let category = if asked.category.is_empty() {
            Some(String::new())
        } else {
            problems.take(decode::slug("category", &asked.category))
        };
        let origin = if asked.origin.is_empty() {
            Some(String::new())
        } else {
            problems.take(decode::country("origin", &asked.origin)).map(|origin| origin.as_str().to_owned())
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
        problems.end(filter)
    }

    fn new_product(
        &self,
        category: &str,
        translations: &[proto::catalog::v1::Translation],
        variants: &[proto::catalog::v1::VariantInput],
    ) -> Result<NewProduct, Status> {
        let mut problems = Problems::default();
        let product =
            decode::product(self.0.hub.languages(), category, translations, variants, &mut problems);
        let product = problems.end(product)?;
        self.0.check_prices(product.variants.iter().map(|variant| variant.goods.price))?;
        Ok(product)
    }
}

#[tonic::async_trait]
impl ProductService for Api {
    type ImportProductsStream = Pin<Box<dyn Stream<Item = Result<ImportProductsResponse, Status>> + Send>>;

    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller_id = seller_of(&caller)?;
        let new = self.new_product(&asked.category, &asked.translations, &asked.variants)?;
        let key = Key::of(&caller, &asked)?;
        let (now, hub, allowance) = (self.0.clock.now(), self.0.hub.clone(), self.0.allowance);
        let created = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let (new, hub) = (new.clone(), hub.clone());
            Box::pin(async move {
                let before = Before::of(tx, seller_id).await?;
                let product = list_product::create(tx, seller_id, &new, now).await?;
                before.check(tx, &allowance).await?;
                Ok::<_, Error>(CreateProductResponse { product: Some(encode::product(&product, &hub)) })
            })
        });
        Ok(Response::new(created.await?))
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller_id = seller_of(&caller)?;
        let id: ProductId = decode::id("product_id", &asked.product_id)?;
        let version = decode::etag(&asked.etag)?;
        let new = self.new_product(&asked.category, &asked.translations, &asked.variants)?;
        let key = Key::of(&caller, &asked)?;
        let (now, hub, allowance) = (self.0.clock.now(), self.0.hub.clone(), self.0.allowance);
        let updated = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let (new, hub) = (new.clone(), hub.clone());
            Box::pin(async move {
                let before = Before::of(tx, seller_id).await?;
                let product = list_product::update(tx, seller_id, id, version, &new, now).await?;
                before.check(tx, &allowance).await?;
                Ok::<_, Error>(UpdateProductResponse { product: Some(encode::product(&product, &hub)) })
            })
        });
        Ok(Response::new(updated.await?))
    }

    async fn withdraw_product(
        &self,
        request: Request<WithdrawProductRequest>,
    ) -> Result<Response<WithdrawProductResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller_id = seller_of(&caller)?;
        let id: ProductId = decode::id("product_id", &asked.product_id)?;
        let version = decode::etag(&asked.etag)?;
        let key = Key::of(&caller, &asked)?;
        let (now, hub) = (self.0.clock.now(), self.0.hub.clone());
        let withdrawn = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let hub = hub.clone();
            Box::pin(async move {
                let product = list_product::withdraw(tx, seller_id, id, version, now).await?;
                Ok::<_, Error>(WithdrawProductResponse { product: Some(encode::product(&product, &hub)) })
            })
        });
        Ok(Response::new(withdrawn.await?))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let caller = maybe_seller(rpc::caller(&request));
        let id = decode::id("product_id", &request.into_inner().product_id)?;
        let product = self.0.product(id, caller).await?;
        Ok(Response::new(GetProductResponse { product: Some(encode::product(&product, &self.0.hub)) }))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let caller = rpc::caller(&request).cloned();
        let asked = request.into_inner();
        let filter = self.filter(caller.as_ref(), &asked)?;
        let prices = format!("{:?}{:?}", asked.min_price, asked.max_price);
        let bound = ["ListProducts", &asked.text, &asked.seller_id, &asked.category, &asked.origin, &prices];
        let page: Page<Uuid> = Page::of(caller.as_ref(), &bound, asked.page_size, &asked.page_token)?;
        let found = self.0.products(filter, page.after, page.limit()).await?;
        let (products, next_page_token) = page.fill_short(
            found.products,
            found.more,
            |product| product.id.uuid(),
            |product| encode::product(&product, &self.0.hub),
        );
        Ok(Response::new(ListProductsResponse { products, next_page_token }))
    }

    async fn import_products(
        &self,
        request: Request<Streaming<ImportProductsRequest>>,
    ) -> Result<Response<Self::ImportProductsStream>, Status> {
        let seller_id = seller_of(&rpc::require(&request)?)?;
        let app = self.0.clone();
        let stream = Arc::new(import_rows::Import::new(app, seller_id));
        // Rows that have come in while the ones before were written share the next transaction.
        let batches = request.into_inner().ready_chunks(IMPORT_ROWS_MAX);
        let answers = batches.then(move |batch| import_rows::batch(stream.clone(), batch));
        Ok(Response::new(Box::pin(answers.flat_map(futures::stream::iter))))
    }
}
