//! The landed cost of a consignment: its carriage, its customs value, duty and tax.

use chrono::NaiveDate;
use customs::landed_cost::{Amounts, Charges};
use customs::{HsCode, LandedCost, Line, Rates, Shipment};

use hub::{CarriageOption, Parcel, Profile};
use kernel::{Country, Refusal};
use money::rates::RateTable;
use money::{Currency, Money, Rounding};
use rust_decimal::Decimal;
use trade::{AppliedRule, ExchangeRate, OriginCertificate, Price};

use super::customs_rate::{self, CustomsRate};

/// Goods of one seller from one country, all priced in one currency.
#[derive(Debug, Clone)]
pub(crate) struct Consignment {
    pub(crate) from: Country,
    pub(crate) currency: Currency,
    /// The seller is registered for the tax on low-value goods.
    pub(crate) seller_tax_registered: bool,
    /// Units of the hub's currency that the buyer is charged for one of the goods'.
    pub(crate) charge_rate: Option<Decimal>,
    pub(crate) goods: Vec<Goods>,
}

/// A line of a consignment.
#[derive(Debug, Clone)]
pub(crate) struct Goods {
    pub(crate) parcel: Parcel,
    pub(crate) quantity: i64,
    pub(crate) unit_price: Money,
    /// What is taken off the price of the units together.
    pub(crate) discount: Money,
    pub(crate) hs_code: HsCode,
    pub(crate) origin: Country,
    pub(crate) category: String,
    pub(crate) preference: Option<String>,
    /// The proof of origin for it.
    pub(crate) certificate: Option<OriginCertificate>,
    /// The last day of the permit that the buyer names.
    pub(crate) permit_until: Option<NaiveDate>,
}

impl Goods {
    /// The preference that is claimed and proven on that day; else why the one that is claimed is not applied.
    fn proven(&self, today: NaiveDate) -> Result<Option<String>, String> {
        let Some(claimed) = &self.preference else { return Ok(None) };
        let problem = match &self.certificate {
            None => "there is no certificate of origin".to_owned(),
            Some(OriginCertificate { number, issued_on, .. }) if *issued_on > today => {
                format!("the certificate of origin {number} is issued on {issued_on}")
            }
            Some(OriginCertificate { number, expires_on, .. }) if *expires_on < today => {
                format!("the certificate of origin {number} expired on {expires_on}")
            }
            Some(_) => return Ok(Some(claimed.clone())),
        };
        Err(format!("the preference {claimed} is not applied, as {problem}; the usual duty applies"))
    }
}

/// A landed cost in the hub's currency.
#[derive(Debug, Clone)]
pub(crate) struct LandedQuote {
    pub(crate) carriage: CarriageOption,
    pub(crate) customs_value: Money,
    pub(crate) price: Price,
    /// Tax that the seller collects with the price, within `price`.
    pub(crate) seller_tax: Money,
    pub(crate) lines: Vec<Price>,
    /// What each line bears, not rounded; none where it is not wanted.
    pub(crate) charges: Vec<Charges>,
    pub(crate) rules: Vec<AppliedRule>,
    /// None needed when the goods are priced in the hub's currency.
    pub(crate) customs_rate: Option<ExchangeRate>,
    pub(crate) warnings: Vec<String>,
}

/// What decides besides the consignment itself.
#[derive(Debug)]
pub(crate) struct LandedCostContext<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) rates: &'a RateTable,
    pub(crate) today: NaiveDate,
    pub(crate) sandbox: bool,
    pub(crate) postcode: &'a str,
    /// The service to use, by its code; empty: the one with the lowest landed total.
    pub(crate) carriage_service: &'a str,
    /// Whether [`LandedQuote::charges`] are wanted.
    pub(crate) with_charges: bool,
}

