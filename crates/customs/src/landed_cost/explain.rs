//! The rules behind an amount, for those who ask why.

use money::Money;
use rust_decimal::Decimal;
use trade::AppliedRule;

use crate::rules::{Base, Fee, Rate, Rule};

pub(super) fn rule(rule: &Rule, rate: Decimal, base: Money, amount: Money, why: &[String]) -> AppliedRule {
    let mut explanation = if rule.rate == Rate::None {
        "nothing is charged".to_owned()
    } else {
        let of = rule.base().iter().map(Base::to_string).collect::<Vec<_>>().join(" + ");
        let percent = (rate * Decimal::ONE_HUNDRED).normalize();
        format!("{percent}% of {of} {} = {}", base.amount(), amount.amount())
    };
    for more in why.iter().map(String::as_str).chain(rule.note.as_deref()) {
        explanation.push_str("; ");
        explanation.push_str(more);
    }
    AppliedRule {
        rule_id: rule.id(),
        title: rule.title.clone(),
        source: rule.source.clone(),
        valid_from: rule.valid_from,
        valid_to: rule.valid_to,
        assumed: rule.assumed,
        explanation,
    }
}

pub(super) fn fee(fee: &Fee, amount: Money) -> AppliedRule {
    AppliedRule {
        rule_id: fee.rule.clone(),
        title: fee.title.clone(),
        source: fee.source.clone(),
        valid_from: fee.valid_from,
        valid_to: fee.valid_to,
        assumed: false,
        explanation: format!("{} a consignment", amount.amount()),
    }
}
