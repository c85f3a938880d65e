use super::super::returned::{CostParts, Parts};
use super::*;
use hub::Bearer;
use kernel::{ConsignmentId, OrderId, WalletId};
use proptest::prelude::*;

fn money(minor: i64, currency: Currency) -> Money {
    Money::new(minor, currency).unwrap()
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn terms() -> SettlementTerms {
    SettlementTerms {
        order_id: OrderId::new(),
        consignment_id: ConsignmentId::new(),
        seller_id: "seller_x".to_owned(),
        carrier: "selat".to_owned(),
        country: "MY".to_owned(),
        seller_goods: money(100_000, Currency::THB),
        carriage: money(2_000, Currency::MYR),
        duty_and_tax: money(1_200, Currency::MYR),
        fees: money(100, Currency::MYR),
        paid_duty_and_tax: money(1_200, Currency::MYR),
        paid_outward: money(2_100, Currency::MYR),
        goods_rate: Decimal::new(133, 3),
        charges_rate: Decimal::ONE,
        commission_rate: Decimal::new(8, 2),
    }
}

/// What the buyer paid under [`terms`].
const PAID: i64 = 13_300 + 1_200 + 2_100;

fn nothing(terms: &SettlementTerms) -> Returned {
    let refunded = Money::zero(terms.paid_outward.currency());
    Returned { refunded, goods: Money::zero(terms.seller_goods.currency()), costs: Costs::default() }
}

/// A return of goods with duty and tax that customs gives back, and of carriage and fees.
fn back(terms: &SettlementTerms, refund: [i64; 3], goods: i64, outward_bearer: Bearer) -> Parts {
    let buyer = terms.paid_outward.currency();
    let [_, duty_and_tax, outward] = refund.map(|minor| money(minor, buyer));
    let costs = CostParts { duty_and_tax, duty_and_tax_bearer: Bearer::Customs, outward, outward_bearer };
    Parts {
        refund: money(refund.iter().sum(), buyer),
        goods: money(goods, terms.seller_goods.currency()),
        costs: Some(costs),
    }
}

type Balances = BTreeMap<(&'static str, String), i64>;

/// Adds what each account gained.
fn count(balances: &mut Balances, transfers: &[Transfer]) {
    for transfer in transfers {
        let currency = transfer.amount.currency().code().to_owned();
        *balances.entry((transfer.debit.kind, currency.clone())).or_default() -= transfer.amount.minor();
        *balances.entry((transfer.credit.kind, currency)).or_default() += transfer.amount.minor();
    }
    balances.retain(|_, minor| *minor != 0);
}

fn of(balances: &Balances, kind: &'static str, currency: &str) -> i64 {
    balances.get(&(kind, currency.to_owned())).copied().unwrap_or_default()
}

/// Plays returns of which so many come before the release: what all accounts come to, without the escrow's funding.
fn play(terms: &SettlementTerms, paid: Money, returns: &[Parts], before_release: usize) -> Balances {
    let (mut balances, mut returned, mut left) = (Balances::new(), nothing(terms), paid);
    let to_buyer = || LedgerAccount::wallet(WalletId::new());
    for (place, parts) in returns.iter().enumerate() {
        if place == before_release {
            count(&mut balances, &release(terms, left, &returned, at()).unwrap().transfers);
        }
        let after = returned.and(terms, parts).unwrap();
        if place < before_release {
            let escrow = LedgerAccount::escrow(terms.consignment_id);
            count(&mut balances, &[Transfer::posted("refund", escrow, to_buyer(), parts.refund, at())]);
            left = left.checked_sub(parts.refund).unwrap();
        } else {
            count(&mut balances, &take_back(terms, to_buyer(), &returned, &after, at()).unwrap());
        }
        returned = after;
    }
    if before_release >= returns.len() {
        count(&mut balances, &release(terms, left, &returned, at()).unwrap().transfers);
    }
    balances
}

#[test]
fn a_release_pays_everybody_and_leaves_the_rest_to_the_exchange() {
    let terms = terms();
    let release = release(&terms, money(PAID, Currency::MYR), &nothing(&terms), at()).unwrap();
    assert_eq!((release.seller.minor(), release.commission.minor()), (92_000, 8_000));
    let mut balances = Balances::new();
    count(&mut balances, &release.transfers);
    assert_eq!(of(&balances, "exchange", "MYR"), 13_300);
    assert_eq!(of(&balances, "exchange", "THB"), -100_000);
    assert_eq!(of(&balances, "customs_payable", "MYR"), 1_300);
}

#[test]
fn what_was_carried_stays_paid_and_its_bearer_pays_it() {
    let terms = terms();
    for (bearer, seller, commission) in [(Bearer::Seller, -2_100, 0), (Bearer::Hub, 0, -2_100)] {
        let whole = back(&terms, [13_300, 1_200, 2_100], 100_000, bearer);
        for before_release in [0, 1] {
            let balances = play(&terms, money(PAID, Currency::MYR), &[whole], before_release);
            assert_eq!(of(&balances, "carrier_payable", "MYR"), 2_000);
            assert_eq!(of(&balances, "customs_payable", "MYR"), 100);
            assert_eq!(of(&balances, "seller_payable", "MYR"), seller);
            assert_eq!(of(&balances, "commission", "MYR"), commission);
            assert_eq!(of(&balances, "seller_payable", "THB"), 0);
            assert_eq!((of(&balances, "exchange", "MYR"), of(&balances, "exchange", "THB")), (0, 0));
            assert_eq!(of(&balances, "wallet", "MYR"), PAID);
        }
    }
}

#[test]
fn what_customs_keeps_is_borne_too() {
    let terms = terms();
    let mut whole = back(&terms, [13_300, 1_200, 2_100], 100_000, Bearer::Seller);
    if let Some(costs) = &mut whole.costs {
        costs.duty_and_tax_bearer = Bearer::Seller;
    }
    let balances = play(&terms, money(PAID, Currency::MYR), &[whole], 0);
    assert_eq!(
        (of(&balances, "customs_payable", "MYR"), of(&balances, "seller_payable", "MYR")),
        (1_300, -3_300)
    );
    assert_eq!(of(&balances, "exchange", "MYR"), 0);
}

#[test]
fn a_buyer_who_bears_the_carriage_does_not_get_it_back() {
    let terms = terms();
    let whole = back(&terms, [13_300, 1_200, 0], 100_000, Bearer::Buyer);
    for before_release in [0, 1] {
        let balances = play(&terms, money(PAID, Currency::MYR), &[whole], before_release);
        assert_eq!(of(&balances, "carrier_payable", "MYR"), 2_000);
        assert_eq!(of(&balances, "seller_payable", "MYR"), 0);
        assert_eq!(of(&balances, "exchange", "MYR"), 0);
    }
}

#[test]
fn a_return_that_does_not_say_its_parts_is_split_by_the_terms() {
    let terms = terms();
    let told = back(&terms, [13_300, 1_200, 2_100], 100_000, Bearer::Seller);
    let untold = Parts { costs: None, ..told };
    let paid = money(PAID, Currency::MYR);
    assert_eq!(play(&terms, paid, &[untold], 0), play(&terms, paid, &[told], 0));
}

/// A consignment in any currencies, whose buyer paid each part rounded up.
fn any_terms() -> impl Strategy<Value = (SettlementTerms, Money, Money)> {
    let currency = || {
        prop::sample::select(vec![
            Currency::MYR,
            Currency::THB,
            Currency::JPY,
            Currency::IDR,
            "KWD".parse().unwrap(),
        ])
    };
    let rate = || (1_i64..2_000_000_000, 0_u32..10).prop_map(|(digits, scale)| Decimal::new(digits, scale));
    let parts = prop::array::uniform3(0_i64..10_000_000);
    (1_i64..1_000_000_000, parts, [currency(), currency(), currency()], rate(), rate())
        .prop_map(
            |(goods, [carriage, duty_and_tax, fees], [seller, hub, buyer], goods_rate, charges_rate)| {
                let goods_rate = if seller == buyer { Decimal::ONE } else { goods_rate };
                // One pair of currencies has one rate.
                let charges_rate = match hub {
                    hub if hub == buyer => Decimal::ONE,
                    hub if hub == seller => goods_rate,
                    _ => charges_rate,
                };
                let paid = |minor, from, rate| money(minor, from).convert(rate, buyer, Rounding::Up);
                let convert = || {
                    let duty_and_tax = paid(duty_and_tax, hub, charges_rate)?;
                    let outward =
                        paid(carriage, hub, charges_rate)?.checked_add(paid(fees, hub, charges_rate)?)?;
                    let goods = paid(goods, seller, goods_rate)?;
                    let all = goods.checked_add(duty_and_tax)?.checked_add(outward)?;
                    Ok::<_, money::Error>((goods, duty_and_tax, outward, all))
                };
                let (paid_goods, paid_duty_and_tax, paid_outward, all) = convert().ok()?;
                let terms = SettlementTerms {
                    seller_goods: money(goods, seller),
                    carriage: money(carriage, hub),
                    duty_and_tax: money(duty_and_tax, hub),
                    fees: money(fees, hub),
                    paid_duty_and_tax,
                    paid_outward,
                    goods_rate,
                    charges_rate,
                    ..terms()
                };
                Some((terms, paid_goods, all))
            },
        )
        .prop_filter_map("more than can be counted", |terms| terms)
}

/// What a sum of minor units of a currency is worth in the buyer's minor units.
fn worth(rates: &BTreeMap<String, String>, balances: &Balances) -> Decimal {
    let of_exchange = balances.iter().filter(|((kind, _), _)| *kind == "exchange");
    of_exchange
        .map(|((_, currency), minor)| Decimal::from(*minor) * rates[currency].parse::<Decimal>().unwrap())
        .sum()
}

proptest! {
    /// In whatever parts a consignment goes back, before the release or after it, the books end as if all had gone back
    /// at once: the carrier is paid, and nobody's money comes from nowhere.
    #[test]
    fn parts_come_to_the_whole_and_the_hub_loses_nothing(
        (terms, paid_goods, all) in any_terms(),
        cuts in prop::collection::vec(0_i64..=1_000, 0..6),
        before_release in 0_usize..8,
        whole in any::<bool>(),
        bearer in prop::sample::select(vec![Bearer::Seller, Bearer::Hub, Bearer::Buyer]),
    ) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        if whole {
            cuts.push(1_000);
        }
        let part = |of: i64, cut: i64| i64::try_from(i128::from(of) * i128::from(cut) / 1_000).unwrap();
        let outward = if bearer == Bearer::Buyer { 0 } else { terms.paid_outward.minor() };
        let (mut gone, mut returns) = (0, Vec::new());
        for cut in &cuts {
            let slice = |of: i64| part(of, *cut) - part(of, gone);
            let outward = if *cut == 1_000 && gone < 1_000 { outward } else { 0 };
            let refund = [slice(paid_goods.minor()), slice(terms.paid_duty_and_tax.minor()), outward];
            returns.push(back(&terms, refund, slice(terms.seller_goods.minor()), bearer));
            gone = *cut;
        }
        let balances = play(&terms, all, &returns, before_release);
        let last = cuts.last().copied().unwrap_or_default();
        let refund = [part(paid_goods.minor(), last), part(terms.paid_duty_and_tax.minor(), last), if last == 1_000 { outward } else { 0 }];
        let at_once = [back(&terms, refund, part(terms.seller_goods.minor(), last), bearer)];
        prop_assert_eq!(&balances, &play(&terms, all, &at_once, 0));
        prop_assert_eq!(of(&balances, "carrier_payable", terms.carriage.currency().code()), terms.carriage.minor());
        // The goods are rounded by the line: a minor unit of each at most.
        let rates = exchange_rates(&terms).unwrap();
        let rounding = Decimal::from(2) + rates[terms.seller_goods.currency().code()].parse::<Decimal>().unwrap();
        prop_assert!(worth(&rates, &balances) > -rounding, "{:?}", balances);
        // What has gone back whole leaves no exchange, unless the buyer paid for the carriage in another currency.
        if last == 1_000 && bearer != Bearer::Buyer {
            for currency in [terms.carriage.currency(), terms.seller_goods.currency(), all.currency()] {
                prop_assert!(of(&balances, "exchange", currency.code()) >= 0, "{:?}", balances);
            }
        }
    }
}
