//! Orders with all their versions.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, QuoteId, SellerId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::order::{Order, OrderState, OrderTerms, Progress};
use crate::domain::quote::QuotedConsignment;

/// Versions that are read at once by one who watches.
pub(crate) const VERSIONS_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: OrderId,
    version: i64,
    terms: Json<OrderTerms>,
    /// Those of the quote, where the terms have none.
    consignments: Option<Json<Vec<QuotedConsignment>>>,
    progress: Json<Progress>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Order {
    fn from(row: Row) -> Self {
        let Json(mut terms) = row.terms;
        if let Some(Json(quoted)) = row.consignments {
            terms.consignments = quoted;
        }
        Self { id: row.id, version: row.version, terms, progress: row.progress.0, created_at: row.created_at }
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

/// Inserts new orders with their first versions; those that were not there in one way or another.
pub(crate) async fn insert(tx: &mut Tx, orders: &[&Order]) -> Result<HashSet<OrderId>, db::Error> {
    // A quote's row is referred to, and its key is taken: in one order by all.
    let mut rows: Vec<NewRow<'_>> = orders.iter().map(|order| NewRow::from(*order)).collect();
    rows.sort_unstable_by_key(|row| row.quote_id);
    let sql = tx.sql(
        "insert into orders (id, number, quote_id, buyer, client_reference, state, version, holds_quote, terms, \
         progress, created_at, updated_at) select id, number, quote_id, buyer, client_reference, state, version, true, \
         terms, progress, created_at, created_at from jsonb_to_recordset($1) as rows (id uuid, number text, \
         quote_id uuid, buyer text, client_reference text, state text, version bigint, terms jsonb, progress jsonb, \
         created_at timestamptz) on conflict do nothing returning id",
        "insert into orders (id, number, quote_id, buyer, client_reference, state, version, holds_quote, terms, \
         progress, created_at, updated_at) select unhex(value ->> 'id', '-'), value ->> 'number', \
         unhex(value ->> 'quote_id', '-'), value ->> 'buyer', value ->> 'client_reference', value ->> 'state', \
         value ->> 'version', true, value -> 'terms', value -> 'progress', value ->> 'created_at', \
         value ->> 'created_at' from jsonb_each($1) where true on conflict do nothing returning id",
    );
    let inserted = db::fetch_all!(tx, (Uuid,), sql, Json(&rows))?;
    let inserted: HashSet<OrderId> = inserted.into_iter().map(|(id,)| id.into()).collect();
    let new: Vec<&Order> = orders.iter().copied().filter(|order| inserted.contains(&order.id)).collect();
    if !new.is_empty() {
        insert_versions(tx, &new).await?;
        insert_sellers(tx, &new).await?;
    }
    Ok(inserted)
}

/// A new order as a row.
#[derive(Serialize)]
struct NewRow<'a> {
    id: Uuid,
    number: &'a str,
    quote_id: Uuid,
    buyer: &'a str,
    client_reference: Option<&'a str>,
    state: &'a str,
    version: i64,
    terms: &'a OrderTerms,
    progress: &'a Progress,
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
}

impl<'a> From<&'a Order> for NewRow<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            id: order.id.uuid(),
            number: &order.terms.number,
            quote_id: order.terms.quote_id.uuid(),
            buyer: &order.terms.buyer,
            client_reference: order.terms.client_reference.as_deref(),
            state: order.progress.state.as_str(),
            version: order.version,
            terms: &order.terms,
            progress: &order.progress,
            created_at: order.created_at,
        }
    }
}

