//! What is measured of sagas. Each statement reads what is under way, by its index, and not what is over.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::SagaId;
use uuid::Uuid;

/// Unfinished sagas by step: those that the hub drives, and those that await payment.
pub(crate) async fn under_way(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, i64),
        "select step, count(*) from sagas where not settled group by step \
         union all select step, count(*) from sagas where due_at is not null group by step",
    )
}

/// Sagas that are not settled and did not move since then.
pub(crate) async fn stuck(tx: &mut Tx, since: DateTime<Utc>) -> Result<i64, db::Error> {
    let (count,) =
        db::fetch_one!(tx, (i64,), "select count(*) from sagas where not settled and moved_at < $1", since,)?;
    Ok(count)
}

/// The unsettled saga that was begun first. Materialized, so that the few unsettled ones are sorted: by the order of
/// all ids, the settled ones would come first.
pub(crate) async fn oldest_unsettled(tx: &mut Tx) -> Result<Option<SagaId>, db::Error> {
    let oldest = db::fetch_optional!(
        tx,
        (Uuid,),
        "with unsettled as materialized (select id from sagas where not settled) \
         select id from unsettled order by id limit 1",
    )?;
    Ok(oldest.map(|(id,)| SagaId::from(id)))
}
