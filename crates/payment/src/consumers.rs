//! What order tells, into the use cases.

use async_trait::async_trait;
use db::{Command as _, Entry, Tx};
use events::{Consumer, Envelope, Handled, Handler, HandlerError};
use hub::Bearer;
use kernel::{ConsignmentId, HoldId, OrderId, RefundId};
use money::Money;
use prost::Message as _;
use proto::Event as _;
use proto::convert::{self, parse};
use proto::order::events::v1::{
    ConsignmentReceived, CostBearer, OrderCancelled, OrderConfirmed, QuotedConsignment, ReturnReceived,
};
use std::sync::Arc;

use crate::app::capture::{Capture, CaptureOutcome};
use crate::app::refund::{self, RefundCancelled, RefundReturn};
use crate::app::release_escrow::{self, ReleaseEscrow};
use crate::app::{App, Error};
use crate::domain::escrow::{Escrow, EscrowState};
use crate::domain::returned::{CostParts, Costs, Parts};
use crate::domain::settlement;
use crate::quoted::{self, Escrowed};
use crate::store::escrows::{NewEscrow, Valuation};

/// Hears order.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![Consumer {
        name: "payment.order",
        services: &["order"],
        kinds: &[OrderConfirmed::KIND, OrderCancelled::KIND, ConsignmentReceived::KIND, ReturnReceived::KIND],
        batched: &[OrderConfirmed::KIND],
        handler: Arc::new(OrderEvents(app.clone())),
    }]
}

struct OrderEvents(Arc<App>);

#[async_trait]
impl Handler for OrderEvents {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            OrderConfirmed::KIND => self.confirmed(tx, event.decode()?).await,
            OrderCancelled::KIND => self.cancelled(tx, event.decode()?).await,
            ConsignmentReceived::KIND => self.received(tx, event.decode()?).await,
            ReturnReceived::KIND => self.returned(tx, event.decode()?).await,
            _ => Ok(()),
        }
    }

    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        let read = |event: &Envelope| self.capture(&event.decode()?);
        events::run_all(events, read, captured, &*self.0, tx).await
    }
}

impl OrderEvents {
    async fn confirmed(&self, tx: &mut Tx, event: OrderConfirmed) -> Result<(), HandlerError> {
        let capture = self.capture(&event)?;
        captured(&capture, capture.run(&self.0, tx).await?)
    }

    fn capture(&self, event: &OrderConfirmed) -> Result<Capture, HandlerError> {
        let hold_id: HoldId = parse("hold_id", &event.hold_id)?;
        let order_id: OrderId = parse("order_id", &event.order_id)?;
        let new = |consignment| self.new_escrow(consignment, hold_id, order_id);
        let consignments = event.consignments.iter().map(new).collect::<Result<_, _>>()?;
        Ok(Capture { hold_id, order_id, consignments })
    }

    /// What could not be paid out later is found out now.
    fn new_escrow(
        &self,
        consignment: &QuotedConsignment,
        hold_id: HoldId,
        order_id: OrderId,
    ) -> Result<NewEscrow, HandlerError> {
        let total = consignment.price.as_ref().and_then(|price| price.total.as_ref());
        let amount = not_negative("consignments.price.total", total)?;
        let escrowed = Escrowed { order_id, currency: amount.currency(), commission_rate: None };
        let terms = quoted::terms(consignment, &escrowed, &self.0.hub)?;
        let exchange_rates = settlement::exchange_rates(&terms).map_err(Error::from)?;
        let lines = i64::try_from(consignment.lines.len()).unwrap_or(i64::MAX).max(1);
        Ok(NewEscrow {
            escrow: Escrow {
                consignment_id: terms.consignment_id,
                hold_id,
                order_id,
                seller_id: terms.seller_id.clone(),
                state: EscrowState::Held,
                refunded: Money::zero(amount.currency()),
                amount,
                returned_goods_minor: 0,
                returned_costs: Some(Costs::default()),
                terms,
            },
            valuation: Valuation { exchange_rates, lines },
            told: consignment.encode_to_vec(),
        })
    }

    async fn cancelled(&self, tx: &mut Tx, event: OrderCancelled) -> Result<(), HandlerError> {
        if !event.was_confirmed {
            return Ok(());
        }
        let hold_id: HoldId = parse("hold_id", &event.hold_id)?;
        match (RefundCancelled { hold_id }).run(&self.0, tx).await? {
            refund::RefundOutcome::Done | refund::RefundOutcome::Already => Ok(()),
            refund::RefundOutcome::NotYet => {
                Err(HandlerError::Retry(format!("hold {hold_id} is not captured")))
            }
        }
    }

    async fn received(&self, tx: &mut Tx, event: ConsignmentReceived) -> Result<(), HandlerError> {
        let consignment_id: ConsignmentId = parse("consignment_id", &event.consignment_id)?;
        let release = ReleaseEscrow { order_id: parse("order_id", &event.order_id)?, consignment_id };
        match release.run(&self.0, tx).await? {
            release_escrow::ReleaseOutcome::Released | release_escrow::ReleaseOutcome::Already => Ok(()),
            release_escrow::ReleaseOutcome::NotYet => {
                Err(HandlerError::Retry(format!("{consignment_id} has no escrow")))
            }
        }
    }

    async fn returned(&self, tx: &mut Tx, event: ReturnReceived) -> Result<(), HandlerError> {
        let return_id: kernel::ReturnId = parse("return_id", &event.return_id)?;
        let back = RefundReturn {
            refund_id: RefundId::derive(return_id.uuid(), "refund"),
            return_id: event.return_id.clone(),
            order_id: parse("order_id", &event.order_id)?,
            consignment_id: parse("consignment_id", &event.consignment_id)?,
            parts: Parts {
                refund: not_negative("refund", event.refund.as_ref())?,
                goods: not_negative("seller_goods", event.seller_goods.as_ref())?,
                costs: costs(&event)?,
            },
        };
        let consignment_id = back.consignment_id;
        match back.run(&self.0, tx).await? {
            refund::RefundOutcome::Done | refund::RefundOutcome::Already => Ok(()),
            refund::RefundOutcome::NotYet => {
                Err(HandlerError::Retry(format!("{consignment_id} has no escrow")))
            }
        }
    }
}

/// Whether the money of a confirmed order is in escrow.
fn captured(Capture { hold_id, .. }: &Capture, outcome: CaptureOutcome) -> Result<(), HandlerError> {
    match outcome {
        CaptureOutcome::Captured | CaptureOutcome::Already => Ok(()),
        CaptureOutcome::NotYet => Err(HandlerError::Retry(format!("hold {hold_id} is not held"))),
        CaptureOutcome::Voided => Err(HandlerError::Poison(format!("hold {hold_id} was voided"))),
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
            Err(HandlerError::Poison("terms: the bearer of a cost is missing".to_owned()))
        }
    };
    Ok(Some(CostParts {
        duty_and_tax: not_negative("duty_and_tax", event.duty_and_tax.as_ref())?,
        duty_and_tax_bearer: bearer(terms.duty_and_tax())?,
        outward: not_negative("outward_costs", event.outward_costs.as_ref())?,
        outward_bearer: bearer(terms.outward_carriage())?,
    }))
}

fn not_negative(field: &str, amount: Option<&proto::types::v1::Money>) -> Result<Money, HandlerError> {
    let amount = convert::money(field, amount)?;
    if amount.is_negative() {
        return Err(HandlerError::Poison(format!("{field}: {amount} must not be less than 0")));
    }
    Ok(amount)
}
