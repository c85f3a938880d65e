//! What has happened to money, as events. The aggregate is the hold, its version the hold's.

use chrono::{DateTime, Utc};
use events::Envelope;
use proto::convert::timestamp;
use proto::payment::events::v1 as wire;

use crate::domain::escrow::Escrow;
use crate::domain::hold::Hold;
use crate::domain::refund::{Refund, RefundState};
use crate::domain::settlement::Release;

/// A QR code was paid.
pub(crate) fn payment_received(hold: &Hold, at: DateTime<Utc>) -> Envelope {
    let message = wire::PaymentReceived {
        hold_id: hold.id.to_string(),
        order_id: hold.order_id.to_string(),
        amount: Some(hold.amount.into()),
        paid_at: Some(timestamp(at)),
    };
    Envelope::of(hold.id, hold.version, at, &message)
}

/// A confirmed order's money is in escrow.
pub(crate) fn escrow_held<'a>(
    hold: &Hold,
    escrows: impl Iterator<Item = &'a Escrow>,
    at: DateTime<Utc>,
) -> Envelope {
    let amounts = escrows.map(|escrow| wire::EscrowAmount {
        consignment_id: escrow.consignment_id.to_string(),
        amount: Some(escrow.amount.into()),
    });
    let message = wire::EscrowHeld {
        hold_id: hold.id.to_string(),
        order_id: hold.order_id.to_string(),
        amounts: amounts.collect(),
    };
    Envelope::of(hold.id, hold.version, at, &message)
}

/// A consignment's escrow was paid out.
pub(crate) fn escrow_released(
    escrow: &Escrow,
    version: i64,
    release: &Release,
    at: DateTime<Utc>,
) -> Envelope {
    let message = wire::EscrowReleased {
        hold_id: escrow.hold_id.to_string(),
        order_id: escrow.order_id.to_string(),
        consignment_id: escrow.consignment_id.to_string(),
        seller: Some(release.seller.into()),
        commission: Some(release.commission.into()),
        carrier: Some(release.carrier.into()),
        customs: Some(release.customs.into()),
    };
    Envelope::of(escrow.hold_id, version, at, &message)
}

/// The buyer has money back.
pub(crate) fn refund_completed(hold: &Hold, version: i64, refund: &Refund) -> Envelope {
    let message = wire::RefundCompleted {
        refund_id: refund.id.to_string(),
        hold_id: hold.id.to_string(),
        order_id: hold.order_id.to_string(),
        return_id: refund.return_id.clone(),
        consignment_id: refund.consignment_id.map(|id| id.to_string()).unwrap_or_default(),
        amount: Some(refund.amount.into()),
    };
    Envelope::of(hold.id, version, refund.at, &message)
}

/// A refund could not be paid.
pub(crate) fn refund_failed(escrow: &Escrow, version: i64, refund: &Refund) -> Envelope {
    let message = wire::RefundFailed {
        refund_id: refund.id.to_string(),
        hold_id: escrow.hold_id.to_string(),
        order_id: escrow.order_id.to_string(),
        return_id: refund.return_id.clone(),
        reason: match &refund.state {
            RefundState::Completed => String::new(),
            RefundState::Failed(reason) => reason.clone(),
        },
    };
    Envelope::of(escrow.hold_id, version, refund.at, &message)
}
