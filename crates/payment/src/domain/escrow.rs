//! The money of a consignment, from the confirmation of its order until it is paid out or given back.

use kernel::{ConsignmentId, HoldId, OrderId};
use money::{Error, Money};

use super::hold::WrongOrder;
use super::returned::{Costs, Returned};
use super::terms::SettlementTerms;

/// Where an escrow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EscrowState {
    /// It holds what was not refunded.
    Held,
    /// It was paid to the seller, the carrier and customs.
    Released,
    /// All that was left was given back: the order was cancelled.
    Refunded,
}

impl EscrowState {
    const ALL: [Self; 3] = [Self::Held, Self::Released, Self::Refunded];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Refunded => "refunded",
        }
    }

    /// As it is in the database.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
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
    pub(crate) fn left(&self) -> Result<Money, Error> {
        self.amount.checked_sub(self.refunded)
    }

    /// What has gone back of it.
    pub(crate) fn returned(&self) -> Result<Returned, Error> {
        let goods = Money::new(self.returned_goods_minor, self.terms.seller_goods.currency())?;
        let costs = match self.returned_costs {
            Some(costs) => costs,
            None => Costs::of(&self.terms, self.refunded, goods)?,
        };
        Ok(Returned { refunded: self.refunded, goods, costs })
    }

    /// Refuses any order but its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), WrongOrder> {
        if self.order_id == order_id { Ok(()) } else { Err(WrongOrder(self.order_id)) }
    }

    /// Paid out; `None` where it ended before.
    pub(crate) fn release(self) -> Option<Self> {
        (self.state == EscrowState::Held).then_some(Self { state: EscrowState::Released, ..self })
    }

    /// With all that it still held given back, which is returned beside it; `None` where it ended before.
    pub(crate) fn refund_rest(self) -> Result<Option<(Self, Money)>, Error> {
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
