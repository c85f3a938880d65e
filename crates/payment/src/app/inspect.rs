//! Looking at money: wallets, payments, statements, the trial balance.

use kernel::{HoldId, OrderId, WalletId};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::hold::Hold;
use crate::store::audit::{self, KindBalance};
use crate::store::holds;
use crate::store::receipts::{self, Receipt};
use crate::store::transfers::{self, Entry};
use crate::store::wallets::{self, Wallet};

impl App {
    /// The owner's wallets.
    pub(crate) async fn wallets(&self, owner: String) -> Result<Vec<Wallet>, Error> {
        self.db
            .read(move |tx| {
                let owner = owner.clone();
                Box::pin(async move { Ok(wallets::of_owner(tx, &owner).await?) })
            })
            .await
    }

    /// What came and went of the owner's wallet.
    pub(crate) async fn wallet_entries(
        &self,
        owner: String,
        id: WalletId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Entry>, Error> {
        self.db
            .read(move |tx| {
                let owner = owner.clone();
                Box::pin(async move {
                    let wallet = wallets::find(tx, id).await?.filter(|wallet| wallet.owner == owner);
                    wallet.ok_or_else(|| Error::not_found("wallet", id))?;
                    Ok(transfers::of_account(tx, "wallet", &id.to_string(), before, limit).await?)
                })
            })
            .await
    }

    /// The payment of an order; of another buyer's there is none. `None` for operators.
    pub(crate) async fn payment(&self, order_id: OrderId, buyer: Option<String>) -> Result<Hold, Error> {
        self.db
            .read(move |tx| {
                let buyer = buyer.clone();
                Box::pin(async move {
                    let hold = holds::of_order(tx, order_id).await?;
                    hold.filter(|hold| buyer.as_ref().is_none_or(|buyer| *buyer == hold.buyer))
                        .ok_or_else(|| Error::not_found("payment", order_id))
                })
            })
            .await
    }

    /// A hold by its id.
    pub(crate) async fn hold(&self, id: HoldId) -> Result<Hold, Error> {
        self.db
            .read(move |tx| {
                Box::pin(
                    async move { holds::find(tx, id).await?.ok_or_else(|| Error::not_found("hold", id)) },
                )
            })
            .await
    }

    /// A seller's lines and what the hub owes it, in minor units by currency.
    pub(crate) async fn statement(
        &self,
        seller_id: String,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<(Vec<(String, i128)>, Vec<Entry>), Error> {
        self.db
            .read(move |tx| {
                let seller_id = seller_id.clone();
                Box::pin(async move {
                    let balances = transfers::balances(tx, "seller_payable", &seller_id).await?;
                    let lines =
                        transfers::of_account(tx, "seller_payable", &seller_id, before, limit).await?;
                    Ok((balances, lines))
                })
            })
            .await
    }

    /// Balances by kind, and what does not add up.
    pub(crate) async fn trial_balance(&self) -> Result<(Vec<KindBalance>, Vec<String>), Error> {
        self.db
            .read(|tx| Box::pin(async move { Ok((audit::by_kind(tx).await?, audit::violations(tx).await?)) }))
            .await
    }

    /// Movements, newest first.
    pub(crate) async fn transfers(
        &self,
        order_id: Option<OrderId>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Entry>, Error> {
        self.db
            .read(move |tx| Box::pin(async move { Ok(transfers::list(tx, order_id, before, limit).await?) }))
            .await
    }

    /// Receipts in suspense.
    pub(crate) async fn suspended(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Receipt>, Error> {
        self.db
            .read(move |tx| Box::pin(async move { Ok(receipts::suspended(tx, after, limit).await?) }))
            .await
    }
}
