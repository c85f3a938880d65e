//! Landed prices.

use proto::convert;
use proto::order::v1::quote_service_server::QuoteService;
use proto::order::v1::{CreateQuoteRequest, CreateQuoteResponse, GetQuoteRequest, GetQuoteResponse};
use rpc::replay::Key;
use rpc::{Caller, Counted, GuestSecret, Violations};
use tonic::{Request, Response, Status};

use super::Api;
use super::decode::{self, wishes};
use crate::app::Error;
use crate::app::create_quote::{CreateQuote, QuoteWanted};
use crate::app::get_quote::GetQuote;
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
    if let Some(caller) = caller {
        return Ok((Key::of(caller, message)?, None));
    }
    if let Some(secret) = decode::guest_secret(&message.guest_secret, violations) {
        return Ok((Key::of_guest(&secret, message)?, None));
    }
    let made = GuestSecret::make()?;
    Ok((Key::of_guest(&made, message)?, Some(made)))
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
            wishes: wishes(&message.lines, &mut violations),
            currency,
            postcode: decode::postcode(&mut violations, "postcode", &message.postcode, 0, self.market()),
            carriage_service: violations.text(
                "carriage_service",
                &message.carriage_service,
                0,
                SERVICE_CHARACTERS_MAX,
            ),
        };
        violations.check()?;
        let app = self.0.app().clone();
        let prepare = async move {
            app.quotes.take(&counted, wanted.worth())?;
            Ok(CreateQuote { worked_out: app.work_out(wanted).await })
        };
        // A secret is never kept: whoever made one for the guest adds it.
        let encode = |_: &_, quote| {
            Ok(CreateQuoteResponse { quote: Some(wire::quote(&quote)?), guest_secret: String::new() })
        };
        let mut answer = self.0.prepare(key, deadline, prepare, encode).await?;
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
        let quote_id = violations.end(id)?;
        let quote = self.0.query(GetQuote { quote_id, principals }).await?;
        let quote = wire::quote(&quote).map_err(Error::from)?;
        Ok(Response::new(GetQuoteResponse { quote: Some(quote) }))
    }
}
