//! `RateService`.

use kernel::{QuoteId, RateId};
use proto::payment::internal::v1::rate_service_server::RateService;
use proto::payment::internal::v1::{LockRatesRequest, LockRatesResponse};
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};

/// Pairs of one call.
const PAIRS_MAX: usize = 120;

#[tonic::async_trait]
impl RateService for Api {
    async fn lock_rates(
        &self,
        request: Request<LockRatesRequest>,
    ) -> Result<Response<LockRatesResponse>, Status> {
        let asked = request.into_inner();
        let quote_id: QuoteId = decode::id("quote_id", &asked.quote_id)?;
        if asked.pairs.is_empty() || asked.pairs.len() > PAIRS_MAX {
            return Err(rpc::status::invalid(&[("pairs", &format!("must be 1 to {PAIRS_MAX}"))]));
        }
        let mut answer = LockRatesResponse::default();
        for (place, pair) in asked.pairs.iter().enumerate() {
            let currency = |name: &str, code: &str| decode::currency(&format!("pairs[{place}].{name}"), code);
            let from = currency("from_currency", &pair.from_currency)?;
            let to = currency("to_currency", &pair.to_currency)?;
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
