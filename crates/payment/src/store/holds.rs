//! Holds of money.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use db::{Ids, Tx};
use kernel::{HoldId, OrderId};
use money::{Currency, Money};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::hold::{Hold, HoldState};

#[derive(sqlx::FromRow)]
struct Row {
    hold_id: Uuid,
    order_id: Uuid,
    buyer: String,
    method: String,
    state: String,
    currency: String,
    amount_minor: i64,
    refunded_minor: i64,
    reference: Option<String>,
    qr_payload: String,
    expires_at: Option<DateTime<Utc>>,
    paid_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Hold, db::Error> {
        Ok(Hold {
            id: self.hold_id.into(),
            order_id: self.order_id.into(),
            amount: super::money(self.amount_minor, &self.currency)?,
            refunded: super::money(self.refunded_minor, &self.currency)?,
            buyer: self.buyer,
            method: self.method,
            state: HoldState::parse(&self.state)
                .ok_or_else(|| super::unknown("state of a hold", &self.state))?,
            reference: self.reference,
            qr_payload: self.qr_payload,
            expires_at: self.expires_at,
            paid_at: self.paid_at,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

/// A row on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    hold_id: Uuid,
    order_id: Uuid,
    buyer: &'a str,
    method: &'a str,
    state: &'a str,
    currency: &'a str,
    amount_minor: i64,
    reference: Option<&'a str>,
    qr_payload: &'a str,
    #[serde(serialize_with = "db::optional_timestamp")]
    expires_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "db::optional_timestamp")]
    paid_at: Option<DateTime<Utc>>,
    version: i64,
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
}

impl<'a> From<&'a Hold> for NewRow<'a> {
    fn from(hold: &'a Hold) -> Self {
        Self {
            hold_id: hold.id.uuid(),
            order_id: hold.order_id.uuid(),
            buyer: &hold.buyer,
            method: &hold.method,
            state: hold.state.as_str(),
            currency: hold.amount.currency().code(),
            amount_minor: hold.amount.minor(),
            reference: hold.reference.as_deref(),
            qr_payload: &hold.qr_payload,
            expires_at: hold.expires_at,
            paid_at: hold.paid_at,
            version: hold.version,
            created_at: hold.created_at,
        }
    }
}

/// Writes holds, each unless one of its id or its order is there; those that were written.
pub(crate) async fn put(tx: &mut Tx, holds: &[&Hold]) -> Result<HashSet<HoldId>, db::Error> {
    let mut rows: Vec<NewRow<'_>> = holds.iter().map(|hold| NewRow::from(*hold)).collect();
    rows.sort_unstable_by_key(|row| row.hold_id);
    let sql = tx.sql(
        "insert into holds (hold_id, order_id, buyer, method, state, currency, amount_minor, reference, qr_payload, \
         expires_at, paid_at, version, created_at) \
         select hold_id, order_id, buyer, method, state, currency, amount_minor, reference, qr_payload, expires_at, \
         paid_at, version, created_at from jsonb_to_recordset($1) as rows (hold_id uuid, order_id uuid, buyer text, \
         method text, state text, currency text, amount_minor bigint, reference text, qr_payload text, \
         expires_at timestamptz, paid_at timestamptz, version bigint, created_at timestamptz) \
         on conflict do nothing returning hold_id",
        "insert into holds (hold_id, order_id, buyer, method, state, currency, amount_minor, reference, qr_payload, \
         expires_at, paid_at, version, created_at) \
         select unhex(value ->> 'hold_id', '-'), unhex(value ->> 'order_id', '-'), value ->> 'buyer', \
         value ->> 'method', value ->> 'state', value ->> 'currency', value ->> 'amount_minor', \
         value ->> 'reference', value ->> 'qr_payload', value ->> 'expires_at', value ->> 'paid_at', \
         value ->> 'version', value ->> 'created_at' from jsonb_each($1) where true \
         on conflict do nothing returning hold_id",
    );
    let written = db::fetch_all!(tx, (Uuid,), sql, Json(rows))?;
    Ok(written.into_iter().map(|(id,)| id.into()).collect())
}

/// Takes out holds that this transaction wrote.
pub(crate) async fn take_out(tx: &mut Tx, ids: Ids) -> Result<(), db::Error> {
    let sql = tx.sql(
        "delete from holds where hold_id = any($1)",
        "delete from holds where hold_id in (select unhex(value, '-') from json_each($1))",
    );
    db::execute!(tx, sql, ids)?;
    Ok(())
}

