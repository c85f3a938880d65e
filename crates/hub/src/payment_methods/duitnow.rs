//! DuitNow, Malaysia's: the hub is a merchant of an acquirer, and an order's number is the bill's number and reference.

use emvco::{DuitNow, Local};
use serde::Deserialize;

use super::QrMethod;

/// The hub as a DuitNow merchant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Merchant {
    /// The acquirer's id.
    acquirer: String,
    /// The hub's id with it.
    merchant: String,
    /// The merchant category code, four digits.
    category: String,
    /// The name that payers see, in ASCII, at most 25 characters.
    name: String,
    /// The city, in ASCII, at most 15 characters.
    city: String,
    /// Both as they are written there.
    #[serde(default)]
    local: Option<LocalName>,
    /// How long a code can be paid, in minutes.
    expires_minutes: u32,
}

/// A merchant's name in a script of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalName {
    /// Two letters of ISO 639-1.
    language: String,
    /// At most 25 characters.
    name: String,
    /// At most 15 characters; may be empty.
    #[serde(default)]
    city: String,
}

impl LocalName {
    /// As a code carries it.
    pub(crate) fn as_local(&self) -> Local<'_> {
        Local { language: &self.language, name: &self.name, city: &self.city }
    }
}

impl QrMethod for Merchant {
    fn text(&self, reference: &str, amount: Option<&str>) -> Result<String, emvco::Error> {
        let to = DuitNow {
            acquirer: &self.acquirer,
            merchant: &self.merchant,
            category: &self.category,
            name: &self.name,
            city: &self.city,
            local: self.local.as_ref().map(LocalName::as_local),
            bill_number: reference,
            reference,
        };
        emvco::duitnow(&to, amount)
    }

    fn expires_minutes(&self) -> u32 {
        self.expires_minutes
    }
}
