//! Sagas: who may take one up, and how it went on. An outcome counts only for the attempt that it belongs to.
//!
//! A lease goes by one clock: PostgreSQL's, which the service's processes share, or, on a SQLite file, that of the one
//! process. That clock may be set: forward, a lease ends early, and the attempt's guard keeps what it was for right;
//! back, a saga that moved in what is now the future is nobody's.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, SagaId};
use rpc::idempotency::Key;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::saga::{Saga, SagaStep};

/// The longest error that is kept, in characters.
const ERROR_CHARACTERS_MAX: usize = 500;

/// A saga with what is kept beside it.
#[derive(Debug, Clone)]
pub(crate) struct StoredSaga {
    /// The saga.
    pub(crate) saga: Saga,
    /// The call that waits for its outcome.
    pub(crate) request: Option<Key>,
    /// When payment told that the money came, before the outcome of the step was known.
    pub(crate) paid_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub(crate) last_error: String,
    /// When it last moved, by the clock that leases go by.
    pub(crate) moved_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: SagaId,
    #[sqlx(try_from = "Uuid")]
    order_id: OrderId,
    detail: Json<SagaStep>,
    attempt: i64,
    request: Option<Json<Key>>,
    paid_at: Option<DateTime<Utc>>,
    last_error: String,
    moved_at: DateTime<Utc>,
}

impl From<Row> for StoredSaga {
    fn from(row: Row) -> Self {
        Self {
            saga: Saga { id: row.id, order_id: row.order_id, step: row.detail.0, attempt: row.attempt },
            request: row.request.map(|request| request.0),
            paid_at: row.paid_at,
            last_error: row.last_error,
            moved_at: row.moved_at,
        }
    }
}

/// The columns of a saga.
macro_rules! columns {
    () => {
        "id, order_id, detail, attempt, request, paid_at, last_error, moved_at"
    };
}

/// The sagas that a clause picks.
macro_rules! select {
    ($clause:literal) => {
        concat!("select ", columns!(), " from sagas ", $clause)
    };
}

/// When the saga is next looked at: `wake_at` by the machine's time unless it is settled, `due_at` by the hub's.
fn due_at(step: &SagaStep) -> Option<DateTime<Utc>> {
    match step {
        SagaStep::AwaitingPayment { expires_at } => Some(*expires_at),
        _ => None,
    }
}

/// A statement by that clock: as `$statement` has it of now and of the end of a lease, which stand in these parameters.
macro_rules! by_one_clock {
    ($tx:expr, $statement:ident, now: $now:literal) => {
        $tx.sql($statement!("statement_timestamp()"), $statement!($now))
    };
    ($tx:expr, $statement:ident, now: $now:literal, until: $until:literal) => {
        $tx.sql(
            $statement!(
                "statement_timestamp()",
                concat!("statement_timestamp() + (", $until, " - ", $now, ")")
            ),
            $statement!($now, $until),
        )
    };
}

macro_rules! insert {
    ($now:expr, $until:expr, $rows:literal) => {
        concat!(
            "insert into sagas (id, order_id, step, detail, settled, attempt, wake_at, request, moved_at) \
             select id, order_id, step, detail, false, attempt, ",
            $until,
            ", request, ",
            $now,
            " from ",
            $rows
        )
    };
}

macro_rules! advance {
    ($now:expr, $until:expr, $rows:literal) => {
        concat!(
            "update sagas set step = rows.step, detail = rows.detail, settled = rows.settled, \
             wake_at = case when rows.settled then null else ",
            $until,
            " end, due_at = rows.due_at, request = case when rows.settled then null else request end, \
             last_error = '', moved_at = ",
            $now,
            " from ",
            $rows,
            " where sagas.id = rows.id and sagas.attempt = rows.attempt and sagas.step = rows.from_step \
             returning sagas.id, sagas.paid_at"
        )
    };
}

