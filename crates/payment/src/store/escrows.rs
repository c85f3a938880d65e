//! Money of confirmed orders, by consignment.

use std::collections::BTreeMap;

use db::Tx;
use kernel::{ConsignmentId, HoldId, OrderId};
use money::Money;
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::hold::OfAnother;
use crate::domain::returned::{Costs, Returned};
use crate::domain::settlement::Terms;

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
    /// Goods that went back, in minor units of the seller's currency.
    pub(crate) returned_goods_minor: i64,
    /// What was refunded beside goods; `None` where it was not kept.
    pub(crate) returned_costs: Option<Costs>,
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

    /// What has gone back of it.
    pub(crate) fn returned(&self, terms: &Terms) -> Result<Returned, money::Error> {
        let goods = Money::new(self.returned_goods_minor, terms.seller_goods.currency())?;
        let costs = match self.returned_costs {
            Some(costs) => costs,
            None => Costs::of(terms, self.refunded, goods)?,
        };
        Ok(Returned { refunded: self.refunded, goods, costs })
    }

    /// Refuses an order that is not its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), OfAnother> {
        if self.order_id == order_id { Ok(()) } else { Err(OfAnother(self.order_id)) }
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
    returned_costs: Option<Json<Costs>>,
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
            returned_costs: self.returned_costs.map(|costs| costs.0),
            consignment: self.consignment,
            commission_rate: rate.map_err(|error| db::Error::Other(sqlx::Error::Decode(Box::new(error))))?,
        })
    }
}

/// What the audit goes by: the rates of an escrow's quote (see `settlement::exchange_rates`) and its lines.
#[derive(Debug, Clone)]
pub(crate) struct Valuation {
    pub(crate) exchange_rates: BTreeMap<String, String>,
    pub(crate) lines: i64,
}

/// Writes an escrow unless it is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, escrow: &Escrow, valuation: &Valuation) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into escrows (consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         consignment, commission_rate, exchange_rates, lines, returned_costs) \
         values ($1, $2, $3, $4, 'held', $5, $6, $7, $8, $9, $10, $11) on conflict (consignment_id) do nothing",
        escrow.consignment_id.uuid(),
        escrow.hold_id.uuid(),
        escrow.order_id.uuid(),
        escrow.seller_id.as_str(),
        escrow.amount.currency().code(),
        escrow.amount.minor(),
        escrow.consignment.as_slice(),
        escrow.commission_rate.map(|rate| rate.to_string()),
        Json(&valuation.exchange_rates),
        valuation.lines,
        escrow.returned_costs.map(Json),
    )?;
    Ok(written == 1)
}

/// An escrow, locked where the engine locks rows.
pub(crate) async fn lock(tx: &mut Tx, id: ConsignmentId) -> Result<Option<Escrow>, db::Error> {
    let sql = tx.sql(
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, returned_costs, consignment, commission_rate from escrows where consignment_id = $1 for update",
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, returned_costs, consignment, commission_rate from escrows where consignment_id = $1",
    );
    db::fetch_optional!(tx, Row, sql, id.uuid())?.map(Row::read).transpose()
}

/// The escrows of a hold, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_of_hold(tx: &mut Tx, hold_id: HoldId) -> Result<Vec<Escrow>, db::Error> {
    let sql = tx.sql(
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, returned_costs, consignment, commission_rate from escrows where hold_id = $1 order by consignment_id limit 200 for update",
        "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
         returned_goods_minor, returned_costs, consignment, commission_rate from escrows where hold_id = $1 order by consignment_id limit 200",
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
    costs: Option<Costs>,
) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update escrows set refunded_minor = refunded_minor + $2, returned_goods_minor = returned_goods_minor + $3, \
         returned_costs = coalesce($4, returned_costs) \
         where consignment_id = $1 and amount_minor - refunded_minor >= $2",
        id.uuid(),
        amount.minor(),
        goods_minor,
        costs.map(Json),
    )?;
    Ok(changed == 1)
}
