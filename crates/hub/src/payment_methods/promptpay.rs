//! PromptPay, Thailand's: the hub is a biller, and an order's number is the bill's reference.

use emvco::PromptPay;
use serde::Deserialize;

use super::QrMethod;

/// The hub as a PromptPay biller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Biller {
    /// 15 digits.
    biller_id: String,
    /// How long a code can be paid, in minutes.
    expires_minutes: u32,
}

impl QrMethod for Biller {
    fn text(&self, reference: &str, amount: Option<&str>) -> Result<String, emvco::Error> {
        let to = PromptPay::Bill { biller_id: &self.biller_id, reference1: reference, reference2: "" };
        emvco::promptpay(&to, amount)
    }

    fn expires_minutes(&self) -> u32 {
        self.expires_minutes
    }
}
