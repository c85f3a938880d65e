//! Goods that go back, and what the buyer gets for them.
//!
//! What a return gives is settled when its goods come back, by what has come back before it: so returns that were asked for
//! and declined, and the order in which others arrive, change nothing.

mod worth;

use chrono::{DateTime, Duration, Utc};
use hub::{Bearer, ReturnTerms, Returns};
use kernel::{ConsignmentId, OrderId, ReturnId, SellerId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::order::{Error, Order};
use super::quote::QuotedConsignment;
use worth::worth;

/// Goods that go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Return {
    /// Its id.
    pub(crate) id: ReturnId,
    /// Of which order.
    pub(crate) order_id: OrderId,
    /// Of which consignment.
    pub(crate) consignment_id: ConsignmentId,
    /// Who sold.
    pub(crate) seller_id: SellerId,
    /// Who bought.
    pub(crate) buyer: String,
    /// Where it stands.
    pub(crate) state: ReturnState,
    /// What was asked for.
    pub(crate) request: RequestedReturn,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a buyer asked for, and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestedReturn {
    /// What goes back.
    pub(crate) lines: Vec<ReturnLine>,
    /// Carriage, insurance and fees of a whole consignment.
    pub(crate) charges: Money,
    /// The buyer's reason.
    pub(crate) reason: String,
    /// Why, as far as it decides who bears the costs.
    #[serde(default)]
    pub(crate) cause: Cause,
    /// Who does.
    #[serde(default)]
    pub(crate) bearers: Bearers,
}

/// Why goods go back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The buyer does not want them.
    #[default]
    ChangeOfMind,
    /// They are not what was sold, or broken.
    WrongOrDamaged,
}

/// Who bears the costs of returned goods: as the profile said when the return was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bearers {
    /// Carriage to the buyer, with insurance and fees.
    pub(crate) outward_carriage: Bearer,
    /// Carriage back.
    pub(crate) return_carriage: Bearer,
    /// Duty and tax on the units.
    pub(crate) duty_and_tax: Bearer,
}

impl Default for Bearers {
    /// As it was before profiles said it.
    fn default() -> Self {
        Self::of(&Returns::default().change_of_mind)
    }
}

impl Bearers {
    fn of(terms: &ReturnTerms) -> Self {
        let ReturnTerms { outward_carriage, return_carriage, duty_and_tax } = *terms;
        Self { outward_carriage, return_carriage, duty_and_tax }
    }
}

impl Cause {
    /// Who bears the costs, by the profile.
    pub(crate) fn bearers(self, returns: &Returns) -> Bearers {
        Bearers::of(match self {
            Self::ChangeOfMind => &returns.change_of_mind,
            Self::WrongOrDamaged => &returns.wrong_or_damaged,
        })
    }
}

/// Units of a line that go back, with what they give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReturnLine {
    /// What.
    pub(crate) variant_id: VariantId,
    /// How many units.
    pub(crate) quantity: i64,
    /// Goods, duty and tax, in the buyer's currency.
    pub(crate) shares: [Money; 3],
    /// The goods in the seller's currency.
    pub(crate) seller_goods: Money,
}

/// Where a return stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum ReturnState {
    /// The buyer has asked.
    Requested,
    /// The seller agreed.
    Approved {
        /// For the buyer.
        answer: String,
    },
    /// The seller declined.
    Rejected {
        /// For the buyer.
        answer: String,
    },
    /// The goods came back; the refund is on its way.
    Received {
        /// For the buyer.
        answer: String,
        /// They can be sold again.
        restock: bool,
        /// Why payment could not refund, for operators; empty: not known to have failed.
        failure: String,
    },
    /// The money was given back.
    Refunded {
        /// For the buyer.
        answer: String,
        /// They can be sold again.
        restock: bool,
    },
}

/// What a buyer wants to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnRequest {
    /// Of which consignment.
    pub(crate) consignment_id: ConsignmentId,
    /// Units by variant, each once; none: the whole consignment.
    pub(crate) lines: Vec<(VariantId, i64)>,
    /// Why.
    pub(crate) reason: String,
    /// Why, as far as it decides who bears the costs.
    pub(crate) cause: Cause,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
}

/// By what a hub takes goods back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// How long after delivery goods may go back.
    pub(crate) period: Duration,
    /// Who bears the costs.
    pub(crate) returns: Returns,
}

/// The most returns of a consignment that were not declined.
pub(crate) const OF_CONSIGNMENT_MAX: usize = 1_000;

impl ReturnState {
    /// As it is stored and searched for.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Received { .. } => "received",
            Self::Refunded { .. } => "refunded",
        }
    }

    /// The seller's answer and whether the goods can be sold again.
    pub(crate) fn answer(&self) -> (&str, bool) {
        match self {
            Self::Requested => ("", false),
            Self::Approved { answer } | Self::Rejected { answer } => (answer, false),
            Self::Received { answer, restock, .. } | Self::Refunded { answer, restock } => (answer, *restock),
        }
    }
}

