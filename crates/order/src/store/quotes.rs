//! Quotes: written once, read when ordered, deleted when nobody did.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::QuoteId;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::quote::Quote;

#[derive(sqlx::FromRow)]
struct Row {
    document: Json<Quote>,
}

/// Keeps a new quote.
pub(crate) async fn insert(tx: &mut Tx, quote: &Quote) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into quotes (id, owner, document, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        quote.id.uuid(),
        quote.owner.as_deref(),
        Json(quote),
        quote.created_at,
        quote.expires_at,
    )?;
    Ok(())
}

/// A quote as frozen.
pub(crate) async fn find(tx: &mut Tx, id: QuoteId) -> Result<Option<Quote>, db::Error> {
    let row = db::fetch_optional!(tx, Row, "select document from quotes where id = $1", id.uuid())?;
    Ok(row.map(|row| row.document.0))
}

/// A quote's place among those that expire: when, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PageCursor(DateTime<Utc>, Uuid);

/// Looks at quotes that expired before `before`, behind `after`, at most `limit`, and deletes those that nobody ordered.
/// Where it came to; `None` when there were none.
pub(crate) async fn forget_expired(
    tx: &mut Tx,
    PageCursor(at, id): PageCursor,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Option<PageCursor>, db::Error> {
    let expired = db::fetch_all!(
        tx,
        (DateTime<Utc>, Uuid),
        "select expires_at, id from quotes where expires_at >= $1 and (expires_at > $1 or id > $2) and expires_at < $3 \
         order by expires_at, id limit $4",
        at,
        id,
        before,
        limit,
    )?;
    let Some((at, id)) = expired.last().copied() else { return Ok(None) };
    let sql = tx.sql(
        "delete from quotes where id = any($1) \
         and not exists (select 1 from orders where orders.quote_id = quotes.id)",
        "delete from quotes where id in (select unhex(value, '-') from json_each($1)) \
         and not exists (select 1 from orders where orders.quote_id = quotes.id)",
    );
    db::execute!(tx, sql, expired.into_iter().map(|(_, id)| id).collect::<db::Ids>())?;
    Ok(Some(PageCursor(at, id)))
}
