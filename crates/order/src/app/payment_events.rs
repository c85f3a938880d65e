//! What payment tells: money came, escrow was paid out, refunds ended. Each takes effect once, also when it comes
//! twice; order is locked before its saga, as everywhere.

use chrono::{DateTime, Utc};
use db::{Command, Tx};
use kernel::{ConsignmentId, OrderId, RefundId, ReturnId};
use money::Money;

use super::{App, Error, locked, saga};
use crate::domain::order::OrderState;
use crate::domain::saga::SagaStep;
use crate::store::refunds::{self, RefundRecord};
use crate::store::{returns, sagas};

/// A QR code was paid.
#[derive(Debug)]
pub(crate) struct RecordPayment {
    pub(crate) order_id: OrderId,
    pub(crate) paid_at: DateTime<Utc>,
}

impl Command<App> for RecordPayment {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let Self { order_id: id, paid_at } = *self;
        let order = locked(tx, id).await?;
        match order.progress.state {
            // The outcome of the hold is not written yet: whoever writes it sees this.
            OrderState::Placing => Ok(sagas::note_paid(tx, id, paid_at).await?),
            OrderState::AwaitingPayment { .. } => {
                let kept = sagas::lock(tx, id).await?;
                let kept = kept.ok_or_else(|| Error::Fault(format!("order {id} has no saga")))?;
                match kept.saga.step {
                    SagaStep::AwaitingPayment { .. } => {
                        saga::confirm_paid(app, tx, order, kept.saga, paid_at).await
                    }
                    // Payment was asked to end the hold, and will answer that the money had come.
                    _ => Ok(sagas::note_paid(tx, id, paid_at).await?),
                }
            }
            _ => Ok(()),
        }
    }
}

/// The escrow of a consignment was paid out.
#[derive(Debug)]
pub(crate) struct RecordEscrowRelease {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
}

impl Command<App> for RecordEscrowRelease {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        match order.release(self.consignment_id, app.clock.now())? {
            Some(order) => app.save(tx, &order, None).await,
            None => Ok(()),
        }
    }
}

/// The buyer has money back.
#[derive(Debug)]
pub(crate) struct RecordRefund {
    pub(crate) refund_id: RefundId,
    pub(crate) order_id: OrderId,
    /// The return behind it.
    pub(crate) return_id: Option<ReturnId>,
    /// Of which consignment; of all when none is said.
    pub(crate) consignment_id: Option<ConsignmentId>,
    /// In the buyer's currency.
    pub(crate) amount: Money,
}

impl Command<App> for RecordRefund {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let (id, now) = (self.refund_id, app.clock.now());
        let order = locked(tx, self.order_id).await?;
        match refunds::record(tx, id, self.order_id, self.amount, now).await? {
            RefundRecord::Now => {}
            RefundRecord::Before => return Ok(()),
            RefundRecord::Otherwise => {
                return Err(Error::Fault(format!("{id} was reported before for another order or amount")));
            }
        }
        let mut of = self.consignment_id;
        if let Some(return_id) = self.return_id {
            let one = returns::find(tx, return_id).await?;
            let one = one.ok_or_else(|| Error::not_found("return", return_id))?;
            of = of.or(Some(one.consignment_id));
            if let Some(one) = one.refunded(now) {
                returns::save(tx, &one).await?;
            }
        }
        if self.amount.is_zero() {
            // Goods whose price rounds to nothing: they are back, and there is nothing to count.
            return Ok(());
        }
        let order = order.refund(of, self.amount, now)?;
        app.save(tx, &order, None).await
    }
}

/// The buyer's money could not be given back: an operator sees it in the audit.
#[derive(Debug)]
pub(crate) struct RecordRefundFailure {
    pub(crate) order_id: OrderId,
    /// The return behind it.
    pub(crate) return_id: Option<ReturnId>,
    pub(crate) reason: String,
}

impl Command<App> for RecordRefundFailure {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        tracing::error!(order.id = %order.id, reason = self.reason, "a refund failed");
        let Some(return_id) = self.return_id else { return Ok(()) };
        let one = returns::find(tx, return_id).await?;
        let one = one.ok_or_else(|| Error::not_found("return", return_id))?;
        if let Some(one) = one.refund_failed(self.reason.clone(), app.clock.now()) {
            returns::save(tx, &one).await?;
        }
        Ok(())
    }
}
