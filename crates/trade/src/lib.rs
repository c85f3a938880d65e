//! What several services say of a trade: values that one service works out and another keeps.
//!
//! A type is here when it crosses two services and always holds something: the parts of a price are of one currency, a day
//! is a day. What only one service knows stays in its `domain/`. The crate knows no clock, no database and no protos (the
//! crate `proto` turns these types into messages and back). Services store them as JSON, so that the names of their fields
//! change only as CONTRIBUTING.md says.

mod address;
mod papers;
mod price;
mod rate;
mod rule;
mod transport;

pub use address::Address;
pub use papers::{OriginCertificate, Permit};
pub use price::Price;
pub use rate::ExchangeRate;
pub use rule::AppliedRule;
pub use transport::Transport;

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn is_kept_as<T: Serialize + DeserializeOwned>(stored: Value) {
        let read: T = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), stored);
    }

    /// Rows of earlier releases have these forms, and processes of the release before read what is written today.
    #[test]
    fn all_are_kept_as_they_always_were() {
        is_kept_as::<Transport>(json!("post"));
        is_kept_as::<Address>(json!({
            "recipient": "Aisyah", "line1": "1 Jalan Merdeka", "line2": "", "city": "Kuala Lumpur", "state": "",
            "postcode": "50050", "country": "MY", "phone": "",
        }));
        is_kept_as::<ExchangeRate>(json!({
            "from": "THB", "to": "MYR", "rate": "0.1303050000", "reference_rate": "0.12838", "as_of": "2026-09-01",
            "source": "ECB reference rates", "rate_id": "",
        }));
        for (from, to) in [("2024-01-01", ""), ("", "2027-12-31")] {
            is_kept_as::<AppliedRule>(json!({
                "rule_id": "sales-tax@2024-01-01", "title": "Sales tax", "source": "P.U.(A) 409/2023",
                "valid_from": from, "valid_to": to, "assumed": true, "explanation": "10 %",
            }));
        }
        is_kept_as::<Permit>(json!({ "number": "N-1", "authority": "NPRA", "expires_on": "9999-12-31" }));
        is_kept_as::<OriginCertificate>(
            json!({ "number": "D-1", "issued_on": "2026-01-31", "expires_on": "2027-01-30" }),
        );
        let amount = |minor: i64| {
            serde_json::to_value(money::Money::new(minor, money::Currency::MYR).unwrap()).unwrap()
        };
        is_kept_as::<Price>(json!({
            "goods": amount(1), "carriage": amount(2), "insurance": amount(3), "duty": amount(4), "tax": amount(5),
            "fees": amount(6),
        }));
    }
}
