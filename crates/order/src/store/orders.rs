//! Orders with all their versions.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, QuoteId, SellerId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::order::{Order, OrderState, OrderTerms, Progress};

/// Versions that are read at once by one who watches.
pub(crate) const VERSIONS_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: OrderId,
    version: i64,
    terms: Json<OrderTerms>,
    progress: Json<Progress>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Order {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            version: row.version,
            terms: row.terms.0,
            progress: row.progress.0,
            created_at: row.created_at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    version: i64,
    progress: Json<Progress>,
}

/// Which row of the same key was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The quote has a live order, or had one that was confirmed.
    Quote,
    /// The buyer has used the reference.
    Reference,
    /// The number: take another.
    Number,
}

/// Inserts a new order with its first version; or returns what it conflicts with.
pub(crate) async fn insert(tx: &mut Tx, order: &Order) -> Result<Option<Conflict>, db::Error> {
    let inserted = db::execute!(
        tx,
        "insert into orders (id, number, quote_id, buyer, client_reference, state, version, holds_quote, terms, \
         progress, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, true, $8, $9, $10, $10) \
         on conflict do nothing",
        order.id.uuid(),
        order.terms.number.as_str(),
        order.terms.quote_id.uuid(),
        order.terms.buyer.as_str(),
        order.terms.client_reference.as_deref(),
        order.progress.state.as_str(),
        order.version,
        Json(&order.terms),
        Json(&order.progress),
        order.created_at,
    )?;
    if inserted == 0 {
        return taken(tx, order).await.map(Some);
    }
    insert_version(tx, order).await?;
    insert_sellers(tx, order).await?;
    Ok(None)
}

async fn taken(tx: &mut Tx, order: &Order) -> Result<Conflict, db::Error> {
    let quote = live_order_of(tx, order.terms.quote_id).await?;
    if quote.is_some() {
        return Ok(Conflict::Quote);
    }
    let reference = db::fetch_optional!(
        tx,
        (Uuid,),
        "select id from orders where buyer = $1 and client_reference = $2",
        order.terms.buyer.as_str(),
        order.terms.client_reference.as_deref(),
    )?;
    Ok(if reference.is_some() { Conflict::Reference } else { Conflict::Number })
}

async fn live_order_of(tx: &mut Tx, quote_id: QuoteId) -> Result<Option<(Uuid,)>, db::Error> {
    db::fetch_optional!(
        tx,
        (Uuid,),
        "select id from orders where quote_id = $1 and holds_quote",
        quote_id.uuid()
    )
}

async fn insert_version(tx: &mut Tx, order: &Order) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into order_versions (order_id, version, progress) values ($1, $2, $3)",
        order.id.uuid(),
        order.version,
        Json(&order.progress),
    )?;
    Ok(())
}

async fn insert_sellers(tx: &mut Tx, order: &Order) -> Result<(), db::Error> {
    let sql = tx.sql(
        "insert into order_sellers (order_id, seller_id) \
         select $1, unnest($2)",
        "insert into order_sellers (order_id, seller_id) select $1, unhex(value, '-') from json_each($2)",
    );
    db::execute!(tx, sql, order.id.uuid(), order.sellers().into_iter().collect::<db::Ids>())?;
    Ok(())
}

/// Keeps the order's new version; `false` when another change came first.
pub(crate) async fn save(tx: &mut Tx, order: &Order) -> Result<bool, db::Error> {
    // An order that was cancelled before it was confirmed gives its quote free.
    let holds_quote = match &order.progress.state {
        OrderState::Cancelled { paid_at, .. } => paid_at.is_some(),
        _ => true,
    };
    let updated = db::execute!(
        tx,
        "update orders set state = $2, version = $3, holds_quote = $4, progress = $5, updated_at = $6 \
         where id = $1 and version = $3 - 1",
        order.id.uuid(),
        order.progress.state.as_str(),
        order.version,
        holds_quote,
        Json(&order.progress),
        order.progress.updated_at,
    )?;
    if updated == 0 {
        return Ok(false);
    }
    insert_version(tx, order).await?;
    tx.notify_about(super::ORDERS, order.id.uuid());
    Ok(true)
}

// The orders that a clause picks.
db::selection!(select, "select id, version, terms, progress, created_at from orders ");

/// An order as it stands.
pub(crate) async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, db::Error> {
    Ok(db::fetch_optional!(tx, Row, select!("where id = $1"), id.uuid())?.map(Order::from))
}

/// The order of that number.
pub(crate) async fn find_by_number(tx: &mut Tx, number: &str) -> Result<Option<Order>, db::Error> {
    Ok(db::fetch_optional!(tx, Row, select!("where number = $1"), number)?.map(Order::from))
}

/// An order as it stands, and stays until the transaction ends. Always before its saga and its returns.
pub(crate) async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, db::Error> {
    let sql = tx.sql(select!("where id = $1 for update"), select!("where id = $1"));
    Ok(db::fetch_optional!(tx, Row, sql, id.uuid())?.map(Order::from))
}

/// The versions after one, oldest first, at most [`VERSIONS_MAX`].
pub(crate) async fn versions_after(
    tx: &mut Tx,
    id: OrderId,
    version: i64,
) -> Result<Vec<(i64, Progress)>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        VersionRow,
        "select version, progress from order_versions where order_id = $1 and version > $2 \
         order by version limit $3",
        id.uuid(),
        version,
        VERSIONS_MAX,
    )?;
    Ok(rows.into_iter().map(|row| (row.version, row.progress.0)).collect())
}

/// Which orders a list has.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// In this state only; empty: all.
    pub(crate) state: &'static str,
    /// With this reference only; empty: all.
    pub(crate) client_reference: String,
    /// Those before this one.
    pub(crate) before: Option<OrderId>,
    /// At most so many.
    pub(crate) limit: i64,
}

impl Filter {
    fn before(&self) -> Uuid {
        self.before.map_or(Uuid::max(), OrderId::uuid)
    }
}

/// A buyer's orders, newest first.
pub(crate) async fn of_buyer(tx: &mut Tx, buyer: &str, filter: &Filter) -> Result<Vec<Order>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "where buyer = $1 and id < $2 and ($3 = '' or state = $3) and ($4 = '' or client_reference = $4) \
         order by id desc limit $5"
        ),
        buyer,
        filter.before(),
        filter.state,
        filter.client_reference.as_str(),
        filter.limit,
    )?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// The orders with consignments of a seller, newest first. References are the buyers': not searched.
pub(crate) async fn of_seller(
    tx: &mut Tx,
    seller: SellerId,
    filter: &Filter,
) -> Result<Vec<Order>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "join order_sellers on order_sellers.order_id = orders.id \
         where order_sellers.seller_id = $1 and order_sellers.order_id < $2 and ($3 = '' or state = $3) \
         order by order_sellers.order_id desc limit $4"
        ),
        seller.uuid(),
        filter.before(),
        filter.state,
        filter.limit,
    )?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// Everybody's orders, newest first.
pub(crate) async fn of_all(tx: &mut Tx, filter: &Filter) -> Result<Vec<Order>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "where id < $1 and ($2 = '' or state = $2) and ($3 = '' or client_reference = $3) \
         order by id desc limit $4"
        ),
        filter.before(),
        filter.state,
        filter.client_reference.as_str(),
        filter.limit,
    )?;
    Ok(rows.into_iter().map(Order::from).collect())
}
