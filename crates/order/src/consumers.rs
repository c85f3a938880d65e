//! What other services tell, into the use cases. To hear of another kind, add its arm; kinds without one are passed
//! over.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use db::Tx;
use events::{Consumer, Envelope, Handler, HandlerError};
use proto::convert;
use proto::logistics::events::v1 as logistics;
use proto::logistics::v1::ShipmentState;
use proto::payment::events::v1 as payment;

use crate::app::{App, Error, Refund};
use crate::domain::consignment::{Event, Parcel};

/// Those of this service.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![
        Consumer { name: "order.payment", services: &["payment"], handler: Arc::new(OfPayment(app.clone())) },
        Consumer {
            name: "order.logistics",
            services: &["logistics"],
            handler: Arc::new(OfLogistics(app.clone())),
        },
    ]
}

impl From<Error> for HandlerError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::Database(error),
            Error::Superseded | Error::Busy(_) | Error::Away(_) => Self::Retry(error.to_string()),
            Error::Refused(_) | Error::NotFound { .. } | Error::Fault(_) => Self::Poison(error.to_string()),
        }
    }
}

fn id<K: FromStr>(field: &str, text: &str) -> Result<K, HandlerError>
where
    K::Err: Display,
{
    text.parse().map_err(|error| HandlerError::Poison(format!("{field}: {error}")))
}

fn optional<K: FromStr>(field: &str, text: &str) -> Result<Option<K>, HandlerError>
where
    K::Err: Display,
{
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

fn poison(error: convert::Invalid) -> HandlerError {
    HandlerError::Poison(error.to_string())
}

struct OfPayment(Arc<App>);

#[async_trait]
impl Handler for OfPayment {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            "payment.received.v1" => {
                let told: payment::PaymentReceived = event.decode()?;
                let paid_at = convert::datetime("paid_at", told.paid_at.as_ref()).map_err(poison)?;
                self.0.payment_received(tx, id("order_id", &told.order_id)?, paid_at).await?;
            }
            "payment.escrow_released.v1" => {
                let told: payment::EscrowReleased = event.decode()?;
                let consignment_id = id("consignment_id", &told.consignment_id)?;
                self.0.escrow_released(tx, id("order_id", &told.order_id)?, consignment_id).await?;
            }
            "payment.refund_completed.v1" => {
                let refund = refund(&event.decode()?)?;
                self.0.refund_completed(tx, &refund).await?;
            }
            "payment.refund_failed.v1" => {
                let told: payment::RefundFailed = event.decode()?;
                let return_id = optional("return_id", &told.return_id)?;
                self.0.refund_failed(tx, id("order_id", &told.order_id)?, return_id, told.reason).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn refund(told: &payment::RefundCompleted) -> Result<Refund, HandlerError> {
    Ok(Refund {
        id: id("refund_id", &told.refund_id)?,
        order_id: id("order_id", &told.order_id)?,
        return_id: optional("return_id", &told.return_id)?,
        consignment_id: optional("consignment_id", &told.consignment_id)?,
        amount: convert::money("amount", told.amount.as_ref()).map_err(poison)?,
    })
}

struct OfLogistics(Arc<App>);

#[async_trait]
impl Handler for OfLogistics {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            "logistics.consignment_booked.v1" => {
                let told: logistics::ConsignmentBooked = event.decode()?;
                let (order, consignment) =
                    (id("order_id", &told.order_id)?, id("consignment_id", &told.consignment_id)?);
                self.0.consignment_booked(tx, order, consignment, &told.tracking_number).await?;
            }
            "logistics.tracking_recorded.v1" => {
                let told: logistics::TrackingRecorded = event.decode()?;
                let (order, consignment) =
                    (id("order_id", &told.order_id)?, id("consignment_id", &told.consignment_id)?);
                if let Some(parcel) = parcel(told)? {
                    self.0.parcel_moved(tx, order, consignment, parcel).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `None` for what is no step of the parcel: that it was booked comes as an event of its own, that it was cancelled
/// was this service's wish.
fn parcel(told: logistics::TrackingRecorded) -> Result<Option<Parcel>, HandlerError> {
    let event = match told.state() {
        ShipmentState::Unspecified => return Err(HandlerError::Poison("state: is unspecified".to_owned())),
        ShipmentState::Booked | ShipmentState::Cancelled => return Ok(None),
        ShipmentState::PickedUp => Event::PickedUp,
        ShipmentState::ExportCleared => Event::ExportCleared,
        ShipmentState::Departed => Event::Departed,
        ShipmentState::Arrived => Event::Arrived,
        ShipmentState::ImportAssessed => Event::ImportAssessed,
        ShipmentState::Released => Event::ImportReleased,
        ShipmentState::OutForDelivery => Event::OutForDelivery,
        ShipmentState::Delivered => Event::Delivered,
    };
    let occurred_at = convert::datetime("occurred_at", told.occurred_at.as_ref()).map_err(poison)?;
    Ok(Some(Parcel { event, place: told.place, note: told.note, occurred_at }))
}
