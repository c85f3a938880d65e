//! Goods that go back, and what the buyer gets for them.
//!
//! The lines' goods, duty and tax by quantity. Shares are counted from the line's whole, less what earlier returns
//! have given, and rounded down: all returns of a line together never give more than was paid for it. Carriage,
//! insurance and fees are given back only when the whole consignment goes back at once.

use chrono::{DateTime, Duration, Utc};
use kernel::{ConsignmentId, OrderId, ReturnId, SellerId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::order::{Error, Order};
use super::quote::{QuotedConsignment, QuotedLine};

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
    pub(crate) state: State,
    /// What was asked for.
    pub(crate) request: Requested,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a buyer asked for, and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requested {
    /// What goes back.
    pub(crate) lines: Vec<Line>,
    /// Carriage, insurance and fees of a whole consignment.
    pub(crate) charges: Money,
    /// The buyer's reason.
    pub(crate) reason: String,
}

/// Units of a line that go back, with what they give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
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
pub(crate) enum State {
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
pub(crate) struct Wanted {
    /// Of which consignment.
    pub(crate) consignment_id: ConsignmentId,
    /// Units by variant, each once; none: the whole consignment.
    pub(crate) lines: Vec<(VariantId, i64)>,
    /// Why.
    pub(crate) reason: String,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
}

impl State {
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
    /// A return of `order`; `earlier` are all returns of the consignment so far, `period` is how long after delivery
    /// goods may go back.
    pub(crate) fn request(
        order: &Order,
        wanted: Wanted,
        earlier: &[Self],
        period: Duration,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let (quoted, consignment) = order.consignment(wanted.consignment_id)?;
        let delivery = consignment.delivery.ok_or_else(|| {
            Refusal::new(
                "NOT_DELIVERED",
                "the consignment was not delivered; it can be cancelled or waited for",
            )
        })?;
        if now > delivery.windows_begin_at() + period {
            let message = format!("goods can go back for {} days after delivery", period.num_days());
            return Err(Refusal::new("RETURN_PERIOD_OVER", message).into());
        }
        let earlier: Vec<&Self> =
            earlier.iter().filter(|one| !matches!(one.state, State::Rejected { .. })).collect();
        let units = match wanted.lines.is_empty() {
            true => quoted.lines.iter().map(|line| (line.variant_id, line.quantity)).collect(),
            false => wanted.lines,
        };
        let lines = units
            .iter()
            .map(|(variant_id, quantity)| Line::of(quoted, &earlier, *variant_id, *quantity))
            .collect::<Result<Vec<_>, _>>()?;
        let charges = charges(quoted, &lines, &earlier)?;
        Ok(Self {
            id: ReturnId::new(),
            order_id: order.id,
            consignment_id: quoted.id,
            seller_id: quoted.seller_id,
            buyer: order.terms.buyer.clone(),
            state: State::Requested,
            request: Requested { lines, charges, reason: wanted.reason },
            client_reference: wanted.client_reference,
            created_at: now,
            updated_at: now,
        })
    }

    /// What the buyer gets back.
    pub(crate) fn refund(&self) -> Result<Money, money::Error> {
        let shares = self.request.lines.iter().flat_map(|line| line.shares);
        Money::sum(shares.chain([self.request.charges]), self.request.charges.currency())
    }

    /// The seller's part of it, in the seller's currency; `None` when nothing goes back.
    pub(crate) fn seller_goods(&self) -> Result<Option<Money>, money::Error> {
        let goods = self.request.lines.iter().map(|line| line.seller_goods);
        match self.request.lines.first() {
            None => Ok(None),
            Some(first) => Money::sum(goods, first.seller_goods.currency()).map(Some),
        }
    }

    fn moved_to(self, state: State, now: DateTime<Utc>) -> Self {
        Self { state, updated_at: now, ..self }
    }

    fn not_now(&self) -> Refusal {
        let message = format!("the return is {} already", self.state.as_str());
        Refusal::new("RETURN_NOT_OPEN", message)
    }

    /// The seller agrees.
    pub(crate) fn approve(self, answer: String, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            State::Requested => Ok(self.moved_to(State::Approved { answer }, now)),
            _ => Err(self.not_now()),
        }
    }

    /// The seller declines.
    pub(crate) fn reject(self, answer: String, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            State::Requested => Ok(self.moved_to(State::Rejected { answer }, now)),
            _ => Err(self.not_now()),
        }
    }

    /// The seller has the goods.
    pub(crate) fn receive(self, restock: bool, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match &self.state {
            State::Approved { answer } => {
                let state = State::Received { answer: answer.clone(), restock, failure: String::new() };
                Ok(self.moved_to(state, now))
            }
            State::Requested => Err(Refusal::new("RETURN_NOT_APPROVED", "approve the return first")),
            _ => Err(self.not_now()),
        }
    }

    /// The buyer has the money; `None` when that was known.
    pub(crate) fn refunded(self, now: DateTime<Utc>) -> Option<Self> {
        match &self.state {
            State::Received { answer, restock, .. } => {
                let state = State::Refunded { answer: answer.clone(), restock: *restock };
                Some(self.moved_to(state, now))
            }
            _ => None,
        }
    }

    /// Payment could not refund: an operator must look at it.
    pub(crate) fn refund_failed(self, failure: String, now: DateTime<Utc>) -> Option<Self> {
        match &self.state {
            State::Received { answer, restock, .. } => {
                let state = State::Received { answer: answer.clone(), restock: *restock, failure };
                Some(self.moved_to(state, now))
            }
            _ => None,
        }
    }
}

