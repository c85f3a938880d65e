//! Wallets and what is held of them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{HoldId, WalletId};
use money::{Currency, Money};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::AmountTooLarge;
use crate::domain::hold::Hold;

/// A wallet.
#[derive(Debug, Clone)]
pub(crate) struct Wallet {
    pub(crate) id: WalletId,
    pub(crate) owner: String,
    pub(crate) posted: Money,
    pub(crate) held: Money,
    pub(crate) created_at: DateTime<Utc>,
}

impl Wallet {
    /// What can be spent.
    pub(crate) fn available(&self) -> Result<Money, AmountTooLarge> {
        Ok(self.posted.checked_sub(self.held)?)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    wallet_id: Uuid,
    owner: String,
    currency: String,
    posted_minor: i64,
    held_minor: i64,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Wallet, db::Error> {
        Ok(Wallet {
            id: self.wallet_id.into(),
            posted: super::money(self.posted_minor, &self.currency)?,
            held: super::money(self.held_minor, &self.currency)?,
            owner: self.owner,
            created_at: self.created_at,
        })
    }
}

// The wallets that a clause picks.
db::selection!(
    select,
    "select wallet_id, owner, currency, posted_minor, held_minor, created_at from wallets "
);

/// Opens the owner's wallet of a currency, or finds it.
pub(crate) async fn open(
    tx: &mut Tx,
    id: WalletId,
    owner: &str,
    currency: &str,
    now: DateTime<Utc>,
) -> Result<Wallet, db::Error> {
    db::execute!(
        tx,
        "insert into wallets (wallet_id, owner, currency, created_at, account) values ($1, $2, $3, $4, $5) \
         on conflict (owner, currency) do nothing",
        id.uuid(),
        owner,
        currency,
        now,
        id.to_string(),
    )?;
    let row = db::fetch_one!(tx, Row, select!("where owner = $1 and currency = $2"), owner, currency)?;
    row.read()
}

/// Wallets of an owner that are read: more than there are currencies.
const PER_OWNER: i64 = 200;

/// The owner's wallets by currency.
pub(crate) async fn of_owner(tx: &mut Tx, owner: &str) -> Result<Vec<Wallet>, db::Error> {
    let rows =
        db::fetch_all!(tx, Row, select!("where owner = $1 order by currency limit $2"), owner, PER_OWNER)?;
    rows.into_iter().map(Row::read).collect()
}

/// The wallets that holds are of, locked where the engine locks rows, in the order of their ids: no others, which would be
/// locked out of order.
pub(crate) async fn lock(tx: &mut Tx, holds: &[&Hold]) -> Result<Vec<Wallet>, db::Error> {
    let sql = tx.sql(
        select!(
            "where owner = any(array(select value ->> 'owner' from jsonb_array_elements($1) as rows (value))) \
             and (owner, currency) in (select value ->> 'owner', value ->> 'currency' \
                 from jsonb_array_elements($1) as rows (value)) order by wallet_id limit $2 for update"
        ),
        select!(
            "where (owner, currency) in (select value ->> 'owner', value ->> 'currency' from jsonb_each($1)) \
             order by wallet_id limit $2"
        ),
    );
    let amounts = amounts(holds);
    let limit = i64::try_from(amounts.len()).unwrap_or(i64::MAX);
    let rows = db::fetch_all!(tx, Row, sql, Json(&amounts), limit)?;
    rows.into_iter().map(Row::read).collect()
}

/// A wallet by its id.
pub(crate) async fn find(tx: &mut Tx, id: WalletId) -> Result<Option<Wallet>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where wallet_id = $1"), id.uuid())?;
    row.map(Row::read).transpose()
}

/// Puts money in, if there is room for it: beside what the wallet has, held or not, for all that may still come back into
/// it from orders that were paid from it. So a refund always finds room.
pub(crate) async fn credit(tx: &mut Tx, id: WalletId, amount: Money) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update wallets set posted_minor = posted_minor + $2 where wallet_id = $1 and currency = $3 \
         and posted_minor + refundable_minor <= $4 - $2",
        id.uuid(),
        amount.minor(),
        amount.currency().code(),
        money::MINOR_MAX,
    )?;
    Ok(changed == 1)
}

/// Gives what was paid from the owner's wallet of its currency back into it, opening one if there is none; the wallet's id.
pub(crate) async fn credit_owner(
    tx: &mut Tx,
    owner: &str,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<WalletId, db::Error> {
    let new = WalletId::new();
    let (id,) = db::fetch_one!(
        tx,
        (Uuid,),
        "insert into wallets (wallet_id, owner, currency, posted_minor, created_at, account) \
         values ($1, $2, $3, $4, $5, $6) \
         on conflict (owner, currency) do update set posted_minor = wallets.posted_minor + excluded.posted_minor, \
             refundable_minor = case when wallets.refundable_minor > excluded.posted_minor \
                 then wallets.refundable_minor - excluded.posted_minor else 0 end \
         returning wallet_id",
        new.uuid(),
        owner,
        amount.currency().code(),
        amount.minor(),
        now,
        new.to_string(),
    )?;
    Ok(id.into())
}

/// What is held, or taken, of a wallet.
#[derive(Serialize)]
struct Amount<'a> {
    owner: &'a str,
    currency: &'a str,
    amount: i64,
}

