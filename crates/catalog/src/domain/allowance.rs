//! How many goods a seller may have, in how many variants, and how long their texts may be: fewer and shorter before it is verified.

use serde::Deserialize;

use super::seller::SellerState;

/// How many variants a seller may have for each product that it may have. Those that are off the market count: they are
/// kept.
const VARIANTS_PER_PRODUCT: i64 = 10;

/// What the goods of a seller take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub(crate) products: i64,
    pub(crate) variants: i64,
    /// Of all their texts.
    pub(crate) letters: i64,
}

/// What they may take.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Allowance {
    pub(crate) products_max: i64,
    pub(crate) text_characters_max: i64,
    pub(crate) unverified_products_max: i64,
    pub(crate) unverified_text_characters_max: i64,
}

impl Allowance {
    /// Whether goods that take so much may become goods that take so much; else why not. Less is always fine.
    pub(crate) fn check(&self, state: SellerState, before: Usage, after: Usage) -> Result<(), String> {
        let is_verified = state == SellerState::Verified;
        let (products, letters) = match is_verified {
            true => (self.products_max, self.text_characters_max),
            false => (self.unverified_products_max, self.unverified_text_characters_max),
        };
        let who = if is_verified { "a seller" } else { "an unverified seller" };
        if after.products > products && after.products > before.products {
            return Err(format!("{who} may have {products} products"));
        }
        let variants = products.saturating_mul(VARIANTS_PER_PRODUCT);
        if after.variants > variants && after.variants > before.variants {
            return Err(format!("all goods of {who} may have {variants} variants"));
        }
        if after.letters > letters && after.letters > before.letters {
            return Err(format!("the texts of all goods of {who} may have {letters} characters"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_refused_beyond_the_bound_and_less_is_not() {
        let allowance = Allowance {
            products_max: 10,
            text_characters_max: 1_000,
            unverified_products_max: 2,
            unverified_text_characters_max: 100,
        };
        let usage = |products, letters| Usage { products, letters, ..Usage::default() };
        let check = |state, before, after| allowance.check(state, before, after).is_ok();
        assert!(check(SellerState::Applied, usage(1, 0), usage(2, 100)));
        assert!(!check(SellerState::Applied, usage(2, 0), usage(3, 0)));
        assert!(!check(SellerState::Suspended, usage(2, 90), usage(2, 101)));
        assert!(check(SellerState::Verified, usage(9, 900), usage(10, 1_000)));
        assert!(!check(SellerState::Verified, usage(10, 0), usage(11, 0)));
        let variants = |variants| Usage { products: 2, variants, letters: 0 };
        assert!(check(SellerState::Applied, variants(19), variants(20)));
        assert!(!check(SellerState::Applied, variants(20), variants(21)));
        assert!(check(SellerState::Verified, variants(99), variants(100)));
        assert!(!check(SellerState::Verified, variants(99), variants(101)));
        assert!(check(SellerState::Suspended, variants(90), variants(90)));
        // One who was suspended may still make its texts shorter.
        assert!(check(SellerState::Suspended, usage(9, 900), usage(9, 899)));
    }
}
