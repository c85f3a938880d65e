//! A trial balance in a table.

use std::fmt::Write as _;

use proto::payment::internal::v1::TrialBalanceResponse;
use proto::types::v1::Money;

/// An amount for people: `1,234.50 MYR`.
pub(crate) fn amount(message: &Money) -> String {
    let Ok(money) = proto::convert::money("amount", Some(message)) else {
        return format!("{} {}", message.minor_units, message.currency);
    };
    let text = money.amount();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, ""), |(whole, part)| (whole, part));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{part} {}", money.currency().code())
}

/// An amount that may be missing.
pub(crate) fn maybe(message: Option<&Money>) -> String {
    message.map(amount).unwrap_or_default()
}

/// Money by account: credits less debits; what the hub owes is positive, what it owns negative.
pub(crate) fn money_by_account(balance: &TrialBalanceResponse) -> String {
    let mut text = String::from("\nTrial balance (what the hub owes; negative: what it owns)\n");
    for line in &balance.balances {
        let _ = writeln!(text, "  {:<20} {:>22}", line.kind.replace('_', " "), maybe(line.balance.as_ref()));
    }
    for difference in &balance.differences {
        let _ = writeln!(text, "  {:<20} {:>22}", "debits minus credits", amount(difference));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        let show =
            |minor_units, currency: &str| amount(&Money { currency: currency.to_owned(), minor_units });
        assert_eq!(show(123_456_789, "MYR"), "1,234,567.89 MYR");
        assert_eq!(show(-99_950, "THB"), "-999.50 THB");
        assert_eq!(show(1_000, "JPY"), "1,000 JPY");
        assert_eq!(show(5, "MYR"), "0.05 MYR");
    }
}
