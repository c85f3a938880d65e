//! Returns. A change of one locks its order first.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, OrderId, ReturnId, SellerId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::returns::{OF_CONSIGNMENT_MAX, RequestedReturn, Return, ReturnState};

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: ReturnId,
    #[sqlx(try_from = "Uuid")]
    order_id: OrderId,
    #[sqlx(try_from = "Uuid")]
    consignment_id: ConsignmentId,
    #[sqlx(try_from = "Uuid")]
    seller_id: SellerId,
    buyer: String,
    client_reference: Option<String>,
    detail: Json<ReturnState>,
    request: Json<RequestedReturn>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Return {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            consignment_id: row.consignment_id,
            seller_id: row.seller_id,
            buyer: row.buyer,
            state: row.detail.0,
            request: row.request.0,
            client_reference: row.client_reference,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Inserts a new return; `false` when the buyer has already used the reference.
pub(crate) async fn insert(tx: &mut Tx, one: &Return) -> Result<bool, db::Error> {
    let inserted = db::execute!(
        tx,
        "insert into returns (id, order_id, consignment_id, seller_id, buyer, client_reference, state, detail, \
         request, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict do nothing",
        one.id.uuid(),
        one.order_id.uuid(),
        one.consignment_id.uuid(),
        one.seller_id.uuid(),
        one.buyer.as_str(),
        one.client_reference.as_deref(),
        one.state.as_str(),
        Json(&one.state),
        Json(&one.request),
        one.created_at,
        one.updated_at,
    )?;
    Ok(inserted == 1)
}

/// Saves a return's state and its refund.
pub(crate) async fn save(tx: &mut Tx, one: &Return) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update returns set state = $2, detail = $3, updated_at = $4, request = $5 where id = $1",
        one.id.uuid(),
        one.state.as_str(),
        Json(&one.state),
        one.updated_at,
        Json(&one.request),
    )?;
    Ok(())
}

// The returns that a clause picks.
db::selection!(
    select,
    "select id, order_id, consignment_id, seller_id, buyer, client_reference, detail, request, created_at, \
     updated_at from returns "
);

/// A return.
pub(crate) async fn find(tx: &mut Tx, id: ReturnId) -> Result<Option<Return>, db::Error> {
    Ok(db::fetch_optional!(tx, Row, select!("where id = $1"), id.uuid())?.map(Return::from))
}

/// The returns of a consignment that were not declined: all of them, since a new one is only taken while there are fewer
/// than [`OF_CONSIGNMENT_MAX`].
pub(crate) async fn of_consignment(tx: &mut Tx, id: ConsignmentId) -> Result<Vec<Return>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!("where consignment_id = $1 and state <> 'rejected' order by id limit $2"),
        id.uuid(),
        i64::try_from(OF_CONSIGNMENT_MAX).unwrap_or(i64::MAX),
    )?;
    Ok(rows.into_iter().map(Return::from).collect())
}

/// Whose returns a list has.
#[derive(Debug, Clone)]
pub(crate) enum ReturnFilter {
    /// A buyer's.
    Buyer(String),
    /// Those of a seller's goods.
    Seller(SellerId),
    /// Everybody's.
    All,
}

/// Returns, newest first, before one; of one order, or of all.
pub(crate) async fn list(
    tx: &mut Tx,
    whose: &ReturnFilter,
    order_id: Option<OrderId>,
    before: Option<ReturnId>,
    limit: i64,
) -> Result<Vec<Return>, db::Error> {
    let before = before.map_or(Uuid::max(), ReturnId::uuid);
    let (any_order, order_id) = (order_id.is_none(), order_id.map_or(Uuid::nil(), OrderId::uuid));
    let rows = match whose {
        ReturnFilter::Buyer(buyer) => db::fetch_all!(
            tx,
            Row,
            select!(
                "where buyer = $1 and id < $2 and ($3 or order_id = $4) \
             order by id desc limit $5"
            ),
            buyer.as_str(),
            before,
            any_order,
            order_id,
            limit,
        )?,
        ReturnFilter::Seller(seller) => db::fetch_all!(
            tx,
            Row,
            select!(
                "where seller_id = $1 and id < $2 and ($3 or order_id = $4) \
             order by id desc limit $5"
            ),
            seller.uuid(),
            before,
            any_order,
            order_id,
            limit,
        )?,
        ReturnFilter::All => db::fetch_all!(
            tx,
            Row,
            select!("where id < $1 and ($2 or order_id = $3) order by id desc limit $4"),
            before,
            any_order,
            order_id,
            limit,
        )?,
    };
    Ok(rows.into_iter().map(Return::from).collect())
}
