//! Landed prices.

use kernel::QuoteId;
use proto::order::v1::quote_service_server::QuoteService;
use proto::order::v1::{CreateQuoteRequest, CreateQuoteResponse, GetQuoteRequest, GetQuoteResponse};
use rpc::idempotency::Key;
use rpc::{Caller, GuestSecret, QuotaKey, Violations};
use tonic::{Request, Response, Status};

use super::decode::{self, requested};
use super::{Api, encode};
use crate::app::Error;
use crate::app::create_quote::{CreateQuote, QuoteRequest};
use crate::app::get_quote::GetQuote;
use crate::domain::quote::Quote;

/// The longest code of a carrier's service, in characters.
const SERVICE_CHARACTERS_MAX: usize = 60;

/// The key of a request for a quote, and the secret that was made for a guest who brought none: with it each call is
/// another request, as nobody could prove that he repeats his own.
fn key(
    caller: Option<&Caller>,
    message: &CreateQuoteRequest,
    violations: &mut Violations,
) -> Option<(Key, Option<GuestSecret>)> {
    let secret = decode::guest_secret(&message.guest_secret, violations);
    if let Some(caller) = caller {
        return Some((violations.take(Key::of(caller, message))?, None));
    }
    if let Some(secret) = secret {
        return Some((violations.take(Key::of_guest(&secret, message))?, None));
    }
    let made = violations.allowed(GuestSecret::make())?;
    Some((violations.take(Key::of_guest(&made, message))?, Some(made)))
}

/// A secret is never kept: whoever made one for the guest adds it.
fn quoted(_: &CreateQuote, quote: Quote) -> Result<CreateQuoteResponse, Error> {
    Ok(CreateQuoteResponse { quote: Some(encode::quote(&quote)?), guest_secret: String::new() })
}

#[tonic::async_trait]
impl QuoteService for Api {
    async fn create_quote(
        &self,
        request: Request<CreateQuoteRequest>,
    ) -> Result<Response<CreateQuoteResponse>, Status> {
        let counted = QuotaKey::of(&request);
        let (caller, deadline) = (rpc::caller(&request).cloned(), rpc::deadline(&request));
        let message = request.into_inner();
        let (key, made, wanted) = Violations::of(|violations| {
            let key = key(caller.as_ref(), &message, violations);
            let currency = violations.optional_code("currency", &message.currency);
            let requested = requested(&message.lines, violations);
            let postcode =
                decode::postcode(violations, "postcode", &message.postcode, 0, self.trade_policy());
            let service = &message.carriage_service;
            let carriage_service = violations.text("carriage_service", service, 0, SERVICE_CHARACTERS_MAX);
            let (key, made) = key?;
            let owner = key.principal.clone();
            Some((key, made, QuoteRequest { owner, requested, currency, postcode, carriage_service }))
        })?;
        let app = self.pipeline.app().clone();
        let prepare = async move {
            app.quotes.take(&counted, wanted.worth())?;
            let id = QuoteId::new();
            Ok(CreateQuote { id, worked_out: app.work_out(id, wanted).await })
        };
        let mut answer = self.pipeline.prepare(&self.quoting, key, deadline, prepare, quoted).await?;
        answer.guest_secret = made.map(|secret| secret.reveal().to_owned()).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn get_quote(
        &self,
        request: Request<GetQuoteRequest>,
    ) -> Result<Response<GetQuoteResponse>, Status> {
        let get = Violations::of(|violations| {
            let secret = decode::guest_secret(&request.get_ref().guest_secret, violations);
            let principals = decode::principals(rpc::caller(&request), secret.as_ref());
            Some(GetQuote { quote_id: violations.id("quote_id", &request.get_ref().quote_id)?, principals })
        })?;
        let quote = self.pipeline.query(get).await?;
        let quote = encode::quote(&quote).map_err(Error::from)?;
        Ok(Response::new(GetQuoteResponse { quote: Some(quote) }))
    }
}
