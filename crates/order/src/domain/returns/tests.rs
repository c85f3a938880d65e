//! Returns by themselves.

use super::super::consignment::{Event, Parcel};
use super::super::samples::{at, consignment_id, order};
use super::*;
use proptest::prelude::*;

fn delivered() -> Order {
    let order = order(1).confirm(at(2), at(2)).unwrap();
    let parcel =
        Parcel { event: Event::Delivered, place: String::new(), note: String::new(), occurred_at: at(10) };
    let id = consignment_id(&order, 0);
    order.track(id, parcel, Duration::days(7), at(10)).unwrap().unwrap()
}

fn rules() -> Rules {
    Rules { period: Duration::days(30), returns: Returns::default() }
}

fn wanted(order: &Order, lines: Vec<(VariantId, i64)>) -> ReturnRequest {
    ReturnRequest {
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
        Money::sum([line.price.goods(), line.price.duty(), line.price.tax()], line.price.currency()).unwrap();
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
    let other = ask(&order, vec![(second.variant_id, second.quantity)], std::slice::from_ref(&one)).unwrap();
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
        [(Cause::ChangeOfMind, price.goods()), (Cause::WrongOrDamaged, price.total().unwrap())]
    {
        let wanted = ReturnRequest { cause, ..wanted(&order, Vec::new()) };
        let one = Return::request(&order, wanted, &[], &rules, at(20)).unwrap();
        assert_eq!(one.refund().unwrap(), given);
    }
}

#[test]
fn a_return_of_before_is_read() {
    let kept = r#"{"lines":[],"charges":{"minor_units":7,"currency":"MYR"},"reason":"torn"}"#;
    let read: RequestedReturn = serde_json::from_str(kept).unwrap();
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
                .filter(|place| matches!(returns[*place].state, ReturnState::Requested)).collect();
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
            if matches!(one.state, ReturnState::Requested) {
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

proptest! {
    /// However a line whose price was lowered goes back: the seller is charged what was due for it, and never more.
    #[test]
    fn parts_of_a_line_with_a_discount_take_back_what_was_due(off in 0_i64..=70_000, parts in prop::collection::vec(1_i64..4, 7)) {
        let mut order = delivered();
        let currency = order.terms.consignments[0].seller_goods.currency();
        let line = &mut order.terms.consignments[0].lines[1];
        let off = off.min(line.unit_price.minor() * line.quantity);
        line.discount = Some(Money::new(off, currency).unwrap());
        let (line, due) = (line.clone(), line.seller_goods().unwrap());
        let (mut left, mut returns, mut charged) = (line.quantity, Vec::new(), Money::zero(currency));
        for part in parts {
            let units = part.min(left);
            if units == 0 {
                break;
            }
            let one = take(&order, ask(&order, vec![(line.variant_id, units)], &returns).unwrap(), &returns);
            charged = charged.checked_add(one.seller_goods().unwrap().unwrap()).unwrap();
            prop_assert!(charged.minor() <= due.minor());
            returns.push(one);
            left -= units;
        }
        prop_assert_eq!((left, charged), (0, due));
    }
}
