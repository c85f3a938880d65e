//! What holds for any amount: shares lose no cent, text reads back, a conversion stays within a
//! minor unit of the exact result.

use chrono::NaiveDate;
use money::rates::RateTable;
use money::{Currency, MINOR_MAX, Money, Rounding};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(Currency::all().collect::<Vec<_>>())
}

fn amount() -> impl Strategy<Value = Money> {
    let minor = prop_oneof![-1000_i64..=1000, -MINOR_MAX..=MINOR_MAX];
    (minor, currency()).prop_map(|(minor, currency)| Money::new(minor, currency).expect("within the bound"))
}

/// Weights of any size and scale: a price, a price in another currency, a duty that nobody rounded.
fn weights() -> impl Strategy<Value = Vec<Decimal>> {
    let weight = prop_oneof![
        Just(Decimal::ZERO),
        (0_i64..10).prop_map(Decimal::from),
        (0_i64..=MINOR_MAX, 0_u32..=28).prop_map(|(units, scale)| Decimal::new(units, scale)),
        (0_i128..1 << 96, 0_u32..=28).prop_map(|(units, scale)| Decimal::from_i128_with_scale(units, scale)),
        Just(Decimal::MAX),
    ];
    // One weight for all is what a basket of one price is.
    let equal = (weight.clone(), 1_usize..=500).prop_map(|(weight, lines)| vec![weight; lines]);
    prop_oneof![
        equal,
        proptest::collection::vec(weight.clone(), 1..40),
        proptest::collection::vec(weight, 1..=500)
    ]
}

fn rounding() -> impl Strategy<Value = Rounding> {
    proptest::sample::select(vec![
        Rounding::HalfAwayFromZero,
        Rounding::HalfEven,
        Rounding::Up,
        Rounding::Down,
        Rounding::Ceiling,
        Rounding::Floor,
    ])
}

/// A whole number of minor units, as a decimal.
fn units(money: Money) -> Decimal {
    Decimal::from(money.minor())
}

