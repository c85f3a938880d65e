//! What other services tell, into the use cases. To hear of another kind, name it in its consumer and add its
//! arm.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Command as _, Entry, Tx};
use events::{Consumer, Envelope, Handled, Handler, HandlerError};
use proto::Event as _;
use proto::convert::{self, parse, parse_optional};
use proto::logistics::events::v1 as logistics;
use proto::logistics::events::v1::ShipmentState;
use proto::payment::events::v1 as payment;

use crate::app::App;
use crate::app::logistics_events::{RecordBooking, RecordTracking};
use crate::app::payment_events::{RecordEscrowRelease, RecordPayment, RecordRefund, RecordRefundFailure};
use crate::domain::consignment::{Event, Parcel};

/// Those of this service.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![
        Consumer {
            name: "order.payment",
            services: &["payment"],
            kinds: &[
                payment::PaymentReceived::KIND,
                payment::EscrowReleased::KIND,
                payment::RefundCompleted::KIND,
                payment::RefundFailed::KIND,
            ],
            batched: &[],
            handler: Arc::new(PaymentEvents(app.clone())),
        },
        Consumer {
            name: "order.logistics",
            services: &["logistics"],
            kinds: &[logistics::ConsignmentBooked::KIND, logistics::TrackingRecorded::KIND],
            batched: &[logistics::ConsignmentBooked::KIND],
            handler: Arc::new(LogisticsEvents(app.clone())),
        },
    ]
}

struct PaymentEvents(Arc<App>);

#[async_trait]
impl Handler for PaymentEvents {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            payment::PaymentReceived::KIND => {
                let message: payment::PaymentReceived = event.decode()?;
                let paid_at = convert::datetime("paid_at", message.paid_at.as_ref())?;
                let order_id = parse("order_id", &message.order_id)?;
                RecordPayment { order_id, paid_at }.run(&self.0, tx).await?;
            }
            payment::EscrowReleased::KIND => {
                let message: payment::EscrowReleased = event.decode()?;
                let consignment_id = parse("consignment_id", &message.consignment_id)?;
                let order_id = parse("order_id", &message.order_id)?;
                RecordEscrowRelease { order_id, consignment_id }.run(&self.0, tx).await?;
            }
            payment::RefundCompleted::KIND => refund(&event.decode()?)?.run(&self.0, tx).await?,
            payment::RefundFailed::KIND => {
                let message: payment::RefundFailed = event.decode()?;
                let return_id = parse_optional("return_id", &message.return_id)?;
                let order_id = parse("order_id", &message.order_id)?;
                RecordRefundFailure { order_id, return_id, reason: message.reason }.run(&self.0, tx).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn refund(message: &payment::RefundCompleted) -> Result<RecordRefund, HandlerError> {
    Ok(RecordRefund {
        refund_id: parse("refund_id", &message.refund_id)?,
        order_id: parse("order_id", &message.order_id)?,
        return_id: parse_optional("return_id", &message.return_id)?,
        consignment_id: parse_optional("consignment_id", &message.consignment_id)?,
        amount: convert::money("amount", message.amount.as_ref())?,
    })
}

struct LogisticsEvents(Arc<App>);

#[async_trait]
impl Handler for LogisticsEvents {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            logistics::ConsignmentBooked::KIND => booking(event)?.run(&self.0, tx).await?,
            logistics::TrackingRecorded::KIND => {
                let message: logistics::TrackingRecorded = event.decode()?;
                let (order_id, consignment_id) = (
                    parse("order_id", &message.order_id)?,
                    parse("consignment_id", &message.consignment_id)?,
                );
                if let Some(parcel) = parcel(message)? {
                    RecordTracking { order_id, consignment_id, parcel }.run(&self.0, tx).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Bookings: no other kind is batched.
    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        events::run_all(events, booking, |_, ()| Ok(()), &*self.0, tx).await
    }
}

fn booking(event: &Envelope) -> Result<RecordBooking, HandlerError> {
    let message: logistics::ConsignmentBooked = event.decode()?;
    Ok(RecordBooking {
        order_id: parse("order_id", &message.order_id)?,
        consignment_id: parse("consignment_id", &message.consignment_id)?,
        tracking_number: message.tracking_number,
    })
}

/// `None` for what is no step of the parcel: that it was booked comes as an event of its own, that it was cancelled
/// was this service's wish.
fn parcel(message: logistics::TrackingRecorded) -> Result<Option<Parcel>, HandlerError> {
    let event = match message.state() {
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
    let occurred_at = convert::datetime("occurred_at", message.occurred_at.as_ref())?;
    Ok(Some(Parcel { event, place: message.place, note: message.note, occurred_at }))
}
