//! A history for a hub that is to be measured (`entrepot bench --preload`): a few real orders, repeated many times.
//!
//! A replica is whole: the quote, the order with all its versions, its saga, each document with its own ids and times.
//! Two things are not as its original has them. Its quote expires a year from now, so that the worker that forgets
//! quotes does not look at each of them once; it is ordered, so nobody sees a difference. And there are no events and no
//! requests of it: nobody has heard of it but by [`OrderReplica`], and nobody is answered again.
//!
//! The original has to be settled: then neither saga nor timer has anything to do for its replicas.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Days, Utc};
use db::Db;
use kernel::{OrderId, OrderIds, OrderReplica, Replica};

use crate::domain::number;
use crate::domain::order::{Order, OrderState, Progress};
use crate::domain::quote::Quote;
use crate::domain::saga::{Saga, SagaStep};
use crate::store::{orders, quotes, sagas};

/// For how many days a quote that was ordered is open.
const OPEN_DAYS: u64 = 365;

/// What a hub's history is to be.
#[derive(Debug, Clone)]
pub struct History {
    /// What its buyers' names begin with.
    pub name: String,
    /// How many orders it has: from a year ago, evenly, until `until`.
    pub orders: u64,
    /// How many buyers made them in turn; at least one.
    pub buyers: u64,
    /// When it ends.
    pub until: DateTime<Utc>,
}

impl History {
    fn buyer(&self, order: u64) -> String {
        format!("{}-{}", self.name, order % self.buyers.max(1))
    }
}

/// The orders that a history repeats in turn.
pub struct Originals {
    history: History,
    all: Arc<Vec<Original>>,
}

struct Original {
    order: Order,
    versions: Vec<(i64, Progress)>,
    quote: Quote,
    saga: Saga,
}

/// A replica with its documents.
struct Whole {
    order: Order,
    /// Those before the last.
    versions: Vec<Order>,
    quote: Quote,
    saga: Saga,
}

impl Originals {
    /// Reads them: each is confirmed, and has one consignment.
    pub async fn read(db: &Db, ids: Vec<OrderId>, history: History) -> Result<Self> {
        ensure!(!ids.is_empty(), "a history repeats one order at least");
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(Original::read(db, id).await.with_context(|| format!("reading {id}"))?);
        }
        Ok(Self { history, all: Arc::new(all) })
    }

    /// The buyer of a replica.
    pub fn buyer(&self, number: u64) -> String {
        self.history.buyer(number)
    }

    /// The replicas of these numbers, as the other services are to know them.
    pub fn replicas(&self, numbers: Range<u64>) -> Vec<OrderReplica> {
        numbers.filter_map(|number| Some(self.of(number)?.told(number, &self.history))).collect()
    }

    /// Writes them, in one transaction.
    pub async fn repeat(&self, db: &Db, replicas: Arc<Vec<OrderReplica>>) -> Result<()> {
        let (all, until) = (self.all.clone(), self.history.until);
        let whole = move |told: &OrderReplica| {
            let original = all.iter().find(|original| original.order.id == told.original.order_id);
            original.map(|original| original.repeat(told, until))
        };
        let written: Result<(), db::Error> = db
            .write(move |tx| {
                let all: Vec<Whole> = replicas.iter().filter_map(&whole).collect();
                Box::pin(async move {
                    quotes::insert(tx, &all.iter().map(|one| &one.quote).collect::<Vec<_>>()).await?;
                    let all_orders: Vec<&Order> = all.iter().map(|one| &one.order).collect();
                    if orders::insert(tx, &all_orders).await?.len() < all.len() {
                        return Err(db::Error::Conflict);
                    }
                    let before: Vec<&Order> = all.iter().flat_map(|one| &one.versions).collect();
                    orders::insert_versions(tx, &before).await?;
                    let settled: Vec<_> = all.iter().map(|one| (&one.saga, one.order.created_at)).collect();
                    sagas::insert_settled(tx, &settled).await
                })
            })
            .await;
        Ok(written?)
    }

    fn of(&self, number: u64) -> Option<&Original> {
        let place = usize::try_from(number).ok()? % self.all.len();
        self.all.get(place)
    }
}

