//! The rules behind an amount, for those who ask why.

use chrono::NaiveDate;
use money::Money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::rules::{Base, Fee, Rate, Rule};

/// A rule that shaped an amount. It is kept with declarations: its names are those of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRule {
    /// The rule's version: its name and first day.
    pub id: String,
    /// What a buyer reads.
    pub title: String,
    /// The law, announcement or reading.
    pub source: String,
    /// First day, in the importing country's zone.
    pub valid_from: Option<NaiveDate>,
    /// Last day.
    pub valid_to: Option<NaiveDate>,
    /// Nobody has confirmed it yet.
    pub assumed: bool,
    /// What it did here, in a sentence.
    pub explanation: String,
}

impl AppliedRule {
    pub(super) fn of_rule(rule: &Rule, rate: Decimal, base: Money, amount: Money, why: &[String]) -> Self {
        let mut explanation = if rule.rate == Rate::None {
            "nothing is taken".to_owned()
        } else {
            let of = rule.base().iter().map(Base::to_string).collect::<Vec<_>>().join(" + ");
            let percent = (rate * Decimal::ONE_HUNDRED).normalize();
            format!("{percent}% of {of} {} = {}", base.amount(), amount.amount())
        };
        for more in why.iter().map(String::as_str).chain(rule.note.as_deref()) {
            explanation.push_str("; ");
            explanation.push_str(more);
        }
        Self {
            id: rule.id(),
            title: rule.title.clone(),
            source: rule.source.clone(),
            valid_from: rule.valid_from,
            valid_to: rule.valid_to,
            assumed: rule.assumed,
            explanation,
        }
    }

    pub(super) fn of_fee(fee: &Fee, amount: Money) -> Self {
        Self {
            id: fee.rule.clone(),
            title: fee.title.clone(),
            source: fee.source.clone(),
            valid_from: fee.valid_from,
            valid_to: fee.valid_to,
            assumed: false,
            explanation: format!("{} a consignment", amount.amount()),
        }
    }
}
