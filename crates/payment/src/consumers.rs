//! What order tells, into the use cases.

use async_trait::async_trait;
use db::Tx;
use events::{Consumer, Envelope, Handler, HandlerError};
use hub::Bearer;
use kernel::{ConsignmentId, HoldId, OrderId, RefundId};
use money::{Money, Rounding};
use prost::Message as _;
use proto::convert;
use proto::order::events::v1::{ConsignmentReceived, OrderCancelled, OrderConfirmed, ReturnReceived};
use proto::order::v1::{CostBearer, QuotedConsignment};
use proto::types::v1::ExchangeRate;
use rust_decimal::Decimal;
use std::sync::Arc;

use crate::app::{App, Error, capture, refund, release};
use crate::domain::returned::{CostParts, Costs, Parts};
use crate::domain::settlement::{self, Terms};
use crate::store::escrows::{Escrow, Valuation};

/// Hears order.
pub(crate) fn consumers(app: &App) -> Vec<Consumer> {
    vec![Consumer { name: "payment.order", services: &["order"], handler: Arc::new(OnOrder(app.clone())) }]
}

struct OnOrder(App);

#[async_trait]
impl Handler for OnOrder {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            "order.confirmed.v1" => self.confirmed(tx, event.decode()?).await,
            "order.cancelled.v1" => self.cancelled(tx, event.decode()?).await,
            "order.consignment_received.v1" => self.received(tx, event.decode()?).await,
            "order.return_received.v1" => self.returned(tx, event.decode()?).await,
            _ => Ok(()),
        }
    }
}

impl OnOrder {
    async fn confirmed(&self, tx: &mut Tx, event: OrderConfirmed) -> Result<(), HandlerError> {
        let hold_id: HoldId = id("hold_id", &event.hold_id)?;
        let order_id: OrderId = id("order_id", &event.order_id)?;
        let escrow = |consignment: &QuotedConsignment| -> Result<(Escrow, Valuation), HandlerError> {
            let total = consignment.price.as_ref().and_then(|price| price.total.as_ref());
            let amount = not_negative("consignments.price.total", total)?;
            let escrow = Escrow {
                consignment_id: id("consignment_id", &consignment.consignment_id)?,
                hold_id,
                order_id,
                seller_id: consignment.seller_id.clone(),
                state: "held".to_owned(),
                refunded: Money::zero(amount.currency()),
                amount,
                returned_goods_minor: 0,
                returned_costs: Some(Costs::default()),
                consignment: consignment.encode_to_vec(),
                commission_rate: Some(self.0.hub.terms().commission_rate),
            };
            // What could not be paid out later is found out now.
            let terms = self.terms(&escrow).map_err(failed)?;
            let exchange_rates =
                settlement::exchange_rates(&terms).map_err(|error| failed(Error::Money(error)))?;
            let lines = i64::try_from(consignment.lines.len()).unwrap_or(i64::MAX).max(1);
            Ok((escrow, Valuation { exchange_rates, lines }))
        };
        let escrows = event.consignments.iter().map(escrow).collect::<Result<Vec<_>, _>>()?;
        let now = self.0.clock.now();
        match capture::capture(tx, self.0.outbox, hold_id, order_id, escrows, now).await.map_err(failed)? {
            capture::Outcome::Captured | capture::Outcome::Already => Ok(()),
            capture::Outcome::NotYet => Err(HandlerError::Retry(format!("hold {hold_id} is not held"))),
            capture::Outcome::Voided => Err(HandlerError::Poison(format!("hold {hold_id} was voided"))),
        }
    }

    async fn cancelled(&self, tx: &mut Tx, event: OrderCancelled) -> Result<(), HandlerError> {
        if !event.was_confirmed {
            return Ok(());
        }
        let hold_id: HoldId = id("hold_id", &event.hold_id)?;
        match refund::cancelled(tx, self.0.outbox, hold_id, self.0.clock.now()).await.map_err(failed)? {
            refund::Outcome::Done | refund::Outcome::Already => Ok(()),
            refund::Outcome::NotYet => Err(HandlerError::Retry(format!("hold {hold_id} is not captured"))),
        }
    }

    async fn received(&self, tx: &mut Tx, event: ConsignmentReceived) -> Result<(), HandlerError> {
        let consignment_id: ConsignmentId = id("consignment_id", &event.consignment_id)?;
        let released = release::release(
            tx,
            self.0.outbox,
            id("order_id", &event.order_id)?,
            consignment_id,
            |escrow| self.terms(escrow),
            self.0.clock.now(),
        )
        .await;
        match released.map_err(failed)? {
            release::Outcome::Released | release::Outcome::Already => Ok(()),
            release::Outcome::NotYet => Err(HandlerError::Retry(format!("{consignment_id} has no escrow"))),
        }
    }

    async fn returned(&self, tx: &mut Tx, event: ReturnReceived) -> Result<(), HandlerError> {
        let return_id: kernel::ReturnId = id("return_id", &event.return_id)?;
        let back = refund::ReturnedGoods {
            refund_id: RefundId::derive(return_id.uuid(), "refund"),
            return_id: event.return_id.clone(),
            order_id: id("order_id", &event.order_id)?,
            consignment_id: id("consignment_id", &event.consignment_id)?,
            parts: Parts {
                refund: not_negative("refund", event.refund.as_ref())?,
                goods: not_negative("seller_goods", event.seller_goods.as_ref())?,
                costs: costs(&event)?,
            },
        };
        let consignment_id = back.consignment_id;
        let outcome =
            refund::returned(tx, self.0.outbox, back, |escrow| self.terms(escrow), self.0.clock.now()).await;
        match outcome.map_err(failed)? {
            refund::Outcome::Done | refund::Outcome::Already => Ok(()),
            refund::Outcome::NotYet => Err(HandlerError::Retry(format!("{consignment_id} has no escrow"))),
        }
    }

