//! What a buyer remembers: the hub is held to it.

use std::collections::BTreeMap;

/// An order that was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    /// What was quoted, in minor units of the hub's currency.
    pub(super) price_minor: i64,
    /// Which of the market's variants.
    pub(super) place: usize,
    pub(super) units: i64,
    /// Units of it that went back.
    pub(super) returned: i64,
    pub(super) by_wallet: bool,
    /// The hub said that it is cancelled: it may not come to life again.
    pub(super) cancelled: bool,
}

/// A buyer's account of what it did.
#[derive(Debug, Default)]
pub(super) struct PurchaseLog {
    /// What was put into the wallet, in minor units of the hub's currency.
    pub(super) topped_up_minor: i64,
    /// By id.
    pub(super) orders: BTreeMap<String, Acknowledged>,
    /// Units that came back to the shelf, by variant.
    pub(super) restocked: BTreeMap<usize, i64>,
    /// Refusals by reason.
    pub(super) refusals: BTreeMap<String, u64>,
    /// What the hub did that it never may, a sentence each.
    pub(super) broken: Vec<String>,
}

impl PurchaseLog {
    /// Notes a refusal.
    pub(super) fn refused(&mut self, reason: String) {
        *self.refusals.entry(reason).or_default() += 1;
    }

    /// What the hub may not refuse.
    pub(super) fn granted<T>(&mut self, what: &str, answer: Result<T, String>) -> Option<T> {
        answer.map_err(|reason| self.broken.push(format!("{what} was refused: {reason}"))).ok()
    }
}