impl Original {
    async fn read(db: &Db, id: OrderId) -> Result<Self> {
        let found: Result<_, db::Error> = db
            .read(move |tx| {
                Box::pin(async move {
                    let Some(order) = orders::find(tx, id).await? else { return Ok(None) };
                    let versions = orders::versions_after(tx, id, 0).await?;
                    let quote = quotes::find(tx, [order.terms.quote_id]).await?.pop();
                    Ok(Some((order, versions, quote, sagas::find(tx, id).await?)))
                })
            })
            .await;
        let (order, versions, quote, saga) = found?.context("there is no such order")?;
        let (quote, saga) = (quote.context("it has no quote")?, saga.context("it has no saga")?.saga);
        ensure!(
            matches!(order.progress.state, OrderState::Confirmed { .. }) && saga.step == SagaStep::Confirmed,
            "it is {}, not confirmed",
            order.progress.state.as_str()
        );
        ensure!(order.terms.consignments.len() == 1, "it has more than one consignment");
        Ok(Self { order, versions, quote, saga })
    }

    fn ids(&self) -> OrderIds {
        OrderIds {
            order_id: self.order.id,
            reservation_id: self.order.reservation_id(),
            hold_id: self.order.hold_id(),
            consignment_id: self.order.terms.consignments[0].id,
        }
    }

    fn told(&self, number: u64, history: &History) -> OrderReplica {
        let begun = Replica::begun(number, history.orders, history.until);
        let replica = Replica::new(number, self.order.created_at, begun);
        let original = self.ids();
        let order = self.renamed(replica);
        let hub = self.order.terms.number.split('-').next().unwrap_or_default();
        let order_number = number::counted(hub, &history.name, number);
        OrderReplica {
            replica,
            original,
            ids: OrderIds {
                order_id: order.id,
                reservation_id: order.reservation_id(),
                hold_id: order.hold_id(),
                consignment_id: replica.id(original.consignment_id),
            },
            tracking_number: format!("P-{order_number}"),
            order_number,
            buyer: history.buyer(number),
        }
    }

    /// The order under the ids of a replica.
    fn renamed(&self, replica: Replica) -> Order {
        let mut order = self.order.clone();
        order.id = replica.id(order.id);
        order.terms.saga_id = replica.id(order.terms.saga_id);
        order
    }

    fn repeat(&self, told: &OrderReplica, until: DateTime<Utc>) -> Whole {
        let replica = told.replica;
        let mut quote = self.quote.clone();
        quote.id = replica.id(quote.id);
        quote.owner = Some(format!("buyer:{}", told.buyer));
        quote.created_at = replica.time(quote.created_at);
        quote.expires_at = until + Days::new(OPEN_DAYS);
        for consignment in &mut quote.consignments {
            consignment.id = replica.id(consignment.id);
        }
        let mut order = self.renamed(replica);
        order.created_at = replica.time(order.created_at);
        order.terms.number.clone_from(&told.order_number);
        order.terms.buyer.clone_from(&told.buyer);
        order.terms.quote_id = quote.id;
        order.terms.client_reference = None;
        for consignment in &mut order.terms.consignments {
            consignment.id = replica.id(consignment.id);
        }
        order.progress = repeated(&self.order.progress, told);
        let before = self.versions.iter().filter(|(version, _)| *version != order.version);
        let versions = before
            .map(|(version, progress)| Order {
                version: *version,
                progress: repeated(progress, told),
                ..order.clone()
            })
            .collect();
        let saga = Saga { id: order.terms.saga_id, order_id: order.id, ..self.saga.clone() };
        Whole { order, versions, quote, saga }
    }
}

/// Where a replica stood when its original stood there.
fn repeated(progress: &Progress, told: &OrderReplica) -> Progress {
    let mut progress = progress.clone();
    progress.updated_at = told.replica.time(progress.updated_at);
    if let OrderState::Confirmed { paid_at } = &mut progress.state {
        *paid_at = told.replica.time(*paid_at);
    }
    for consignment in &mut progress.consignments {
        if !consignment.tracking_number.is_empty() {
            consignment.tracking_number.clone_from(&told.tracking_number);
        }
    }
    progress
}
