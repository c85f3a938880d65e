//! Money of confirmed orders, by consignment.

use std::collections::{BTreeMap, HashSet};

use db::Tx;
use hub::Profile;
use kernel::{ConsignmentId, HoldId};
use serde::Serialize;
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

/// A consignment whose money goes into escrow.
#[derive(Debug)]
pub(crate) struct NewEscrow {
    pub(crate) escrow: Escrow,
    pub(crate) valuation: Valuation,
    /// The consignment as order told it, which the release before reads.
    pub(crate) told: Vec<u8>,
}

/// A row on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    consignment_id: Uuid,
    hold_id: Uuid,
    order_id: Uuid,
    seller_id: &'a str,
    state: &'a str,
    currency: &'a str,
    amount_minor: i64,
    #[serde(serialize_with = "db::hex")]
    consignment: &'a [u8],
    commission_rate: String,
    exchange_rates: &'a BTreeMap<String, String>,
    lines: i64,
    /// SQLite would read one that is null as JSON's.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned_costs: Option<Costs>,
    terms: &'a SettlementTerms,
}

impl<'a> From<&'a NewEscrow> for NewRow<'a> {
    fn from(NewEscrow { escrow, valuation, told }: &'a NewEscrow) -> Self {
        Self {
            consignment_id: escrow.consignment_id.uuid(),
            hold_id: escrow.hold_id.uuid(),
            order_id: escrow.order_id.uuid(),
            seller_id: &escrow.seller_id,
            state: escrow.state.as_str(),
            currency: escrow.amount.currency().code(),
            amount_minor: escrow.amount.minor(),
            consignment: told,
            commission_rate: escrow.terms.commission_rate.to_string(),
            exchange_rates: &valuation.exchange_rates,
            lines: valuation.lines,
            returned_costs: escrow.returned_costs,
            terms: &escrow.terms,
        }
    }
}

/// Inserts escrows, each unless one of its consignment is there; those that were inserted.
pub(crate) async fn put(tx: &mut Tx, new: &[&NewEscrow]) -> Result<HashSet<ConsignmentId>, db::Error> {
    let mut rows: Vec<NewRow<'_>> = new.iter().map(|new| NewRow::from(*new)).collect();
    rows.sort_unstable_by_key(|row| row.consignment_id);
    let sql = tx.sql(
        "insert into escrows (consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         consignment, commission_rate, exchange_rates, lines, returned_costs, terms) \
         select consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         decode(consignment, 'hex'), commission_rate, exchange_rates, lines, returned_costs, terms \
         from jsonb_to_recordset($1) as rows (consignment_id uuid, hold_id uuid, order_id uuid, seller_id text, \
         state text, currency text, amount_minor bigint, consignment text, commission_rate text, \
         exchange_rates jsonb, lines bigint, returned_costs jsonb, terms jsonb) \
         on conflict (consignment_id) do nothing returning consignment_id",
        "insert into escrows (consignment_id, hold_id, order_id, seller_id, state, currency, amount_minor, \
         consignment, commission_rate, exchange_rates, lines, returned_costs, terms) \
         select unhex(value ->> 'consignment_id', '-'), unhex(value ->> 'hold_id', '-'), \
         unhex(value ->> 'order_id', '-'), value ->> 'seller_id', value ->> 'state', value ->> 'currency', \
         value ->> 'amount_minor', unhex(value ->> 'consignment'), value ->> 'commission_rate', \
         value -> 'exchange_rates', value ->> 'lines', value -> 'returned_costs', value -> 'terms' \
         from jsonb_each($1) where true on conflict (consignment_id) do nothing returning consignment_id",
    );
    let written = db::fetch_all!(tx, (Uuid,), sql, Json(rows))?;
    Ok(written.into_iter().map(|(id,)| id.into()).collect())
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
