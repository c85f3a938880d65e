//! What payment tells: money came, escrow was paid out, refunds ended. Each takes effect once, also when it comes
//! twice; order is locked before its saga, as everywhere.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, OrderId, RefundId, ReturnId};
use money::Money;

use super::{App, Error, locked};
use crate::domain::order::State;
use crate::domain::saga::Step;
use crate::store::refunds::{self, Recorded};
use crate::store::{returns, sagas};

/// A refund that ended well.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    /// Its id.
    pub(crate) id: RefundId,
    /// For which order.
    pub(crate) order_id: OrderId,
    /// The return behind it.
    pub(crate) return_id: Option<ReturnId>,
    /// Of which consignment; of all when none is said.
    pub(crate) consignment_id: Option<ConsignmentId>,
    /// In the buyer's currency.
    pub(crate) amount: Money,
}

impl App {
    /// A QR code was paid.
    pub(crate) async fn payment_received(
        &self,
        tx: &mut Tx,
        id: OrderId,
        paid_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        match order.progress.state {
            // The outcome of the hold is not written yet: whoever writes it sees this.
            State::Placing => Ok(sagas::note_paid(tx, id, paid_at).await?),
            State::AwaitingPayment { .. } => {
                let kept = sagas::lock(tx, id).await?;
                let kept = kept.ok_or_else(|| Error::Fault(format!("order {id} has no saga")))?;
                match kept.saga.step {
                    Step::AwaitingPayment { .. } => self.confirm_paid(tx, order, kept.saga, paid_at).await,
                    // Payment was asked to end the hold, and will answer that the money had come.
                    _ => Ok(sagas::note_paid(tx, id, paid_at).await?),
                }
            }
            _ => Ok(()),
        }
    }

    /// The escrow of a consignment was paid out.
    pub(crate) async fn escrow_released(
        &self,
        tx: &mut Tx,
        id: OrderId,
        consignment_id: ConsignmentId,
    ) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        match order.release(consignment_id, self.clock.now())? {
            Some(order) => self.save(tx, &order, None).await,
            None => Ok(()),
        }
    }

    /// The buyer has money back.
    pub(crate) async fn refund_completed(&self, tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
        let now = self.clock.now();
        let order = locked(tx, refund.order_id).await?;
        match refunds::record(tx, refund.id, refund.order_id, refund.amount, now).await? {
            Recorded::Now => {}
            Recorded::Before => return Ok(()),
            Recorded::Otherwise => {
                let problem = format!("{} was told before for another order or amount", refund.id);
                return Err(Error::Fault(problem));
            }
        }
        let mut of = refund.consignment_id;
        if let Some(return_id) = refund.return_id {
            let one = returns::find(tx, return_id).await?;
            let one = one.ok_or_else(|| Error::not_found("return", return_id))?;
            of = of.or(Some(one.consignment_id));
            if let Some(one) = one.refunded(now) {
                returns::save(tx, &one).await?;
            }
        }
        if refund.amount.is_zero() {
            // Goods whose price rounds to nothing: they are back, and there is nothing to count.
            return Ok(());
        }
        let order = order.refund(of, refund.amount, now)?;
        self.save(tx, &order, None).await
    }

    /// The buyer's money could not be given back: an operator sees it in the audit.
    pub(crate) async fn refund_failed(
        &self,
        tx: &mut Tx,
        id: OrderId,
        return_id: Option<ReturnId>,
        reason: String,
    ) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        tracing::error!(order.id = %order.id, reason, "a refund failed");
        let Some(return_id) = return_id else { return Ok(()) };
        let one = returns::find(tx, return_id).await?;
        let one = one.ok_or_else(|| Error::not_found("return", return_id))?;
        if let Some(one) = one.refund_failed(reason, self.clock.now()) {
            returns::save(tx, &one).await?;
        }
        Ok(())
    }
}