impl Return {
    /// A return of `order`; `earlier` are the returns of the consignment so far. What it gives is what it would if all of
    /// them that were not declined came back before it.
    pub(crate) fn request(
        order: &Order,
        wanted: ReturnRequest,
        earlier: &[Self],
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let (quoted, consignment) = order.consignment(wanted.consignment_id)?;
        let delivery = consignment.delivery.ok_or_else(|| {
            Refusal::new(
                "NOT_DELIVERED",
                "the consignment has not been delivered: cancel the order or wait for the delivery",
            )
        })?;
        if now > delivery.windows_begin_at() + rules.period {
            let message =
                format!("goods can be returned for {} days after delivery", rules.period.num_days());
            return Err(Refusal::new("RETURN_PERIOD_OVER", message).into());
        }
        let earlier: Vec<&Self> = earlier.iter().filter(|one| one.counts()).collect();
        if earlier.len() >= OF_CONSIGNMENT_MAX {
            let message = format!("a consignment has at most {OF_CONSIGNMENT_MAX} returns");
            return Err(Refusal::new("TOO_MANY_RETURNS", message).into());
        }
        let units = match wanted.lines.is_empty() {
            true => quoted.lines.iter().map(|line| (line.variant_id, line.quantity)).collect(),
            false => wanted.lines,
        };
        let bearers = wanted.cause.bearers(&rules.returns);
        let (lines, charges) = worth(quoted, &units, &earlier, bearers)?;
        Ok(Self {
            id: ReturnId::new(),
            order_id: order.id,
            consignment_id: quoted.id,
            seller_id: quoted.seller_id,
            buyer: order.terms.buyer.clone(),
            state: ReturnState::Requested,
            request: RequestedReturn { lines, charges, reason: wanted.reason, cause: wanted.cause, bearers },
            client_reference: wanted.client_reference,
            created_at: now,
            updated_at: now,
        })
    }

    /// Whether its units are gone, or on their way.
    fn counts(&self) -> bool {
        !matches!(self.state, ReturnState::Rejected { .. })
    }

    /// Whether its goods came back.
    fn has_come_back(&self) -> bool {
        matches!(self.state, ReturnState::Received { .. } | ReturnState::Refunded { .. })
    }

    /// What the buyer gets back.
    pub(crate) fn refund(&self) -> Result<Money, money::Error> {
        let shares = self.request.lines.iter().flat_map(|line| line.shares);
        Money::sum(shares.chain([self.request.charges]), self.request.charges.currency())
    }

    /// What it gives of duty and tax.
    pub(crate) fn duty_and_tax(&self) -> Result<Money, money::Error> {
        let shares = self.request.lines.iter().flat_map(|line| [line.shares[1], line.shares[2]]);
        Money::sum(shares, self.request.charges.currency())
    }

    /// The seller's part of it, in the seller's currency; `None` when nothing goes back.
    pub(crate) fn seller_goods(&self) -> Result<Option<Money>, money::Error> {
        let goods = self.request.lines.iter().map(|line| line.seller_goods);
        match self.request.lines.first() {
            None => Ok(None),
            Some(first) => Money::sum(goods, first.seller_goods.currency()).map(Some),
        }
    }

    fn moved_to(self, state: ReturnState, now: DateTime<Utc>) -> Self {
        Self { state, updated_at: now, ..self }
    }

    fn not_now(&self) -> Refusal {
        let message = format!("the return is already {}", self.state.as_str());
        Refusal::new("RETURN_NOT_OPEN", message)
    }

    /// The seller agrees.
    pub(crate) fn approve(self, answer: String, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            ReturnState::Requested => Ok(self.moved_to(ReturnState::Approved { answer }, now)),
            _ => Err(self.not_now()),
        }
    }

    /// The seller declines.
    pub(crate) fn reject(self, answer: String, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            ReturnState::Requested => Ok(self.moved_to(ReturnState::Rejected { answer }, now)),
            _ => Err(self.not_now()),
        }
    }

    /// The seller has the goods. What they give is settled now, by those of the `others` of the consignment, as it was
    /// `quoted`, that came back before.
    pub(crate) fn receive(
        mut self,
        quoted: &QuotedConsignment,
        others: &[Self],
        restock: bool,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let state = match &self.state {
            ReturnState::Approved { answer } => {
                ReturnState::Received { answer: answer.clone(), restock, failure: String::new() }
            }
            ReturnState::Requested => {
                return Err(Refusal::new("RETURN_NOT_APPROVED", "approve the return first").into());
            }
            _ => return Err(self.not_now().into()),
        };
        let before: Vec<&Self> =
            others.iter().filter(|one| one.id != self.id && one.has_come_back()).collect();
        let units: Vec<(VariantId, i64)> =
            self.request.lines.iter().map(|line| (line.variant_id, line.quantity)).collect();
        (self.request.lines, self.request.charges) = worth(quoted, &units, &before, self.request.bearers)?;
        Ok(self.moved_to(state, now))
    }

    /// The buyer has the money; `None` when that was known.
    pub(crate) fn refunded(self, now: DateTime<Utc>) -> Option<Self> {
        match &self.state {
            ReturnState::Received { answer, restock, .. } => {
                let state = ReturnState::Refunded { answer: answer.clone(), restock: *restock };
                Some(self.moved_to(state, now))
            }
            _ => None,
        }
    }

    /// Payment could not refund: an operator must look at it.
    pub(crate) fn refund_failed(self, failure: String, now: DateTime<Utc>) -> Option<Self> {
        match &self.state {
            ReturnState::Received { answer, restock, .. } => {
                let state = ReturnState::Received { answer: answer.clone(), restock: *restock, failure };
                Some(self.moved_to(state, now))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