macro_rules! reopen {
    ($now:expr, $until:expr) => {
        concat!(
            "update sagas set step = $4, detail = $5, settled = false, attempt = $6, wake_at = ",
            $until,
            ", due_at = null, request = $8, last_error = '', moved_at = ",
            $now,
            " where id = $1 and attempt = $2 and step = $3"
        )
    };
}

macro_rules! to_wake {
    ($now:expr) => {
        concat!(
            "select id, attempt from sagas where not settled and (wake_at <= ",
            $now,
            " or moved_at > ",
            $now,
            ") order by wake_at limit $2"
        )
    };
}

macro_rules! claim {
    ($now:expr, $until:expr) => {
        concat!(
            "update sagas set attempt = attempt + 1, wake_at = ",
            $until,
            ", moved_at = case when moved_at > ",
            $now,
            " then ",
            $now,
            " else moved_at end where id = $1 and attempt = $2 and not settled and (wake_at <= ",
            $now,
            " or moved_at > ",
            $now,
            ") returning ",
            columns!()
        )
    };
}

macro_rules! give_back {
    ($now:expr, $until:expr) => {
        concat!(
            "update sagas set wake_at = ",
            $until,
            ", last_error = $5, moved_at = ",
            $now,
            " where id = $1 and attempt = $2 and step = $3"
        )
    };
}

/// A new saga as a row.
#[derive(Serialize)]
struct NewRow<'a> {
    id: Uuid,
    order_id: Uuid,
    step: &'a str,
    detail: &'a SagaStep,
    attempt: i64,
    request: &'a Key,
}

/// Keeps new sagas; until `leased_until` they are the one's who made them.
pub(crate) async fn insert(
    tx: &mut Tx,
    sagas: &[(&Saga, &Key)],
    leased_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let mut rows: Vec<NewRow<'_>> = Vec::with_capacity(sagas.len());
    for (saga, request) in sagas {
        rows.push(NewRow {
            id: saga.id.uuid(),
            order_id: saga.order_id.uuid(),
            step: saga.step.as_str(),
            detail: &saga.step,
            attempt: saga.attempt,
            request,
        });
    }
    rows.sort_unstable_by_key(|row| row.id);
    let sql = tx.sql(
        insert!(
            "statement_timestamp()",
            "statement_timestamp() + ($2 - $3)",
            "jsonb_to_recordset($1) as rows (id uuid, order_id uuid, step text, detail jsonb, attempt bigint, \
             request jsonb)"
        ),
        insert!(
            "$3",
            "$2",
            "(select unhex(value ->> 'id', '-') as id, unhex(value ->> 'order_id', '-') as order_id, \
             value ->> 'step' as step, value -> 'detail' as detail, value ->> 'attempt' as attempt, \
             value -> 'request' as request from jsonb_each($1)) as rows"
        ),
    );
    db::execute!(tx, sql, Json(rows), leased_until, now)?;
    Ok(())
}

/// A saga that is over as a row.
#[derive(Serialize)]
struct SettledRow<'a> {
    id: Uuid,
    order_id: Uuid,
    step: &'a str,
    detail: &'a SagaStep,
    attempt: i64,
    #[serde(serialize_with = "db::timestamp")]
    moved_at: DateTime<Utc>,
}