/// Calculates the landed cost, with the requested service or else the one with the lowest total.
pub(crate) fn landed(
    terms: &LandedCostContext<'_>,
    consignment: &Consignment,
) -> Result<LandedQuote, Refusal> {
    let ruleset = terms.profile.ruleset(consignment.from).ok_or_else(|| no_lane(consignment.from))?;
    let mut warnings = restrictions(terms, consignment)?;
    warnings.extend(consignment.goods.iter().filter_map(|goods| goods.proven(terms.today).err()));
    let options = carriage(terms, consignment)?;
    let customs_rate = customs_rate(terms, consignment.currency)?;
    let lines: Vec<Line> =
        consignment.goods.iter().map(|goods| line(terms.today, consignment.from, goods)).collect();
    let insurance = insurance(terms, &lines, consignment.currency).map_err(uncountable)?;
    let customs_rate_used = customs_rate.as_ref().map(|found| found.rate.rate);
    let shipment = |carriage: &CarriageOption| Shipment {
        date: terms.today,
        transport: carriage.transport,
        goods_currency: consignment.currency,
        customs_rate: customs_rate_used,
        charge_rate: consignment.charge_rate,
        seller_registered: consignment.seller_tax_registered,
        marketplace_registered: terms.profile.is_marketplace_registered(),
        freight: carriage.price,
        insurance,
        lines: lines.clone(),
    };
    let cost = |carriage: CarriageOption| {
        let cost = customs::landed_cost(ruleset, &shipment(&carriage)).map_err(unavailable)?;
        Ok(CostedOption { landed: cost.total.landed().map_err(uncountable)?, carriage, cost })
    };
    let CostedOption { carriage, cost, .. } = lowest(options.into_iter().map(cost))?;
    let charges = match terms.with_charges {
        true => customs::exact_charges(ruleset, &shipment(&carriage)).map_err(unavailable)?,
        false => Vec::new(),
    };
    let (customs_rate, of_rate) = customs_rate.map(|found| (found.rate, found.warnings)).unzip();
    let warnings = warnings.into_iter().chain(cost.warnings).chain(of_rate.into_iter().flatten()).collect();
    Ok(LandedQuote {
        carriage,
        customs_value: cost.customs_value,
        price: cost.total.price().map_err(uncountable)?,
        seller_tax: cost.total.seller_tax,
        lines: cost.lines.iter().map(Amounts::price).collect::<Result<_, _>>().map_err(uncountable)?,
        charges,
        rules: cost.rules,
        customs_rate,
        warnings,
    })
}

/// What a consignment comes to by one way to carry it.
struct CostedOption {
    landed: Money,
    carriage: CarriageOption,
    cost: LandedCost,
}

/// The least landed total; of equal ones the faster, then the cheaper carriage. A way whose cost cannot be told is no
/// choice, unless none can.
fn lowest(costs: impl Iterator<Item = Result<CostedOption, Refusal>>) -> Result<CostedOption, Refusal> {
    let (mut best, mut refusal): (Option<CostedOption>, _) = (None, None);
    for cost in costs {
        match cost {
            Err(why) => refusal = refusal.or(Some(why)),
            Ok(costed) if best.as_ref().is_none_or(|best| costed.rank() < best.rank()) => best = Some(costed),
            Ok(_) => {}
        }
    }
    best.ok_or_else(|| refusal.unwrap_or_else(|| no_carriage("no service is offered")))
}

impl CostedOption {
    fn rank(&self) -> (i64, u32, u32, i64, &str) {
        let carriage = &self.carriage;
        let days = (carriage.days_max, carriage.days_min);
        (self.landed.minor(), days.0, days.1, carriage.price.minor(), &carriage.service)
    }
}

/// What a buyer is told of goods that come with the permit that they need; without one, and where goods are never carried,
/// they are refused.
fn restrictions(terms: &LandedCostContext<'_>, consignment: &Consignment) -> Result<Vec<String>, Refusal> {
    let mut warnings = Vec::new();
    for (line, goods) in consignment.goods.iter().enumerate() {
        match terms.profile.restricted(Some(&goods.hs_code), &goods.category, goods.origin) {
            Some(found) if found.prohibited => {
                return Err(Refusal::new("GOODS_PROHIBITED", format!("line {line}: {}", found.reason))
                    .about("line", line));
            }
            Some(found) => match goods.permit_until {
                Some(last) if last >= terms.today => warnings.push(found.reason),
                Some(last) => {
                    return Err(no_permit(
                        line,
                        &found.reason,
                        &format!("the named permit expired on {last}"),
                    ));
                }
                None => {
                    let problem = "name its number, its authority and its last day";
                    return Err(no_permit(line, &found.reason, problem));
                }
            },
            None => {}
        }
    }
    Ok(warnings)
}

