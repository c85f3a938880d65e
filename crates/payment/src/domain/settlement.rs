//! What a consignment's escrow pays to whom, and what a return takes back from whom.
//!
//! The buyer paid one amount in one currency; the seller is paid in another, the carrier and customs in the hub's. The
//! hub's exchange accounts stand between: the escrow is paid into them, the others are paid out of them, and what is
//! left there (spread, rounding in the hub's favour) is the hub's exchange position. Every transfer is within one
//! currency, so each currency balances by itself.
//!
//! What each is entitled to follows from the terms and from all that has gone back so far, and from nothing else. A
//! release pays it; a return after the release moves the difference that it makes. So the books end alike however and
//! whenever goods go back. What was carried stays paid: who bears it when its price is refunded says the return.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use money::{Currency, Money, Rounding};
use rust_decimal::Decimal;

use super::AmountTooLarge;
use super::ledger::{LedgerAccount, Transfer};
use super::returned::{Costs, Returned, share};
use super::terms::SettlementTerms;

/// What a release pays.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) transfers: Vec<Transfer>,
    /// To the seller in its currency, commission taken off.
    pub(crate) seller: Money,
    pub(crate) commission: Money,
    pub(crate) carrier: Money,
    pub(crate) customs: Money,
}

/// What each is entitled to of a consignment that was carried.
#[derive(Debug, Clone, Copy)]
struct Shares {
    /// The goods that were kept, in the seller's currency.
    goods: Money,
    /// The hub's part of these.
    commission: Money,
    /// For the carriage, in the hub's currency.
    carrier: Money,
    /// Duty, tax and fees, in the hub's currency.
    customs: Money,
    /// What the seller pays of what was refunded beside goods, in the hub's currency.
    borne_by_seller: Money,
    /// What the hub pays of it.
    borne_by_hub: Money,
}

impl Shares {
    fn of(terms: &SettlementTerms, returned: &Returned) -> Result<Self, AmountTooLarge> {
        let goods = not_below_zero(terms.seller_goods.checked_sub(returned.goods)?);
        let Costs { customs, duty_and_tax, outward } = returned.costs;
        let of_duty = |minor| share(terms.duty_and_tax, minor, terms.paid_duty_and_tax);
        let outward_costs = terms.carriage.checked_add(terms.fees)?;
        let of_outward = |minor| share(outward_costs, minor, terms.paid_outward);
        Ok(Self {
            goods,
            commission: goods.times(terms.commission_rate, Rounding::HalfAwayFromZero)?,
            carrier: terms.carriage,
            customs: terms.duty_and_tax.checked_sub(of_duty(customs)?)?.checked_add(terms.fees)?,
            borne_by_seller: of_duty(duty_and_tax.seller)?.checked_add(of_outward(outward.seller)?)?,
            borne_by_hub: of_duty(duty_and_tax.hub)?.checked_add(of_outward(outward.hub)?)?,
        })
    }
}

/// Pays `left` (what the escrow still holds, in the buyer's currency) out.
pub(crate) fn release(
    terms: &SettlementTerms,
    left: Money,
    returned: &Returned,
    at: DateTime<Utc>,
) -> Result<Release, AmountTooLarge> {
    let Shares { goods, commission, carrier, customs, borne_by_seller, borne_by_hub } =
        Shares::of(terms, returned)?;
    let exchange = LedgerAccount::exchange;
    let (seller, hub_currency) = (LedgerAccount::seller(&terms.seller_id), terms.carriage.currency());
    let steps = [
        ("release", LedgerAccount::escrow(terms.consignment_id), exchange(left.currency()), left),
        ("sale", exchange(goods.currency()), seller.clone(), goods),
        ("commission", seller.clone(), LedgerAccount::commission(), commission),
        ("carriage", exchange(hub_currency), LedgerAccount::carrier(&terms.carrier), carrier),
        ("customs", exchange(hub_currency), LedgerAccount::customs(&terms.country), customs),
        ("return_costs", seller, exchange(hub_currency), borne_by_seller),
        ("return_costs", LedgerAccount::commission(), exchange(hub_currency), borne_by_hub),
    ];
    let transfers = transfers(terms, steps, at);
    Ok(Release { transfers, seller: goods.checked_sub(commission)?, commission, carrier, customs })
}

/// Takes back what a return after the release gives to the buyer: from the seller the goods less the commission on
/// them, and the rest from whoever bears it.
pub(crate) fn take_back(
    terms: &SettlementTerms,
    to_buyer: LedgerAccount,
    before: &Returned,
    after: &Returned,
    at: DateTime<Utc>,
) -> Result<Vec<Transfer>, AmountTooLarge> {
    let refund = after.refunded.checked_sub(before.refunded)?;
    let (before, after) = (Shares::of(terms, before)?, Shares::of(terms, after)?);
    let goods = before.goods.checked_sub(after.goods)?;
    let commission = before.commission.checked_sub(after.commission)?;
    let customs = before.customs.checked_sub(after.customs)?;
    let by_seller = after.borne_by_seller.checked_sub(before.borne_by_seller)?;
    let by_hub = after.borne_by_hub.checked_sub(before.borne_by_hub)?;
    let exchange = LedgerAccount::exchange;
    let (seller, hub_currency) = (LedgerAccount::seller(&terms.seller_id), customs.currency());
    let steps = [
        ("return", seller.clone(), exchange(goods.currency()), goods),
        ("commission_returned", LedgerAccount::commission(), seller.clone(), commission),
        ("customs_returned", LedgerAccount::customs(&terms.country), exchange(hub_currency), customs),
        ("return_costs", seller, exchange(hub_currency), by_seller),
        ("return_costs", LedgerAccount::commission(), exchange(hub_currency), by_hub),
        ("refund", exchange(refund.currency()), to_buyer, refund),
    ];
    Ok(transfers(terms, steps, at))
}

/// What a minor unit of each currency of a consignment is in minor units of the buyer's, at the rates of its quote.
pub(crate) fn exchange_rates(terms: &SettlementTerms) -> Result<BTreeMap<String, String>, AmountTooLarge> {
    let buyer = terms.paid_outward.currency();
    let rates = [
        (terms.carriage.currency(), terms.charges_rate),
        (terms.seller_goods.currency(), terms.goods_rate),
        (buyer, Decimal::ONE),
    ];
    let of_minor = |(currency, rate): (Currency, Decimal)| {
        let digits = |currency: Currency| 10_u64.pow(u32::from(currency.minor_digits()));
        let rate = rate.checked_mul(digits(buyer).into())?.checked_div(digits(currency).into())?;
        Some((currency.code().to_owned(), rate.normalize().to_string()))
    };
    let rates = rates.into_iter().map(of_minor).collect::<Option<_>>();
    Ok(rates.ok_or(money::Error::Overflow)?)
}

fn not_below_zero(amount: Money) -> Money {
    if amount.is_negative() { Money::zero(amount.currency()) } else { amount }
}

fn transfers<const N: usize>(
    terms: &SettlementTerms,
    steps: [(&'static str, LedgerAccount, LedgerAccount, Money); N],
    at: DateTime<Utc>,
) -> Vec<Transfer> {
    steps
        .into_iter()
        .filter(|(_, _, _, amount)| amount.is_positive())
        .map(|(kind, debit, credit, amount)| {
            Transfer::posted(kind, debit, credit, amount, at)
                .of_consignment(terms.order_id, terms.consignment_id)
        })
        .collect()
}

#[cfg(test)]
mod tests;
