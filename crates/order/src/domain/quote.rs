//! A quote: one landed price, frozen until it expires.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ConsignmentId, ProductId, QuoteId, SellerId, VariantId};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};
use trade::{AppliedRule, ExchangeRate, OriginCertificate, Permit, Price, Transport};

use super::Refusal;

/// One landed price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    /// Its id.
    pub(crate) id: QuoteId,
    /// The principal that asked for it: a guest by the hash of its secret. Nobody: a guest at an earlier release, who
    /// could not prove that it is his.
    pub(crate) owner: Option<String>,
    /// The buyer's currency.
    pub(crate) currency: Currency,
    /// The postcode that it was asked for; empty: none was said.
    #[serde(default)]
    pub(crate) postcode: String,
    /// What each seller ships from each country.
    pub(crate) consignments: Vec<QuotedConsignment>,
    /// What the buyer should know.
    pub(crate) warnings: Vec<String>,
    /// The hash of the hub's profile.
    pub(crate) profile_hash: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// Until when it can be ordered.
    pub(crate) expires_at: DateTime<Utc>,
}

/// What one seller ships from one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotedConsignment {
    /// The id that it has once ordered.
    pub(crate) id: ConsignmentId,
    /// Who sells.
    pub(crate) seller_id: SellerId,
    /// The name that buyers see.
    pub(crate) seller_name: String,
    /// Where it ships from, ISO 3166-1.
    pub(crate) from_country: String,
    /// Its lines.
    pub(crate) lines: Vec<QuotedLine>,
    /// In the buyer's currency: the sum of its lines.
    pub(crate) price: Price,
    /// In the hub's currency, as customs and the carrier count.
    pub(crate) hub_price: Price,
    /// The goods in the seller's currency.
    pub(crate) seller_goods: Money,
    /// How it is carried.
    pub(crate) carriage: Carriage,
    /// What customs takes duty of, in the hub's currency.
    pub(crate) customs_value: Money,
    /// Tax that the seller collects with the price, within `hub_price.tax`.
    pub(crate) seller_collected_tax: Money,
    /// The rules behind duty, tax and fees.
    pub(crate) rules: Vec<AppliedRule>,
    /// The customs authority's rate.
    pub(crate) customs_rate: Option<ExchangeRate>,
    /// From the seller's currency to the buyer's.
    pub(crate) goods_rate: Option<ExchangeRate>,
    /// From the hub's currency to the buyer's.
    pub(crate) charges_rate: Option<ExchangeRate>,
}

/// A line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotedLine {
    /// What is bought.
    pub(crate) variant_id: VariantId,
    /// Its product.
    pub(crate) product_id: ProductId,
    /// The seller's own code.
    pub(crate) sku: String,
    /// The title when it was quoted.
    pub(crate) title: String,
    /// How many units.
    pub(crate) quantity: i64,
    /// Of one unit, in the seller's currency.
    pub(crate) unit_price: Money,
    /// What is taken off the price of the units together, in the seller's currency; nothing: not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) discount: Option<Money>,
    /// Of all units, in the buyer's currency, with the line's share of the rest.
    pub(crate) price: Price,
    /// Harmonized System code.
    pub(crate) hs_code: String,
    /// Where it was made.
    pub(crate) origin: String,
    /// Packed weight of one unit.
    pub(crate) weight_grams: i64,
    /// The category's slug.
    pub(crate) category: String,
    /// The permit under which it is imported, if one was named.
    #[serde(default)]
    pub(crate) permit: Option<Permit>,
    /// What else decided its landed price; quotes of earlier releases do not have it.
    #[serde(default)]
    pub(crate) attributes: Option<Attributes>,
}

/// What decides a line's landed price besides what is shown of it: it is compared when the quote is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// Packed length, width and height of one unit.
    pub(crate) size_mm: Option<[i64; 3]>,
    /// Stock units that one unit takes.
    pub(crate) stock_units: i64,
    /// A trade preference; empty: none.
    pub(crate) preference: String,
    /// The proof of origin for it.
    #[serde(default)]
    pub(crate) certificate: Option<OriginCertificate>,
    /// The seller is registered for the tax on low-value goods.
    pub(crate) seller_tax_registered: bool,
}

/// How a consignment is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carriage {
    /// The carrier's code.
    pub(crate) carrier: String,
    /// The service's code.
    pub(crate) service: String,
    /// The service's name for people.
    pub(crate) title: String,
    /// How it travels.
    pub(crate) transport: Option<Transport>,
    /// The weight that is charged.
    pub(crate) chargeable_grams: i64,
    /// Days in transit, at least.
    pub(crate) days_min: i32,
    /// Days in transit, at most.
    pub(crate) days_max: i32,
    /// The carrier's zone that the price is for, as the hub names it; quotes of earlier releases do not have it.
    #[serde(default)]
    pub(crate) zone: Option<String>,
}

