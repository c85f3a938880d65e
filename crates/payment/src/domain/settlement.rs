//! What a consignment's escrow pays to whom, and what a return takes back from whom.
//!
//! The buyer paid one amount in one currency; the seller is paid in another, the carrier and customs in the hub's. The
//! hub's exchange accounts stand between: the escrow is paid into them, the others are paid out of them, and what is
//! left there (spread, rounding in the hub's favour) is the hub's exchange position. Every transfer is within one
//! currency, so each currency balances by itself.

use kernel::{ConsignmentId, OrderId};
use money::{Currency, Money, Rounding};
use rust_decimal::Decimal;

use super::ledger::{Account, Transfer};
use chrono::{DateTime, Utc};

/// What was quoted for a consignment, as far as its money goes.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) seller_id: String,
    pub(crate) carrier: String,
    /// The hub's country, whose customs is paid.
    pub(crate) country: String,
    /// The goods in the seller's currency.
    pub(crate) seller_goods: Money,
    /// Carriage and insurance in the hub's currency.
    pub(crate) carriage: Money,
    /// Duty, tax and fees in the hub's currency. Tax that the seller collects with the price is among it: the hub pays
    /// it to the authority for the seller.
    pub(crate) charges: Money,
    /// Units of the buyer's currency for one of the seller's.
    pub(crate) goods_rate: Decimal,
    /// Units of the buyer's currency for one of the hub's.
    pub(crate) charges_rate: Decimal,
    /// The hub's part of the goods' price.
    pub(crate) commission_rate: Decimal,
}

/// What has gone back of a consignment so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned {
    /// Refunded in the buyer's currency.
    pub(crate) refunded: Money,
    /// Goods that went back, in the seller's currency.
    pub(crate) goods: Money,
}

/// What a release pays.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) transfers: Vec<Transfer>,
    /// To the seller, commission taken off.
    pub(crate) seller: Money,
    pub(crate) commission: Money,
    pub(crate) carrier: Money,
    pub(crate) customs: Money,
}

/// Pays `left` (what the escrow still holds, in the buyer's currency) out.
pub(crate) fn release(
    terms: &Terms,
    left: Money,
    returned: Returned,
    at: DateTime<Utc>,
) -> Result<Release, money::Error> {
    let goods = not_below_zero(terms.seller_goods.checked_sub(returned.goods)?);
    let commission = commission(terms, returned)?;
    let back = charges_part(terms, returned.refunded, returned.goods)?;
    let customs = not_below_zero(terms.charges.checked_sub(back)?);
    // When even the carriage was given back nothing is left to pay it from: the parcel came back whole.
    let carrier = if left.is_zero() { Money::zero(terms.carriage.currency()) } else { terms.carriage };
    let (seller_currency, hub_currency) = (goods.currency(), terms.carriage.currency());
    let customs = if left.is_zero() { Money::zero(hub_currency) } else { customs };
    let (goods, commission) = if left.is_zero() {
        (Money::zero(seller_currency), Money::zero(seller_currency))
    } else {
        (goods, commission)
    };
    let exchange = Account::exchange;
    let steps = [
        ("release", Account::escrow(terms.consignment_id), exchange(left.currency()), left),
        ("sale", exchange(seller_currency), Account::seller(&terms.seller_id), goods),
        ("commission", Account::seller(&terms.seller_id), Account::commission(), commission),
        ("carriage", exchange(hub_currency), Account::carrier(&terms.carrier), carrier),
        ("customs", exchange(hub_currency), Account::customs(&terms.country), customs),
    ];
    let transfers = transfers(terms, steps, at);
    Ok(Release { transfers, seller: goods.checked_sub(commission)?, commission, carrier, customs })
}

/// Takes back what a return after the release gives to the buyer: from the seller the goods less the commission on
/// them, from customs the duty and tax on them (a claim, where they were paid already). Both are counted from all that
/// has gone back, less what earlier returns took: many small returns come to the same as one large one.
pub(crate) fn take_back(
    terms: &Terms,
    to_buyer: Account,
    before: Returned,
    refund: Money,
    goods: Money,
    at: DateTime<Utc>,
) -> Result<Vec<Transfer>, money::Error> {
    let after =
        Returned { refunded: before.refunded.checked_add(refund)?, goods: before.goods.checked_add(goods)? };
    let commission = commission(terms, before)?.checked_sub(commission(terms, after)?)?;
    let charges = charges_part(terms, after.refunded, after.goods)?;
    let charges = charges.checked_sub(charges_part(terms, before.refunded, before.goods)?)?;
    let exchange = Account::exchange;
    let steps = [
        ("return", Account::seller(&terms.seller_id), exchange(goods.currency()), goods),
        ("commission_returned", Account::commission(), Account::seller(&terms.seller_id), commission),
        ("customs_returned", Account::customs(&terms.country), exchange(charges.currency()), charges),
        ("refund", exchange(refund.currency()), to_buyer, refund),
    ];
    Ok(transfers(terms, steps, at))
}