/// A tombstone: an id that must never hold money.
pub(crate) async fn put_tombstone(
    tx: &mut Tx,
    id: HoldId,
    order_id: OrderId,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let nothing = Money::zero(currency);
    let tombstone = Hold {
        id,
        order_id,
        buyer: String::new(),
        method: String::new(),
        state: HoldState::Voided,
        amount: nothing,
        refunded: nothing,
        reference: None,
        qr_payload: String::new(),
        expires_at: None,
        paid_at: None,
        version: 1,
        created_at: now,
    };
    Ok(!put(tx, &[&tombstone]).await?.is_empty())
}

// The holds that a clause picks.
db::selection!(
    select,
    "select hold_id, order_id, buyer, method, state, currency, amount_minor, refunded_minor, reference, \
     qr_payload, expires_at, paid_at, version, created_at from holds "
);

/// A hold by its id.
pub(crate) async fn find(tx: &mut Tx, id: HoldId) -> Result<Option<Hold>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where hold_id = $1"), id.uuid(),)?;
    row.map(Row::read).transpose()
}

/// A hold by its id, locked where the engine locks rows.
pub(crate) async fn lock(tx: &mut Tx, id: HoldId) -> Result<Option<Hold>, db::Error> {
    let sql = tx.sql(select!("where hold_id = $1 for update"), select!("where hold_id = $1"));
    db::fetch_optional!(tx, Row, sql, id.uuid())?.map(Row::read).transpose()
}

/// The hold of an order.
pub(crate) async fn of_order(tx: &mut Tx, order_id: OrderId) -> Result<Option<Hold>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where order_id = $1"), order_id.uuid(),)?;
    row.map(Row::read).transpose()
}

/// The hold that a receipt names.
pub(crate) async fn by_reference(tx: &mut Tx, reference: &str) -> Result<Option<Hold>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where reference = $1"), reference,)?;
    row.map(Row::read).transpose()
}

macro_rules! advance {
    ($from:literal, $holds:literal) => {
        concat!(
            $from,
            "update holds set state = $3, version = version + 1, paid_at = coalesce($4, paid_at) \
             where state = $2 and hold_id in (",
            $holds,
            ") returning hold_id, order_id, buyer, method, state, currency, amount_minor, refunded_minor, \
             reference, qr_payload, expires_at, paid_at, version, created_at"
        )
    };
}

/// Moves holds on, each if it stands where it is thought to; those that were moved, as they are then, in no order. Whoever
/// comes second finds it moved: so a QR code is paid or cancelled, never both.
pub(crate) async fn advance(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = HoldId>,
    from: HoldState,
    to: HoldState,
    paid_at: Option<DateTime<Utc>>,
) -> Result<Vec<Hold>, db::Error> {
    let sql = tx.sql(
        advance!(
            "with locked as (select hold_id from holds where hold_id = any($1) and state = $2 \
                 order by hold_id for update) ",
            "select hold_id from locked"
        ),
        advance!("", "select unhex(value, '-') from json_each($1)"),
    );
    let ids: Ids = ids.into_iter().collect();
    let moved = db::fetch_all!(tx, Row, sql, ids, from.as_str(), to.as_str(), paid_at)?;
    moved.into_iter().map(Row::read).collect()
}

/// The next version, for an event that changes no state.
pub(crate) async fn next_version(tx: &mut Tx, id: HoldId) -> Result<i64, db::Error> {
    let (version,) = db::fetch_one!(
        tx,
        (i64,),
        "update holds set version = version + 1 where hold_id = $1 returning version",
        id.uuid(),
    )?;
    Ok(version)
}

/// Adds a refund, if the captured amount still covers it; returns the new version.
pub(crate) async fn refund(tx: &mut Tx, id: HoldId, amount: Money) -> Result<Option<i64>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (i64,),
        "update holds set refunded_minor = refunded_minor + $2, version = version + 1 \
         where hold_id = $1 and state = 'captured' and currency = $3 and amount_minor - refunded_minor >= $2 \
         returning version",
        id.uuid(),
        amount.minor(),
        amount.currency().code(),
    )?;
    Ok(row.map(|(version,)| version))
}
