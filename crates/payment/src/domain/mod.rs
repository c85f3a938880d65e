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
