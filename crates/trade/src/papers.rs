//! The papers that goods may need to be let in, or to be let in for less duty.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// An authority's permission to import goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// Its number.
    pub number: String,
    /// Who has given it.
    pub authority: String,
    /// Its last day.
    pub expires_on: NaiveDate,
}

/// A certificate of origin: the proof that a trade preference asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginCertificate {
    /// Its number.
    pub number: String,
    /// The day of issue.
    pub issued_on: NaiveDate,
    /// Its last day.
    pub expires_on: NaiveDate,
}
