//! Balances as they were at a mark, so that nobody adds up an account's whole history.
//!
//! A balance is its snapshot, and the posted movements beyond the mark, and those that were pending when the mark passed
//! them. It is exact at any moment because movements up to the mark never change again, except for the latter:
//! - *Close* ([`close`]): from its commit on no statement writes a movement under an id up to the mark.
//! - *Wait*: on PostgreSQL, until all transactions have ended that were writing then ([`writers`]). Each statement locks its
//!   table before it takes its snapshot, so one that is not among them has seen the mark. `create index concurrently`
//!   waits likewise. SQLite has one writer.
//! - *Count* ([`count`]): what lies between the last mark and this is final, and is added to the snapshots.
//!
//! No clock and no timeout decides about money: the mark is a while ago only so that few movements need another id.
//! Rows of balances that each movement changes would be simpler, but all purchases would wait for those of commission,
//! carrier and customs.

use std::collections::HashSet;
use std::time::Duration;

use db::{Ids, Tx};
use kernel::TransferId;
use uuid::{ContextV7, Timestamp, Uuid};

/// The part of an id that is not its time in milliseconds.
const BITS_BELOW_TIME: u32 = 80;
const NANOS_PER_MILLI: u32 = 1_000_000;

fn millis(id: Uuid) -> u128 {
    id.as_u128() >> BITS_BELOW_TIME
}

/// The ids of before so long ago are up to it.
pub(crate) fn mark_before(margin: Duration) -> Uuid {
    Uuid::from_u128(millis(TransferId::new().uuid()).saturating_sub(margin.as_millis()) << BITS_BELOW_TIME)
}

/// New ids beyond a mark, one after the other, whatever the clock says.
pub(crate) fn ids_beyond(mark: Uuid) -> impl Iterator<Item = Uuid> {
    let millis = millis(mark).saturating_add(1).max(millis(TransferId::new().uuid()));
    let seconds = u64::try_from(millis / 1_000).unwrap_or(u64::MAX);
    let nanos = u32::try_from(millis % 1_000).unwrap_or_default() * NANOS_PER_MILLI;
    let context = ContextV7::new();
    std::iter::repeat_with(move || Uuid::new_v7(Timestamp::from_unix(&context, seconds, nanos)))
}

/// Where there is none yet.
pub(crate) const NO_MARK: Uuid = Uuid::nil();

/// Closes the ledger up to a mark, or leaves it closed up to a later one.
pub(crate) async fn close(tx: &mut Tx, mark: Uuid) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into ledger_marks (id, closed_through, counted_through) values (1, $1, $2) \
         on conflict (id) do update set closed_through = excluded.closed_through \
         where ledger_marks.closed_through < excluded.closed_through",
        mark,
        NO_MARK,
    )?;
    Ok(())
}

/// Up to where the ledger is closed.
pub(crate) async fn closed_through(tx: &mut Tx) -> Result<Uuid, db::Error> {
    let found = db::fetch_optional!(tx, (Uuid,), "select closed_through from ledger_marks where id = 1")?;
    Ok(found.map_or(NO_MARK, |(mark,)| mark))
}

/// Up to where movements are counted. A read of what is beyond is on the same snapshot. It binds this mark as a value, and
/// an upper bound as well: of a range without one PostgreSQL, planning for any value, expects a third of the table, and
/// scans it.
pub(crate) async fn counted_through(tx: &mut Tx) -> Result<Uuid, db::Error> {
    let found = db::fetch_optional!(tx, (Uuid,), "select counted_through from ledger_marks where id = 1")?;
    Ok(found.map_or(NO_MARK, |(mark,)| mark))
}

/// The transactions that are writing movements, by the engine's name for them.
pub(crate) async fn writers(tx: &mut Tx) -> Result<HashSet<String>, db::Error> {
    let sql = tx.sql(
        "select virtualtransaction from pg_locks where locktype = 'relation' and granted \
         and mode = 'RowExclusiveLock' and relation = 'transfers'::regclass \
         and database = (select oid from pg_database where datname = current_database())",
        "select '' where false",
    );
    let rows = db::fetch_all!(tx, (String,), sql)?;
    Ok(rows.into_iter().map(|(writer,)| writer).collect())
}

/// How many movements up to a mark are not counted, or `limit` if there are more.
pub(crate) async fn uncounted(tx: &mut Tx, mark: Uuid, limit: i64) -> Result<i64, db::Error> {
    let counted = counted_through(tx).await?;
    let (count,) = db::fetch_one!(
        tx,
        (i64,),
        "select count(*) from (select transfer_id from transfers where transfer_id > $1 and transfer_id <= $2 \
         order by transfer_id limit $3) as uncounted",
        counted,
        mark,
        limit,
    )?;
    Ok(count)
}

