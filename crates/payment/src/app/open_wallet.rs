//! Opening a wallet.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::WalletId;
use money::Currency;

use super::{App, Error};
use crate::store::wallets::{self, Wallet};

impl App {
    /// Refuses a currency that the hub cannot exchange into its own.
    pub(crate) fn check_currency(&self, currency: Currency) -> Result<(), Error> {
        let today = self.hub.today(self.clock.now());
        match self.rates.rate(currency, self.hub.currency(), today) {
            Ok(_) => Ok(()),
            Err(_) => {
                let message = format!("the hub has no rate for {currency}; {}", self.known_currencies());
                Err(Error::NoRate { currency, message })
            }
        }
    }
}

/// Opens the owner's wallet of a currency, or finds it.
pub(crate) async fn open_wallet(
    tx: &mut Tx,
    owner: &str,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<Wallet, Error> {
    Ok(wallets::open(tx, WalletId::new(), owner, currency.code(), now).await?)
}