impl Line {
    fn of(
        quoted: &QuotedConsignment,
        earlier: &[&Return],
        variant_id: VariantId,
        quantity: i64,
    ) -> Result<Self, Error> {
        let line = quoted.lines.iter().find(|line| line.variant_id == variant_id);
        let bought = line.map_or(0, |line| line.quantity);
        let before: Vec<&Line> = earlier
            .iter()
            .flat_map(|one| &one.request.lines)
            .filter(|line| line.variant_id == variant_id)
            .collect();
        let gone: i64 = before.iter().map(|line| line.quantity).sum();
        let Some(line) = line.filter(|_| (1..=bought - gone).contains(&quantity)) else {
            let message =
                format!("{quantity} of {variant_id}: {bought} were bought, {gone} of them went back");
            let mut refusal = Refusal::new("QUANTITY_EXCEEDED", message);
            refusal.metadata.push(("variant_id".to_owned(), variant_id.to_string()));
            return Err(refusal.into());
        };
        Ok(Self {
            variant_id,
            quantity,
            shares: shares(line, &before, gone + quantity)?,
            seller_goods: line.unit_price.checked_mul(quantity)?,
        })
    }
}

/// What `units` units give altogether, less what was given before.
fn shares(line: &QuotedLine, before: &[&Line], units: i64) -> Result<[Money; 3], money::Error> {
    let mut shares = [line.price.goods, line.price.duty, line.price.tax];
    for (place, share) in shares.iter_mut().enumerate() {
        let given = Money::sum(before.iter().map(|line| line.shares[place]), share.currency())?;
        let due = part(*share, units, line.quantity)?.checked_sub(given)?;
        *share = if due.is_negative() { Money::zero(due.currency()) } else { due };
    }
    Ok(shares)
}

/// `units` of `of` parts of an amount, rounded down.
fn part(amount: Money, units: i64, of: i64) -> Result<Money, money::Error> {
    let minor = i128::from(amount.minor()) * i128::from(units) / i128::from(of.max(1));
    Money::new(i64::try_from(minor).map_err(|_| money::Error::Overflow)?, amount.currency())
}

fn charges(quoted: &QuotedConsignment, lines: &[Line], earlier: &[&Return]) -> Result<Money, money::Error> {
    let price = &quoted.price;
    let whole = earlier.is_empty()
        && quoted.lines.iter().all(|line| {
            lines.iter().any(|back| back.variant_id == line.variant_id && back.quantity == line.quantity)
        });
    if whole {
        return Money::sum([price.carriage, price.insurance, price.fees], price.currency());
    }
    Ok(Money::zero(price.currency()))
}

#[cfg(test)]
mod tests {
    use super::super::consignment::{Event, Parcel};
    use super::super::samples::{at, consignment_id, order};
    use super::*;
    use proptest::prelude::*;

    fn delivered() -> Order {
        let order = order(1).confirm(at(2), at(2)).unwrap();
        let parcel = Parcel {
            event: Event::Delivered,
            place: String::new(),
            note: String::new(),
            occurred_at: at(10),
        };
        let id = consignment_id(&order, 0);
        order.track(id, parcel, Duration::days(7), at(10)).unwrap().unwrap()
    }

    fn ask(order: &Order, lines: Vec<(VariantId, i64)>, earlier: &[Return]) -> Result<Return, Error> {
        let consignment_id = consignment_id(order, 0);
        let wanted = Wanted { consignment_id, lines, reason: "torn".to_owned(), client_reference: None };
        Return::request(order, wanted, earlier, Duration::days(30), at(20))
    }

