//! `ShipmentService` and `DeclarationService`: a buyer's, a seller's, all for an operator.

use proto::logistics::v1::declaration_service_server::DeclarationService;
use proto::logistics::v1::shipment_service_server::ShipmentService;
use proto::logistics::v1::{
    GetDeclarationRequest, GetDeclarationResponse, GetLabelRequest, GetLabelResponse, GetShipmentRequest,
    GetShipmentResponse, ListShipmentsRequest, ListShipmentsResponse,
};
use rpc::Violations;
use rpc::page::Page;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode, encode};
use crate::app::get_declaration::GetDeclaration;
use crate::app::list_shipments::ListShipments;
use crate::domain::label;

#[tonic::async_trait]
impl ShipmentService for Api {
    async fn get_shipment(
        &self,
        request: Request<GetShipmentRequest>,
    ) -> Result<Response<GetShipmentResponse>, Status> {
        let caller = rpc::require(&request)?;
        let get = Violations::of(|violations| {
            decode::get_shipment(&request.get_ref().shipment_id, caller, violations)
        })?;
        let (shipment, steps) = self.0.query(get).await?;
        Ok(Response::new(GetShipmentResponse { shipment: Some(encode::shipment(shipment, steps)) }))
    }

    async fn list_shipments(
        &self,
        request: Request<ListShipmentsRequest>,
    ) -> Result<Response<ListShipmentsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (order_id, page): (_, Page<Uuid>) = Violations::of(|violations| {
            let order_id = violations.optional_id("order_id", &asked.order_id);
            Some((order_id, Page::of(Some(&caller), &asked, &[&asked.order_id], violations)?))
        })?;
        let (before, limit) = (page.after, page.limit());
        let list = ListShipments { owner: decode::owner(caller), order_id, before, limit };
        let (shipments, next_page_token) = page.fill(
            self.0.query(list).await?,
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
        let get = Violations::of(|violations| {
            decode::get_shipment(&request.get_ref().shipment_id, caller, violations)
        })?;
        let (shipment, _) = self.0.query(get).await?;
        let svg = label::svg(&shipment, self.0.app().hub.name());
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
        let owner = decode::owner(rpc::require(&request)?);
        let declaration_id =
            Violations::of(|violations| violations.id("declaration_id", &request.get_ref().declaration_id))?;
        let found = self.0.query(GetDeclaration { owner, declaration_id }).await?;
        Ok(Response::new(GetDeclarationResponse { declaration: Some(encode::declaration(&found)) }))
    }
}
