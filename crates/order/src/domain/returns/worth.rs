//! What goods that go back give.
//!
//! The lines' goods, duty and tax by quantity, by largest remainder: all returns of a line together give what was paid for
//! it, and never more. Carriage, insurance and fees are given back with the last units of a consignment, whether it goes
//! back at once or in parts.

use std::ops::Range;

use hub::Bearer;
use kernel::VariantId;
use money::Money;

use super::{Bearers, Return, ReturnLine};
use crate::domain::Refusal;
use crate::domain::order::Error;
use crate::domain::quote::{QuotedConsignment, QuotedLine};

/// What units give after `earlier` returns: their lines, and carriage, insurance and fees with the last of them.
pub(super) fn worth(
    quoted: &QuotedConsignment,
    units: &[(VariantId, i64)],
    earlier: &[&Return],
    bearers: Bearers,
) -> Result<(Vec<ReturnLine>, Money), Error> {
    let lines = units
        .iter()
        .map(|(variant_id, quantity)| ReturnLine::of(quoted, earlier, *variant_id, *quantity, bearers))
        .collect::<Result<Vec<_>, _>>()?;
    let charges = charges(quoted, &lines, earlier, bearers)?;
    Ok((lines, charges))
}

/// Units of a line that were returned by these returns.
fn gone(earlier: &[&Return], variant_id: VariantId) -> i64 {
    let lines = earlier.iter().flat_map(|one| &one.request.lines);
    lines.filter(|line| line.variant_id == variant_id).map(|line| line.quantity).sum()
}

impl ReturnLine {
    fn of(
        quoted: &QuotedConsignment,
        earlier: &[&Return],
        variant_id: VariantId,
        quantity: i64,
        bearers: Bearers,
    ) -> Result<Self, Error> {
        let line = quoted.lines.iter().find(|line| line.variant_id == variant_id);
        let bought = line.map_or(0, |line| line.quantity);
        let gone = gone(earlier, variant_id);
        let Some(line) = line.filter(|_| (1..=bought - gone).contains(&quantity)) else {
            let message =
                format!("{quantity} of {variant_id}: {bought} were bought, {gone} of them already returned");
            return Err(Refusal::new("QUANTITY_EXCEEDED", message).about("variant_id", variant_id).into());
        };
        let before = earlier.iter().flat_map(|one| &one.request.lines);
        let before: Vec<&ReturnLine> = before.filter(|line| line.variant_id == variant_id).collect();
        Ok(Self {
            variant_id,
            quantity,
            shares: shares(line, &before, gone..gone + quantity, bearers)?,
            seller_goods: line.seller_goods()?.of_equal_units(gone..gone + quantity, line.quantity)?,
        })
    }
}

/// What these units of the line give, of which those before the range have gone: never more than is left of what was
/// paid.
fn shares(
    line: &QuotedLine,
    before: &[&ReturnLine],
    units: Range<i64>,
    bearers: Bearers,
) -> Result<[Money; 3], money::Error> {
    let mut shares = [line.price.goods(), line.price.duty(), line.price.tax()];
    for (place, share) in shares.iter_mut().enumerate() {
        let nothing = Money::zero(share.currency());
        if place > 0 && bearers.duty_and_tax == Bearer::Buyer {
            *share = nothing;
            continue;
        }
        let given = Money::sum(before.iter().map(|line| line.shares[place]), share.currency())?;
        let left = share.checked_sub(given)?;
        let due = share.of_equal_units(units.clone(), line.quantity)?;
        let due = if due.checked_cmp(left)?.is_gt() { left } else { due };
        *share = if due.is_negative() { nothing } else { due };
    }
    Ok(shares)
}

fn charges(
    quoted: &QuotedConsignment,
    lines: &[ReturnLine],
    earlier: &[&Return],
    bearers: Bearers,
) -> Result<Money, money::Error> {
    let price = &quoted.price;
    let is_over = |line: &QuotedLine| {
        let now = lines.iter().filter(|back| back.variant_id == line.variant_id);
        gone(earlier, line.variant_id) + now.map(|back| back.quantity).sum::<i64>() == line.quantity
    };
    if bearers.outward_carriage == Bearer::Buyer || !quoted.lines.iter().all(is_over) {
        return Ok(Money::zero(price.currency()));
    }
    let all = Money::sum([price.carriage(), price.insurance(), price.fees()], price.currency())?;
    let given = Money::sum(earlier.iter().map(|one| one.request.charges), price.currency())?;
    all.checked_sub(given)
}
