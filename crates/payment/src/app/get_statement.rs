//! What the hub owes a seller, and why.

use db::{Query, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::store::transfers::{self, Entry};

const ACCOUNT: &str = "seller_payable";

/// A seller's lines, newest first, and what the hub owes it, in minor units by currency.
#[derive(Debug)]
pub(crate) struct GetStatement {
    pub(crate) seller_id: String,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for GetStatement {
    type Output = (Vec<(String, i128)>, Vec<Entry>);

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<(Vec<(String, i128)>, Vec<Entry>), Error> {
        let balances = transfers::balances(tx, ACCOUNT, &self.seller_id).await?;
        let lines = transfers::of_account(tx, ACCOUNT, &self.seller_id, self.before, self.limit).await?;
        Ok((balances, lines))
    }
}
