//! Refunds that were counted.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, RefundId};
use money::Money;
use uuid::Uuid;

/// Whether a refund was counted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundRecord {
    /// It is new.
    Now,
    /// It was.
    Before,
    /// One of its id was, for another order or another amount.
    Otherwise,
}

/// Notes a refund, once.
pub(crate) async fn record(
    tx: &mut Tx,
    id: RefundId,
    order_id: OrderId,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<RefundRecord, db::Error> {
    let inserted = db::execute!(
        tx,
        "insert into refunds (id, order_id, amount_minor, currency, recorded_at) values ($1, $2, $3, $4, $5) \
         on conflict (id) do nothing",
        id.uuid(),
        order_id.uuid(),
        amount.minor(),
        amount.currency().code(),
        now,
    )?;
    if inserted == 1 {
        return Ok(RefundRecord::Now);
    }
    let (of, minor, currency) = db::fetch_one!(
        tx,
        (Uuid, Option<i64>, Option<String>),
        "select order_id, amount_minor, currency from refunds where id = $1",
        id.uuid(),
    )?;
    let is_same = of == order_id.uuid()
        && minor.is_none_or(|minor| minor == amount.minor())
        && currency.is_none_or(|currency| currency == amount.currency().code());
    Ok(if is_same { RefundRecord::Before } else { RefundRecord::Otherwise })
}