fn no_lane(from: Country) -> Refusal {
    let message = format!("there is no lane from {from} into this hub's country");
    Refusal::new("NO_LANE", message).about("from_country", from)
}

fn no_carriage(problem: &str) -> Refusal {
    Refusal::new("NO_CARRIAGE", format!("no carrier of this hub carries this consignment: {problem}"))
}

fn no_permit(line: usize, reason: &str, problem: &str) -> Refusal {
    Refusal::new("PERMIT_REQUIRED", format!("line {line}: {reason}; {problem}")).about("line", line)
}

fn unavailable(error: customs::landed_cost::Error) -> Refusal {
    match error {
        customs::landed_cost::Error::Money(error) => uncountable(error),
        other => Refusal::new("LANDED_COST_UNAVAILABLE", other.to_string()),
    }
}

fn uncountable(error: money::Error) -> Refusal {
    match error {
        money::Error::Overflow => {
            let message = format!("{error}: a total of these goods is too large; order fewer");
            Refusal::new("AMOUNT_TOO_LARGE", message)
        }
        other => Refusal::new("LANDED_COST_UNAVAILABLE", other.to_string()),
    }
}

/// The ways to carry the consignment: the wished one alone, or all that are offered.
fn carriage(
    terms: &LandedCostContext<'_>,
    consignment: &Consignment,
) -> Result<Vec<CarriageOption>, Refusal> {
    let parcels: Vec<Parcel> = consignment.goods.iter().map(|goods| goods.parcel).collect();
    let mut options = terms.profile.carriage(consignment.from, &parcels, terms.postcode);
    if options.is_empty() {
        let from = consignment.from;
        let problem = if terms.postcode.is_empty() && terms.profile.needs_postcode(from) {
            format!("from {from} the price depends on the postcode; give the postcode")
        } else {
            format!("it is too heavy or too large, or no zone covers {from}")
        };
        return Err(no_carriage(&problem));
    }
    if terms.carriage_service.is_empty() {
        return Ok(options);
    }
    let offered = options.iter().map(|option| option.service.as_str()).collect::<Vec<_>>().join(", ");
    options.retain(|option| option.service == terms.carriage_service);
    if options.is_empty() {
        let (wished, from) = (terms.carriage_service, consignment.from);
        let message =
            format!("`{wished}` is not offered for this consignment from {from}; offered: {offered}");
        let refusal = Refusal::new("CARRIAGE_SERVICE_NOT_OFFERED", message);
        return Err(refusal.about("from_country", from).about("offered", offered));
    }
    Ok(options)
}

fn customs_rate(terms: &LandedCostContext<'_>, goods: Currency) -> Result<Option<CustomsRate>, Refusal> {
    let hub = terms.profile.currency();
    if goods == hub {
        return Ok(None);
    }
    let days = terms.profile.terms().exchange_age_days_max;
    customs_rate::of(terms.rates, goods, hub, terms.today, days, terms.sandbox)
        .map(Some)
        .map_err(|problem| Refusal::new("CUSTOMS_RATE_UNAVAILABLE", problem))
}

fn insurance(
    terms: &LandedCostContext<'_>,
    lines: &[Line],
    currency: Currency,
) -> Result<Money, money::Error> {
    let prices = lines.iter().map(Line::goods).collect::<Result<Vec<_>, _>>()?;
    let goods = Money::sum(prices, currency)?;
    goods.times(terms.profile.terms().insurance_rate, Rounding::HalfAwayFromZero)
}

fn line(today: NaiveDate, from: Country, goods: &Goods) -> Line {
    Line {
        origin: goods.origin,
        from,
        quantity: goods.quantity,
        unit_price: goods.unit_price,
        discount: goods.discount,
        hs_code: Some(goods.hs_code.clone()),
        category: Some(goods.category.clone()),
        weight_grams: i64::try_from(goods.parcel.weight_grams).ok(),
        preference: goods.proven(today).ok().flatten(),
        rates: Rates::default(),
    }
}
