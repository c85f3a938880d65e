//! Invented addresses within a hub's country, for demo and replay.

use hub::Profile;
use proto::types::v1::Address;

/// Somebody at home in the hub's country.
pub(crate) fn of(profile: &Profile) -> Address {
    let country = profile.country().to_string();
    let (recipient, line1, city, state, postcode, phone) = match country.as_str() {
        "MY" => {
            ("Aisyah binti Rahman", "12 Jalan Tun Mohd Fuad", "Kuala Lumpur", "WP", "60000", "+60123456789")
        }
        "TH" => ("Somchai Jaidee", "88 Thanon Sukhumvit", "Bangkok", "Bangkok", "10110", "+66812345678"),
        "SG" => ("Tan Wei Ling", "5 Tanjong Pagar Road", "Singapore", "", "088439", "+6591234567"),
        "ID" => ("Budi Santoso", "7 Jalan Kebon Sirih", "Jakarta", "DKI Jakarta", "10340", "+628123456789"),
        _ => ("A. Buyer", "1 Main Street", "Capital", "", "10000", ""),
    };
    Address {
        recipient: recipient.to_owned(),
        line1: line1.to_owned(),
        line2: String::new(),
        city: city.to_owned(),
        state: state.to_owned(),
        postcode: postcode.to_owned(),
        country,
        phone: phone.to_owned(),
    }
}