/// Keeps sagas that are settled already, each with when it last moved.
pub(crate) async fn insert_settled(tx: &mut Tx, sagas: &[(&Saga, DateTime<Utc>)]) -> Result<(), db::Error> {
    let rows = sagas.iter().map(|(saga, moved_at)| SettledRow {
        id: saga.id.uuid(),
        order_id: saga.order_id.uuid(),
        step: saga.step.as_str(),
        detail: &saga.step,
        attempt: saga.attempt,
        moved_at: *moved_at,
    });
    let rows: Vec<SettledRow<'_>> = rows.collect();
    let sql = tx.sql(
        "insert into sagas (id, order_id, step, detail, settled, attempt, moved_at) \
         select id, order_id, step, detail, true, attempt, moved_at from jsonb_to_recordset($1) as rows (id uuid, \
         order_id uuid, step text, detail jsonb, attempt bigint, moved_at timestamptz)",
        "insert into sagas (id, order_id, step, detail, settled, attempt, moved_at) \
         select unhex(value ->> 'id', '-'), unhex(value ->> 'order_id', '-'), value ->> 'step', value -> 'detail', \
         true, value ->> 'attempt', value ->> 'moved_at' from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}

/// How a saga went on: from the one to the other, which have the same attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advance<'a> {
    pub(crate) before: &'a Saga,
    pub(crate) after: &'a Saga,
}

/// A saga's row after it.
#[derive(Serialize)]
struct AdvancedRow<'a> {
    id: Uuid,
    attempt: i64,
    from_step: &'a str,
    step: &'a str,
    detail: &'a SagaStep,
    settled: bool,
    #[serde(serialize_with = "db::optional_timestamp")]
    due_at: Option<DateTime<Utc>>,
}

impl<'a> From<&Advance<'a>> for AdvancedRow<'a> {
    fn from(Advance { before, after }: &Advance<'a>) -> Self {
        Self {
            id: before.id.uuid(),
            attempt: before.attempt,
            from_step: before.step.as_str(),
            step: after.step.as_str(),
            detail: &after.step,
            settled: after.step.is_settled(),
            due_at: due_at(&after.step),
        }
    }
}