/// What holds come to, wallet by wallet: a statement changes each once. A sum that no wallet can have is more than any has.
fn amounts<'a>(holds: &[&'a Hold]) -> Vec<Amount<'a>> {
    let mut sums: BTreeMap<(&str, Currency), i64> = BTreeMap::new();
    for hold in holds {
        let sum = sums.entry((&hold.buyer, hold.amount.currency())).or_default();
        *sum = sum.saturating_add(hold.amount.minor());
    }
    let amount = |((owner, currency), amount): ((&'a str, Currency), i64)| Amount {
        owner,
        currency: currency.code(),
        amount,
    };
    sums.into_iter().map(amount).collect()
}

/// Updates wallets by [`amounts`], which `$set` and `$where` call `amount`; those that were changed. Rows are locked in
/// the order of their ids, so that two batches never wait for each other: one wallet alone needs none of that.
macro_rules! update_wallets {
    ($tx:expr, $amounts:expr, $set:literal, $where:literal) => {
        if let [one] = $amounts {
            let sql = concat!(
                "update wallets set ",
                $set,
                " from (select $1 as owner, $2 as currency, cast($3 as bigint) as amount) as amounts \
                 where wallets.owner = amounts.owner and wallets.currency = amounts.currency and ",
                $where,
                " returning wallets.wallet_id, wallets.owner, wallets.currency"
            );
            db::fetch_all!($tx, Changed, sql, one.owner, one.currency, one.amount)
        } else {
            let sql = $tx.sql(
                concat!(
                    "with amounts as (select owner, currency, amount from jsonb_to_recordset($1) \
                         as rows (owner text, currency text, amount bigint)), \
                     locked as (select wallet_id, amount from wallets join amounts using (owner, currency) \
                         where owner = any(array(select owner from amounts)) order by wallet_id for update of wallets) \
                     update wallets set ",
                    $set,
                    " from locked where wallets.wallet_id = locked.wallet_id and ",
                    $where,
                    " returning wallets.wallet_id, owner, currency"
                ),
                concat!(
                    "update wallets set ",
                    $set,
                    " from (select value ->> 'owner' as owner, value ->> 'currency' as currency, \
                         value ->> 'amount' as amount from jsonb_each($1)) as amounts \
                     where wallets.owner = amounts.owner and wallets.currency = amounts.currency and ",
                    $where,
                    " returning wallets.wallet_id, wallets.owner, wallets.currency"
                ),
            );
            db::fetch_all!($tx, Changed, sql, Json($amounts))
        }
    };
}

/// A wallet that was changed.
#[derive(sqlx::FromRow)]
struct Changed {
    wallet_id: Uuid,
    owner: String,
    currency: String,
}

/// Holds the money of these in their wallets, of each wallet all that is wanted or nothing; the wallets of those that
/// it was held for.
pub(crate) async fn hold(tx: &mut Tx, holds: &[&Hold]) -> Result<HashMap<HoldId, WalletId>, db::Error> {
    let amounts = amounts(holds);
    let changed = update_wallets!(
        tx,
        amounts.as_slice(),
        "held_minor = held_minor + amount",
        "posted_minor - held_minor >= amount"
    )?;
    let wallets: HashMap<(&str, &str), WalletId> = changed
        .iter()
        .map(|wallet| ((wallet.owner.as_str(), wallet.currency.as_str()), wallet.wallet_id.into()))
        .collect();
    let held = |hold: &&Hold| {
        let wallet = wallets.get(&(hold.buyer.as_str(), hold.amount.currency().code()))?;
        Some((hold.id, *wallet))
    };
    Ok(holds.iter().filter_map(held).collect())
}

/// Gives held money free.
pub(crate) async fn release_hold(tx: &mut Tx, owner: &str, amount: Money) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update wallets set held_minor = held_minor - $3 where owner = $1 and currency = $2 and held_minor >= $3",
        owner,
        amount.currency().code(),
        amount.minor(),
    )?;
    Ok(changed == 1)
}

/// Takes the held money of these out; it may come back. Whether all of it was there.
pub(crate) async fn take_held(tx: &mut Tx, holds: &[&Hold]) -> Result<bool, db::Error> {
    let amounts = amounts(holds);
    let changed = update_wallets!(
        tx,
        amounts.as_slice(),
        "held_minor = held_minor - amount, posted_minor = posted_minor - amount, \
         refundable_minor = refundable_minor + amount",
        "held_minor >= amount"
    )?;
    Ok(changed.len() == amounts.len())
}
