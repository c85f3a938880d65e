//! The timer of QR payments. It only decides that the payment is to be ended; payment says whether money came, and
//! recovery goes on from there.

use std::sync::Arc;

use db::Tx;
use kernel::OrderId;

use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::saga::{Ending, Step};
use crate::store::{self, sagas};

/// Payments that are ended at once.
const BATCH: i64 = 50;

impl App {
    /// Wakes the sagas of QR codes whose time is over; whether there may be more.
    pub(crate) async fn expire_payments(self: Arc<Self>) -> anyhow::Result<bool> {
        let now = self.clock.now();
        let overdue: Vec<OrderId> = self.db.read(move |tx| Box::pin(sagas::overdue(tx, now, BATCH))).await?;
        for id in &overdue {
            let (app, id) = (self.clone(), *id);
            let expired = self.db.write(move |tx| {
                let app = app.clone();
                Box::pin(async move { app.expire_payment(tx, id).await })
            });
            expired.await?;
        }
        Ok(i64::try_from(overdue.len()).unwrap_or(BATCH) >= BATCH)
    }

    async fn expire_payment(&self, tx: &mut Tx, id: OrderId) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        let Some(kept) = sagas::lock(tx, id).await? else { return Ok(()) };
        match kept.saga.step {
            Step::AwaitingPayment { expires_at } if expires_at <= self.clock.now() => {}
            _ => return Ok(()),
        }
        let cause = Refusal::new("PAYMENT_EXPIRED", "the QR code was not paid in time");
        let mut after = kept.saga.clone().advance(Step::EndingPayment(Ending { cause, by_buyer: false }))?;
        after.attempt += 1;
        let now = self.machine.now();
        if !sagas::reopen(tx, &kept.saga, &after, None, now, now).await? {
            return Err(Error::Superseded);
        }
        tx.notify(store::SAGAS);
        tracing::info!(order.id = %order.id, "the time of a QR payment is over; it is ended");
        Ok(())
    }
}