/// Writes how sagas went on. `leased_until` is for those that are not settled; the waiting calls are kept for these, too.
/// Those that went on, with when payment told of the money, if it has; of others another attempt, or another step, came
/// first.
pub(crate) async fn advance(
    tx: &mut Tx,
    advances: &[Advance<'_>],
    leased_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<HashMap<SagaId, Option<DateTime<Utc>>>, db::Error> {
    let mut rows: Vec<AdvancedRow<'_>> = advances.iter().map(AdvancedRow::from).collect();
    rows.sort_unstable_by_key(|row| row.id);
    let sql = tx.sql(
        advance!(
            "statement_timestamp()",
            "statement_timestamp() + ($2 - $3)",
            "jsonb_to_recordset($1) as rows (id uuid, attempt bigint, from_step text, step text, detail jsonb, \
             settled boolean, due_at timestamptz)"
        ),
        advance!(
            "$3",
            "$2",
            "(select unhex(value ->> 'id', '-') as id, value ->> 'attempt' as attempt, \
             value ->> 'from_step' as from_step, value ->> 'step' as step, value -> 'detail' as detail, \
             value ->> 'settled' as settled, value ->> 'due_at' as due_at from jsonb_each($1)) as rows"
        ),
    );
    let moved = db::fetch_all!(tx, (Uuid, Option<DateTime<Utc>>), sql, Json(rows), leased_until, now)?;
    Ok(moved.into_iter().map(|(id, paid_at)| (id.into(), paid_at)).collect())
}

/// Wakes a settled saga to an ending: a new attempt, free to be taken up from `wake_at` on.
pub(crate) async fn reopen(
    tx: &mut Tx,
    before: &Saga,
    after: &Saga,
    request: Option<&Key>,
    wake_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let sql = by_one_clock!(tx, reopen, now: "$9", until: "$7");
    let updated = db::execute!(
        tx,
        sql,
        before.id.uuid(),
        before.attempt,
        before.step.as_str(),
        after.step.as_str(),
        Json(&after.step),
        after.attempt,
        wake_at,
        request.map(Json),
        now,
    )?;
    Ok(updated == 1)
}

/// The saga of an order.
pub(crate) async fn find(tx: &mut Tx, order_id: OrderId) -> Result<Option<StoredSaga>, db::Error> {
    Ok(db::fetch_optional!(tx, Row, select!("where order_id = $1"), order_id.uuid())?.map(StoredSaga::from))
}

/// The saga of an order, which stays as it is until the transaction ends. The order is locked before.
pub(crate) async fn lock(tx: &mut Tx, order_id: OrderId) -> Result<Option<StoredSaga>, db::Error> {
    let sql = tx.sql(select!("where order_id = $1 for update"), select!("where order_id = $1"));
    Ok(db::fetch_optional!(tx, Row, sql, order_id.uuid())?.map(StoredSaga::from))
}

/// Sagas that no process is driving: those due to wake, or whose lease was taken in what is now the future.
pub(crate) async fn to_wake(
    tx: &mut Tx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(SagaId, i64)>, db::Error> {
    let sql = by_one_clock!(tx, to_wake, now: "$1");
    let rows = db::fetch_all!(tx, (Uuid, i64), sql, now, limit,)?;
    Ok(rows.into_iter().map(|(id, attempt)| (SagaId::from(id), attempt)).collect())
}

/// Takes a saga up: a new attempt, of whom it is until `leased_until`. `None` when another was faster.
pub(crate) async fn claim(
    tx: &mut Tx,
    id: SagaId,
    attempt: i64,
    leased_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<StoredSaga>, db::Error> {
    let sql = by_one_clock!(tx, claim, now: "$4", until: "$3");
    let row = db::fetch_optional!(tx, Row, sql, id.uuid(), attempt, leased_until, now,)?;
    Ok(row.map(StoredSaga::from))
}

/// Gives a saga up for now: it may be taken up again from `wake_at` on.
pub(crate) async fn give_back(
    tx: &mut Tx,
    saga: &Saga,
    error: &str,
    wake_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let error: String = error.chars().take(ERROR_CHARACTERS_MAX).collect();
    let sql = by_one_clock!(tx, give_back, now: "$6", until: "$4");
    db::execute!(tx, sql, saga.id.uuid(), saga.attempt, saga.step.as_str(), wake_at, error, now,)?;
    Ok(())
}

/// Notes that the money came while the outcome of a step is not written yet.
pub(crate) async fn note_paid(
    tx: &mut Tx,
    order_id: OrderId,
    paid_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update sagas set paid_at = $2 where order_id = $1 and paid_at is null",
        order_id.uuid(),
        paid_at,
    )?;
    Ok(())
}

/// Orders whose QR code can no longer be paid.
pub(crate) async fn overdue(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<OrderId>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (Uuid,),
        "select order_id from sagas where due_at <= $1 order by due_at limit $2",
        now,
        limit,
    )?;
    Ok(rows.into_iter().map(|(id,)| OrderId::from(id)).collect())
}

/// Which sagas a list has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter {
    /// Only those that did not move since then and are not settled.
    pub(crate) stuck_since: Option<DateTime<Utc>>,
    /// Those before this one.
    pub(crate) before: Option<SagaId>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// Sagas, newest first.
pub(crate) async fn list(tx: &mut Tx, filter: Filter) -> Result<Vec<StoredSaga>, db::Error> {
    let before = filter.before.map_or(Uuid::max(), SagaId::uuid);
    let rows = match filter.stuck_since {
        None => {
            db::fetch_all!(tx, Row, select!("where id < $1 order by id desc limit $2"), before, filter.limit,)?
        }
        Some(since) => db::fetch_all!(
            tx,
            Row,
            select!("where id < $1 and not settled and moved_at < $2 order by id desc limit $3"),
            before,
            since,
            filter.limit,
        )?,
    };
    Ok(rows.into_iter().map(StoredSaga::from).collect())
}

/// How many are not settled. One that awaits payment counts once its time is over: the timer has yet to end it.
pub(crate) async fn unsettled(tx: &mut Tx, now: DateTime<Utc>) -> Result<i64, db::Error> {
    let (count,) = db::fetch_one!(
        tx,
        (i64,),
        "select cast(count(*) as bigint) from sagas where not settled or due_at <= $1",
        now,
    )?;
    Ok(count)
}
