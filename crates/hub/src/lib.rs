//! A hub's profile: what a country's hub is, as data. Read, validated and hashed here; a new country is a new file.
//!
//! [`Profile::parse`] reads one and names every problem with file, line and key. [`Profile::ruleset`] gives the rules
//! of a lane to the customs engine, [`Profile::carriage`] the ways to carry a parcel. [`case`] runs worked cases with
//! known answers against profiles.

mod builtin;
mod carriage;
pub mod case;
mod file;
mod payment_methods;
mod postcode;
mod problem;
mod profile;
mod rates;
mod validate;

pub use builtin::{BUILTIN, builtin};
pub use carriage::{CarriageOption, Parcel};
pub use customs::rules::FreightSpread;
pub use file::{Bearer, Carrier, ReturnTerms, Returns, S10Range, Service, TradeTerms, Zone};
pub use payment_methods::{PaymentMethod, PaymentMethodCode, QrMethod};
pub use problem::{Problem, Problems};
pub use profile::{Lane, Profile, Restricted};
pub use rates::{RatesError, reference_rates};
