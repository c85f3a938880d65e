//! How a landed price comes about: offers grouped into consignments, their landed costs, the rates.
//!
//! The goods are the seller's price at the goods' rate; all else is in the hub's currency at the charges' rate. Each
//! part of a consignment is converted once and rounded up to the minor unit, in the hub's favour; lines get shares
//! that add up to the part.

use std::collections::BTreeMap;

use hub::FreightSpread;
use kernel::{ConsignmentId, ProductId, SellerId, VariantId};
use money::{Currency, Money, Rounding};
use rust_decimal::Decimal;
use trade::{AppliedRule, ExchangeRate, OriginCertificate, Permit, Price};

use super::Refusal;
use super::quote::{Attributes, Carriage, QuotedConsignment, QuotedLine};

/// The most consignments of one quote.
pub(crate) const CONSIGNMENTS_MAX: usize = 50;
/// The most lines of one quote.
pub(crate) const LINES_MAX: usize = 500;
/// The most units of a line.
pub(crate) const QUANTITY_MAX: i64 = 1_000_000;

/// A wish to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestedLine {
    /// What.
    pub(crate) variant_id: VariantId,
    /// How many units.
    pub(crate) quantity: i64,
    /// The permit under which they are imported, if one is named.
    pub(crate) permit: Option<Permit>,
}

/// What catalog offers for a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Which variant.
    pub(crate) variant_id: VariantId,
    /// Its product.
    pub(crate) product_id: ProductId,
    /// Its seller.
    pub(crate) seller_id: SellerId,
    /// The name that buyers see.
    pub(crate) seller_name: String,
    /// Registered for the tax on low-value goods.
    pub(crate) seller_tax_registered: bool,
    /// The seller's own code.
    pub(crate) sku: String,
    /// Title for people.
    pub(crate) title: String,
    /// The category's slug.
    pub(crate) category: String,
    /// Of one unit.
    pub(crate) unit_price: Money,
    /// Harmonized System code.
    pub(crate) hs_code: String,
    /// Where it was made.
    pub(crate) origin: String,
    /// Where it ships from.
    pub(crate) from_country: String,
    /// Packed weight of one unit.
    pub(crate) weight_grams: i64,
    /// Packed length, width and height of one unit.
    pub(crate) size_mm: Option<[i64; 3]>,
    /// A trade preference; empty: none.
    pub(crate) preference: String,
    /// The proof of origin for it.
    pub(crate) certificate: Option<OriginCertificate>,
    /// Stock units that one unit takes.
    pub(crate) stock_units: i64,
    /// The permit of the wish.
    pub(crate) permit: Option<Permit>,
}

/// The offers that travel together, with how many of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Who sells.
    pub(crate) seller_id: SellerId,
    /// Where it ships from.
    pub(crate) from_country: String,
    /// In which currency the seller is paid.
    pub(crate) currency: Currency,
    /// What is in it.
    pub(crate) lines: Vec<GroupLine>,
}

/// An offer in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupLine {
    /// What is offered.
    pub(crate) offer: Offer,
    /// How many units.
    pub(crate) quantity: i64,
    /// What is taken off the price of the units together, in the seller's currency: the seller bears it.
    pub(crate) discount: Money,
}

impl GroupLine {
    /// So many units at their price.
    pub(crate) fn new(offer: Offer, quantity: i64) -> Self {
        let discount = Money::zero(offer.unit_price.currency());
        Self { offer, quantity, discount }
    }

    /// The price of the units before anything is taken off.
    fn full_price(&self) -> Result<Money, money::Error> {
        self.offer.unit_price.checked_mul(self.quantity)
    }

    /// What is paid for the units.
    pub(crate) fn goods(&self) -> Result<Money, money::Error> {
        self.full_price()?.checked_sub(self.discount)
    }
}

/// What logistics says of a group, in the hub's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LandedCost {
    /// How it is carried.
    pub(crate) carriage: Carriage,
    /// The parts of the whole.
    pub(crate) price: Price,
    /// The parts of each line.
    pub(crate) lines: Vec<Price>,
    /// Duty, tax and fees of each line before they are rounded to the minor unit; not needed where the buyer pays in the
    /// hub's currency.
    pub(crate) charges: Vec<[Decimal; 3]>,
    /// What customs takes duty of.
    pub(crate) customs_value: Money,
    /// Tax that the seller collects.
    pub(crate) seller_collected_tax: Money,
    /// The rules behind it.
    pub(crate) rules: Vec<AppliedRule>,
    /// The customs rate.
    pub(crate) customs_rate: Option<ExchangeRate>,
    /// What the buyer should know.
    pub(crate) warnings: Vec<String>,
}

/// Why no price could be worked out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The sums are beyond what is counted here.
    #[error(transparent)]
    Money(#[from] money::Error),
    /// Another service answered what does not fit its contract.
    #[error("{0}")]
    Answer(String),
}

