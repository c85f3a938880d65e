//! `LandedCostService` and `CarriageService`: what a consignment costs, before there is one.

use proto::logistics::internal::v1::landed_cost_service_server::LandedCostService;
use proto::logistics::internal::v1::{QuoteLandedCostRequest, QuoteLandedCostResponse};
use proto::logistics::v1::carriage_service_server::CarriageService;
use proto::logistics::v1::{QuoteCarriageRequest, QuoteCarriageResponse};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};

#[tonic::async_trait]
impl LandedCostService for Api {
    async fn quote_landed_cost(
        &self,
        request: Request<QuoteLandedCostRequest>,
    ) -> Result<Response<QuoteLandedCostResponse>, Status> {
        let app = self.0.app();
        let asked = request.get_ref();
        let quote =
            Violations::of(|violations| Some(decode::quote_landed_cost(asked, &app.hub, violations)))?;
        let landed = quote.run(app)?;
        let consignments = landed.into_iter().map(encode::landed).collect::<Result<_, _>>();
        let consignments = consignments.map_err(rpc::status::internal)?;
        Ok(Response::new(QuoteLandedCostResponse { consignments }))
    }
}

#[tonic::async_trait]
impl CarriageService for Api {
    async fn quote_carriage(
        &self,
        request: Request<QuoteCarriageRequest>,
    ) -> Result<Response<QuoteCarriageResponse>, Status> {
        let app = self.0.app();
        let asked = request.get_ref();
        let quote = Violations::of(|violations| decode::quote_carriage(asked, &app.hub, violations))?;
        let options = quote.run(app).into_iter().map(encode::carriage).collect();
        Ok(Response::new(QuoteCarriageResponse { options }))
    }
}
