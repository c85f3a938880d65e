//! Quotes: written once, read when ordered.

use db::Tx;
use kernel::QuoteId;
use sqlx::types::Json;

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
