//! Quotes: written once, read when ordered, deleted when nobody did.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::QuoteId;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::quote::Quote;

#[derive(sqlx::FromRow)]
struct Row {
    document: Json<Quote>,
}

/// A quote as a row.
#[derive(Serialize)]
struct NewRow<'a> {
    id: Uuid,
    owner: Option<&'a str>,
    document: &'a Quote,
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "db::timestamp")]
    expires_at: DateTime<Utc>,
}

impl<'a> From<&'a Quote> for NewRow<'a> {
    fn from(quote: &'a Quote) -> Self {
        Self {
            id: quote.id.uuid(),
            owner: quote.owner.as_deref(),
            document: quote,
            created_at: quote.created_at,
            expires_at: quote.expires_at,
        }
    }
}

/// Keeps new quotes.
pub(crate) async fn insert(tx: &mut Tx, quotes: &[&Quote]) -> Result<(), db::Error> {
    let rows: Vec<NewRow<'_>> = quotes.iter().map(|quote| NewRow::from(*quote)).collect();
    let sql = tx.sql(
        "insert into quotes (id, owner, document, created_at, expires_at) \
         select id, owner, document, created_at, expires_at from jsonb_to_recordset($1) as rows (id uuid, owner text, \
         document jsonb, created_at timestamptz, expires_at timestamptz)",
        "insert into quotes (id, owner, document, created_at, expires_at) \
         select unhex(value ->> 'id', '-'), value ->> 'owner', value -> 'document', value ->> 'created_at', \
         value ->> 'expires_at' from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}

/// Quotes as frozen, in no order; those that are not there are left out.
pub(crate) async fn find(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = QuoteId>,
) -> Result<Vec<Quote>, db::Error> {
    let sql = tx.sql(
        "select document from quotes where id = any($1)",
        "select document from quotes where id in (select unhex(value, '-') from json_each($1))",
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.into_iter().collect::<db::Ids>())?;
    Ok(rows.into_iter().map(|row| row.document.0).collect())
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
