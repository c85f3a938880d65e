//! Landed prices.

use proto::convert;
use proto::order::v1::quote_service_server::QuoteService;
use proto::order::v1::{CreateQuoteRequest, CreateQuoteResponse, GetQuoteRequest, GetQuoteResponse};
use rpc::replay::Key;
use rpc::{Caller, Counted, GuestSecret};
use tonic::{Request, Response, Status};

use super::Api;
use super::decode::{self, Violations, complete, wishes};
use crate::app::{Error, QuoteWanted};
use crate::wire;

/// The longest code of a carrier's service, in characters.
const SERVICE_CHARACTERS_MAX: usize = 60;

/// The key of a request for a quote, and the secret that was made for a guest who brought none: with it each call is
/// another request, as nobody could prove that he repeats his own.
fn key(
    caller: Option<&Caller>,
    message: &CreateQuoteRequest,
    violations: &mut Violations,
) -> Result<(Key, Option<GuestSecret>), Status> {
    let (rpc, id) = ("CreateQuote", message.request_id.as_str());
    if caller.is_some() {
        return Ok((Key::of(caller, rpc, id, message)?, None));
    }
    if let Some(secret) = decode::guest_secret(&message.guest_secret, violations) {
        return Ok((Key::of_guest(&secret, rpc, id, message)?, None));
    }
    let made = GuestSecret::make()?;
    Ok((Key::of_guest(&made, rpc, id, message)?, Some(made)))
}

#[tonic::async_trait]
impl QuoteService for Api {
    async fn create_quote(
        &self,
        request: Request<CreateQuoteRequest>,
    ) -> Result<Response<CreateQuoteResponse>, Status> {
        let counted = Counted::of(&request);
        let (caller, deadline) = (rpc::caller(&request).cloned(), rpc::deadline(&request));
        let message = request.into_inner();
        let mut violations = Violations::default();
        let (key, made) = self::key(caller.as_ref(), &message, &mut violations)?;
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
            owner: key.principal.clone(),
            counted,
            wishes: wishes(&message.lines, &mut violations),
            currency,
            postcode: violations.postcode("postcode", &message.postcode, 0, &self.0.market),
            carriage_service: violations.text(
                "carriage_service",
                &message.carriage_service,
                0,
                SERVICE_CHARACTERS_MAX,
            ),
        };
        violations.check()?;
        let mut answer = self.0.create_quote(key, wanted, deadline).await?;
        answer.guest_secret = made.map(|secret| secret.reveal().to_owned()).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn get_quote(
        &self,
        request: Request<GetQuoteRequest>,
    ) -> Result<Response<GetQuoteResponse>, Status> {
        let mut violations = Violations::default();
        let secret = decode::guest_secret(&request.get_ref().guest_secret, &mut violations);
        let principals = decode::principals(rpc::caller(&request), secret.as_ref());
        let id = violations.id("quote_id", &request.get_ref().quote_id);
        let quote = self.0.get_quote(complete(id, violations)?, principals).await?;
        let quote = wire::quote(&quote).map_err(Error::from)?;
        Ok(Response::new(GetQuoteResponse { quote: Some(quote) }))
    }
}
