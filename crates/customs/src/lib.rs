//! What a parcel costs once it has crossed the border: customs value, duty, excise, tax and fees,
//! by lane, date, value, transport and seller; and the small arithmetic around a customs parcel
//! (HS codes, S10 item numbers, chargeable weight, prohibited goods).
//!
//! The crate is pure: no clock, no database, no network. Every rate, threshold, date and source is
//! **data** ([`rules::Rules`], [`tariff::Tariff`], [`preference::Preference`]) that a hub's profile
//! declares; the engine knows no country. To add a country, write a profile. To add a new *kind* of
//! condition (say, a buyer's yearly allowance), add a field to [`rules::Rule`], read it in
//! `landed_cost::matching`, and cover both sides of its boundary with a test.
//!
//! How an amount comes about, in this order:
//! 1. goods + freight + insurance are summed and converted **once**; freight and insurance are rounded, the goods are
//!    the rest;
//! 2. each of the three is spread over the lines by largest remainder ([`Money::allocate`](money::Money::allocate)); a
//!    line's customs value is the sum of its own parts;
//! 3. each levy, in the ruleset's order, takes for every line its first rule that matches;
//! 4. each amount is rounded half away from zero to the minor unit of the importing currency.

mod amount;
mod date;
pub mod goods;
pub mod hs_code;
pub mod landed_cost;
pub mod preference;
pub mod prohibited;
mod read;
pub mod rules;
pub mod s10;
pub mod shipment;
pub mod tariff;
pub mod weight;

pub use date::local_date;
pub use hs_code::HsCode;
pub use landed_cost::{LandedCost, exact_charges, landed_cost};
pub use rules::Ruleset;
pub use s10::S10;
pub use shipment::{Line, Rates, Shipment};
pub use tariff::Tariff;
pub use weight::chargeable_weight;
