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

use super::drive::Run;
use super::record::Answer;
use super::{App, Error};
use crate::config::StandPoint;
use crate::domain::order::{Address, Order, PaymentMethod, Placing};
use crate::domain::saga::Saga;
use crate::domain::{Refusal, number};
use crate::store::orders::Taken;
use crate::store::{orders, quotes, sagas};
use crate::wire::{self, Viewer};

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
    /// Where it goes.
    pub(crate) address: Address,
    /// How it is paid.
    pub(crate) method: PaymentMethod,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// What the client notes.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// How a request of several transactions begins.
pub(super) enum Begun {
    /// It ended before.
    Kept(Result<Vec<u8>, Status>),
    /// It is under way.
    Running,
    /// It is refused.
    Refused(Status),
    /// Its saga is saved: on with it.
    Saved(Box<(Saga, Order)>),
}

impl App {
    /// Places the order, once for this key; the first answer of each request.
    pub(crate) async fn place_order(
        self: &Arc<Self>,
        key: Key,
        wanted: OrderWanted,
        deadline: Instant,
    ) -> Result<PlaceOrderResponse, Status> {
        let (app, inputs) = (self.clone(), Arc::new((key.clone(), wanted)));
        let begun = self.db.write(move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move { app.begin_placing(tx, &inputs.0, &inputs.1).await })
        });
        let (saga, order) = match begun.await? {
            Begun::Kept(Ok(answer)) => return decode(&answer),
            Begun::Kept(Err(refused)) | Begun::Refused(refused) => return Err(refused),
            Begun::Running => return replay::wait(&self.db, &key, deadline).await,
            Begun::Saved(saved) => *saved,
        };
        tracing::info!(order.id = %order.id, order.number = order.terms.number, "an order is being placed");
        self.stand(StandPoint::Placed).await;
        match self.drive_until(Run { saga, order, request: Some(key.clone()) }, deadline).await {
            Some(Ok(order)) => Ok(PlaceOrderResponse { order: Some(whole(&order)?) }),
            Some(Err(refusal)) => Err(Error::from(refusal).into()),
            None => replay::wait(&self.db, &key, deadline).await,
        }
    }

    /// Drives a saga in a task of its own; its answer, if it comes in time.
    pub(super) async fn drive_until(self: &Arc<Self>, run: Run, deadline: Instant) -> Option<Answer> {
        use tracing::Instrument as _;
        let driving = tokio::spawn(self.clone().drive(run).in_current_span());
        tokio::time::timeout_at(deadline, driving).await.ok()?.ok()?
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
            .filter(|quote| quote.is_open_to(Some(&key.principal)))
            .ok_or_else(|| Error::not_found("quote", wanted.quote_id))?;
        if !self.market.payment_methods.contains(&wanted.method) {
            let message = format!("this hub does not take {}", wanted.method.as_str());
            return Err(Refusal::new("METHOD_NOT_OFFERED", message).into());
        }
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

/// A refusal is kept with the request; what may end otherwise next time rolls all back.
pub(super) async fn refuse<T: prost::Message>(tx: &mut Tx, key: &Key, error: Error) -> Result<Begun, Error> {
    match error {
        Error::Refused(_) | Error::NotFound { .. } => {
            let refused: Result<T, Status> = Err(error.into());
            replay::finish(tx, key, &refused).await?;
            match refused {
                Err(status) => Ok(Begun::Refused(status)),
                Ok(_) => Err(Error::Fault("a refusal that is none".to_owned())),
            }
        }
        other => Err(other),
    }
}

/// A kept answer.
pub(super) fn decode<T: prost::Message + Default>(bytes: &[u8]) -> Result<T, Status> {
    T::decode(bytes).map_err(|error| Error::Fault(format!("a kept answer cannot be read: {error}")).into())
}

/// The order as its buyer sees it.
pub(super) fn whole(order: &Order) -> Result<proto::order::v1::Order, Error> {
    Ok(wire::order(order, &Viewer::Operator)?)
}
