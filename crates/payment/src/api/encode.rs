//! Writing answers.

use proto::convert::timestamp;
use proto::payment::v1 as wire;

use crate::domain::AmountTooLarge;
use crate::domain::hold::{Hold, HoldState};
use crate::store::wallets::Wallet;

pub(super) fn state(state: HoldState) -> wire::PaymentState {
    match state {
        HoldState::Awaiting => wire::PaymentState::Awaiting,
        HoldState::Held => wire::PaymentState::Held,
        HoldState::Captured => wire::PaymentState::Captured,
        HoldState::Voided => wire::PaymentState::Voided,
    }
}

pub(super) fn payment(hold: Hold) -> wire::Payment {
    wire::Payment {
        hold_id: hold.id.to_string(),
        order_id: hold.order_id.to_string(),
        method: hold.method,
        state: state(hold.state).into(),
        amount: Some(hold.amount.into()),
        refunded: Some(hold.refunded.into()),
        qr_payload: hold.qr_payload,
        expires_at: hold.expires_at.map(timestamp),
        paid_at: hold.paid_at.map(timestamp),
    }
}

pub(super) fn wallet(wallet: &Wallet) -> Result<wire::Wallet, AmountTooLarge> {
    Ok(wire::Wallet {
        wallet_id: wallet.id.to_string(),
        currency: wallet.posted.currency().code().to_owned(),
        available: Some(wallet.available()?.into()),
        held: Some(wallet.held.into()),
        created_at: Some(timestamp(wallet.created_at)),
    })
}