/// Groups offers by seller, country and currency, in the order of the first line of each.
pub(crate) fn group(requested: &[RequestedLine], offers: Vec<Offer>) -> Result<Vec<Group>, Error> {
    if offers.len() != requested.len() {
        return Err(Error::Answer(format!("{} offers for {} wishes", offers.len(), requested.len())));
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<(SellerId, String, Currency), usize> = BTreeMap::new();
    for (wish, mut offer) in requested.iter().zip(offers) {
        offer.permit = wish.permit.clone();
        if wish.variant_id != offer.variant_id {
            return Err(Error::Answer(format!("an offer of {} for {}", offer.variant_id, wish.variant_id)));
        }
        let currency = offer.unit_price.currency();
        let key = (offer.seller_id, offer.from_country.clone(), currency);
        let place = *places.entry(key).or_insert_with(|| {
            let (seller_id, from_country) = (offer.seller_id, offer.from_country.clone());
            groups.push(Group { seller_id, from_country, currency, lines: Vec::new() });
            groups.len() - 1
        });
        groups[place].lines.push(GroupLine::new(offer, wish.quantity));
    }
    if groups.len() > CONSIGNMENTS_MAX {
        let message = format!("{} consignments; one quote has at most {CONSIGNMENTS_MAX}", groups.len());
        return Err(Refusal::new("TOO_MANY_CONSIGNMENTS", message).into());
    }
    // What nobody can count is refused before anybody is asked about it.
    for group in &groups {
        group.full_price()?;
    }
    Ok(groups)
}

impl Group {
    /// What the seller is due for all lines.
    fn goods(&self) -> Result<Money, money::Error> {
        Money::sum(self.amounts(GroupLine::goods)?, self.currency)
    }

    /// The price of all lines before anything is taken off.
    fn full_price(&self) -> Result<Money, money::Error> {
        Money::sum(self.amounts(GroupLine::full_price)?, self.currency)
    }

    /// An amount of each line.
    fn amounts<E>(&self, of: impl Fn(&GroupLine) -> Result<Money, E>) -> Result<Vec<Money>, E> {
        self.lines.iter().map(of).collect()
    }
}

/// The exchanges that a price needs: each seller's currency and the hub's into the buyer's, for what the buyer pays; and
/// each seller's into the hub's, for what the goods are charged at where the hub's country taxes the price.
pub(crate) fn pairs(groups: &[Group], hub: Currency, buyer: Currency) -> Vec<(Currency, Currency)> {
    let sellers = groups.iter().flat_map(|group| [(group.currency, buyer), (group.currency, hub)]);
    let mut pairs: Vec<(Currency, Currency)> = sellers.chain([(hub, buyer)]).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.retain(|(from, to)| from != to);
    pairs
}

/// The consignment that a group and its landed cost come to in the buyer's currency.
pub(crate) fn consignment(
    group: Group,
    landed: LandedCost,
    freight_by: FreightSpread,
    rates: &[ExchangeRate],
    to: Currency,
) -> Result<QuotedConsignment, Error> {
    let hub = landed.price.currency();
    let charges = if to == hub { landed.lines.len() } else { landed.charges.len() };
    for landed in [landed.lines.len(), charges] {
        if landed != group.lines.len() {
            return Err(Error::Answer(format!("{landed} landed lines for {}", group.lines.len())));
        }
    }
    let seller_goods = group.goods()?;
    let goods = convert(seller_goods, rates, to)?;
    let full_price = convert(group.full_price()?, rates, to)?;
    let [_, charges @ ..] = landed.price.parts();
    let mut parts = [goods; 6];
    for (part, charge) in parts[1..].iter_mut().zip(charges) {
        *part = convert(charge, rates, to)?;
    }
    let price = Price::new(parts)?.with_discount(full_price.checked_sub(goods)?)?;
    let shares = share(&price, &group, freight_by, &landed)?;
    let names = group.lines.first().map(|line| line.offer.seller_name.clone()).unwrap_or_default();
    let lines = group.lines.into_iter().zip(shares).map(|(line, price)| quoted_line(line, price));
    Ok(QuotedConsignment {
        id: ConsignmentId::new(),
        seller_id: group.seller_id,
        seller_name: names,
        from_country: group.from_country,
        lines: lines.collect(),
        price,
        hub_price: landed.price,
        seller_goods,
        carriage: landed.carriage,
        customs_value: landed.customs_value,
        seller_collected_tax: landed.seller_collected_tax,
        rules: landed.rules,
        customs_rate: landed.customs_rate,
        goods_rate: rate(group.currency, rates, to)?.cloned(),
        charges_rate: rate(hub, rates, to)?.cloned(),
    })
}

fn rate(from: Currency, rates: &[ExchangeRate], to: Currency) -> Result<Option<&ExchangeRate>, Error> {
    if from == to {
        return Ok(None);
    }
    let found = rates.iter().find(|rate| rate.from == from && rate.to == to);
    found.map(Some).ok_or_else(|| Error::Answer(format!("no rate from {from} to {to}")))
}

/// Rounded up: the hub never gives more than it takes.
fn convert(amount: Money, rates: &[ExchangeRate], to: Currency) -> Result<Money, Error> {
    match rate(amount.currency(), rates, to)? {
        None => Ok(amount),
        Some(rate) => Ok(amount.convert(rate.rate, to, Rounding::Up)?),
    }
}

fn decimals(amounts: &[Money]) -> Vec<Decimal> {
    amounts.iter().map(|amount| amount.to_decimal()).collect()
}

/// The lines' shares of each part: goods and insurance by their worth, carriage as freight is spread, the rest by what
/// falls on each line: the rounded amounts in the hub's own currency, else the exact ones, as a minor unit of the hub's
/// may be many of the buyer's.
fn share(
    price: &Price,
    group: &Group,
    freight_by: FreightSpread,
    landed: &LandedCost,
) -> Result<Vec<Price>, Error> {
    let goods = decimals(&group.amounts(GroupLine::goods)?);
    let grams = |line: &GroupLine| Decimal::from(line.offer.weight_grams) * Decimal::from(line.quantity);
    let freight = match freight_by {
        FreightSpread::Value => goods.clone(),
        FreightSpread::Weight => group.lines.iter().map(grams).collect(),
    };
    let is_same = price.currency() == landed.price.currency();
    let charge = |line: usize, place: usize| match is_same {
        true => landed.lines[line].parts()[place].to_decimal(),
        false => landed.charges[line][place - 3],
    };
    let mut shares = vec![[Money::zero(price.currency()); 6]; group.lines.len()];
    for (place, part) in price.parts().into_iter().enumerate() {
        let weights: Vec<Decimal> = match place {
            0 | 2 => goods.clone(),
            1 => freight.clone(),
            _ => (0..group.lines.len()).map(|line| charge(line, place)).collect(),
        };
        for (line, share) in shares.iter_mut().zip(part.allocate(&weights)?) {
            line[place] = share;
        }
    }
    let taken_off: Vec<Money> = group.lines.iter().map(|line| line.discount).collect();
    let discounts = price.discount().allocate(&decimals(&taken_off))?;
    let shares = shares.into_iter().zip(discounts);
    Ok(shares
        .map(|(parts, discount)| Price::new(parts)?.with_discount(discount))
        .collect::<Result<_, _>>()?)
}

fn quoted_line(line: GroupLine, price: Price) -> QuotedLine {
    let GroupLine { offer, quantity, discount } = line;
    QuotedLine {
        variant_id: offer.variant_id,
        product_id: offer.product_id,
        sku: offer.sku,
        title: offer.title,
        quantity,
        unit_price: offer.unit_price,
        discount: Some(discount).filter(|discount| !discount.is_zero()),
        price,
        hs_code: offer.hs_code,
        origin: offer.origin,
        weight_grams: offer.weight_grams,
        category: offer.category,
        permit: offer.permit,
        attributes: Some(Attributes {
            size_mm: offer.size_mm,
            stock_units: offer.stock_units,
            preference: offer.preference,
            certificate: offer.certificate,
            seller_tax_registered: offer.seller_tax_registered,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{landed, myr, offer, rate, thb};
    use proptest::prelude::*;

    #[test]
    fn a_group_is_a_seller_a_country_and_a_currency() {
        let (one, two) = (SellerId::new(), SellerId::new());
        let offers = vec![
            offer(one, "TH", thb(100)),
            offer(two, "TH", thb(100)),
            offer(one, "CN", thb(100)),
            offer(one, "TH", thb(200)),
            offer(one, "TH", myr(5)),
        ];
        let requested: Vec<RequestedLine> = offers
            .iter()
            .map(|offer| RequestedLine { variant_id: offer.variant_id, quantity: 1, permit: None })
            .collect();
        let groups = group(&requested, offers.clone()).unwrap();
        let sizes: Vec<usize> = groups.iter().map(|group| group.lines.len()).collect();
        assert_eq!(sizes, [2, 1, 1, 1]);
        assert!(matches!(group(&requested[1..], offers.clone()), Err(Error::Answer(_))));
        let mut swapped = requested;
        swapped.swap(0, 1);
        assert!(matches!(group(&swapped, offers), Err(Error::Answer(_))));
    }

    #[test]
    fn each_exchange_is_asked_for_once() {
        let of = |currency| Group {
            seller_id: SellerId::new(),
            from_country: "TH".to_owned(),
            currency,
            lines: Vec::new(),
        };
        let (myr, thb, usd) = (Currency::MYR, Currency::THB, Currency::USD);
        let groups = [of(thb), of(myr), of(thb)];
        assert_eq!(pairs(&groups, myr, myr), [(thb, myr)]);
        assert_eq!(pairs(&groups, myr, thb), [(myr, thb), (thb, myr)]);
        assert_eq!(pairs(&groups, myr, usd), [(myr, usd), (thb, myr), (thb, usd)]);
        assert_eq!(pairs(&groups[1..2], myr, myr), []);
    }

    #[test]
    fn a_missing_rate_is_seen() {
        let group = Group {
            seller_id: SellerId::new(),
            from_country: "TH".to_owned(),
            currency: Currency::THB,
            lines: vec![GroupLine::new(offer(SellerId::new(), "TH", thb(100)), 1)],
        };
        let landed = landed(&[[100, 10, 1, 2, 3, 4]]);
        let refused = consignment(group, landed, FreightSpread::Value, &[], Currency::MYR);
        assert!(matches!(refused, Err(Error::Answer(_))));
    }

    proptest! {
        /// Whatever the amounts and rates: lines add up to the consignment part by part, no part is more than a
        /// minor unit above its exact amount, and none is below.
        #[test]
        fn lines_add_up_and_rounding_favours_the_hub(
            lines in prop::collection::vec((1_i64..100_000, 1_i64..50, 0_i64..=100, [0_i64..90_000, 0..9_000, 0..900, 0..90_000, 0..90_000, 0..900]), 1..12),
            goods_rate in 1_i64..100_000_000,
            charges_rate in 1_i64..100_000_000,
        ) {
            let seller_id = SellerId::new();
            let taken_off = |(price, quantity, percent, _): &(i64, i64, i64, [i64; 6])| price * quantity * percent / 100;
            let line = |line: &(i64, i64, i64, [i64; 6])| GroupLine {
                discount: thb(taken_off(line)),
                ..GroupLine::new(offer(seller_id, "TH", thb(line.0)), line.1)
            };
            let group = Group {
                seller_id,
                from_country: "TH".to_owned(),
                currency: Currency::THB,
                lines: lines.iter().map(line).collect(),
            };
            let parts: Vec<[i64; 6]> = lines.iter().map(|line| line.3).collect();
            let rates = [rate(Currency::THB, Currency::USD, goods_rate), rate(Currency::MYR, Currency::USD, charges_rate)];
            let quoted = consignment(group, landed(&parts), FreightSpread::Value, &rates, Currency::USD).unwrap();
            let of_lines = Price::sum(quoted.lines.iter().map(|line| &line.price), Currency::USD).unwrap();
            prop_assert_eq!(of_lines, quoted.price);
            let sum: i64 = quoted.price.parts().iter().map(|part| part.minor()).sum();
            prop_assert_eq!(quoted.price.total().unwrap().minor(), sum);
            let exact = |amount: i64, rate: i64| i128::from(amount) * i128::from(rate);
            let paid = |line: &(i64, i64, i64, [i64; 6])| line.0 * line.1 - taken_off(line);
            let goods: i64 = lines.iter().map(paid).sum();
            let full: i64 = lines.iter().map(|line| line.0 * line.1).sum();
            prop_assert_eq!(quoted.seller_goods, thb(goods));
            let due = quoted.lines.iter().map(|line| line.seller_goods().unwrap());
            prop_assert_eq!(Money::sum(due, Currency::THB).unwrap(), quoted.seller_goods);
            let before = i128::from(quoted.price.goods().checked_add(quoted.price.discount()).unwrap().minor()) * 1_000_000;
            prop_assert!((0..1_000_000).contains(&(before - exact(full, goods_rate))));
            // However large a minor unit of the hub's is in the buyer's currency.
            for (line, bought) in quoted.lines.iter().zip(&lines) {
                for place in [1, 2] {
                    if goods == 0 {
                        continue;
                    }
                    let exact = exact(quoted.price.parts()[place].minor(), paid(bought));
                    let difference = exact - i128::from(line.price.parts()[place].minor()) * i128::from(goods);
                    prop_assert!(difference.abs() < i128::from(goods));
                }
            }
            let of = |place: usize| parts.iter().map(|part| part[place]).sum::<i64>();
            let wanted = [exact(goods, goods_rate), exact(of(1), charges_rate), exact(of(2), charges_rate),
                exact(of(3), charges_rate), exact(of(4), charges_rate), exact(of(5), charges_rate)];
            for (part, wanted) in quoted.price.parts().iter().zip(wanted) {
                let scaled = i128::from(part.minor()) * 1_000_000;
                prop_assert!(scaled >= wanted && scaled - wanted < 1_000_000);
            }
        }
    }
}