proptest! {
    #[test]
    fn shares_add_up_to_the_amount(amount in amount(), weights in weights()) {
        let shares = amount.allocate(&weights).unwrap();
        prop_assert_eq!(shares.len(), weights.len());
        prop_assert_eq!(Money::sum(shares.iter().copied(), amount.currency()), Ok(amount));
        let weightless = weights.iter().all(Decimal::is_zero);
        for (share, weight) in shares.into_iter().zip(weights) {
            prop_assert!(share.minor() == 0 || share.minor().signum() == amount.minor().signum());
            prop_assert!(share.is_zero() || weightless || !weight.is_zero());
        }
    }

    #[test]
    fn equal_units_come_to_what_their_shares_do(
        amount in amount(), of in 1_i64..=500, one in 0_i64..=500, other in 0_i64..=500,
    ) {
        let (start, end) = (one.min(other).min(of), one.max(other).min(of));
        let equal = vec![Decimal::ONE; usize::try_from(of).unwrap()];
        let shares = amount.allocate(&equal).unwrap();
        let within = &shares[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        let sum = Money::sum(within.iter().copied(), amount.currency());
        prop_assert_eq!(amount.of_equal_units(start..end, of), sum);
        prop_assert!(amount.of_equal_units(start..of + 1, of).is_err());
        prop_assert!(amount.of_equal_units(-1..end, of).is_err());
    }

    #[test]
    fn a_share_is_within_a_unit_of_its_exact_part(
        amount in amount(),
        // Small enough that the exact part is a number of 128 bits.
        weights in proptest::collection::vec(0_i64..=1_000_000_000, 1..=500),
        scale in 0_u32..=4,
    ) {
        let total: i128 = weights.iter().copied().map(i128::from).sum();
        prop_assume!(total > 0);
        let decimals: Vec<Decimal> = weights.iter().map(|weight| Decimal::new(*weight, scale)).collect();
        let shares = amount.allocate(&decimals).unwrap();
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for (index, (share, weight)) in shares.into_iter().zip(weights).enumerate() {
            let exact = i128::from(amount.minor().abs()) * i128::from(weight);
            let over = i128::from(share.minor().abs()) * total - exact;
            prop_assert!(over.abs() < total);
            let fraction = exact % total;
            if over > 0 { up.push((std::cmp::Reverse(fraction), index)) } else { down.push((std::cmp::Reverse(fraction), index)) }
        }
        // Who got a unit more had the larger fraction cut off, or the same and came earlier.
        if let (Some(last), Some(first)) = (up.iter().max(), down.iter().min()) {
            prop_assert!(last < first);
        }
    }

    #[test]
    fn text_reads_back(amount in amount()) {
        prop_assert_eq!(Money::parse(&amount.amount(), amount.currency()), Ok(amount));
        let (number, code) = amount.to_string().split_once(' ').map(|(n, c)| (n.to_owned(), c.to_owned())).unwrap();
        prop_assert_eq!(Money::parse(&number, code.parse().unwrap()), Ok(amount));
        prop_assert_eq!(Money::from_decimal(amount.to_decimal(), amount.currency(), Rounding::Down), Ok(amount));
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,30}|-?[0-9]{0,25}\\.?[0-9]{0,6}", currency in currency()) {
        if let Ok(amount) = Money::parse(&text, currency) {
            prop_assert_eq!(Money::parse(&amount.amount(), currency), Ok(amount));
        }
    }

    #[test]
    fn a_conversion_is_within_a_unit(
        minor in -1_000_000_000_i64..=1_000_000_000,
        (from, to) in (currency(), currency()),
        mantissa in 1_i64..=10_000_000_000,
        scale in 4_u32..=10,
        rounding in rounding(),
    ) {
        let (amount, rate) = (Money::new(minor, from).unwrap(), Decimal::new(mantissa, scale));
        let Ok(converted) = amount.convert(rate, to, rounding) else {
            return Err(TestCaseError::reject("beyond the bound"));
        };
        let power = |digits: u8| Decimal::from(10_u64.pow(u32::from(digits)));
        // At most 20 digits and 14 after the point, so the decimals are exact.
        let exact = Decimal::from(minor) * rate * power(to.minor_digits()) / power(from.minor_digits());
        let off = units(converted) - exact;
        prop_assert!(off.abs() < Decimal::ONE);
        match rounding {
            Rounding::HalfAwayFromZero | Rounding::HalfEven => prop_assert!(off.abs() <= Decimal::new(5, 1)),
            Rounding::Up => prop_assert!(units(converted).abs() >= exact.abs()),
            Rounding::Down => prop_assert!(units(converted).abs() <= exact.abs()),
            Rounding::Ceiling => prop_assert!(off >= Decimal::ZERO),
            Rounding::Floor => prop_assert!(off <= Decimal::ZERO),
        }
    }

    #[test]
    fn any_rate_of_a_table_crosses(left in 1_i64..=1_000_000_000_000_000_000, right in 1_i64..=1_000_000_000_000_000_000) {
        let (left, right) = (Decimal::new(left, 9), Decimal::new(right, 9));
        let text = format!("Date,MYR,THB\n2024-12-31,{left},{right}\n");
        let table = RateTable::parse_ecb(text.as_bytes(), "test").unwrap();
        let on = NaiveDate::from_ymd_opt(2024, 12, 31).unwrap();
        let rate = table.rate(Currency::MYR, Currency::THB, on).unwrap().rate;
        prop_assert!(rate > Decimal::ZERO);
        let expected = right / left;
        // Ten significant digits: off by at most half a unit of the tenth.
        prop_assert!((rate - expected).abs() <= expected / Decimal::from(1_000_000_000_i64) + Decimal::new(1, 28));
    }

    #[test]
    fn reading_rates_never_panics(text in "\\PC{0,60}|Date,[A-Z]{3}\n[0-9-]{10},[0-9.]{0,12}\n") {
        let _ = RateTable::parse_ecb(text.as_bytes(), "test");
        let _ = RateTable::parse_dated(text.as_bytes());
        let rows = format!("date,base,currency,rate,source\n{text}");
        let _ = RateTable::parse_dated(rows.as_bytes());
    }
}
