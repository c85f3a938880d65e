//! `StockService`.

use proto::catalog::v1::stock_service_server::StockService;
use proto::catalog::v1::{
    AdjustStockRequest, AdjustStockResponse, CreateLocationRequest, CreateLocationResponse,
    ListLocationsRequest, ListLocationsResponse, ListStockRequest, ListStockResponse,
};
use rpc::page::Page;
use rpc::{Caller, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, encode, seller_of};
use crate::app::adjust_stock::AdjustStock;
use crate::app::create_location::CreateLocation;
use crate::app::list_locations::ListLocations;
use crate::app::list_stock::ListStock;
use crate::domain::seller::UNITS_MAX;

#[tonic::async_trait]
impl StockService for Api {
    async fn create_location(
        &self,
        request: Request<CreateLocationRequest>,
    ) -> Result<Response<CreateLocationResponse>, Status> {
        let encode =
            |_: &_, location| Ok(CreateLocationResponse { location: Some(encode::location(&location)) });
        self.0.mutate(request, create_location, encode).await
    }

    async fn list_locations(
        &self,
        request: Request<ListLocationsRequest>,
    ) -> Result<Response<ListLocationsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> = Violations::of(|violations| Page::of(Some(&caller), &asked, &[], violations))?;
        let seller_id = seller_of(&caller)?;
        let rows = self.0.query(ListLocations { seller_id, after: page.after, limit: page.limit() }).await?;
        let (locations, next_page_token) = page.fill(rows, |row| row.id.uuid(), |row| encode::location(&row));
        Ok(Response::new(ListLocationsResponse { locations, next_page_token }))
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<AdjustStockResponse>, Status> {
        let encode = |_: &_, item| Ok(AdjustStockResponse { stock_item: Some(encode::stock_item(&item)) });
        self.0.mutate(request, adjust_stock, encode).await
    }

    async fn list_stock(
        &self,
        request: Request<ListStockRequest>,
    ) -> Result<Response<ListStockResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> = Violations::of(|violations| Page::of(Some(&caller), &asked, &[], violations))?;
        let seller_id = seller_of(&caller)?;
        let rows = self.0.query(ListStock { seller_id, after: page.after, limit: page.limit() }).await?;
        let (stock_items, next_page_token) =
            page.fill(rows, |row| row.id.uuid(), |row| encode::stock_item(&row));
        Ok(Response::new(ListStockResponse { stock_items, next_page_token }))
    }
}

fn create_location(
    asked: CreateLocationRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<CreateLocation> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let name = violations.text("name", &asked.name, 1, 120);
    let country = violations.code("country", &asked.country);
    let postcode = violations.postcode("postcode", &asked.postcode, 0, 12);
    Some(CreateLocation { seller_id, name, country: country?, postcode })
}

fn adjust_stock(
    asked: AdjustStockRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<AdjustStock> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let stock_item_id = violations.id("stock_item_id", &asked.stock_item_id);
    let delta = asked.delta;
    if delta == 0 || delta.unsigned_abs() > UNITS_MAX.unsigned_abs() {
        violations.add("delta", format!("{delta} must not be 0, and must be at most {UNITS_MAX} either way"));
    }
    let reason = violations.text("reason", &asked.reason, 1, 200);
    Some(AdjustStock { seller_id, stock_item_id: stock_item_id?, delta, reason })
}
