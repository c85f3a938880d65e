//! Putting money into a wallet.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::WalletId;
use money::Money;

use super::Error;
use crate::domain::ledger::{Account, Transfer};
use crate::store::transfers;
use crate::store::wallets::{self, Wallet};

/// The provider that a sandbox takes the word of.
const SANDBOX: &str = "sandbox";

/// Puts money in; another's wallet is not found.
pub(crate) async fn top_up(
    tx: &mut Tx,
    owner: &str,
    wallet_id: WalletId,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<Wallet, Error> {
    let missing = || Error::not_found("wallet", wallet_id);
    let wallet = wallets::find(tx, wallet_id).await?.filter(|wallet| wallet.owner == owner);
    let wallet = wallet.ok_or_else(missing)?;
    if wallet.posted.currency() != amount.currency() {
        let problem = format!("must be in {}, the wallet's currency", wallet.posted.currency());
        return Err(Error::Invalid { field: "amount.currency", problem });
    }
    if !wallets::credit(tx, wallet_id, amount).await? {
        let most = Money::new(money::MINOR_MAX, amount.currency())?;
        let message = format!(
            "a wallet holds at most {most}, with what is held of it and what may still come back from its orders"
        );
        return Err(Error::refused("WALLET_FULL", message));
    }
    let movement =
        Transfer::posted("top_up", Account::provider(SANDBOX), Account::wallet(wallet_id), amount, now);
    transfers::put(tx, &[movement]).await?;
    // Read again: another may have changed it between the first look and the lock.
    wallets::find(tx, wallet_id).await?.ok_or_else(missing)
}
