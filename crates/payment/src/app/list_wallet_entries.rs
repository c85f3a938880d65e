//! What came and went of a wallet.

use db::{Query, Tx};
use kernel::WalletId;
use uuid::Uuid;

use super::{App, Error};
use crate::store::transfers::{self, Entry};
use crate::store::wallets;

/// What came and went of the owner's wallet, newest first; another's is not found.
#[derive(Debug)]
pub(crate) struct ListWalletEntries {
    pub(crate) owner: String,
    pub(crate) wallet_id: WalletId,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListWalletEntries {
    type Output = Vec<Entry>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Entry>, Error> {
        let wallet = wallets::find(tx, self.wallet_id).await?.filter(|wallet| wallet.owner == self.owner);
        wallet.ok_or_else(|| Error::not_found("wallet", self.wallet_id))?;
        let account = self.wallet_id.to_string();
        Ok(transfers::of_account(tx, "wallet", &account, self.before, self.limit).await?)
    }
}
