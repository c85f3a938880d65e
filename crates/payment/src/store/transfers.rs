//! The ledger's rows.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, OrderId, TransferId};
use money::Money;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::snapshots;
use crate::app::Error;
use crate::domain::AmountTooLarge;
use crate::domain::ledger::{Transfer, TransferState};

/// A row on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    transfer_id: String,
    kind: &'a str,
    debit_kind: &'a str,
    debit_owner: &'a str,
    credit_kind: &'a str,
    credit_owner: &'a str,
    currency: &'a str,
    amount_minor: i64,
    state: &'a str,
    order_id: Option<String>,
    consignment_id: Option<String>,
}

/// Writes movements, all in one statement. They share their time. If the ledger has been closed beyond their ids, they
/// have others by then.
pub(crate) async fn put(tx: &mut Tx, transfers: &mut [Transfer]) -> Result<(), db::Error> {
    if transfers.is_empty() {
        return Ok(());
    }
    while !put_unless_closed(tx, transfers).await? {
        let mark = snapshots::closed_through(tx).await?;
        tracing::warn!(%mark, "movements had ids of before the ledger's mark and have others: is a clock wrong?");
        let ids = snapshots::ids_beyond(mark);
        for (transfer, id) in transfers.iter_mut().zip(ids) {
            transfer.id = id.into();
        }
    }
    Ok(())
}

/// All of them or, where the ledger is closed for the id of any, none; whether it did.
async fn put_unless_closed(tx: &mut Tx, transfers: &[Transfer]) -> Result<bool, db::Error> {
    let first = transfers.iter().min_by_key(|transfer| transfer.id);
    let Some(first) = first else { return Ok(true) };
    let rows: Vec<NewRow<'_>> = transfers
        .iter()
        .map(|transfer| NewRow {
            transfer_id: transfer.id.uuid().to_string(),
            kind: transfer.kind,
            debit_kind: transfer.debit.kind,
            debit_owner: &transfer.debit.owner,
            credit_kind: transfer.credit.kind,
            credit_owner: &transfer.credit.owner,
            currency: transfer.amount.currency().code(),
            amount_minor: transfer.amount.minor(),
            state: transfer.state.as_str(),
            order_id: transfer.order_id.map(|id| id.uuid().to_string()),
            consignment_id: transfer.consignment_id.map(|id| id.uuid().to_string()),
        })
        .collect();
    let sql = tx.sql(
        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, \
         amount_minor, state, order_id, consignment_id, created_at) \
         select transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, amount_minor, state, \
         order_id, consignment_id, $2 from jsonb_to_recordset($1) as rows (transfer_id uuid, kind text, \
         debit_kind text, debit_owner text, credit_kind text, credit_owner text, currency text, amount_minor bigint, \
         state text, order_id uuid, consignment_id uuid) \
         where not exists (select 1 from ledger_marks where closed_through >= $3)",
        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, \
         amount_minor, state, order_id, consignment_id, created_at) \
         select unhex(value ->> 'transfer_id', '-'), value ->> 'kind', value ->> 'debit_kind', \
         value ->> 'debit_owner', value ->> 'credit_kind', value ->> 'credit_owner', value ->> 'currency', \
         value ->> 'amount_minor', value ->> 'state', unhex(value ->> 'order_id', '-'), \
         unhex(value ->> 'consignment_id', '-'), $2 from jsonb_each($1) \
         where not exists (select 1 from ledger_marks where closed_through >= $3)",
    );
    Ok(db::execute!(tx, sql, Json(rows), first.at, first.id.uuid())? > 0)
}

/// Ends the pending movements of orders, one of each: `posted` or `voided`.
pub(crate) async fn settle(
    tx: &mut Tx,
    orders: impl ExactSizeIterator<Item = OrderId>,
    state: TransferState,
) -> Result<(), Error> {
    let expected = u64::try_from(orders.len()).unwrap_or(u64::MAX);
    let sql = tx.sql(
        "update transfers set state = $2 where order_id = any($1) and state = 'pending'",
        "update transfers set state = $2 where order_id in (select unhex(value, '-') from json_each($1)) \
         and state = 'pending'",
    );
    let ended = db::execute!(tx, sql, orders.collect::<db::Ids>(), state.as_str())?;
    if ended == expected { Ok(()) } else { Err(Error::Invariant("a hold has not its one pending movement")) }
}

/// A movement as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: TransferId,
    pub(crate) kind: String,
    pub(crate) debit_kind: String,
    pub(crate) debit_owner: String,
    pub(crate) credit_kind: String,
    pub(crate) credit_owner: String,
    pub(crate) amount: Money,
    pub(crate) state: String,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) consignment_id: Option<ConsignmentId>,
    pub(crate) created_at: DateTime<Utc>,
}

