//! Goods that go back, and what the buyer gets for them.
//!
//! The lines' goods, duty and tax by quantity, by largest remainder: all returns of a line together give what was paid for
//! it, and never more. Carriage, insurance and fees are given back with the last units of a consignment,
//! whether it goes back at once or in parts. What a return gives is settled when its goods come back, by what has come
//! back before it: so returns that were asked for and declined, and the order in which others arrive, change nothing.

use std::ops::Range;

use chrono::{DateTime, Duration, Utc};
use hub::{Bearer, ReturnTerms, Returns};
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

/// Who bears what goods that go back have cost: the profile's, as it was when the return was asked for.
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
    /// A return of `order`; `earlier` are the returns of the consignment so far. What it gives is what it would if all of
    /// them that were not declined came back before it.
    pub(crate) fn request(
        order: &Order,
        wanted: Wanted,
        earlier: &[Self],
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let (quoted, consignment) = order.consignment(wanted.consignment_id)?;
        let delivery = consignment.delivery.ok_or_else(|| {
            Refusal::new(
                "NOT_DELIVERED",
                "the consignment was not delivered; it can be cancelled or waited for",
            )
        })?;
        if now > delivery.windows_begin_at() + rules.period {
            let message = format!("goods can go back for {} days after delivery", rules.period.num_days());
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
            state: State::Requested,
            request: Requested { lines, charges, reason: wanted.reason, cause: wanted.cause, bearers },
            client_reference: wanted.client_reference,
            created_at: now,
            updated_at: now,
        })
    }

    /// Whether its units are gone, or on their way.
    fn counts(&self) -> bool {
        !matches!(self.state, State::Rejected { .. })
    }

    /// Whether its goods came back.
    fn has_come_back(&self) -> bool {
        matches!(self.state, State::Received { .. } | State::Refunded { .. })
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
            State::Approved { answer } => {
                State::Received { answer: answer.clone(), restock, failure: String::new() }
            }
            State::Requested => {
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

/// What units give after `earlier` returns: their lines, and carriage, insurance and fees with the last of them.
fn worth(
    quoted: &QuotedConsignment,
    units: &[(VariantId, i64)],
    earlier: &[&Return],
    bearers: Bearers,
) -> Result<(Vec<Line>, Money), Error> {
    let lines = units
        .iter()
        .map(|(variant_id, quantity)| Line::of(quoted, earlier, *variant_id, *quantity, bearers))
        .collect::<Result<Vec<_>, _>>()?;
    let charges = charges(quoted, &lines, earlier, bearers)?;
    Ok((lines, charges))
}

/// Units of a line that went back by these returns.
fn gone(earlier: &[&Return], variant_id: VariantId) -> i64 {
    let lines = earlier.iter().flat_map(|one| &one.request.lines);
    lines.filter(|line| line.variant_id == variant_id).map(|line| line.quantity).sum()
}

impl Line {
    fn of(
        quoted: &QuotedConsignment,
        earlier: &[&Return],
        variant_id: VariantId,
        quantity: i64,
        bearers: Bearers,
    ) -> Result<Self, Error> {
        let line = quoted.lines.iter().find(|line| line.variant_id == variant_id);
        let bought = line.map_or(0, |line| line.quantity);
        let gone = gone(earlier, variant_id);
        let Some(line) = line.filter(|_| (1..=bought - gone).contains(&quantity)) else {
            let message =
                format!("{quantity} of {variant_id}: {bought} were bought, {gone} of them went back");
            let mut refusal = Refusal::new("QUANTITY_EXCEEDED", message);
            refusal.metadata.push(("variant_id".to_owned(), variant_id.to_string()));
            return Err(refusal.into());
        };
        let before = earlier.iter().flat_map(|one| &one.request.lines);
        let before: Vec<&Line> = before.filter(|line| line.variant_id == variant_id).collect();
        Ok(Self {
            variant_id,
            quantity,
            shares: shares(line, &before, gone..gone + quantity, bearers)?,
            seller_goods: line.unit_price.checked_mul(quantity)?,
        })
    }
}

/// What these units of the line give, of which those before the range have gone: never more than is left of what was
/// paid.
fn shares(
    line: &QuotedLine,
    before: &[&Line],
    units: Range<i64>,
    bearers: Bearers,
) -> Result<[Money; 3], money::Error> {
    let mut shares = [line.price.goods, line.price.duty, line.price.tax];
    for (place, share) in shares.iter_mut().enumerate() {
        let nothing = Money::zero(share.currency());
        if place > 0 && bearers.duty_and_tax == Bearer::Buyer {
            *share = nothing;
            continue;
        }
        let given = Money::sum(before.iter().map(|line| line.shares[place]), share.currency())?;
        let left = share.checked_sub(given)?;
        let due =
            part(*share, units.end, line.quantity)?.checked_sub(part(*share, units.start, line.quantity)?)?;
        let due = if due.checked_cmp(left)?.is_gt() { left } else { due };
        *share = if due.is_negative() { nothing } else { due };
    }
    Ok(shares)
}

/// What the first `units` of `of` equal ones come to: the largest remainder gives what is left over to the earlier units, one
/// minor unit each.
fn part(amount: Money, units: i64, of: i64) -> Result<Money, money::Error> {
    let (each, left_over) = (amount.minor() / of.max(1), amount.minor() % of.max(1));
    let minor = i128::from(each) * i128::from(units) + i128::from(left_over.min(units));
    Money::new(i64::try_from(minor).map_err(|_| money::Error::Overflow)?, amount.currency())
}

fn charges(
    quoted: &QuotedConsignment,
    lines: &[Line],
    earlier: &[&Return],
    bearers: Bearers,
) -> Result<Money, money::Error> {
    let price = &quoted.price;
    let is_over = |line: &QuotedLine| {
        let now = lines.iter().filter(|back| back.variant_id == line.variant_id);
        gone(earlier, line.variant_id) + now.map(|back| back.quantity).sum::<i64>() == line.quantity
    };
    if bearers.outward_carriage == Bearer::Buyer || !quoted.lines.iter().all(is_over) {
        return Ok(Money::zero(price.currency()));
    }
    let all = Money::sum([price.carriage, price.insurance, price.fees], price.currency())?;
    let given = Money::sum(earlier.iter().map(|one| one.request.charges), price.currency())?;
    all.checked_sub(given)
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

    fn rules() -> Rules {
        Rules { period: Duration::days(30), returns: Returns::default() }
    }

    fn wanted(order: &Order, lines: Vec<(VariantId, i64)>) -> Wanted {
        Wanted {
            consignment_id: consignment_id(order, 0),
            lines,
            reason: "torn".to_owned(),
            cause: Cause::ChangeOfMind,
            client_reference: None,
        }
    }

    fn ask(order: &Order, lines: Vec<(VariantId, i64)>, earlier: &[Return]) -> Result<Return, Error> {
        Return::request(order, wanted(order, lines), earlier, &rules(), at(20))
    }

    fn take(order: &Order, one: Return, others: &[Return]) -> Return {
        let one = one.approve(String::new(), at(21)).unwrap();
        one.receive(&order.terms.consignments[0], others, true, at(22)).unwrap()
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
        let ask = |now| Return::request(&delivered, wanted(&delivered, Vec::new()), &[], &rules(), now);
        let last = at(10) + Duration::days(30);
        assert!(ask(last).is_ok());
        assert_eq!(reason(ask(last + Duration::microseconds(1))), "RETURN_PERIOD_OVER");
        let early = order(1);
        let refused = Return::request(&early, wanted(&early, Vec::new()), &[], &rules(), at(3));
        assert_eq!(reason(refused), "NOT_DELIVERED");
    }

    #[test]
    fn a_return_goes_its_way() {
        let order = delivered();
        let asked = ask(&order, Vec::new(), &[]).unwrap();
        let quoted = &order.terms.consignments[0];
        assert_eq!(reason(asked.clone().receive(quoted, &[], true, at(21))), "RETURN_NOT_APPROVED");
        assert!(asked.clone().refunded(at(21)).is_none());
        let approved = asked.approve("sorry".to_owned(), at(21)).unwrap();
        assert_eq!(approved.clone().reject(String::new(), at(22)).unwrap_err().reason, "RETURN_NOT_OPEN");
        let received = approved.receive(quoted, &[], true, at(23)).unwrap();
        let failed = received.refund_failed("nothing left".to_owned(), at(24)).unwrap();
        let refunded = failed.refunded(at(25)).unwrap();
        assert_eq!(refunded.state.answer(), ("sorry", true));
        assert!(refunded.refunded(at(26)).is_none());
    }

    #[test]
    fn the_last_units_bring_the_carriage_however_many_were_declined() {
        let order = delivered();
        let whole = ask(&order, Vec::new(), &[]).unwrap().refund().unwrap();
        let units: Vec<VariantId> = order.terms.consignments[0]
            .lines
            .iter()
            .flat_map(|line| std::iter::repeat_n(line.variant_id, usize::try_from(line.quantity).unwrap()))
            .collect();
        let (mut returns, mut given) = (Vec::new(), 0);
        for variant_id in units {
            let declined = ask(&order, vec![(variant_id, 1)], &returns).unwrap();
            returns.push(declined.reject(String::new(), at(21)).unwrap());
            let one = take(&order, ask(&order, vec![(variant_id, 1)], &returns).unwrap(), &returns);
            given += one.refund().unwrap().minor();
            returns.push(one);
        }
        assert_eq!(given, whole.minor());
    }

    #[test]
    fn what_is_on_its_way_counts_when_it_comes() {
        let order = delivered();
        let [first, second] = [0, 1].map(|place| order.terms.consignments[0].lines[place].clone());
        let one = ask(&order, vec![(first.variant_id, first.quantity)], &[]).unwrap();
        let other =
            ask(&order, vec![(second.variant_id, second.quantity)], std::slice::from_ref(&one)).unwrap();
        // The first is declined after the second was promised the carriage.
        assert!(other.request.charges.is_positive());
        let declined = one.reject(String::new(), at(21)).unwrap();
        let other = take(&order, other, std::slice::from_ref(&declined));
        assert!(other.request.charges.is_zero());
        let earlier = [declined, other];
        let last = ask(&order, vec![(first.variant_id, first.quantity)], &earlier).unwrap();
        assert!(take(&order, last, &earlier).request.charges.is_positive());
    }

    #[test]
    fn what_the_buyer_bears_is_not_given_back() {
        let order = delivered();
        let bears = ReturnTerms {
            outward_carriage: Bearer::Buyer,
            return_carriage: Bearer::Buyer,
            duty_and_tax: Bearer::Buyer,
        };
        let returns = Returns { change_of_mind: bears, ..Returns::default() };
        let rules = Rules { returns, ..rules() };
        let price = order.terms.consignments[0].price;
        for (cause, given) in
            [(Cause::ChangeOfMind, price.goods), (Cause::WrongOrDamaged, price.total().unwrap())]
        {
            let wanted = Wanted { cause, ..wanted(&order, Vec::new()) };
            let one = Return::request(&order, wanted, &[], &rules, at(20)).unwrap();
            assert_eq!(one.refund().unwrap(), given);
        }
    }

    #[test]
    fn a_return_of_before_is_read() {
        let kept = r#"{"lines":[],"charges":{"minor_units":7,"currency":"MYR"},"reason":"torn"}"#;
        let read: Requested = serde_json::from_str(kept).unwrap();
        assert_eq!((read.cause, read.bearers.outward_carriage), (Cause::ChangeOfMind, Bearer::Seller));
    }

    proptest! {
        /// However units go back, are declined, and come in whatever order: never more is given than was paid, and once
        /// all have come back all of it is.
        #[test]
        fn returns_come_to_the_whole(
            steps in prop::collection::vec((0_usize..2, 1_i64..4, 0_u8..3, any::<prop::sample::Index>()), 1..40),
        ) {
            let order = delivered();
            let quoted = &order.terms.consignments[0];
            let mut returns: Vec<Return> = Vec::new();
            for (line, quantity, way, which) in steps {
                if let Ok(one) = ask(&order, vec![(quoted.lines[line].variant_id, quantity)], &returns) {
                    returns.push(one);
                }
                let open: Vec<usize> = (0..returns.len())
                    .filter(|place| matches!(returns[*place].state, State::Requested)).collect();
                if open.is_empty() || way == 0 {
                    continue;
                }
                let place = *which.get(&open);
                returns[place] = match way {
                    1 => returns[place].clone().reject(String::new(), at(21)).unwrap(),
                    _ => take(&order, returns[place].clone(), &returns),
                };
            }
            let given: i64 = returns.iter().filter(|one| one.has_come_back())
                .map(|one| one.refund().unwrap().minor()).sum();
            prop_assert!(given <= quoted.price.total().unwrap().minor());
            // The rest is declined, and comes back one by one.
            for one in &mut returns {
                if matches!(one.state, State::Requested) {
                    *one = one.clone().reject(String::new(), at(21)).unwrap();
                }
            }
            for line in &quoted.lines {
                while let Ok(one) = ask(&order, vec![(line.variant_id, 1)], &returns) {
                    let one = take(&order, one, &returns);
                    returns.push(one);
                }
            }
            let given: i64 = returns.iter().filter(|one| one.has_come_back())
                .map(|one| one.refund().unwrap().minor()).sum();
            prop_assert_eq!(given, quoted.price.total().unwrap().minor());
        }
    }
}
