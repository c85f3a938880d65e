//! Addresses.

use kernel::Country;
use serde::{Deserialize, Serialize};

/// Where a parcel goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The person or firm that receives.
    pub recipient: String,
    /// Street and number.
    pub line1: String,
    /// More of the street; may be empty.
    pub line2: String,
    /// City or district.
    pub city: String,
    /// State or province; may be empty.
    pub state: String,
    /// Postcode, as the country writes it.
    pub postcode: String,
    /// The country.
    pub country: Country,
    /// Telephone; may be empty.
    pub phone: String,
}