impl Entry {
    /// What an account gained or lost by it.
    pub(crate) fn gain(&self, kind: &str, owner: &str) -> Result<Money, AmountTooLarge> {
        let is_credit = self.credit_kind == kind && self.credit_owner == owner;
        Ok(if is_credit { self.amount } else { self.amount.checked_neg()? })
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    transfer_id: Uuid,
    kind: String,
    debit_kind: String,
    debit_owner: String,
    credit_kind: String,
    credit_owner: String,
    currency: String,
    amount_minor: i64,
    state: String,
    order_id: Option<Uuid>,
    consignment_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Entry, db::Error> {
        Ok(Entry {
            id: self.transfer_id.into(),
            amount: super::money(self.amount_minor, &self.currency)?,
            kind: self.kind,
            debit_kind: self.debit_kind,
            debit_owner: self.debit_owner,
            credit_kind: self.credit_kind,
            credit_owner: self.credit_owner,
            state: self.state,
            order_id: self.order_id.map(Into::into),
            consignment_id: self.consignment_id.map(Into::into),
            created_at: self.created_at,
        })
    }
}

// The movements that a clause picks.
db::selection!(
    select,
    "select transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, amount_minor, state, \
     order_id, consignment_id, created_at from transfers "
);

macro_rules! of_account {
    ($side:literal) => {
        concat!(
            "select * from (",
            select!(""),
            "where ",
            $side,
            "_kind = $1 and ",
            $side,
            "_owner = $2 and state <> 'voided' and transfer_id < $3 order by transfer_id desc limit $4) as ",
            $side,
            "s"
        )
    };
}

/// Each side by its own index.
pub(super) const OF_ACCOUNT: &str = concat!(
    of_account!("credit"),
    " union all ",
    of_account!("debit"),
    " order by transfer_id desc limit $4"
);

/// The movements of an account that were not voided, newest first, before the one given.
pub(crate) async fn of_account(
    tx: &mut Tx,
    kind: &'static str,
    owner: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Entry>, db::Error> {
    let rows = db::fetch_all!(tx, Row, OF_ACCOUNT, kind, owner, before.unwrap_or(Uuid::max()), limit)?;
    rows.into_iter().map(Row::read).collect()
}

/// Movements, newest first, before the one given; of one order, or all.
pub(crate) async fn list(
    tx: &mut Tx,
    order_id: Option<OrderId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Entry>, db::Error> {
    let rows = match order_id {
        Some(order_id) => db::fetch_all!(
            tx,
            Row,
            select!("where order_id = $1 and transfer_id < $2 order by transfer_id desc limit $3"),
            order_id.uuid(),
            before.unwrap_or(Uuid::max()),
            limit,
        )?,
        None => db::fetch_all!(
            tx,
            Row,
            select!("where transfer_id < $1 order by transfer_id desc limit $2"),
            before.unwrap_or(Uuid::max()),
            limit,
        )?,
    };
    rows.into_iter().map(Row::read).collect()
}

macro_rules! beyond_snapshot {
    ($side:literal, $sign:literal) => {
        concat!(
            " union all select currency, ",
            $sign,
            "(amount_minor / 1000000000), ",
            $sign,
            "(amount_minor % 1000000000) from transfers where ",
            $side,
            "_kind = $1 and ",
            $side,
            "_owner = $2 and state = 'posted' and transfer_id > $3 and transfer_id < $4 \
             union all select currency, ",
            $sign,
            "(amount_minor / 1000000000), ",
            $sign,
            "(amount_minor % 1000000000) from passed_transfers as passed \
             cross join transfers \
             where transfers.transfer_id = passed.transfer_id and ",
            $side,
            "_kind = $1 and ",
            $side,
            "_owner = $2 and state = 'posted'"
        )
    };
}

/// The snapshot and what it does not count.
pub(super) const BALANCES: &str = concat!(
    "select currency, cast(sum(high) as bigint), cast(sum(low) as bigint) from (\
     select currency, high, low from balance_snapshots where kind = $1 and owner = $2",
    beyond_snapshot!("credit", "+"),
    beyond_snapshot!("debit", "-"),
    ") as parts group by currency order by currency"
);

/// What is owed by an account of those whose snapshots are by owner, in minor units of each currency;
/// on one snapshot.
pub(crate) async fn balances(
    tx: &mut Tx,
    kind: &'static str,
    owner: &str,
) -> Result<Vec<(String, i128)>, db::Error> {
    let counted = snapshots::counted_through(tx).await?;
    let rows = db::fetch_all!(tx, (String, i64, i64), BALANCES, kind, owner, counted, Uuid::max())?;
    Ok(rows.into_iter().map(|(currency, high, low)| (currency, super::wide(high, low))).collect())
}