/// The sides of movements that a condition picks, in two parts, by the accounts of snapshots.
macro_rules! sides {
    ($condition:literal) => {
        concat!(
            "select credit_kind as kind, \
             case when credit_kind in ('wallet', 'holding', 'escrow', 'suspense') then '' else credit_owner end as owner, \
             currency, amount_minor / 1000000000 as high, amount_minor % 1000000000 as low \
             from transfers where state = 'posted' and ",
            $condition,
            " union all select debit_kind, \
             case when debit_kind in ('wallet', 'holding', 'escrow', 'suspense') then '' else debit_owner end, \
             currency, -(amount_minor / 1000000000), -(amount_minor % 1000000000) \
             from transfers where state = 'posted' and ",
            $condition
        )
    };
}

/// Adds to snapshots what a condition picks.
macro_rules! add {
    ($condition:literal) => {
        concat!(
            "insert into balance_snapshots (kind, owner, currency, high, low) \
             select kind, owner, currency, cast(sum(high) as bigint), cast(sum(low) as bigint) from (",
            sides!($condition),
            ") as sides group by kind, owner, currency order by kind, owner, currency \
             on conflict (kind, owner, currency) do update set high = balance_snapshots.high + excluded.high, \
             low = balance_snapshots.low + excluded.low"
        )
    };
}

/// What differs between snapshots and the movements that they count; by its account.
pub(super) const DIFFERENCES: &str = concat!(
    "select account from (select kind || ' ' || owner as account, currency, high, low from balance_snapshots \
     union all select kind || ' ' || owner, currency, -high, -low from (",
    sides!(
        "transfer_id <= (select counted_through from ledger_marks) \
         and transfer_id not in (select transfer_id from passed_transfers)"
    ),
    ") as sides) as compared group by account, currency having sum(high) * 1000000000 + sum(low) <> 0 limit 20"
);

/// Counts movements up to a mark, so many at once in the order of their ids, and those passed before that have ended;
/// whether there may be more. The ledger has been closed up to the mark, and its writers of then have ended. One counts at a
/// time.
pub(crate) async fn count(tx: &mut Tx, mark: Uuid, limit: i64) -> Result<bool, db::Error> {
    let sql = tx.sql(
        "select counted_through from ledger_marks where id = 1 and closed_through >= $1 for update skip locked",
        "select counted_through from ledger_marks where id = 1 and closed_through >= $1",
    );
    // A database that was set back meanwhile may not be closed so far.
    let Some((from,)) = db::fetch_optional!(tx, (Uuid,), sql, mark)? else { return Ok(false) };
    let ended = count_passed(tx, limit).await?;
    let next = db::fetch_all!(
        tx,
        (Uuid,),
        "select transfer_id from transfers where transfer_id > $1 and transfer_id <= $2 \
         order by transfer_id limit $3",
        from,
        mark,
        limit,
    )?;
    let Some((through,)) = next.last().copied() else { return Ok(ended >= limit) };
    db::execute!(
        tx,
        "insert into passed_transfers (transfer_id) select transfer_id from transfers \
         where transfer_id > $1 and transfer_id <= $2 and state = 'pending'",
        from,
        through,
    )?;
    // One that ends between these statements has been passed: it is counted once, the next time.
    let sql = add!(
        "transfer_id > $1 and transfer_id <= $2 and transfer_id not in (select transfer_id from passed_transfers)"
    );
    db::execute!(tx, sql, from, through)?;
    db::execute!(tx, "update ledger_marks set counted_through = $1 where id = 1", through)?;
    Ok(ended.max(i64::try_from(next.len()).unwrap_or(limit)) >= limit)
}

/// Counts movements that were passed and have ended since; how many.
async fn count_passed(tx: &mut Tx, limit: i64) -> Result<i64, db::Error> {
    let ended = db::fetch_all!(
        tx,
        (Uuid,),
        "delete from passed_transfers where transfer_id in (select passed.transfer_id \
         from passed_transfers as passed cross join transfers \
         where transfers.transfer_id = passed.transfer_id and transfers.state <> 'pending' order by passed.transfer_id limit $1) returning transfer_id",
        limit,
    )?;
    let count = i64::try_from(ended.len()).unwrap_or(limit);
    if count > 0 {
        let sql = tx.sql(
            add!("transfer_id = any($1)"),
            add!("transfer_id in (select unhex(value, '-') from json_each($1))"),
        );
        db::execute!(tx, sql, ended.into_iter().map(|(id,)| id).collect::<Ids>())?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
