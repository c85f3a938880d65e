//! The wallets of a buyer.

use db::{Query, Tx};

use super::{App, Error};
use crate::store::wallets::{self, Wallet};

/// The owner's wallets.
#[derive(Debug)]
pub(crate) struct ListWallets {
    pub(crate) owner: String,
}

impl Query<App> for ListWallets {
    type Output = Vec<Wallet>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Wallet>, Error> {
        Ok(wallets::of_owner(tx, &self.owner).await?)
    }
}
