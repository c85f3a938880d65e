//! `LandedCostService` and `CarriageService`: what a consignment costs, before there is one.

use std::sync::Arc;

use proto::convert::{self, Invalid};
use proto::logistics::internal::v1::landed_cost_service_server::LandedCostService;
use proto::logistics::internal::v1::{QuoteLandedCostRequest, QuoteLandedCostResponse};
use proto::logistics::v1::carriage_service_server::CarriageService;
use proto::logistics::v1::{QuoteCarriageRequest, QuoteCarriageResponse};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;

/// Consignments of one call.
const CONSIGNMENTS_MAX: usize = 50;
const POSTCODE_MAX: usize = 20;
const SERVICE_MAX: usize = 60;

pub(super) struct Api(pub(super) Arc<App>);

impl Api {
    /// A postcode of the hub's country, or none.
    fn postcode(&self, postcode: &str) -> Result<String, Invalid> {
        let text = convert::postcode("postcode", postcode, 0, POSTCODE_MAX)?;
        match self.0.hub.postcode_problem(&text) {
            Some(problem) if !text.is_empty() => Err(Invalid::new("postcode", problem)),
            _ => Ok(text),
        }
    }
}

#[tonic::async_trait]
impl LandedCostService for Api {
    async fn quote_landed_cost(
        &self,
        request: Request<QuoteLandedCostRequest>,
    ) -> Result<Response<QuoteLandedCostResponse>, Status> {
        let asked = request.into_inner();
        if asked.consignments.is_empty() || asked.consignments.len() > CONSIGNMENTS_MAX {
            let problem = format!("must be 1 to {CONSIGNMENTS_MAX}");
            return Err(rpc::status::invalid(&[("consignments", &problem)]));
        }
        let consignments = asked.consignments.iter().enumerate();
        let consignments = consignments.map(|(place, asked)| decode::consignment(place, asked));
        let consignments =
            consignments.collect::<Result<Vec<_>, _>>().map_err(|error| decode::invalid(&error))?;
        let postcode = self.postcode(&asked.postcode).map_err(|error| decode::invalid(&error))?;
        let service = decode::text("carriage_service", &asked.carriage_service, 0, SERVICE_MAX)
            .map_err(|error| decode::invalid(&error))?;
        let landed = self.0.quote_landed_cost(&consignments, &postcode, &service)?;
        let landed = landed.into_iter().map(encode::landed).collect::<Result<_, _>>();
        let consignments = landed.map_err(rpc::status::internal)?;
        Ok(Response::new(QuoteLandedCostResponse { consignments }))
    }
}

#[tonic::async_trait]
impl CarriageService for Api {
    async fn quote_carriage(
        &self,
        request: Request<QuoteCarriageRequest>,
    ) -> Result<Response<QuoteCarriageResponse>, Status> {
        let asked = request.into_inner();
        let read = || {
            let from = decode::country("from_country", &asked.from_country)?;
            let parcel = decode::parcel("", 1, asked.weight_grams, asked.dimensions.as_ref())?;
            Ok((from, parcel, self.postcode(&asked.postcode)?))
        };
        let (from, parcel, postcode) = read().map_err(|error| decode::invalid(&error))?;
        let options = self.0.quote_carriage(from, parcel, &postcode);
        Ok(Response::new(QuoteCarriageResponse {
            options: options.into_iter().map(encode::carriage).collect(),
        }))
    }
}
