//! A history for a hub that is to be measured or tested: a few real orders are repeated, and goods listed, set-wise, by
//! each service in its own database. The hub does not run meanwhile.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use db::Db;
use kernel::{OrderId, OrderReplica};

/// Orders, or goods, that are written at once.
pub const AT_ONCE: u64 = 1_000;

/// What a hub is to have.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Tells it from other histories of the hub's: buyers' names and codes of goods begin with it.
    pub name: String,
    /// How many goods, beside those that were ordered.
    pub products: u64,
    /// How many orders.
    pub orders: u64,
    /// How many orders each buyer has.
    pub orders_per_buyer: u64,
    /// When it ends; it begins a year before.
    pub until: DateTime<Utc>,
}

/// The databases of a hub's services, by their names.
pub struct Databases {
    catalog: Db,
    order: Db,
    payment: Db,
    logistics: Db,
}

impl Databases {
    /// Connects to the database of each service.
    pub async fn connect(url: impl Fn(&str) -> String) -> Result<Self> {
        let connect = async |name: &str| {
            Db::connect(&db::Options::new(url(name))).await.with_context(|| format!("the database of {name}"))
        };
        Ok(Self {
            catalog: connect(catalog::SPEC.name).await?,
            order: connect(order::SPEC.name).await?,
            payment: connect(payment::SPEC.name).await?,
            logistics: connect(logistics::SPEC.name).await?,
        })
    }

    /// Closes them.
    pub async fn close(self) {
        for db in [self.catalog, self.order, self.payment, self.logistics] {
            db.close().await;
        }
    }
}

/// Writes a history.
pub struct Writer<'a> {
    databases: &'a Databases,
    plan: Plan,
    order: order::preload::Originals,
    catalog: catalog::preload::Originals,
    payment: payment::preload::Originals,
    logistics: logistics::preload::Originals,
}

impl<'a> Writer<'a> {
    /// One that repeats these orders.
    pub async fn new(databases: &'a Databases, originals: Vec<OrderId>, plan: Plan) -> Result<Self> {
        let originals_count = u64::try_from(originals.len())?;
        let history = order::preload::History {
            name: plan.name.clone(),
            orders: plan.orders,
            buyers: (plan.orders / plan.orders_per_buyer.max(1)).max(1),
            until: plan.until,
        };
        let order = order::preload::Originals::read(&databases.order, originals, history).await?;
        let ids: Vec<_> = order.replicas(0..originals_count).into_iter().map(|told| told.original).collect();
        Ok(Self {
            order,
            catalog: catalog::preload::Originals::read(&databases.catalog, &ids).await?,
            payment: payment::preload::Originals::read(&databases.payment, &ids).await?,
            logistics: logistics::preload::Originals::read(&databases.logistics, &ids).await?,
            databases,
            plan,
        })
    }

    /// Lists the goods; `listed` hears how many more there are.
    pub async fn products(&self, listed: impl Fn(u64)) -> Result<()> {
        let Plan { name, products, until, .. } = &self.plan;
        for numbers in batches(*products) {
            let count = numbers.end - numbers.start;
            self.catalog
                .list(&self.databases.catalog, name, numbers, *products, *until)
                .await
                .context("catalog")?;
            listed(count);
        }
        Ok(())
    }

    /// Repeats the orders, in all services at once; `repeated` hears how many more there are.
    pub async fn orders(&self, repeated: impl Fn(u64)) -> Result<()> {
        for numbers in batches(self.plan.orders) {
            let count = numbers.end - numbers.start;
            self.repeat(Arc::new(self.order.replicas(numbers))).await?;
            repeated(count);
        }
        self.payment.close(&self.databases.payment).await.context("payment")
    }

    async fn repeat(&self, replicas: Arc<Vec<OrderReplica>>) -> Result<()> {
        let Databases { catalog, order, payment, logistics } = self.databases;
        let (order, catalog, payment, logistics) = tokio::join!(
            self.order.repeat(order, replicas.clone()),
            self.catalog.repeat(catalog, replicas.clone()),
            self.payment.repeat(payment, replicas.clone()),
            self.logistics.repeat(logistics, replicas),
        );
        order.context("order")?;
        catalog.context("catalog")?;
        payment.context("payment")?;
        logistics.context("logistics")
    }

    /// The first buyer of the history.
    pub fn a_buyer(&self) -> String {
        self.order.buyer(0)
    }
}

/// All numbers below `count`, some at once.
fn batches(count: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count.div_ceil(AT_ONCE)).map(move |batch| batch * AT_ONCE..((batch + 1) * AT_ONCE).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_all_numbers_once() {
        for count in [0, 1, AT_ONCE, 2 * AT_ONCE + 7] {
            assert!(batches(count).flatten().eq(0..count));
        }
    }
}
