//! Landed prices.

use proto::convert;
use proto::order::v1::quote_service_server::QuoteService;
use proto::order::v1::{CreateQuoteRequest, CreateQuoteResponse, GetQuoteRequest, GetQuoteResponse};
use rpc::Caller;
use rpc::replay::Key;
use tonic::{Request, Response, Status};

use super::Api;
use super::decode::{Violations, complete, wishes};
use crate::app::{Error, QuoteWanted};
use crate::wire;

/// The longest postcode and code of a carrier's service, in characters.
const POSTCODE_CHARACTERS_MAX: usize = 20;
const SERVICE_CHARACTERS_MAX: usize = 60;

#[tonic::async_trait]
impl QuoteService for Api {
    async fn create_quote(
        &self,
        request: Request<CreateQuoteRequest>,
    ) -> Result<Response<CreateQuoteResponse>, Status> {
        let (caller, deadline) = (rpc::caller(&request).cloned(), rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(caller.as_ref(), "CreateQuote", &message.request_id, &message)?;
        let mut violations = Violations::default();
        let currency = match message.currency.as_str() {
            "" => None,
            code => match convert::currency("currency", code) {
                Ok(currency) => Some(currency),
                Err(invalid) => {
                    violations.add(invalid.field, invalid.problem);
                    None
                }
            },
        };
        let wanted = QuoteWanted {
            owner: caller.as_ref().map(Caller::principal),
            wishes: wishes(&message.lines, &mut violations),
            currency,
            postcode: violations.postcode("postcode", &message.postcode, 0, POSTCODE_CHARACTERS_MAX),
            carriage_service: violations.text(
                "carriage_service",
                &message.carriage_service,
                0,
                SERVICE_CHARACTERS_MAX,
            ),
        };
        violations.check()?;
        Ok(Response::new(self.0.create_quote(key, wanted, deadline).await?))
    }

    async fn get_quote(
        &self,
        request: Request<GetQuoteRequest>,
    ) -> Result<Response<GetQuoteResponse>, Status> {
        let principal = rpc::caller(&request).map(Caller::principal);
        let mut violations = Violations::default();
        let id = violations.id("quote_id", &request.get_ref().quote_id);
        let quote = self.0.get_quote(complete(id, violations)?, principal).await?;
        let quote = wire::quote(&quote).map_err(Error::from)?;
        Ok(Response::new(GetQuoteResponse { quote: Some(quote) }))
    }
}
