//! The money of a consignment, from the confirmation of its order until it is paid out or given back.

use kernel::{ConsignmentId, HoldId, OrderId, Refusal};
use money::Money;

use super::returned::{Costs, Returned};
use super::terms::SettlementTerms;
use super::{AmountTooLarge, hold};

kernel::words! {
    /// Where an escrow stands.
    pub(crate) enum EscrowState {
        /// It holds what was not refunded.
        Held = "held",
        /// It was paid to the seller, the carrier and customs.
        Released = "released",
        /// All that was left was given back: the order was cancelled.
        Refunded = "refunded",
    }
}

/// An escrow.
#[derive(Debug, Clone)]
pub(crate) struct Escrow {
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) seller_id: String,
    pub(crate) state: EscrowState,
    /// What was paid for the consignment, in the buyer's currency.
    pub(crate) amount: Money,
    /// What of it went back.
    pub(crate) refunded: Money,
    /// Goods that went back, in minor units of the seller's currency.
    pub(crate) returned_goods_minor: i64,
    /// What was refunded beside goods; `None` where it was not kept.
    pub(crate) returned_costs: Option<Costs>,
    /// What was quoted.
    pub(crate) terms: SettlementTerms,
}

impl Escrow {
    /// What it still holds.
    pub(crate) fn left(&self) -> Result<Money, AmountTooLarge> {
        Ok(self.amount.checked_sub(self.refunded)?)
    }

    /// What has gone back of it.
    pub(crate) fn returned(&self) -> Result<Returned, AmountTooLarge> {
        let goods = Money::new(self.returned_goods_minor, self.terms.seller_goods.currency())?;
        let costs = match self.returned_costs {
            Some(costs) => costs,
            None => Costs::of(&self.terms, self.refunded, goods)?,
        };
        Ok(Returned { refunded: self.refunded, goods, costs })
    }

    /// Refuses any order but its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), Refusal> {
        hold::check_order(self.order_id, order_id)
    }

    /// Paid out; `None` where it ended before.
    pub(crate) fn release(self) -> Option<Self> {
        (self.state == EscrowState::Held).then_some(Self { state: EscrowState::Released, ..self })
    }

    /// With all that it still held given back, which is returned beside it; `None` where it ended before.
    pub(crate) fn refund_rest(self) -> Result<Option<(Self, Money)>, AmountTooLarge> {
        if self.state != EscrowState::Held {
            return Ok(None);
        }
        let left = self.left()?;
        Ok(Some((Self { state: EscrowState::Refunded, refunded: self.amount, ..self }, left)))
    }

    /// With one more return refunded; `None` where there is no room for it.
    pub(crate) fn refund(self, after: &Returned) -> Option<Self> {
        let is_same = after.refunded.currency() == self.amount.currency();
        let fits = is_same && after.refunded.minor() <= self.amount.minor();
        (fits && self.state != EscrowState::Refunded).then_some(Self {
            refunded: after.refunded,
            returned_goods_minor: after.goods.minor(),
            returned_costs: Some(after.costs),
            ..self
        })
    }
}