impl QuotedLine {
    /// What the seller is due for the units together.
    pub(crate) fn seller_goods(&self) -> Result<Money, money::Error> {
        let price = self.unit_price.checked_mul(self.quantity)?;
        self.discount.map_or(Ok(price), |discount| price.checked_sub(discount))
    }

    /// The certificate behind the preference that its seller claims.
    pub(crate) fn claimed_certificate(&self) -> Option<&OriginCertificate> {
        let attributes = self.attributes.as_ref().filter(|attributes| !attributes.preference.is_empty())?;
        attributes.certificate.as_ref()
    }
}

impl Quote {
    /// The whole price: the sum of the consignments'.
    pub(crate) fn price(&self) -> Result<Price, money::Error> {
        Price::sum(self.consignments.iter().map(|consignment| &consignment.price), self.currency)
    }

    /// Whether one of these principals, by which the same person is known, may see and order it.
    pub(crate) fn is_open_to(&self, principals: &[String]) -> bool {
        self.owner.as_ref().is_some_and(|owner| principals.contains(owner))
    }

    /// Whether each consignment is carried to its destination in the zone that was quoted; `zone_of` tells the zone
    /// that its carriage has there.
    pub(crate) fn check_zones(
        &self,
        zone_of: impl Fn(&QuotedConsignment) -> Option<String>,
    ) -> Result<(), Refusal> {
        let differs =
            |one: &&QuotedConsignment| one.carriage.zone.is_some() && zone_of(one) != one.carriage.zone;
        let Some(other) = self.consignments.iter().find(differs) else { return Ok(()) };
        let quoted_for = match self.postcode.as_str() {
            "" => "no postcode".to_owned(),
            postcode => format!("postcode {postcode}"),
        };
        let carrier = &other.carriage.title;
        let message = format!(
            "the address is in another zone of {carrier} than was quoted ({quoted_for}): ask for a quote with its postcode"
        );
        Err(Refusal::new("ADDRESS_CHANGED", message).about("consignment_id", other.id))
    }

    /// Whether every permit that was named still holds on this day.
    pub(crate) fn check_permits(&self, today: NaiveDate) -> Result<(), Refusal> {
        for line in self.consignments.iter().flat_map(|consignment| &consignment.lines) {
            let Some(permit) = line.permit.as_ref().filter(|permit| permit.expires_on < today) else {
                continue;
            };
            let (sku, expired) = (&line.sku, permit.expires_on);
            let message =
                format!("the permit of `{sku}` expired on {expired}; ask for a quote with another one");
            return Err(Refusal::new("PERMIT_REQUIRED", message).about("variant_id", line.variant_id));
        }
        Ok(())
    }

    /// Whether it can still be ordered.
    pub(crate) fn check_valid(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if now < self.expires_at {
            return Ok(());
        }
        let message = format!("the quote expired at {}; ask for a new one", self.expires_at.to_rfc3339());
        Err(Refusal::new("QUOTE_EXPIRED", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::quote;

    #[test]
    fn a_quote_of_an_earlier_release_is_read() {
        let mut old = serde_json::to_value(quote(1)).unwrap();
        old.as_object_mut().unwrap().remove("postcode");
        let consignment = old["consignments"][0].as_object_mut().unwrap();
        consignment["carriage"].as_object_mut().unwrap().remove("zone");
        let line = consignment["lines"][0].as_object_mut().unwrap();
        line.remove("permit");
        line.remove("attributes");
        let read: Quote = serde_json::from_value(old).unwrap();
        // Where no zone was kept, none is compared.
        read.check_zones(|_| None).unwrap();
        assert_eq!(read.consignments[0].lines[0].attributes, None);
    }

    #[test]
    fn a_discount_is_stored_where_there_is_one() {
        let mut line = quote(1).consignments[0].lines[0].clone();
        assert!(serde_json::to_value(&line).unwrap().get("discount").is_none());
        line.discount = Some(Money::new(5, line.unit_price.currency()).unwrap());
        let stored = serde_json::to_value(&line).unwrap();
        assert_eq!(serde_json::from_value::<QuotedLine>(stored).unwrap(), line);
        let due = line.unit_price.minor() * line.quantity - 5;
        assert_eq!(line.seller_goods().unwrap().minor(), due);
    }

    #[test]
    fn a_quote_of_nobody_is_open_to_nobody() {
        let mut quote = quote(1);
        assert!(!quote.is_open_to(&["buyer:aisyah".to_owned()]));
        quote.owner = Some("guest:abc".to_owned());
        assert!(quote.is_open_to(&["buyer:aisyah".to_owned(), "guest:abc".to_owned()]));
        assert!(!quote.is_open_to(&["buyer:guest:abc".to_owned()]));
    }
}
