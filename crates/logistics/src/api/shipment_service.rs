//! `ShipmentService` and `DeclarationService`: a buyer's, a seller's, all for an operator.

use std::sync::Arc;

use proto::logistics::v1::declaration_service_server::DeclarationService;
use proto::logistics::v1::shipment_service_server::ShipmentService;
use proto::logistics::v1::{
    GetDeclarationRequest, GetDeclarationResponse, GetLabelRequest, GetLabelResponse, GetShipmentRequest,
    GetShipmentResponse, ListShipmentsRequest, ListShipmentsResponse,
};
use rpc::page::Page;
use rpc::{Caller, Role};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{decode, encode};
use crate::app::App;
use crate::app::read::Named;
use crate::domain::label;
use crate::store::shipments::Owner;

pub(super) struct Api(pub(super) Arc<App>);

fn owner(caller: &Caller) -> Owner {
    match caller.role {
        Role::Seller => Owner::Seller(caller.subject.clone()),
        Role::Operator => Owner::Anyone,
        _ => Owner::Buyer(caller.subject.clone()),
    }
}

/// An id, or an S10 number with or without spaces.
fn named(text: &str) -> Result<Named, Status> {
    if let Ok(number) = text.parse::<customs::S10>() {
        return Ok(Named::Number(number.to_string()));
    }
    decode::id("shipment_id", text).map(Named::Id)
}

#[tonic::async_trait]
impl ShipmentService for Api {
    async fn get_shipment(
        &self,
        request: Request<GetShipmentRequest>,
    ) -> Result<Response<GetShipmentResponse>, Status> {
        let caller = rpc::require(&request)?;
        let named = named(&request.into_inner().shipment_id)?;
        let (shipment, steps) = self.0.shipment_of(owner(&caller), named).await?;
        Ok(Response::new(GetShipmentResponse { shipment: Some(encode::shipment(shipment, steps)) }))
    }

    async fn list_shipments(
        &self,
        request: Request<ListShipmentsRequest>,
    ) -> Result<Response<ListShipmentsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let order_id = match asked.order_id.as_str() {
            "" => None,
            order_id => Some(decode::id("order_id", order_id)?),
        };
        let filter = ["ListShipments", &asked.order_id];
        let page: Page<Uuid> = Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let found = self.0.shipments(owner(&caller), order_id, page.after, page.limit()).await?;
        let (shipments, next_page_token) = page.fill(
            found,
            |(shipment, _)| shipment.id.uuid(),
            |(shipment, steps)| encode::shipment(shipment, steps),
        );
        Ok(Response::new(ListShipmentsResponse { shipments, next_page_token }))
    }

    async fn get_label(
        &self,
        request: Request<GetLabelRequest>,
    ) -> Result<Response<GetLabelResponse>, Status> {
        let caller = rpc::require(&request)?;
        let named = named(&request.into_inner().shipment_id)?;
        let (shipment, _) = self.0.shipment_of(owner(&caller), named).await?;
        let svg = label::svg(&shipment, self.0.hub.name());
        let svg = svg.ok_or_else(|| rpc::status::internal("the S10 number has no bar code"))?;
        Ok(Response::new(GetLabelResponse { svg }))
    }
}

#[tonic::async_trait]
impl DeclarationService for Api {
    async fn get_declaration(
        &self,
        request: Request<GetDeclarationRequest>,
    ) -> Result<Response<GetDeclarationResponse>, Status> {
        let caller = rpc::require(&request)?;
        let id = decode::id("declaration_id", &request.into_inner().declaration_id)?;
        let found = self.0.declaration(owner(&caller), id).await?;
        Ok(Response::new(GetDeclarationResponse { declaration: Some(encode::declaration(found)?) }))
    }
}
