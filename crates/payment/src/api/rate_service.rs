//! `RateService`.

use kernel::{QuoteId, RateId};
use proto::payment::internal::v1::rate_service_server::RateService;
use proto::payment::internal::v1::{LockRatesRequest, LockRatesResponse};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};

#[tonic::async_trait]
impl RateService for Api {
    async fn lock_rates(
        &self,
        request: Request<LockRatesRequest>,
    ) -> Result<Response<LockRatesResponse>, Status> {
        let asked = request.into_inner();
        let quote_id: QuoteId = Violations::lone_id("quote_id", &asked.quote_id)?;
        let mut answer = LockRatesResponse::default();
        for (from, to) in decode::pairs(&asked.pairs)? {
            let quoted = self.0.app().rate(from, to)?;
            // Derived, not stored: the quote freezes the rate itself. Another rate for the same quote has another id.
            let rate_id = if from == to {
                String::new()
            } else {
                RateId::derive(quote_id.uuid(), &format!("{from}>{to}@{}", quoted.rate)).to_string()
            };
            answer.rates.push(encode::exchange_rate(&quoted, rate_id));
            answer.warnings.extend(quoted.warning);
        }
        Ok(Response::new(answer))
    }
}
