//! Money of confirmed orders, by consignment.

use std::collections::BTreeMap;

use db::Tx;
use hub::Profile;
use kernel::{ConsignmentId, HoldId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::app::Error;
use crate::domain::escrow::{Escrow, EscrowState};
use crate::domain::returned::Costs;
use crate::domain::terms::SettlementTerms;
use crate::quoted::{self, Escrowed};

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
    terms: Option<Json<SettlementTerms>>,
    consignment: Vec<u8>,
    commission_rate: Option<String>,
}

impl Row {
    fn read(self, hub: &Profile) -> Result<Escrow, Error> {
        let amount = super::money(self.amount_minor, &self.currency)?;
        let terms = match self.terms {
            Some(terms) => terms.0,
            None => {
                let commission_rate = super::rate(self.commission_rate.as_deref())?;
                let (order_id, currency) = (self.order_id.into(), amount.currency());
                quoted::decode(&self.consignment, &Escrowed { order_id, currency, commission_rate }, hub)?
            }
        };
        let unknown = || super::unknown("state of an escrow", &self.state);
        Ok(Escrow {
            consignment_id: self.consignment_id.into(),
            hold_id: self.hold_id.into(),
            order_id: self.order_id.into(),
            amount,
            refunded: super::money(self.refunded_minor, &self.currency)?,
            state: EscrowState::parse(&self.state).ok_or_else(unknown)?,
            seller_id: self.seller_id,
            returned_goods_minor: self.returned_goods_minor,
            returned_costs: self.returned_costs.map(|costs| costs.0),
            terms,
        })
    }
}

/// What the audit goes by: the rates of an escrow's quote (see `settlement::exchange_rates`) and its lines.
#[derive(Debug, Clone)]
pub(crate) struct Valuation {
    pub(crate) exchange_rates: BTreeMap<String, String>,
    pub(crate) lines: i64,
}

/// Inserts an escrow unless it exists; returns whether it was inserted. `consignment` is what order told, which the release before
/// reads.
pub(crate) async fn put(
    tx: &mut Tx,
    escrow: &Escrow,
    valuation: &Valuation,
    consignment: &[u8],
) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into escrows (consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         consignment, commission_rate, exchange_rates, lines, returned_costs, terms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (consignment_id) do nothing",
        escrow.consignment_id.uuid(),
        escrow.hold_id.uuid(),
        escrow.order_id.uuid(),
        escrow.seller_id.as_str(),
        escrow.state.as_str(),
        escrow.amount.currency().code(),
        escrow.amount.minor(),
        consignment,
        escrow.terms.commission_rate.to_string(),
        Json(&valuation.exchange_rates),
        valuation.lines,
        escrow.returned_costs.map(Json),
        Json(&escrow.terms),
    )?;
    Ok(written == 1)
}

// The rows of escrows that a clause picks.
db::selection!(
    select,
    "select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, refunded_minor, \
     returned_goods_minor, returned_costs, terms, consignment, commission_rate from escrows "
);

/// An escrow, locked where the engine locks rows.
pub(crate) async fn lock(tx: &mut Tx, id: ConsignmentId, hub: &Profile) -> Result<Option<Escrow>, Error> {
    let sql = tx.sql(select!("where consignment_id = $1 for update"), select!("where consignment_id = $1"));
    db::fetch_optional!(tx, Row, sql, id.uuid())?.map(|row| row.read(hub)).transpose()
}

/// The escrows of a hold, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_of_hold(tx: &mut Tx, hold_id: HoldId, hub: &Profile) -> Result<Vec<Escrow>, Error> {
    let sql = tx.sql(
        select!("where hold_id = $1 order by consignment_id limit 200 for update"),
        select!("where hold_id = $1 order by consignment_id limit 200"),
    );
    let rows = db::fetch_all!(tx, Row, sql, hold_id.uuid())?;
    rows.into_iter().map(|row| row.read(hub)).collect()
}

/// Escrows whose terms are not kept yet, in the order of their ids, locked where the engine locks rows and not by others.
pub(crate) async fn without_terms(tx: &mut Tx, limit: i64, hub: &Profile) -> Result<Vec<Escrow>, Error> {
    let sql = tx.sql(
        select!("where terms is null order by consignment_id limit $1 for update skip locked"),
        select!("where terms is null order by consignment_id limit $1"),
    );
    let rows = db::fetch_all!(tx, Row, sql, limit)?;
    rows.into_iter().map(|row| row.read(hub)).collect()
}

/// Keeps the terms of an escrow that has none.
pub(crate) async fn keep_terms(tx: &mut Tx, escrow: &Escrow) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update escrows set terms = $2 where consignment_id = $1 and terms is null",
        escrow.consignment_id.uuid(),
        Json(&escrow.terms),
    )?;
    Ok(())
}

/// Saves a locked escrow's state and refunds.
pub(crate) async fn save(tx: &mut Tx, escrow: &Escrow) -> Result<(), Error> {
    let changed = db::execute!(
        tx,
        "update escrows set state = $2, refunded_minor = $3, returned_goods_minor = $4, returned_costs = $5 \
         where consignment_id = $1",
        escrow.consignment_id.uuid(),
        escrow.state.as_str(),
        escrow.refunded.minor(),
        escrow.returned_goods_minor,
        escrow.returned_costs.map(Json),
    )?;
    if changed == 1 { Ok(()) } else { Err(Error::Invariant("an escrow that was locked is not found")) }
}