/// What keeps an order from being inserted.
pub(crate) async fn taken(tx: &mut Tx, order: &Order) -> Result<Conflict, db::Error> {
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

/// Keeps versions that are not kept yet.
pub(crate) async fn insert_versions(tx: &mut Tx, orders: &[&Order]) -> Result<(), db::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        order_id: Uuid,
        version: i64,
        progress: &'a Progress,
    }
    let mut rows: Vec<Row<'_>> = orders
        .iter()
        .map(|order| Row { order_id: order.id.uuid(), version: order.version, progress: &order.progress })
        .collect();
    rows.sort_unstable_by_key(|row| (row.order_id, row.version));
    let sql = tx.sql(
        "insert into order_versions (order_id, version, progress) select order_id, version, progress \
         from jsonb_to_recordset($1) as rows (order_id uuid, version bigint, progress jsonb)",
        "insert into order_versions (order_id, version, progress) \
         select unhex(value ->> 'order_id', '-'), value ->> 'version', value -> 'progress' from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}

async fn insert_sellers(tx: &mut Tx, orders: &[&Order]) -> Result<(), db::Error> {
    let mut rows: Vec<(Uuid, Uuid)> = orders
        .iter()
        .flat_map(|order| order.sellers().into_iter().map(|seller| (seller.uuid(), order.id.uuid())))
        .collect();
    rows.sort_unstable();
    let sql = tx.sql(
        "insert into order_sellers (seller_id, order_id) \
         select cast(value ->> 0 as uuid), cast(value ->> 1 as uuid) from jsonb_array_elements($1) as rows (value)",
        "insert into order_sellers (seller_id, order_id) \
         select unhex(value ->> 0, '-'), unhex(value ->> 1, '-') from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}

/// Keeps new versions of orders, of each one after the other; `false` when another change of one of them came first.
pub(crate) async fn save(tx: &mut Tx, versions: &[&Order]) -> Result<bool, db::Error> {
    let mut rows: BTreeMap<Uuid, ChangedRow<'_>> = BTreeMap::new();
    for order in versions {
        let before = rows.get(&order.id.uuid()).map_or(order.version - 1, |row| row.before);
        rows.insert(order.id.uuid(), ChangedRow::of(order, before));
    }
    let sql = tx.sql(
        "with rows as (select * from jsonb_to_recordset($1) as rows (id uuid, before bigint, state text, \
             version bigint, holds_quote boolean, progress jsonb, updated_at timestamptz)), \
         locked as (select id from orders where id in (select id from rows) order by id for update) \
         update orders set state = rows.state, version = rows.version, holds_quote = rows.holds_quote, \
         progress = rows.progress, updated_at = rows.updated_at from rows \
         where orders.id = rows.id and orders.version = rows.before and orders.id in (select id from locked)",
        "update orders set state = rows.state, version = rows.version, holds_quote = rows.holds_quote, \
         progress = rows.progress, updated_at = rows.updated_at \
         from (select unhex(value ->> 'id', '-') as id, value ->> 'before' as before, value ->> 'state' as state, \
             value ->> 'version' as version, value ->> 'holds_quote' as holds_quote, value -> 'progress' as progress, \
             value ->> 'updated_at' as updated_at from jsonb_each($1)) as rows \
         where orders.id = rows.id and orders.version = rows.before",
    );
    let updated = db::execute!(tx, sql, Json(rows.values().collect::<Vec<_>>()))?;
    if usize::try_from(updated).is_ok_and(|updated| updated < rows.len()) {
        return Ok(false);
    }
    insert_versions(tx, versions).await?;
    for id in rows.into_keys() {
        tx.notify_about(super::ORDERS, id);
    }
    Ok(true)
}

/// An order's row at its last version.
#[derive(Serialize)]
struct ChangedRow<'a> {
    id: Uuid,
    /// The version that is there.
    before: i64,
    state: &'a str,
    version: i64,
    holds_quote: bool,
    progress: &'a Progress,
    #[serde(serialize_with = "db::timestamp")]
    updated_at: DateTime<Utc>,
}

impl<'a> ChangedRow<'a> {
    fn of(order: &'a Order, before: i64) -> Self {
        // An order that was cancelled before it was confirmed gives its quote free.
        let holds_quote = match &order.progress.state {
            OrderState::Cancelled { paid_at, .. } => paid_at.is_some(),
            _ => true,
        };
        Self {
            id: order.id.uuid(),
            before,
            state: order.progress.state.as_str(),
            version: order.version,
            holds_quote,
            progress: &order.progress,
            updated_at: order.progress.updated_at,
        }
    }
}

// The orders that a clause picks; what was quoted is read from the quote only where the terms do not have it.
db::selection!(
    select,
    "select id, version, terms, case when terms -> 'consignments' is null then (select document -> 'consignments' \
     from quotes where quotes.id = orders.quote_id) end as consignments, progress, created_at from orders "
);

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

/// As [`lock`], of several, in the order of their ids.
pub(crate) async fn lock_all(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Order>, db::Error> {
    let sql = tx.sql(
        select!("where id = any($1) order by id for update"),
        select!("where id in (select unhex(value, '-') from json_each($1))"),
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.into_iter().collect::<db::Ids>())?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}
