//! What can be done with money: commands and queries, one use case per file.

pub(crate) mod authorise;
pub(crate) mod cancel_payment;
pub(crate) mod capture;
pub(crate) mod exchange;
pub(crate) mod get_payment;
pub(crate) mod get_statement;
pub(crate) mod inquire_hold;
pub(crate) mod list_suspense;
pub(crate) mod list_transfers;
pub(crate) mod list_wallet_entries;
pub(crate) mod list_wallets;
pub(crate) mod migrate_terms;
pub(crate) mod open_wallet;
pub(crate) mod pay_qr;
pub(crate) mod refund;
pub(crate) mod release_escrow;
pub(crate) mod report_receipt;
pub(crate) mod resolve_suspense;
pub(crate) mod take_snapshots;
pub(crate) mod top_up;
pub(crate) mod trial_balance;
pub(crate) mod void;

use std::sync::Arc;

use events::Outbox;
use hub::Profile;
use kernel::Clock;
use money::rates::RateTable;

use crate::domain::AmountTooLarge;

pub(crate) use runtime::UseCaseError as Error;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    pub(crate) rates: Arc<RateTable>,
    pub(crate) sandbox: bool,
}

impl db::Application for App {
    type Error = Error;
}

impl App {
    /// Refuses what only a sandbox does.
    pub(crate) fn in_sandbox(&self, message: &'static str) -> Result<(), Error> {
        if self.sandbox { Ok(()) } else { Err(Error::refused("NOT_A_SANDBOX", message)) }
    }
}

impl From<AmountTooLarge> for Error {
    fn from(error: AmountTooLarge) -> Self {
        Self::invalid("amount", error.to_string())
    }
}
