//! Money at its limits: a wallet takes no more than it can hold with what may come back, and sums are as wide as they must
//! be.

use proto::payment::internal::v1::TrialBalanceRequest;
use proto::payment::v1::TopUpWalletRequest;
use testkit::on_both;

use crate::sale::PRICE;
use crate::till::{BUYER, Till, minor, myr, request_id, why};

/// Wallets that are full: one more and their sum is beyond 64 bits.
const FULL_WALLETS: i64 = 9_300;

impl Till {
    /// Why a top-up of the buyer's wallet was refused.
    async fn refused_top_up(&self, wallet_id: &str, minor_units: i64) -> String {
        let request = TopUpWalletRequest {
            request_id: request_id(),
            wallet_id: wallet_id.to_owned(),
            amount: Some(myr(minor_units)),
        };
        why(self.wallets(BUYER).top_up_wallet(request).await)
    }
}

/// Fills wallets as so many top-ups would.
async fn fill_wallets(db: &db::Db) {
    let filled: Result<(), db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                let sql = tx.sql(
                    "insert into wallets (wallet_id, account, owner, currency, posted_minor, created_at) \
                     with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) \
                     select gen_random_uuid(), 'full-' || i, 'full-' || i, 'MYR', $2, $3 from n",
                    "insert into wallets (wallet_id, account, owner, currency, posted_minor, created_at) \
                     with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) \
                     select randomblob(16), 'full-' || i, 'full-' || i, 'MYR', $2, $3 from n",
                );
                let now = chrono::DateTime::UNIX_EPOCH;
                db::execute!(tx, sql, FULL_WALLETS, ::money::MINOR_MAX, now)?;
                let sql = tx.sql(
                    "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                     currency, amount_minor, state, created_at) select gen_random_uuid(), 'top_up', \
                     'provider_clearing', 'sandbox', 'wallet', account, 'MYR', $1, 'posted', $2 from wallets \
                     where owner like 'full-%'",
                    "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                     currency, amount_minor, state, created_at) select randomblob(16), 'top_up', \
                     'provider_clearing', 'sandbox', 'wallet', account, 'MYR', $1, 'posted', $2 from wallets \
                     where owner like 'full-%'",
                );
                db::execute!(tx, sql, ::money::MINOR_MAX, now)?;
                Ok(())
            })
        })
        .await;
    filled.unwrap();
}

/// All of a full wallet is spent and given back as often: its entries come to what they did, by a way beyond 64 bits.
async fn spend_and_give_back(db: &db::Db) {
    let moved: Result<(), db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                for (from, to) in [(["wallet", "full-1"], ["holding", "all"]), (["holding", "all"], ["wallet", "full-1"])] {
                    let sql = tx.sql(
                        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                         currency, amount_minor, state, created_at) select gen_random_uuid(), 'payment', $1, $2, $3, $4, \
                         'MYR', $5, 'posted', $6 from wallets where owner like 'full-%'",
                        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                         currency, amount_minor, state, created_at) select randomblob(16), 'payment', $1, $2, $3, $4, \
                         'MYR', $5, 'posted', $6 from wallets where owner like 'full-%'",
                    );
                    let now = chrono::DateTime::UNIX_EPOCH;
                    db::execute!(tx, sql, from[0], from[1], to[0], to[1], ::money::MINOR_MAX, now)?;
                }
                Ok(())
            })
        })
        .await;
    moved.unwrap();
}

on_both! {
    async fn a_wallet_keeps_room_for_what_may_come_back(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.funded(myr(::money::MINOR_MAX)).await;
        assert_eq!(till.refused_top_up(&wallet.wallet_id, 1).await, "WALLET_FULL");
        let (cancelled, kept) = (till.sale(1), till.sale(1));
        for sale in [&cancelled, &kept] {
            till.authorise(sale).await.unwrap();
            assert_eq!(till.refused_top_up(&wallet.wallet_id, 1).await, "WALLET_FULL");
            till.confirm(sale).await;
            assert_eq!(till.refused_top_up(&wallet.wallet_id, 1).await, "WALLET_FULL");
        }
        till.cancel(&cancelled).await;
        assert_eq!(till.in_the_wallet().await, (::money::MINOR_MAX - PRICE, 0));
        till.receive(&kept, 0).await;
        till.give_back(&kept, &kept.whole(0)).await;
        assert_eq!(till.in_the_wallet().await, (::money::MINOR_MAX, 0));
        assert_eq!(till.refused_top_up(&wallet.wallet_id, 1).await, "WALLET_FULL");
        till.close().await;
    }

    async fn what_was_voided_needs_no_room(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.funded(myr(::money::MINOR_MAX - 5)).await;
        let sale = till.sale(1);
        till.authorise(&sale).await.unwrap();
        till.void(&sale).await;
        assert_eq!(minor(&till.top_up(BUYER, &wallet, myr(5)).await), (::money::MINOR_MAX, 0));
        till.close().await;
    }

    async fn sums_beyond_64_bits_are_told(database: Database) {
        let till = Till::open(&database).await;
        let db = database.connect().await;
        fill_wallets(&db).await;
        spend_and_give_back(&db).await;
        till.funded(myr(7)).await;
        let trial = till.ledger().trial_balance(TrialBalanceRequest {}).await.unwrap().into_inner();
        assert_eq!((trial.violations, trial.differences[0].minor_units), (Vec::<String>::new(), 0));
        let told: Vec<_> = trial
            .balances
            .iter()
            .map(|balance| (balance.kind.as_str(), balance.balance_minor_units.as_str(), balance.accounts))
            .collect();
        let sum = "9300000000000000007";
        let told_of = [
            ("holding", "0", 1),
            ("provider_clearing", &*format!("-{sum}"), 1),
            ("wallet", sum, FULL_WALLETS + 1),
        ];
        assert_eq!(told, told_of);
        assert_eq!(trial.balances[2].balance.as_ref().unwrap().minor_units, i64::MAX);
        till.hub.stop().await;
    }
}
