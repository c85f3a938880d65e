//! Wallets and what is held of them.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::WalletId;
use money::Money;
use uuid::Uuid;

use crate::domain::AmountTooLarge;

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

/// The owner's wallets by currency.
pub(crate) async fn of_owner(tx: &mut Tx, owner: &str) -> Result<Vec<Wallet>, db::Error> {
    let rows = db::fetch_all!(tx, Row, select!("where owner = $1 order by currency limit 200"), owner)?;
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

/// Holds money of the owner's wallet of its currency, if that much is available; the wallet's id.
pub(crate) async fn hold(tx: &mut Tx, owner: &str, amount: Money) -> Result<Option<WalletId>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (Uuid,),
        "update wallets set held_minor = held_minor + $3 \
         where owner = $1 and currency = $2 and posted_minor - held_minor >= $3 returning wallet_id",
        owner,
        amount.currency().code(),
        amount.minor(),
    )?;
    Ok(row.map(|(id,)| id.into()))
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

/// Takes held money out; it may come back.
pub(crate) async fn take_held(tx: &mut Tx, owner: &str, amount: Money) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update wallets set held_minor = held_minor - $3, posted_minor = posted_minor - $3, \
         refundable_minor = refundable_minor + $3 \
         where owner = $1 and currency = $2 and held_minor >= $3",
        owner,
        amount.currency().code(),
        amount.minor(),
    )?;
    Ok(changed == 1)
}
