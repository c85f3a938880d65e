//! The rate at which the hub exchanges: the reference rate and the hub's spread, in the hub's favour.

use chrono::NaiveDate;
use money::Currency;
use money::rates::{self, RateTable, ReferenceRate};
use rust_decimal::{Decimal, RoundingStrategy};
use trade::ExchangeRate;

/// Decimals of a quoted rate.
const RATE_DECIMALS: u32 = 10;

/// A rate for a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// Not locked yet: it has no id.
    pub(crate) rate: ExchangeRate,
    /// What the buyer should know.
    pub(crate) warning: Option<String>,
}

/// Why there is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no rate from {from} to {to}")]
    Unavailable {
        from: Currency,
        to: Currency,
        /// The one that has no rate; `from` when each has, but of no common day.
        currency: Currency,
    },
    #[error(
        "the newest rate from {from} to {to} is dated {as_of}: older than the {age_days_max} days that this hub allows"
    )]
    TooOld { from: Currency, to: Currency, as_of: NaiveDate, age_days_max: u32 },
}

/// How old a rate may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AgeLimit {
    /// A sandbox takes any, and says so beyond these days.
    WarnAfterDays(u32),
    /// Real money does not.
    RefuseAfterDays(u32),
}

/// The hub's rate on a day.
pub(crate) fn quote(
    table: &RateTable,
    spread: Decimal,
    limit: AgeLimit,
    from: Currency,
    to: Currency,
    today: NaiveDate,
) -> Result<Quoted, Error> {
    let reference = table.rate(from, to, today).map_err(|error| {
        let currency = match error {
            rates::Error::UnknownCurrency { currency } => currency,
            _ => from,
        };
        Error::Unavailable { from, to, currency }
    })?;
    let ReferenceRate { rate: reference_rate, as_of, source } = reference;
    let quoted = |rate, warning| {
        let reference_rate = reference_rate.normalize();
        let rate = ExchangeRate { from, to, rate, reference_rate, as_of, source, rate_id: String::new() };
        Quoted { rate, warning }
    };
    if from == to {
        return Ok(quoted(Decimal::ONE, None));
    }
    let age_days = today.signed_duration_since(as_of).num_days();
    let is_old = |days: u32| age_days > i64::from(days);
    let warning = match limit {
        AgeLimit::RefuseAfterDays(age_days_max) if is_old(age_days_max) => {
            return Err(Error::TooOld { from, to, as_of, age_days_max });
        }
        AgeLimit::WarnAfterDays(days) if is_old(days) => {
            Some(format!("the rate from {from} to {to} is dated {as_of}, which only a sandbox accepts"))
        }
        _ => None,
    };
    let rate = (reference_rate * (Decimal::ONE + spread))
        .round_dp_with_strategy(RATE_DECIMALS, RoundingStrategy::AwayFromZero)
        .normalize();
    Ok(quoted(rate, warning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RateTable {
        let rates =
            "date,base,currency,rate,source\n2026-01-02,EUR,MYR,4.8,test\n2026-01-02,EUR,THB,36.0,test\n";
        RateTable::parse_dated(rates.as_bytes()).unwrap()
    }

    fn on(day: &str, limit: AgeLimit) -> Result<Quoted, Error> {
        let spread = Decimal::new(15, 3);
        quote(&table(), spread, limit, Currency::MYR, Currency::THB, day.parse().unwrap())
    }

    #[test]
    fn the_spread_is_the_hubs() {
        let quoted = on("2026-01-03", AgeLimit::RefuseAfterDays(7)).unwrap();
        assert_eq!(quoted.rate.rate.to_string(), "7.6125");
        assert_eq!(quoted.warning, None);
    }

    #[test]
    fn an_old_rate_is_refused_or_told() {
        assert!(on("2026-01-09", AgeLimit::RefuseAfterDays(7)).is_ok());
        assert!(matches!(on("2026-01-10", AgeLimit::RefuseAfterDays(7)), Err(Error::TooOld { .. })));
        assert!(on("2026-01-10", AgeLimit::WarnAfterDays(7)).unwrap().warning.is_some());
        assert!(matches!(on("2025-01-10", AgeLimit::WarnAfterDays(7)), Err(Error::Unavailable { .. })));
    }

    #[test]
    fn a_currency_without_a_rate_has_none() {
        let quoted = quote(
            &table(),
            Decimal::ZERO,
            AgeLimit::WarnAfterDays(7),
            Currency::USD,
            Currency::THB,
            "2026-01-03".parse().unwrap(),
        );
        assert!(matches!(quoted, Err(Error::Unavailable { .. })));
    }
}
