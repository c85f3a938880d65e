//! What holds for a consignment of any lines: nothing is lost between the whole and its lines, no part is below zero, and
//! each is within a minor unit of its exact share.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

use std::sync::Arc;

use customs::landed_cost::{Amounts, Charges};
use customs::rules::{Reference, Rules};
use customs::{LandedCost, Line, Rates, Ruleset, Shipment, exact_charges, landed_cost};
use money::{Currency, Money};
use proptest::prelude::*;
use rust_decimal::Decimal;
use trade::Transport;

/// Currencies of 0, 2 and 3 decimals.
fn currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(["JPY", "MYR", "THB", "KWD"].map(|code| code.parse().unwrap()).to_vec())
}

fn ruleset(currency: Currency, valuation: &str, freight_spread: &str, rounded_per: &str) -> Ruleset {
    let rules = serde_json::json!({
        "title": "test", "valuation": valuation, "freight_spread": freight_spread, "rounded_per": rounded_per,
        "fees": [{"rule": "handling", "title": "Handling", "source": "test", "amount": "7"}],
        "levies": [
            {"code": "duty", "kind": "duty", "title": "Duty", "rules": [
                {"rule": "duty", "title": "Duty", "source": "test", "rate": "0.075"}]},
            {"code": "tax", "kind": "tax", "title": "Tax", "rules": [
                {"rule": "low", "title": "Low value", "source": "test", "rate": "0.0333", "base": ["price"],
                 "collected": "seller", "value": {"per": "item", "basis": "price", "at_most": "10"}},
                {"rule": "tax", "title": "Tax", "source": "test", "rate": "0.11", "base": ["cif", "duty", "fees"]}]},
        ],
    });
    let rules: Rules = serde_json::from_value(rules).unwrap();
    Ruleset { name: "test".to_owned(), currency, rules, reference: Arc::new(Reference::default()) }
}

fn line(currency: Currency, price: i64, quantity: i64, grams: i64) -> Line {
    let here = "TH".parse().unwrap();
    Line {
        origin: here,
        from: here,
        quantity,
        unit_price: Money::new(price, currency).unwrap(),
        discount: Money::zero(currency),
        hs_code: None,
        category: None,
        weight_grams: Some(grams),
        preference: None,
        rates: Rates::default(),
    }
}

/// Price, quantity, grams of each line; many baskets are of one price.
fn lines() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    let line = (
        prop_oneof![Just(0_i64), 1_i64..100, 0_i64..10_000_000],
        prop_oneof![Just(1_i64), 1_i64..=1_000_000],
        prop_oneof![Just(0_i64), 0_i64..=1_000_000],
    );
    let equal = (line.clone(), 1_usize..=500).prop_map(|(line, lines)| vec![line; lines]);
    let few = proptest::collection::vec(line.clone(), 1..12);
    prop_oneof![equal, few, proptest::collection::vec(line, 1..=500)]
}

fn parts(amounts: &Amounts) -> [Money; 8] {
    [
        amounts.goods,
        amounts.freight,
        amounts.insurance,
        amounts.duty,
        amounts.excise,
        amounts.import_tax,
        amounts.seller_tax,
        amounts.fees,
    ]
}

fn customs_value(amounts: &Amounts, valuation: &str) -> Money {
    let more = if valuation == "cif" { vec![amounts.freight, amounts.insurance] } else { Vec::new() };
    Money::sum([vec![amounts.goods], more].concat(), amounts.goods.currency()).unwrap()
}

/// Whether the part is less than a minor unit from `total * weight / all`.
fn is_close(part: Money, total: Money, weight: i128, all: i128, lines: usize) -> bool {
    let (weight, all) = if all == 0 { (1, i128::try_from(lines).unwrap()) } else { (weight, all) };
    (i128::from(part.minor()) * all - i128::from(total.minor()) * weight).abs() < all
}

fn shares_hold(cost: &LandedCost, valuation: &str) -> Result<(), TestCaseError> {
    for line in &cost.lines {
        prop_assert!(parts(line).iter().all(|part| !part.is_negative()), "{line:?}");
    }
    for (place, total) in parts(&cost.total).into_iter().enumerate() {
        let of_lines = Money::sum(cost.lines.iter().map(|line| parts(line)[place]), cost.currency);
        prop_assert_eq!(of_lines, Ok(total));
    }
    prop_assert_eq!(customs_value(&cost.total, valuation), cost.customs_value);
    Ok(())
}

fn exact(charges: &Charges) -> [Decimal; 4] {
    [charges.duty, charges.excise, charges.tax, charges.fees]
}

