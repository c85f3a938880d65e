//! Consignments as the carrier has them.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, ShipmentId};
use sqlx::types::Json;
use trade::Address;
use uuid::Uuid;

use crate::domain::owner::Owner;
use crate::domain::shipment::{Shipment, ShipmentState};

/// Shipments of one order: an order has at most so many consignments.
const OF_ORDER_MAX: i64 = 500;

// A shipment's columns, then what selects it.
db::selection!(
    shipments_where,
    "select s.shipment_id, consignment_id, order_id, order_number, buyer, seller_id, sender, tracking_number, \
     carrier, service, transport, from_country, chargeable_grams, days_min, address, s.state, version, next_step_at, \
     created_at, declaration_id \
     from shipments s left join declarations d on d.shipment_id = s.shipment_id "
);

#[derive(sqlx::FromRow)]
struct Row {
    shipment_id: Uuid,
    consignment_id: Uuid,
    order_id: Uuid,
    order_number: String,
    buyer: String,
    seller_id: String,
    sender: String,
    tracking_number: String,
    carrier: String,
    service: String,
    transport: String,
    from_country: String,
    chargeable_grams: i64,
    days_min: i64,
    address: Json<Address>,
    state: String,
    version: i64,
    next_step_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    declaration_id: Option<Uuid>,
}

impl Row {
    fn read(self) -> Result<Shipment, db::Error> {
        Ok(Shipment {
            id: self.shipment_id.into(),
            consignment_id: self.consignment_id.into(),
            order_id: self.order_id.into(),
            transport: self.transport.parse().map_err(super::broken)?,
            from: self.from_country.parse().map_err(super::broken)?,
            address: self.address.0,
            state: ShipmentState::parse(&self.state).ok_or_else(|| super::broken(&self.state))?,
            order_number: self.order_number,
            buyer: self.buyer,
            seller_id: self.seller_id,
            sender: self.sender,
            tracking_number: self.tracking_number,
            carrier: self.carrier,
            service: self.service,
            chargeable_grams: self.chargeable_grams,
            days_min: self.days_min,
            version: self.version,
            next_step_at: self.next_step_at,
            created_at: self.created_at,
            declaration_id: self.declaration_id.map(Into::into),
        })
    }
}

/// Writes a new shipment.
pub(crate) async fn put(tx: &mut Tx, shipment: &Shipment) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into shipments (shipment_id, consignment_id, order_id, order_number, buyer, seller_id, \
         tracking_number, carrier, service, transport, from_country, chargeable_grams, days_min, address, state, \
         version, next_step_at, created_at, sender) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        shipment.id.uuid(),
        shipment.consignment_id.uuid(),
        shipment.order_id.uuid(),
        shipment.order_number.as_str(),
        shipment.buyer.as_str(),
        shipment.seller_id.as_str(),
        shipment.tracking_number.as_str(),
        shipment.carrier.as_str(),
        shipment.service.as_str(),
        shipment.transport.as_str(),
        shipment.from.as_str(),
        shipment.chargeable_grams,
        shipment.days_min,
        Json(&shipment.address),
        shipment.state.as_str(),
        shipment.version,
        shipment.next_step_at,
        shipment.created_at,
        shipment.sender.as_str(),
    )?;
    Ok(())
}

/// Saves the state of a locked shipment.
pub(crate) async fn save(tx: &mut Tx, shipment: &Shipment) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update shipments set state = $2, version = $3, next_step_at = $4 where shipment_id = $1",
        shipment.id.uuid(),
        shipment.state.as_str(),
        shipment.version,
        shipment.next_step_at,
    )?;
    Ok(())
}

/// A shipment.
pub(crate) async fn find(tx: &mut Tx, id: ShipmentId) -> Result<Option<Shipment>, db::Error> {
    let row = db::fetch_optional!(tx, Row, shipments_where!("where s.shipment_id = $1"), id.uuid(),)?;
    row.map(Row::read).transpose()
}

/// The shipment with this S10 number.
pub(crate) async fn find_by_number(tx: &mut Tx, number: &str) -> Result<Option<Shipment>, db::Error> {
    let row = db::fetch_optional!(tx, Row, shipments_where!("where tracking_number = $1"), number,)?;
    row.map(Row::read).transpose()
}

/// The shipment with this S10 number, locked where the engine locks rows.
pub(crate) async fn lock_by_number(tx: &mut Tx, number: &str) -> Result<Option<Shipment>, db::Error> {
    let sql = tx.sql(
        shipments_where!("where tracking_number = $1 for update of s"),
        shipments_where!("where tracking_number = $1"),
    );
    db::fetch_optional!(tx, Row, sql, number)?.map(Row::read).transpose()
}

/// The shipments of an order, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_of_order(tx: &mut Tx, id: OrderId) -> Result<Vec<Shipment>, db::Error> {
    let sql = tx.sql(
        shipments_where!("where order_id = $1 order by s.shipment_id limit $2 for update of s"),
        shipments_where!("where order_id = $1 order by s.shipment_id limit $2"),
    );
    db::fetch_all!(tx, Row, sql, id.uuid(), OF_ORDER_MAX)?.into_iter().map(Row::read).collect()
}

/// Shipments that the sandbox carrier moves on now, locked; on PostgreSQL those that another process has are left to
/// it.
pub(crate) async fn lock_due(
    tx: &mut Tx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Shipment>, db::Error> {
    let sql = tx.sql(
        shipments_where!(
            "where next_step_at <= $1 order by next_step_at limit $2 for update of s skip locked"
        ),
        shipments_where!("where next_step_at <= $1 order by next_step_at limit $2"),
    );
    db::fetch_all!(tx, Row, sql, now, limit)?.into_iter().map(Row::read).collect()
}

/// Shipments of one owner, newest first, before the one given; of one order, or all.
pub(crate) async fn list(
    tx: &mut Tx,
    owner: &Owner,
    order_id: Option<OrderId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Shipment>, db::Error> {
    let (buyer, seller_id) = match owner {
        Owner::Buyer(buyer) => (Some(buyer.as_str()), None),
        Owner::Seller(seller_id) => (None, Some(seller_id.as_str())),
        Owner::Anyone => (None, None),
    };
    let before = before.unwrap_or(Uuid::max());
    let rows = match (order_id, buyer, seller_id) {
        (Some(order_id), ..) => db::fetch_all!(
            tx,
            Row,
            shipments_where!(
                "where order_id = $1 and s.shipment_id < $2 and (buyer = $3 or $3 is null) \
         and (seller_id = $4 or $4 is null) order by s.shipment_id desc limit $5"
            ),
            order_id.uuid(),
            before,
            buyer,
            seller_id,
            limit,
        )?,
        (None, Some(buyer), _) => db::fetch_all!(
            tx,
            Row,
            shipments_where!("where buyer = $1 and s.shipment_id < $2 order by s.shipment_id desc limit $3"),
            buyer,
            before,
            limit,
        )?,
        (None, None, Some(seller_id)) => db::fetch_all!(
            tx,
            Row,
            shipments_where!(
                "where seller_id = $1 and s.shipment_id < $2 order by s.shipment_id desc limit $3"
            ),
            seller_id,
            before,
            limit,
        )?,
        (None, None, None) => db::fetch_all!(
            tx,
            Row,
            shipments_where!("where s.shipment_id < $1 order by s.shipment_id desc limit $2"),
            before,
            limit,
        )?,
    };
    rows.into_iter().map(Row::read).collect()
}
