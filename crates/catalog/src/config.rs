//! The section `[catalog]` of the configuration.

use serde::Deserialize;
use settings::{Setting, ValueKind};

use crate::domain::allowance::Allowance;

/// How many products.
const PRODUCTS: ValueKind = ValueKind::Whole { least: 1, most: 1_000_000_000, unit: "products" };
/// How long the texts of all of them.
const LETTERS: ValueKind = ValueKind::Whole { least: 1_000, most: 1_000_000_000_000, unit: "characters" };

/// The service's own settings.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(
        "catalog.products_max",
        PRODUCTS,
        "How many products a verified seller may have, and ten times as many variants.",
    )
    .default("1000000"),
    Setting::new(
        "catalog.text_characters_max",
        LETTERS,
        "How many characters the texts of all goods of a verified seller may have.",
    )
    .default("4000000000")
    .formerly(&["catalog.letters_max"]),
    Setting::new(
        "catalog.unverified_products_max",
        PRODUCTS,
        "How many products an unverified seller may have, and ten times as many variants.",
    )
    .default("10000"),
    Setting::new(
        "catalog.unverified_text_characters_max",
        LETTERS,
        "How many characters the texts of all goods of an unverified seller may have.",
    )
    .default("40000000")
    .formerly(&["catalog.unverified_letters_max"]),
];

/// What they hold.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    /// What the goods of a seller may take.
    #[serde(flatten)]
    pub(crate) allowance: Allowance,
}
