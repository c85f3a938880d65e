//! Orders a quote: the order and its saga are saved, then a task of its own drives the saga to its outcome. A client
//! that hangs up leaves nothing half done; one that asks again waits for the same outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::Tx;
use kernel::{OrderId, QuoteId, SagaId};
use proto::order::v1::PlaceOrderResponse;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::request::{Begun, refuse};
use super::{App, Error};
use crate::config::StandPoint;
use crate::domain::order::{Address, Order, PaymentMethod, Placing};
use crate::domain::saga::Saga;
use crate::domain::{Refusal, number};
use crate::store::orders::Taken;
use crate::store::{orders, quotes, sagas};

/// The RPC, as requests are kept by.
pub(crate) const PLACE_ORDER: &str = "PlaceOrder";
/// How many numbers are tried for an order.
const NUMBERS_MAX: u32 = 8;

/// What is ordered.
#[derive(Debug, Clone)]
pub(crate) struct OrderWanted {
    /// Who buys: the subject.
    pub(crate) buyer: String,
    /// Which quote.
    pub(crate) quote_id: QuoteId,
    /// Whom the caller proves to be: himself, and the guest that he was before he signed in.
    pub(crate) principals: Vec<String>,
    /// Where it goes.
    pub(crate) address: Address,
    /// How it is paid.
    pub(crate) method: PaymentMethod,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// What the client notes.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl App {
    /// Places the order, once for this key; the first answer of each request.
    pub(crate) async fn place_order(
        self: &Arc<Self>,
        key: Key,
        wanted: OrderWanted,
        deadline: Instant,
    ) -> Result<PlaceOrderResponse, Status> {
        let begun = self.clone().begin(key.clone(), wanted);
        self.see_through(key, deadline, begun, |order| PlaceOrderResponse { order: Some(order) }).await
    }

    async fn begin(self: Arc<Self>, key: Key, wanted: OrderWanted) -> Result<Begun, Error> {
        let (app, inputs) = (self.clone(), Arc::new((key, wanted)));
        let begun = self.db.write(move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move { app.begin_placing(tx, &inputs.0, &inputs.1).await })
        });
        let begun = begun.await?;
        if let Begun::Saved(saved) = &begun {
            let order = &saved.1;
            tracing::info!(order.id = %order.id, order.number = order.terms.number, "an order is being placed");
            self.stand(StandPoint::Placed).await;
        }
        Ok(begun)
    }

    async fn begin_placing(&self, tx: &mut Tx, key: &Key, wanted: &OrderWanted) -> Result<Begun, Error> {
        match replay::begin(tx, &self.clock, key).await? {
            replay::Begun::New => {}
            replay::Begun::Running => return Ok(Begun::Running),
            replay::Begun::Finished(outcome) => return Ok(Begun::Kept(outcome)),
        }
        match self.save_new(tx, key, wanted).await {
            Ok(saved) => Ok(Begun::Saved(Box::new(saved))),
            Err(error) => refuse::<PlaceOrderResponse>(tx, key, error).await,
        }
    }

    async fn save_new(&self, tx: &mut Tx, key: &Key, wanted: &OrderWanted) -> Result<(Saga, Order), Error> {
        let quote = quotes::find(tx, wanted.quote_id).await?;
        let quote = quote
            .filter(|quote| quote.is_open_to(&wanted.principals))
            .ok_or_else(|| Error::not_found("quote", wanted.quote_id))?;
        if !self.market.payment_methods.contains(&wanted.method) {
            let message = format!("this hub does not take {}", wanted.method.as_str());
            return Err(Refusal::new("METHOD_NOT_OFFERED", message).into());
        }
        quote.check_permits(self.market.today(self.clock.now()))?;
        quote.check_zones(|consignment| self.market.zone(consignment, &wanted.address.postcode))?;
        let placing = Placing {
            id: OrderId::new(),
            saga_id: SagaId::new(),
            number: String::new(),
            buyer: wanted.buyer.clone(),
            address: wanted.address.clone(),
            method: wanted.method,
            client_reference: wanted.client_reference.clone(),
            attributes: wanted.attributes.clone(),
        };
        let order = Order::place(placing, quote, self.clock.now())?;
        let order = self.insert_numbered(tx, order).await?;
        let saga = Saga::begin(order.terms.saga_id, order.id);
        let now = self.machine.now();
        sagas::insert(tx, &saga, key, now + self.config.lease(), now).await?;
        Ok((saga, order))
    }

    async fn insert_numbered(&self, tx: &mut Tx, mut order: Order) -> Result<Order, Error> {
        for attempt in 0..NUMBERS_MAX {
            order.terms.number = number::number(&self.market.code, order.id.uuid(), attempt);
            let refusal = match orders::insert(tx, &order).await? {
                None => return Ok(order),
                Some(Taken::Number) => continue,
                Some(Taken::Quote) => Refusal::new("QUOTE_ALREADY_ORDERED", "this quote has been ordered"),
                Some(Taken::Reference) => {
                    Refusal::new("CLIENT_REFERENCE_TAKEN", "another order of yours has this client_reference")
                }
            };
            return Err(refusal.into());
        }
        Err(Error::Fault(format!("no free number in {NUMBERS_MAX} attempts")))
    }
}