/// The commission on the goods that have not gone back.
fn commission(terms: &Terms, returned: Returned) -> Result<Money, money::Error> {
    let kept = not_below_zero(terms.seller_goods.checked_sub(returned.goods)?);
    kept.times(terms.commission_rate, Rounding::HalfAwayFromZero)
}

/// The part of a refund that is not goods, in the hub's currency: duty, tax and the rest.
fn charges_part(terms: &Terms, refunded: Money, goods: Money) -> Result<Money, money::Error> {
    let goods = goods.convert(terms.goods_rate, refunded.currency(), Rounding::Up)?;
    let rest = not_below_zero(refunded.checked_sub(goods)?);
    let hub_currency: Currency = terms.charges.currency();
    let rate = Decimal::ONE.checked_div(terms.charges_rate).ok_or(money::Error::Overflow)?;
    let charges = rest.convert(rate, hub_currency, Rounding::Down)?;
    Ok(if charges.minor() > terms.charges.minor() { terms.charges } else { charges })
}

fn not_below_zero(amount: Money) -> Money {
    if amount.is_negative() { Money::zero(amount.currency()) } else { amount }
}

fn transfers<const N: usize>(
    terms: &Terms,
    steps: [(&'static str, Account, Account, Money); N],
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
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn money(minor: i64, currency: Currency) -> Money {
        Money::new(minor, currency).unwrap()
    }

    fn terms() -> Terms {
        Terms {
            order_id: OrderId::new(),
            consignment_id: ConsignmentId::new(),
            seller_id: "seller_x".to_owned(),
            carrier: "selat".to_owned(),
            country: "MY".to_owned(),
            seller_goods: money(100_000, Currency::THB),
            carriage: money(2_000, Currency::MYR),
            charges: money(1_300, Currency::MYR),
            goods_rate: Decimal::new(133, 3),
            charges_rate: Decimal::ONE,
            commission_rate: Decimal::new(8, 2),
        }
    }

    /// What each account gained.
    fn balances(transfers: &[Transfer]) -> BTreeMap<(&'static str, &'static str), i64> {
        let mut balances = BTreeMap::new();
        for transfer in transfers {
            let currency = transfer.amount.currency().code();
            *balances.entry((transfer.debit.kind, currency)).or_default() -= transfer.amount.minor();
            *balances.entry((transfer.credit.kind, currency)).or_default() += transfer.amount.minor();
        }
        balances
    }

    #[test]
    fn a_release_pays_everybody_and_leaves_the_rest_to_the_exchange() {
        let nothing = Returned { refunded: money(0, Currency::MYR), goods: money(0, Currency::THB) };
        let paid = money(13_300 + 2_000 + 1_300, Currency::MYR);
        let release = release(&terms(), paid, nothing, Utc::now_for_test()).unwrap();
        assert_eq!((release.seller.minor(), release.commission.minor()), (92_000, 8_000));
        let balances = balances(&release.transfers);
        assert_eq!(balances[&("exchange", "MYR")], 13_300);
        assert_eq!(balances[&("exchange", "THB")], -100_000);
        assert_eq!(balances[&("customs_payable", "MYR")], 1_300);
    }

    #[test]
    fn what_was_refunded_before_is_not_paid_out() {
        // A tenth of the goods went back, with its duty and tax.
        let returned =
            Returned { refunded: money(1_330 + 130, Currency::MYR), goods: money(10_000, Currency::THB) };
        let left = money(16_600 - 1_460, Currency::MYR);
        let release = release(&terms(), left, returned, Utc::now_for_test()).unwrap();
        assert_eq!((release.seller.minor(), release.customs.minor()), (82_800, 1_170));
    }

    #[test]
    fn nothing_is_paid_from_an_escrow_that_was_given_back_whole() {
        let returned =
            Returned { refunded: money(16_600, Currency::MYR), goods: money(100_000, Currency::THB) };
        let release = release(&terms(), money(0, Currency::MYR), returned, Utc::now_for_test()).unwrap();
        assert!(release.transfers.is_empty());
    }

    #[test]
    fn a_return_after_the_release_takes_back_the_same_parts() {
        let wallet = Account::wallet(kernel::WalletId::new());
        let refund = money(1_330 + 130, Currency::MYR);
        let (goods, at) = (money(10_000, Currency::THB), Utc::now_for_test());
        let nothing = Returned { refunded: money(0, Currency::MYR), goods: money(0, Currency::THB) };
        let transfers = take_back(&terms(), wallet, nothing, refund, goods, at).unwrap();
        let balances = balances(&transfers);
        assert_eq!(balances[&("wallet", "MYR")], 1_460);
        assert_eq!(balances[&("seller_payable", "THB")], -9_200);
        assert_eq!(balances[&("commission", "THB")], -800);
        assert_eq!(balances[&("customs_payable", "MYR")], -130);
    }

    trait NowForTest {
        fn now_for_test() -> DateTime<Utc>;
    }

    impl NowForTest for Utc {
        fn now_for_test() -> DateTime<Utc> {
            DateTime::from_timestamp(1_790_000_000, 0).unwrap()
        }
    }
}
