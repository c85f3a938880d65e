//! Logistics: landed costs, and keeping consignments back.

use async_trait::async_trait;
use kernel::OrderId;
use money::Currency;
use proto::convert;
use proto::logistics::internal::v1::consignment_service_client::ConsignmentServiceClient;
use proto::logistics::internal::v1::landed_cost_service_client::LandedCostServiceClient;
use proto::logistics::internal::v1::{
    CancelConsignmentsOutcome, CancelConsignmentsRequest, ConsignmentToQuote, ExactCharges, LineToQuote,
    QuoteLandedCostRequest, QuotedLandedCost,
};
use proto::logistics::v1::CarriageOption;
use proto::types::v1 as types;
use rpc::{Peer, status};
use rust_decimal::Decimal;
use tonic::{Code, Status};
use trade::ExchangeRate;

use super::{failed, missing};
use crate::app::ports::{CancelResult, Error, Logistics};
use crate::domain::Refusal;
use crate::domain::pricing::{Group, GroupLine, LandedCost};
use crate::domain::quote::Carriage;

/// Logistics over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct LogisticsPeer {
    costs: LandedCostServiceClient<Peer>,
    consignments: ConsignmentServiceClient<Peer>,
    currency: Currency,
}

impl LogisticsPeer {
    /// Logistics behind this channel, which counts in the hub's currency.
    pub(crate) fn new(peer: Peer, currency: Currency) -> Self {
        let costs = LandedCostServiceClient::new(peer.clone());
        Self { costs, consignments: ConsignmentServiceClient::new(peer), currency }
    }
}

#[async_trait]
impl Logistics for LogisticsPeer {
    async fn landed_costs(
        &self,
        groups: &[Group],
        rates: &[ExchangeRate],
        currency: Currency,
        postcode: &str,
        carriage_service: &str,
    ) -> Result<Vec<LandedCost>, Error> {
        let request = QuoteLandedCostRequest {
            consignments: groups.iter().map(|group| consignment(group, rates, self.currency)).collect(),
            postcode: postcode.to_owned(),
            carriage_service: carriage_service.to_owned(),
            without_charges: currency == self.currency,
        };
        let answer = self.costs.clone().quote_landed_cost(request).await;
        let answer = answer.map_err(|status| refused_line(status, groups))?.into_inner();
        answer.consignments.into_iter().map(|cost| landed(cost, self.currency)).collect()
    }

    async fn cancel_consignments(&self, order_id: OrderId) -> Result<CancelResult, Error> {
        let request = CancelConsignmentsRequest { order_id: order_id.to_string() };
        let answer =
            self.consignments.clone().cancel_consignments(request).await.map_err(failed)?.into_inner();
        match answer.outcome() {
            CancelConsignmentsOutcome::Cancelled => Ok(CancelResult::All),
            CancelConsignmentsOutcome::AlreadyPickedUp => Ok(CancelResult::None),
            CancelConsignmentsOutcome::Unspecified => Err(missing("an outcome")),
        }
    }
}

/// The request holds what catalog knows of the goods and nothing else that is not checked already: when logistics cannot
/// read it, these goods cannot be quoted.
fn not_quoted(status: Status) -> Error {
    if status.code() == Code::InvalidArgument {
        let fields = status::fields(&status).join(", ");
        let message = format!("these goods cannot be quoted: {fields}: {}", status.message());
        return Error::Refused(Refusal::new("GOODS_NOT_QUOTABLE", message));
    }
    failed(status)
}

/// A refusal of a line names its variant: the client does not know the groups.
fn refused_line(status: Status, groups: &[Group]) -> Error {
    let place = |key| status::metadata(&status, key)?.parse::<usize>().ok();
    let group = place("consignment").and_then(|place| groups.get(place));
    let line = group.and_then(|group| group.lines.get(place("line")?));
    let variant = line.map(|line| ("variant_id".to_owned(), line.offer.variant_id.to_string()));
    match not_quoted(status) {
        Error::Refused(mut refusal) => {
            refusal.metadata.extend(variant);
            Error::Refused(refusal)
        }
        other => other,
    }
}

fn consignment(group: &Group, rates: &[ExchangeRate], hub: Currency) -> ConsignmentToQuote {
    let charged = rates.iter().find(|rate| rate.from == group.currency && rate.to == hub);
    ConsignmentToQuote {
        from_country: group.from_country.clone(),
        seller_tax_registered: group.lines.first().is_some_and(|line| line.offer.seller_tax_registered),
        lines: group.lines.iter().map(line_to_quote).collect(),
        charge_rate: charged.map(|rate| rate.rate.to_string()).unwrap_or_default(),
    }
}

fn line_to_quote(line: &GroupLine) -> LineToQuote {
    let offer = &line.offer;
    let dimensions = offer.size_mm.map(|[length_mm, width_mm, height_mm]| types::Dimensions {
        length_mm,
        width_mm,
        height_mm,
    });
    LineToQuote {
        quantity: line.quantity,
        unit_price: Some(offer.unit_price.into()),
        discount: convert::discount(line.discount),
        hs_code: offer.hs_code.clone(),
        origin: offer.origin.clone(),
        category: offer.category.clone(),
        weight_grams: offer.weight_grams,
        dimensions,
        preference: offer.preference.clone(),
        certificate: offer.certificate.clone().map(Into::into),
        permit: offer.permit.clone().map(Into::into),
    }
}

fn landed(cost: QuotedLandedCost, currency: Currency) -> Result<LandedCost, Error> {
    let price = |price: Option<&types::PriceParts>| convert::price("price", price, currency);
    let rule = |rule| convert::applied_rule("rules", rule);
    let rate = |rate| convert::exchange_rate("customs_rate", rate);
    let seller_tax = convert::part("seller_collected_tax", cost.seller_collected_tax.as_ref(), currency);
    Ok(LandedCost {
        carriage: carriage(cost.carriage.ok_or_else(|| missing("a carriage"))?),
        price: price(cost.price.as_ref())?,
        lines: cost.lines.iter().map(|line| price(Some(line))).collect::<Result<_, _>>()?,
        charges: cost.charges.iter().map(charges).collect::<Result<_, _>>()?,
        customs_value: convert::money("customs_value", cost.customs_value.as_ref())?,
        seller_collected_tax: seller_tax?,
        rules: cost.rules.into_iter().map(rule).collect::<Result<_, _>>()?,
        customs_rate: cost.customs_rate.map(rate).transpose()?,
        warnings: cost.warnings,
    })
}

fn charges(charges: &ExactCharges) -> Result<[Decimal; 3], Error> {
    let part = |field: &str, text: &str| {
        let amount = text.parse().ok().filter(|amount: &Decimal| *amount >= Decimal::ZERO);
        amount.ok_or_else(|| Error::Fault(format!("charges.{field}: `{text}` is not a part of a price")))
    };
    Ok([part("duty", &charges.duty)?, part("tax", &charges.tax)?, part("fees", &charges.fees)?])
}

fn carriage(option: CarriageOption) -> Carriage {
    Carriage {
        transport: convert::transport(option.transport()),
        carrier: option.carrier,
        service: option.service,
        title: option.title,
        chargeable_grams: option.chargeable_grams,
        days_min: option.days_min,
        days_max: option.days_max,
        zone: option.zone,
    }
}
