//! `RateService`.

use kernel::RateId;
use proto::payment::internal::v1::rate_service_server::RateService;
use proto::payment::internal::v1::{LockRatesRequest, LockRatesResponse};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode};
use crate::domain::exchange::Quoted;

#[tonic::async_trait]
impl RateService for Api {
    async fn lock_rates(
        &self,
        request: Request<LockRatesRequest>,
    ) -> Result<Response<LockRatesResponse>, Status> {
        let (quote_id, pairs) =
            Violations::of(|violations| decode::lock_rates(request.get_ref(), violations))?;
        let mut answer = LockRatesResponse::default();
        for (from, to) in pairs {
            let Quoted { mut rate, warning } = self.pipeline.app().rate(from, to)?;
            // Derived, not stored: the quote freezes the rate itself. Another rate for the same quote has another id.
            if from != to {
                let name = format!("{from}>{to}@{}", rate.rate);
                rate.rate_id = RateId::derive(quote_id.uuid(), &name).to_string();
            }
            answer.rates.push(rate.into());
            answer.warnings.extend(warning);
        }
        Ok(Response::new(answer))
    }
}
