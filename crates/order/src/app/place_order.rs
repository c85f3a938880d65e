//! Orders a quote: the order and its saga are saved, then the saga is driven to its outcome. A client that hangs up leaves
//! nothing half done; one that asks again waits for the same outcome.

use std::sync::Arc;

use db::Tx;
use kernel::QuoteId;
use rpc::OpenSaga;
use rpc::idempotency::Key;

use super::saga::{self, SagaRun};
use super::{App, Error};
use crate::config::Failpoint;
use crate::domain::order::{Checkout, Order};
use crate::domain::saga::Saga;
use crate::domain::{Refusal, number};
use crate::store::orders::Conflict;
use crate::store::{orders, quotes, sagas};

/// How many numbers are tried for an order.
const NUMBERS_MAX: u32 = 8;

/// Orders a quote.
#[derive(Debug)]
pub(crate) struct PlaceOrder {
    /// Which quote.
    pub(crate) quote_id: QuoteId,
    /// Whom the caller proves to be: himself, and the guest that he was before he signed in.
    pub(crate) principals: Vec<String>,
    /// What the buyer gives.
    pub(crate) checkout: Checkout,
}

impl OpenSaga<App> for PlaceOrder {
    type Opened = SagaRun;
    type Output = Order;

    async fn open(&self, app: &App, tx: &mut Tx, request: &Key) -> Result<SagaRun, Error> {
        let quote = quotes::find(tx, self.quote_id).await?;
        let quote = quote
            .filter(|quote| quote.is_open_to(&self.principals))
            .ok_or_else(|| Error::not_found("quote", self.quote_id))?;
        let Checkout { method, address, .. } = &self.checkout;
        if !app.trade_policy.payment_methods.contains(method) {
            let message = format!("this hub does not accept {}", method.as_str());
            return Err(Refusal::new("METHOD_NOT_OFFERED", message).into());
        }
        quote.check_permits(app.trade_policy.profile.today(app.clock.now()))?;
        quote.check_zones(|consignment| app.trade_policy.zone(consignment, &address.postcode))?;
        let order = Order::place(self.checkout.clone(), quote, app.clock.now())?;
        let order = app.insert_numbered(tx, order).await?;
        let saga = Saga::begin(order.terms.saga_id, order.id);
        let now = app.machine.now();
        sagas::insert(tx, &saga, request, now + app.config.lease(), now).await?;
        Ok(SagaRun { saga, order, request: Some(request.clone()) })
    }

    async fn run_to_end(app: Arc<App>, opened: SagaRun) -> Option<Result<Order, Error>> {
        let order = &opened.order;
        tracing::info!(order.id = %order.id, order.number = order.terms.number, "an order is being placed");
        app.failpoint(Failpoint::Placed).await;
        saga::drive(app, opened).await.map(|answer| Ok(answer?))
    }
}

impl App {
    async fn insert_numbered(&self, tx: &mut Tx, mut order: Order) -> Result<Order, Error> {
        for attempt in 0..NUMBERS_MAX {
            order.terms.number = number::number(&self.trade_policy.code, order.id.uuid(), attempt);
            let refusal = match orders::insert(tx, &order).await? {
                None => return Ok(order),
                Some(Conflict::Number) => continue,
                Some(Conflict::Quote) => {
                    Refusal::new("QUOTE_ALREADY_ORDERED", "this quote has already been ordered")
                }
                Some(Conflict::Reference) => {
                    Refusal::new("CLIENT_REFERENCE_TAKEN", "another order of yours has this client_reference")
                }
            };
            return Err(refusal.into());
        }
        Err(Error::Fault(format!("no free number in {NUMBERS_MAX} attempts")))
    }
}
