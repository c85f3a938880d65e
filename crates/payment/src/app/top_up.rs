//! Putting money into a wallet.

use db::{Command, Tx};
use kernel::WalletId;
use money::Money;

use super::{App, Error};
use crate::domain::AmountTooLarge;
use crate::domain::ledger::{LedgerAccount, Transfer};
use crate::store::transfers;
use crate::store::wallets::{self, Wallet};

/// The provider that a sandbox takes the word of.
const SANDBOX: &str = "sandbox";

/// Puts money in; another's wallet is not found.
#[derive(Debug)]
pub(crate) struct TopUpWallet {
    pub(crate) owner: String,
    pub(crate) wallet_id: WalletId,
    pub(crate) amount: Money,
}

impl Command<App> for TopUpWallet {
    type Output = Wallet;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Wallet, Error> {
        app.in_sandbox("no payment provider is connected for top-ups; only a sandbox credits them unpaid")?;
        let (id, amount) = (self.wallet_id, self.amount);
        let missing = || Error::not_found("wallet", id);
        let wallet = wallets::find(tx, id).await?.filter(|wallet| wallet.owner == self.owner);
        let wallet = wallet.ok_or_else(missing)?;
        if wallet.posted.currency() != amount.currency() {
            let problem = format!("must be in {}, the wallet's currency", wallet.posted.currency());
            return Err(Error::invalid("amount.currency", problem));
        }
        if !wallets::credit(tx, id, amount).await? {
            let most = Money::new(money::MINOR_MAX, amount.currency()).map_err(AmountTooLarge)?;
            let message = format!(
                "a wallet holds at most {most}, including what is on hold and what its orders may still refund"
            );
            return Err(Error::refused("WALLET_FULL", message));
        }
        let (debit, credit) = (LedgerAccount::provider(SANDBOX), LedgerAccount::wallet(id));
        transfers::put(tx, &mut [Transfer::posted("top_up", debit, credit, amount, app.clock.now())]).await?;
        // Read again: another may have changed it between the first look and the lock.
        wallets::find(tx, id).await?.ok_or_else(missing)
    }
}