    /// What was quoted for an escrow's consignment.
    fn terms(&self, escrow: &Escrow) -> Result<Terms, Error> {
        let quoted = QuotedConsignment::decode(escrow.consignment.as_slice())
            .map_err(|error| invalid("consignment", error.to_string()))?;
        let hub = self.0.hub.currency();
        let parts = quoted.hub_price.clone().unwrap_or_default();
        let amount = |part: Option<&proto::types::v1::Money>, field: &'static str| match part {
            None => Ok(Money::zero(hub)),
            Some(_) => convert::money(field, part).map_err(|error| invalid(field, error.problem)),
        };
        let goods = convert::money("seller_goods", quoted.seller_goods.as_ref());
        let goods = goods.map_err(|error| invalid("seller_goods", error.problem))?;
        let [carriage, insurance, duty, tax, fees] = [
            amount(parts.carriage.as_ref(), "carriage")?,
            amount(parts.insurance.as_ref(), "insurance")?,
            amount(parts.duty.as_ref(), "duty")?,
            amount(parts.tax.as_ref(), "tax")?,
            amount(parts.fees.as_ref(), "fees")?,
        ];
        let (goods_rate, charges_rate) = (
            rate(quoted.goods_rate.as_ref(), "goods_rate")?,
            rate(quoted.charges_rate.as_ref(), "charges_rate")?,
        );
        let price = quoted.price.clone().unwrap_or_default();
        let paid = |told: Option<&proto::types::v1::Money>, part: Money| match told {
            Some(_) => convert::money("price", told).map_err(|error| invalid("price", error.problem)),
            // What a quote charges: each part by itself, rounded up.
            None => Ok(part.convert(charges_rate, escrow.amount.currency(), Rounding::Up)?),
        };
        let paid_duty_and_tax =
            paid(price.duty.as_ref(), duty)?.checked_add(paid(price.tax.as_ref(), tax)?)?;
        let paid_outward = paid(price.carriage.as_ref(), carriage)?
            .checked_add(paid(price.insurance.as_ref(), insurance)?)?
            .checked_add(paid(price.fees.as_ref(), fees)?)?;
        Ok(Terms {
            order_id: escrow.order_id,
            consignment_id: escrow.consignment_id,
            seller_id: escrow.seller_id.clone(),
            carrier: quoted.carriage.as_ref().map(|carriage| carriage.carrier.clone()).unwrap_or_default(),
            country: self.0.hub.country().as_str().to_owned(),
            seller_goods: goods,
            carriage: carriage.checked_add(insurance)?,
            duty_and_tax: duty.checked_add(tax)?,
            fees,
            paid_duty_and_tax,
            paid_outward,
            goods_rate,
            charges_rate,
            commission_rate: escrow.commission_rate.unwrap_or(self.0.hub.terms().commission_rate),
        })
    }
}

/// What a return gives back beside goods, and who bears it; events of before do not say.
fn costs(event: &ReturnReceived) -> Result<Option<CostParts>, HandlerError> {
    let (Some(terms), Some(_)) = (&event.terms, &event.duty_and_tax) else { return Ok(None) };
    let bearer = |bearer: CostBearer| match bearer {
        CostBearer::Buyer => Ok(Bearer::Buyer),
        CostBearer::Seller => Ok(Bearer::Seller),
        CostBearer::Hub => Ok(Bearer::Hub),
        CostBearer::Customs => Ok(Bearer::Customs),
        CostBearer::Unspecified => {
            Err(HandlerError::Poison("terms: who bears a cost is not said".to_owned()))
        }
    };
    Ok(Some(CostParts {
        duty_and_tax: not_negative("duty_and_tax", event.duty_and_tax.as_ref())?,
        duty_and_tax_bearer: bearer(terms.duty_and_tax())?,
        outward: not_negative("outward_costs", event.outward_costs.as_ref())?,
        outward_bearer: bearer(terms.outward_carriage())?,
    }))
}

/// A rate that is missing is between one currency and itself.
fn rate(rate: Option<&ExchangeRate>, field: &'static str) -> Result<Decimal, Error> {
    let Some(rate) = rate else { return Ok(Decimal::ONE) };
    let parsed = rate.rate.parse::<Decimal>().ok().filter(|rate| *rate > Decimal::ZERO);
    parsed.ok_or_else(|| invalid(field, format!("`{}` is no rate above zero", rate.rate)))
}

fn invalid(field: &'static str, problem: String) -> Error {
    Error::Invalid { field, problem }
}

fn id<K: kernel::Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, HandlerError> {
    text.parse().map_err(|error| HandlerError::Poison(format!("{field}: {error}")))
}

fn not_negative(field: &str, amount: Option<&proto::types::v1::Money>) -> Result<Money, HandlerError> {
    let amount = convert::money(field, amount).map_err(poison)?;
    if amount.is_negative() {
        return Err(HandlerError::Poison(format!("{field}: {amount} must not be less than 0")));
    }
    Ok(amount)
}

fn poison(error: convert::Invalid) -> HandlerError {
    HandlerError::Poison(error.to_string())
}

/// What the database can do again is tried again; what a rule refuses never changes.
fn failed(error: Error) -> HandlerError {
    match error {
        Error::Database(error) => HandlerError::Database(error),
        other => HandlerError::Poison(other.to_string()),
    }
}
