//! Money of confirmed orders, by consignment.

use db::Tx;
use kernel::{ConsignmentId, HoldId, OrderId};
use money::{Currency, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

/// An escrow.
#[derive(Debug, Clone)]
pub(crate) struct Escrow {
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) seller_id: String,
    /// `held`, `released` or `refunded`.
    pub(crate) state: String,
    pub(crate) amount: Money,
    pub(crate) refunded: Money,
    /// Goods that went back before the release, in minor units of the seller's currency.
    pub(crate) returned_goods_minor: i64,
    /// The consignment as quoted, protobuf.
    pub(crate) consignment: Vec<u8>,
    /// The hub's part when the order was confirmed; `None` where it was not kept.
    pub(crate) commission_rate: Option<Decimal>,
}

impl Escrow {
    /// What it still holds.
    pub(crate) fn left(&self) -> Result<Money, money::Error> {
        self.amount.checked_sub(self.refunded)
    }

    /// Goods that went back, in the seller's currency.
    pub(crate) fn returned_goods(&self, currency: Currency) -> Result<Money, money::Error> {
        Money::new(self.returned_goods_minor, currency)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    consignment_id: Uuid,
    hold_id: Uuid,
    order_id: Uuid,
    seller_id: String,
    state: String,
    currency: String,
    amount_minor: i64,
    refunded_minor: i64,
    returned_goods_minor: i64,
    consignment: Vec<u8>,
    commission_rate: Option<String>,
}

impl Row {
    fn read(self) -> Result<Escrow, db::Error> {
        let rate = self.commission_rate.map(|rate| rate.parse::<Decimal>()).transpose();
        Ok(Escrow {
            consignment_id: self.consignment_id.into(),
            hold_id: self.hold_id.into(),
            order_id: self.order_id.into(),
            amount: super::money(self.amount_minor, &self.currency)?,
            refunded: super::money(self.refunded_minor, &self.currency)?,
            seller_id: self.seller_id,
            state: self.state,
            returned_goods_minor: self.returned_goods_minor,
            consignment: self.consignment,
            commission_rate: rate.map_err(|error| db::Error::Other(sqlx::Error::Decode(Box::new(error))))?,
        })
    }
}

/// Writes an escrow unless it is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, escrow: &Escrow) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into escrows (consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         consignment, commission_rate) values ($1, $2, $3, $4, 'held', $5, $6, $7, $8) \
         on conflict (consignment_id) do nothing",
        escrow.consignment_id.uuid(),
        escrow.hold_id.uuid(),
        escrow.order_id.uuid(),
        escrow.seller_id.as_str(),
        escrow.amount.currency().code(),
        escrow.amount.minor(),
        escrow.consignment.as_slice(),
        escrow.commission_rate.map(|rate| rate.to_string()),
    )?;
    Ok(written == 1)
}

/// An escrow, locked where the engine locks rows.
pub(crate) async fn lock(tx: &mut Tx, id: ConsignmentId) -> Result<Option<Escrow>, db::Error> {
    let sql = tx.sql(
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, consignment, commission_rate from escrows where consignment_id = $1 for update",
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, consignment, commission_rate from escrows where consignment_id = $1",
    );
    db::fetch_optional!(tx, Row, sql, id.uuid())?.map(Row::read).transpose()
}

/// The escrows of a hold, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_of_hold(tx: &mut Tx, hold_id: HoldId) -> Result<Vec<Escrow>, db::Error> {
    let sql = tx.sql(
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, consignment, commission_rate from escrows where hold_id = $1 order by consignment_id limit 200 for update",
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, consignment, commission_rate from escrows where hold_id = $1 order by consignment_id limit 200",
    );
    db::fetch_all!(tx, Row, sql, hold_id.uuid())?.into_iter().map(Row::read).collect()
}

/// Ends an escrow, once: `released` or `refunded`.
pub(crate) async fn end(tx: &mut Tx, id: ConsignmentId, state: &'static str) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update escrows set state = $2 where consignment_id = $1 and state = 'held'",
        id.uuid(),
        state,
    )?;
    Ok(changed == 1)
}

/// Counts a refund of a part, if there is room for it.
pub(crate) async fn refund(
    tx: &mut Tx,
    id: ConsignmentId,
    amount: Money,
    goods_minor: i64,
) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update escrows set refunded_minor = refunded_minor + $2, returned_goods_minor = returned_goods_minor + $3 \
         where consignment_id = $1 and amount_minor - refunded_minor >= $2",
        id.uuid(),
        amount.minor(),
        goods_minor,
    )?;
    Ok(changed == 1)
}
