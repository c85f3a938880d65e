//! Holds of money.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{HoldId, OrderId};
use money::{Currency, Money};
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

/// Writes a hold unless one of its id or its order is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, hold: &Hold) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into holds (hold_id, order_id, buyer, method, state, currency, amount_minor, reference, qr_payload, \
         expires_at, paid_at, version, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         on conflict do nothing",
        hold.id.uuid(),
        hold.order_id.uuid(),
        hold.buyer.as_str(),
        hold.method.as_str(),
        hold.state.as_str(),
        hold.amount.currency().code(),
        hold.amount.minor(),
        hold.reference.as_deref(),
        hold.qr_payload.as_str(),
        hold.expires_at,
        hold.paid_at,
        hold.version,
        hold.created_at,
    )?;
    Ok(written == 1)
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
    put(tx, &tombstone).await
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

/// Moves a hold on, if it stands where it is thought to; its new version. Whoever comes second finds it moved: so a
/// QR code is paid or cancelled, never both.
pub(crate) async fn advance(
    tx: &mut Tx,
    id: HoldId,
    from: HoldState,
    to: HoldState,
    paid_at: Option<DateTime<Utc>>,
) -> Result<Option<i64>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (i64,),
        "update holds set state = $3, version = version + 1, paid_at = coalesce($4, paid_at) \
         where hold_id = $1 and state = $2 returning version",
        id.uuid(),
        from.as_str(),
        to.as_str(),
        paid_at,
    )?;
    Ok(row.map(|(version,)| version))
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