    fn reason(refused: Result<Return, Error>) -> String {
        match refused {
            Err(Error::Refused(refusal)) => refusal.reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_whole_consignment_gives_all_back() {
        let order = delivered();
        let all = ask(&order, Vec::new(), &[]).unwrap();
        assert_eq!(all.refund().unwrap(), order.terms.price.total().unwrap());
        assert_eq!(all.seller_goods().unwrap(), Some(order.terms.consignments[0].seller_goods));
        assert_eq!(reason(ask(&order, Vec::new(), std::slice::from_ref(&all))), "QUANTITY_EXCEEDED");
        let rejected = all.reject("worn".to_owned(), at(21)).unwrap();
        assert!(ask(&order, Vec::new(), &[rejected]).is_ok());
    }

    #[test]
    fn a_part_gives_no_carriage() {
        let order = delivered();
        let line = order.terms.consignments[0].lines[0].clone();
        let one = ask(&order, vec![(line.variant_id, line.quantity)], &[]).unwrap();
        let expected =
            Money::sum([line.price.goods, line.price.duty, line.price.tax], line.price.currency()).unwrap();
        assert_eq!(one.refund().unwrap(), expected);
        assert_eq!(reason(ask(&order, vec![(line.variant_id, line.quantity + 1)], &[])), "QUANTITY_EXCEEDED");
        assert_eq!(reason(ask(&order, vec![(VariantId::new(), 1)], &[])), "QUANTITY_EXCEEDED");
    }

    #[test]
    fn there_is_a_time_to_send_back() {
        let delivered = delivered();
        let ask = |now| {
            let consignment_id = consignment_id(&delivered, 0);
            let wanted =
                Wanted { consignment_id, lines: Vec::new(), reason: String::new(), client_reference: None };
            Return::request(&delivered, wanted, &[], Duration::days(30), now)
        };
        let last = at(10) + Duration::days(30);
        assert!(ask(last).is_ok());
        assert_eq!(reason(ask(last + Duration::microseconds(1))), "RETURN_PERIOD_OVER");
        let early = order(1);
        let wanted = Wanted {
            consignment_id: consignment_id(&early, 0),
            lines: Vec::new(),
            reason: String::new(),
            client_reference: None,
        };
        let refused = Return::request(&early, wanted, &[], Duration::days(30), at(3));
        assert_eq!(reason(refused), "NOT_DELIVERED");
    }

    #[test]
    fn a_return_goes_its_way() {
        let order = delivered();
        let asked = ask(&order, Vec::new(), &[]).unwrap();
        assert_eq!(asked.clone().receive(true, at(21)).unwrap_err().reason, "RETURN_NOT_APPROVED");
        assert!(asked.clone().refunded(at(21)).is_none());
        let approved = asked.approve("sorry".to_owned(), at(21)).unwrap();
        assert_eq!(approved.clone().reject(String::new(), at(22)).unwrap_err().reason, "RETURN_NOT_OPEN");
        let received = approved.receive(true, at(23)).unwrap();
        let failed = received.refund_failed("nothing left".to_owned(), at(24)).unwrap();
        let refunded = failed.refunded(at(25)).unwrap();
        assert_eq!(refunded.state.answer(), ("sorry", true));
        assert!(refunded.refunded(at(26)).is_none());
    }

    proptest! {
        /// However units go back and returns are rejected, no line ever gives more than was paid for it, and when
        /// all units have gone back without a rejection it gives all of it.
        #[test]
        fn returns_never_exceed_the_line(steps in prop::collection::vec((1_i64..4, any::<bool>()), 1..20)) {
            let order = delivered();
            let line = order.terms.consignments[0].lines[1].clone();
            let mut returns: Vec<Return> = Vec::new();
            let mut rejected = false;
            for (quantity, reject) in steps {
                if let Ok(one) = ask(&order, vec![(line.variant_id, quantity)], &returns) {
                    rejected |= reject;
                    returns.push(if reject { one.reject(String::new(), at(30)).unwrap() } else { one });
                }
            }
            let counted: Vec<&Return> =
                returns.iter().filter(|one| !matches!(one.state, State::Rejected { .. })).collect();
            let whole = [line.price.goods, line.price.duty, line.price.tax];
            let units: i64 = counted.iter().flat_map(|one| &one.request.lines).map(|line| line.quantity).sum();
            prop_assert!(units <= line.quantity);
            for (place, whole) in whole.into_iter().enumerate() {
                let given: i64 = counted.iter().flat_map(|one| &one.request.lines)
                    .map(|line| line.shares[place].minor()).sum();
                prop_assert!(given <= whole.minor());
                if units == line.quantity && !rejected {
                    prop_assert_eq!(given, whole.minor());
                }
            }
        }
    }
}
