//! Money's rules: accounts and transfers, the states of a hold, what a release pays to whom, exchange rates, QR codes.
//! Pure: no database, no network.

pub(crate) mod escrow;
pub(crate) mod exchange;
pub(crate) mod hold;
pub(crate) mod ledger;
pub(crate) mod qr;
pub(crate) mod receipt;
pub(crate) mod refund;
pub(crate) mod returned;
pub(crate) mod settlement;
pub(crate) mod terms;

/// A sum cannot be counted, be it of amounts that a caller named or of what is stored: the caller is told, by the field
/// `amount`. A bare [`money::Error`] would be a fault of the hub.
#[derive(Debug, thiserror::Error)]
#[error("an amount is too large: {0}")]
pub(crate) struct AmountTooLarge(#[from] pub(crate) money::Error);
