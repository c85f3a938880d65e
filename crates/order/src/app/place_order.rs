//! Orders a quote: the order and its saga are saved, then the saga is driven to its outcome. A client that hangs up leaves
//! nothing half done; one that asks again waits for the same outcome.

use std::collections::HashMap;
use std::sync::Arc;

use db::{Entry, Tx};
use kernel::QuoteId;
use rpc::idempotency::Key;
use rpc::{OpenSaga, OpenSagas, Opening};
use uuid::Uuid;

use super::saga::{self, SagaRun};
use super::{App, Error};
use crate::config::Failpoint;
use crate::domain::order::{Checkout, Order};
use crate::domain::quote::Quote;
use crate::domain::saga::Saga;
use crate::domain::{Refusal, number};
use crate::store::orders::Conflict;
use crate::store::{orders, quotes, sagas};

/// How many numbers are tried for an order.
const NUMBERS_MAX: u32 = 8;
/// About what an order takes in the database when it is placed.
const ORDER_BYTES: usize = 8_000;

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
        let quote = quotes::find(tx, [self.quote_id]).await?.pop();
        let order = app.insert_numbered(tx, self.order(app, quote)?).await?;
        let run = SagaRun::placing(order, request);
        app.save_sagas(tx, [&run]).await?;
        Ok(run)
    }

    async fn run_to_end(app: Arc<App>, opened: SagaRun) -> Option<Result<Order, Error>> {
        let order = &opened.order;
        tracing::info!(order.id = %order.id, order.number = order.terms.number, "an order is being placed");
        app.failpoint(Failpoint::Placed).await;
        saga::drive(app, opened).await.map(|answer| Ok(answer?))
    }
}

impl OpenSagas<App> for PlaceOrder {
    fn key(&self) -> Uuid {
        self.quote_id.uuid()
    }

    fn bytes(&self) -> usize {
        ORDER_BYTES
    }

    /// Where a number is taken already, each by itself takes another.
    async fn open_all(
        batch: &[Entry<'_, Opening<Self>>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Result<SagaRun, Error>>, Error> {
        let quotes = quotes::find(tx, batch.iter().map(|entry| entry.saga().quote_id)).await?;
        let mut quotes: HashMap<QuoteId, Quote> = quotes.into_iter().map(|quote| (quote.id, quote)).collect();
        let orders: Vec<Result<Order, Error>> = batch
            .iter()
            .map(|entry| entry.saga().order(app, quotes.remove(&entry.saga().quote_id)))
            .collect();
        let placed: Vec<&Order> = orders.iter().filter_map(|order| order.as_ref().ok()).collect();
        let inserted = orders::insert(tx, &placed).await?;
        let mut runs = Vec::with_capacity(batch.len());
        for (entry, order) in batch.iter().zip(orders) {
            runs.push(match order {
                Ok(order) if inserted.contains(&order.id) => Ok(SagaRun::placing(order, entry.request())),
                Ok(order) => match refusal(orders::taken(tx, &order).await?) {
                    Some(refusal) => Err(refusal.into()),
                    None => return Err(db::Error::Conflict.into()),
                },
                Err(refused) => Err(refused),
            });
        }
        app.save_sagas(tx, runs.iter().filter_map(|run| run.as_ref().ok())).await?;
        Ok(runs)
    }
}

impl PlaceOrder {
    /// The order that it makes of the quote.
    fn order(&self, app: &App, quote: Option<Quote>) -> Result<Order, Error> {
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
        let mut order = Order::place(self.checkout.clone(), quote, app.clock.now())?;
        order.terms.number = number::number(&app.trade_policy.code, order.id.uuid(), 0);
        Ok(order)
    }
}

/// Why an order cannot be inserted, unless another number helps.
fn refusal(conflict: Conflict) -> Option<Refusal> {
    match conflict {
        Conflict::Number => None,
        Conflict::Quote => Some(Refusal::new("QUOTE_ALREADY_ORDERED", "this quote has already been ordered")),
        Conflict::Reference => {
            let message = "another order of yours has this client_reference";
            Some(Refusal::new("CLIENT_REFERENCE_TAKEN", message))
        }
    }
}

impl App {
    /// Inserts an order, under another number where its own is taken.
    async fn insert_numbered(&self, tx: &mut Tx, mut order: Order) -> Result<Order, Error> {
        for attempt in 0..NUMBERS_MAX {
            order.terms.number = number::number(&self.trade_policy.code, order.id.uuid(), attempt);
            if !orders::insert(tx, &[&order]).await?.is_empty() {
                return Ok(order);
            }
            if let Some(refusal) = refusal(orders::taken(tx, &order).await?) {
                return Err(refusal.into());
            }
        }
        Err(Error::Fault(format!("no free number in {NUMBERS_MAX} attempts")))
    }

    /// Keeps sagas that begin, leased to whoever begins them.
    async fn save_sagas<'r>(
        &self,
        tx: &mut Tx,
        runs: impl IntoIterator<Item = &'r SagaRun>,
    ) -> Result<(), Error> {
        let begun: Vec<(&Saga, &Key)> =
            runs.into_iter().filter_map(|run| Some((&run.saga, run.request.as_ref()?))).collect();
        let now = self.machine.now();
        Ok(sagas::insert(tx, &begun, now + self.config.lease(), now).await?)
    }
}