/// What each line bears is not below zero, and all of it is the total.
fn charges_hold(cost: &LandedCost, of_lines: &[Charges]) -> Result<(), TestCaseError> {
    prop_assert_eq!(of_lines.len(), cost.lines.len());
    let total = &cost.total;
    let totals = [total.duty, total.excise, total.tax().unwrap(), total.fees];
    for (place, total) in totals.into_iter().enumerate() {
        let charges: Vec<Decimal> = of_lines.iter().map(|line| exact(line)[place]).collect();
        prop_assert!(charges.iter().all(|charge| *charge >= Decimal::ZERO), "{charges:?}");
        let cut_off = charges.iter().sum::<Decimal>() - total.to_decimal();
        prop_assert!(cut_off.abs() < Decimal::new(1, 9), "{charges:?} for {total}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn lines_share_the_whole(
        lines in lines(),
        (hub, foreign, is_foreign) in (currency(), currency(), any::<bool>()),
        (freight, insurance) in (0_i64..10_000_000, 0_i64..1_000),
        (rate, charge_rate) in (1_i64..100_000_000, 1_i64..100_000_000),
        valuation in proptest::sample::select(vec!["cif", "fob"]),
        freight_spread in proptest::sample::select(vec!["value", "weight"]),
        rounded_per in proptest::sample::select(vec!["consignment", "line"]),
    ) {
        let goods_currency = if is_foreign { foreign } else { hub };
        let shipment = Shipment {
            date: "2026-03-01".parse().unwrap(),
            transport: Transport::Air,
            goods_currency,
            customs_rate: Some(Decimal::new(rate, 6)),
            charge_rate: Some(Decimal::new(charge_rate, 6)),
            seller_registered: true,
            marketplace_registered: false,
            freight: Money::new(freight, hub).unwrap(),
            insurance: Money::new(insurance, goods_currency).unwrap(),
            lines: lines.iter().map(|(price, quantity, grams)| line(goods_currency, *price, *quantity, *grams)).collect(),
        };
        let ruleset = ruleset(hub, valuation, freight_spread, rounded_per);
        let cost = match landed_cost(&ruleset, &shipment) {
            Err(customs::landed_cost::Error::Money(money::Error::Overflow)) => return Ok(()),
            cost => cost.unwrap(),
        };
        shares_hold(&cost, valuation)?;
        let charges = match exact_charges(&ruleset, &shipment) {
            Err(customs::landed_cost::Error::Money(money::Error::Overflow)) => return Ok(()),
            charges => charges.unwrap(),
        };
        charges_hold(&cost, &charges)?;
        let worth: Vec<i128> = lines.iter().map(|(price, quantity, _)| i128::from(*price) * i128::from(*quantity)).collect();
        let weight: Vec<i128> = lines.iter().map(|(_, quantity, grams)| i128::from(*quantity) * i128::from(*grams)).collect();
        let by = if freight_spread == "weight" { &weight } else { &worth };
        let (all_worth, all_by) = (worth.iter().sum::<i128>(), by.iter().sum::<i128>());
        for (place, line) in cost.lines.iter().enumerate() {
            let total = &cost.total;
            prop_assert!(is_close(line.goods, total.goods, worth[place], all_worth, lines.len()));
            prop_assert!(is_close(line.insurance, total.insurance, worth[place], all_worth, lines.len()));
            prop_assert!(is_close(line.fees, total.fees, worth[place], all_worth, lines.len()));
            prop_assert!(is_close(line.freight, total.freight, by[place], all_by, lines.len()));
            // Rounded line by line, equal lines may differ, as their customs values do.
            if lines[place] == lines[0] && rounded_per == "consignment" {
                prop_assert_eq!(&charges[place], &charges[0]);
            }
        }
    }
}

#[test]
fn goods_of_next_to_nothing_are_not_below_zero() {
    // 0.001 KWD at 0.01 is nothing; freight and insurance of half a sen each are rounded up, their sum is not.
    let kwd = "KWD".parse().unwrap();
    let amount = Money::new(5, kwd).unwrap();
    let shipment = Shipment {
        date: "2026-03-01".parse().unwrap(),
        transport: Transport::Air,
        goods_currency: kwd,
        customs_rate: Some(Decimal::ONE),
        charge_rate: None,
        seller_registered: false,
        marketplace_registered: false,
        freight: amount,
        insurance: amount,
        lines: vec![line(kwd, 0, 1, 1)],
    };
    let ruleset = ruleset(Currency::MYR, "cif", "value", "consignment");
    let cost = landed_cost(&ruleset, &shipment).unwrap();
    let minor = |money: Money| money.minor();
    assert_eq!(minor(cost.customs_value), 1);
    assert_eq!((minor(cost.total.goods), minor(cost.total.freight), minor(cost.total.insurance)), (0, 1, 0));
    shares_hold(&cost, "cif").unwrap();
    charges_hold(&cost, &exact_charges(&ruleset, &shipment).unwrap()).unwrap();
}

#[test]
fn sums_that_nobody_can_count_are_refused() {
    let most = Money::new(money::MINOR_MAX, Currency::MYR).unwrap();
    let shipment = |price: i64, rate: Decimal| Shipment {
        date: "2026-03-01".parse().unwrap(),
        transport: Transport::Air,
        goods_currency: Currency::THB,
        customs_rate: Some(rate),
        charge_rate: None,
        seller_registered: true,
        marketplace_registered: false,
        freight: most,
        insurance: most,
        lines: vec![line(Currency::THB, price, 1_000_000, 1); 3],
    };
    let ruleset = ruleset(Currency::MYR, "cif", "value", "consignment");
    for (price, rate) in [
        (money::MINOR_MAX, Decimal::ONE),
        (money::MINOR_MAX / 1_000_000, Decimal::ONE),
        (1, Decimal::ONE),
        (1, Decimal::MAX),
    ] {
        let refused = landed_cost(&ruleset, &shipment(price, rate)).unwrap_err();
        assert!(matches!(refused, customs::landed_cost::Error::Money(money::Error::Overflow)), "{refused}");
    }
}
