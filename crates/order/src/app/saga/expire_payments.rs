//! The timer of QR payments. It only decides that the payment is to be ended; payment says whether money came, and
//! recovery goes on from there.

use std::sync::Arc;

use db::{Command, Query, Tx};
use kernel::OrderId;

use crate::app::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::saga::{Cancellation, SagaStep};
use crate::store::{self, sagas};

/// Payments that are ended at once.
const BATCH: i64 = 50;

impl App {
    /// Wakes the sagas of QR codes whose time is over; whether there may be more.
    pub(crate) async fn expire_payments(self: Arc<Self>) -> anyhow::Result<bool> {
        let overdue = self.db.query(&self, ListOverduePayments).await?;
        for order_id in &overdue {
            self.db.run(&self, ExpirePayment { order_id: *order_id }).await?;
        }
        Ok(i64::try_from(overdue.len()).unwrap_or(BATCH) >= BATCH)
    }
}

/// Orders whose QR code can no longer be paid.
#[derive(Debug)]
struct ListOverduePayments;

impl Query<App> for ListOverduePayments {
    type Output = Vec<OrderId>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        Ok(sagas::overdue(tx, app.clock.now(), BATCH).await?)
    }
}

/// Decides that a payment is to be ended, if its time is over.
#[derive(Debug)]
struct ExpirePayment {
    order_id: OrderId,
}

impl Command<App> for ExpirePayment {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        let Some(kept) = sagas::lock(tx, self.order_id).await? else { return Ok(()) };
        match kept.saga.step {
            SagaStep::AwaitingPayment { expires_at } if expires_at <= app.clock.now() => {}
            _ => return Ok(()),
        }
        let cause = Refusal::new("PAYMENT_EXPIRED", "the QR code was not paid in time");
        let mut after =
            kept.saga.clone().advance(SagaStep::EndingPayment(Cancellation { cause, by_buyer: false }))?;
        after.attempt += 1;
        let now = app.machine.now();
        if !sagas::reopen(tx, &kept.saga, &after, None, now, now).await? {
            return Err(Error::Superseded);
        }
        tx.notify(store::SAGAS);
        tracing::info!(order.id = %order.id, "a QR payment has expired; it is being cancelled");
        Ok(())
    }
}
