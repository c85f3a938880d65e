//! `StockService`.

use kernel::{LocationId, StockItemId};
use proto::catalog::v1::stock_service_server::StockService;
use proto::catalog::v1::{
    AdjustStockRequest, AdjustStockResponse, CreateLocationRequest, CreateLocationResponse,
    ListLocationsRequest, ListLocationsResponse, ListStockRequest, ListStockResponse,
};
use proto::convert;
use rpc::page::Page;
use rpc::replay::{Key, once};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decode::{self, Problems};
use super::{encode, seller_of};
use crate::app::{App, Error, adjust_stock, create_location};
use crate::domain::seller::{Location, UNITS_MAX};

pub(super) struct Api(pub(super) App);

#[tonic::async_trait]
impl StockService for Api {
    async fn create_location(
        &self,
        request: Request<CreateLocationRequest>,
    ) -> Result<Response<CreateLocationResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller_id = seller_of(&caller)?;
        let mut problems = Problems::default();
        let name = problems.take(decode::text("name", &asked.name, 1, 120));
        let country = problems.take(decode::country("country", &asked.country));
        let postcode = problems.take(convert::postcode("postcode", &asked.postcode, 0, 12));
        let id = LocationId::new();
        let location =
            (|| Some(Location { id, seller_id, name: name?, country: country?, postcode: postcode? }))();
        let location = problems.end(location)?;
        self.0.check_lane("country", location.country)?;
        let key = Key::of(&caller, &asked)?;
        let created = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let location = location.clone();
            Box::pin(async move {
                let location = create_location::create(tx, location).await?;
                Ok::<_, Error>(CreateLocationResponse { location: Some(encode::location(&location)) })
            })
        });
        Ok(Response::new(created.await?))
    }

    async fn list_locations(
        &self,
        request: Request<ListLocationsRequest>,
    ) -> Result<Response<ListLocationsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> =
            Page::of(Some(&caller), &["ListLocations"], asked.page_size, &asked.page_token)?;
        let rows = self.0.locations(seller_of(&caller)?, page.after, page.limit()).await?;
        let (locations, next_page_token) = page.fill(rows, |row| row.id.uuid(), |row| encode::location(&row));
        Ok(Response::new(ListLocationsResponse { locations, next_page_token }))
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<AdjustStockResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller_id = seller_of(&caller)?;
        let id: StockItemId = decode::id("stock_item_id", &asked.stock_item_id)?;
        let delta = asked.delta;
        if delta == 0 || delta.unsigned_abs() > UNITS_MAX.unsigned_abs() {
            let problem = format!("{delta} must not be 0, nor beyond {UNITS_MAX}");
            return Err(rpc::status::invalid(&[("delta", &problem)]));
        }
        let mut problems = Problems::default();
        let reason = problems.take(decode::text("reason", &asked.reason, 1, 200));
        let reason = problems.end(reason)?;
        let key = Key::of(&caller, &asked)?;
        let now = self.0.clock.now();
        let adjusted = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let reason = reason.clone();
            Box::pin(async move {
                let item = adjust_stock::adjust(tx, seller_id, id, delta, &reason, now).await?;
                Ok::<_, Error>(AdjustStockResponse { stock_item: Some(encode::stock_item(&item)) })
            })
        });
        Ok(Response::new(adjusted.await?))
    }

    async fn list_stock(
        &self,
        request: Request<ListStockRequest>,
    ) -> Result<Response<ListStockResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> = Page::of(Some(&caller), &["ListStock"], asked.page_size, &asked.page_token)?;
        let rows = self.0.stock(seller_of(&caller)?, page.after, page.limit()).await?;
        let (stock_items, next_page_token) =
            page.fill(rows, |row| row.id.uuid(), |row| encode::stock_item(&row));
        Ok(Response::new(ListStockResponse { stock_items, next_page_token }))
    }
}
