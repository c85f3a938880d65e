//! Opening a wallet.

use db::{Command, Tx};
use kernel::WalletId;
use money::Currency;

use super::exchange::no_rate;
use super::{App, Error};
use crate::store::wallets::{self, Wallet};

/// Opens the owner's wallet of a currency, or finds it. One that the hub cannot exchange into its own is refused.
#[derive(Debug)]
pub(crate) struct OpenWallet {
    pub(crate) owner: String,
    pub(crate) currency: Currency,
}

impl Command<App> for OpenWallet {
    type Output = Wallet;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Wallet, Error> {
        let now = app.clock.now();
        if app.rates.rate(self.currency, app.hub.currency(), app.hub.today(now)).is_err() {
            let message = format!("the hub has no rate for {}; {}", self.currency, app.known_currencies());
            return Err(no_rate(self.currency, message).into());
        }
        Ok(wallets::open(tx, WalletId::new(), &self.owner, self.currency.code(), now).await?)
    }
}
