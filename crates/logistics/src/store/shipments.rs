//! Consignments as the carrier has them.

use chrono::{DateTime, Utc};
use db::{Ids, Tx};
use kernel::{OrderId, ShipmentId};
use serde::Serialize;
use sqlx::types::Json;
use trade::Address;
use uuid::Uuid;

use crate::domain::owner::Owner;
use crate::domain::shipment::{Content, Shipment, ShipmentState};

/// Notifications that something changed of a seller's shipments; about [`feed_of`] the seller.
pub(crate) const SHIPMENTS: &str = "shipments";
/// What a seller's feed is derived in.
const FEEDS: Uuid = Uuid::from_u128(0x3b0c_9b54_5f0e_4c35_8d0e_2f6a_71c9_9d10);

/// What notifications about a seller's shipments name.
pub(crate) fn feed_of(seller_id: &str) -> Uuid {
    Uuid::new_v5(&FEEDS, seller_id.as_bytes())
}

/// Shipments of one order: an order has at most so many consignments.
const OF_ORDER_MAX: i64 = 500;

// A shipment's columns, then what selects it.
db::selection!(
    shipments_where,
    "select s.shipment_id, consignment_id, order_id, order_number, buyer, seller_id, sender, tracking_number, \
     carrier, service, transport, from_country, chargeable_grams, days_min, address, s.state, version, next_step_at, \
     created_at, declaration_id, ready_at, contents \
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
    ready_at: Option<DateTime<Utc>>,
    contents: Option<Json<Vec<Content>>>,
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
            ready_at: self.ready_at,
            contents: self.contents.map(|contents| contents.0).unwrap_or_default(),
        })
    }
}

/// A shipment on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    shipment_id: Uuid,
    consignment_id: Uuid,
    order_id: Uuid,
    order_number: &'a str,
    buyer: &'a str,
    seller_id: &'a str,
    sender: &'a str,
    tracking_number: &'a str,
    carrier: &'a str,
    service: &'a str,
    transport: &'a str,
    from_country: &'a str,
    chargeable_grams: i64,
    days_min: i64,
    address: &'a Address,
    state: &'a str,
    version: i64,
    #[serde(serialize_with = "db::optional_timestamp")]
    next_step_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
    contents: &'a [Content],
}

impl<'a> From<&'a Shipment> for NewRow<'a> {
    fn from(shipment: &'a Shipment) -> Self {
        Self {
            shipment_id: shipment.id.uuid(),
            consignment_id: shipment.consignment_id.uuid(),
            order_id: shipment.order_id.uuid(),
            order_number: &shipment.order_number,
            buyer: &shipment.buyer,
            seller_id: &shipment.seller_id,
            sender: &shipment.sender,
            tracking_number: &shipment.tracking_number,
            carrier: &shipment.carrier,
            service: &shipment.service,
            transport: shipment.transport.as_str(),
            from_country: shipment.from.as_str(),
            chargeable_grams: shipment.chargeable_grams,
            days_min: shipment.days_min,
            address: &shipment.address,
            state: shipment.state.as_str(),
            version: shipment.version,
            next_step_at: shipment.next_step_at,
            created_at: shipment.created_at,
            contents: &shipment.contents,
        }
    }
}

/// Writes new shipments, all in one statement. In the order of their consignments: the index is a lock.
pub(crate) async fn put(tx: &mut Tx, shipments: impl Iterator<Item = &Shipment>) -> Result<(), db::Error> {
    let mut rows: Vec<NewRow<'_>> = shipments.map(NewRow::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| row.consignment_id);
    let sql = tx.sql(
        "insert into shipments (shipment_id, consignment_id, order_id, order_number, buyer, seller_id, sender, \
         tracking_number, carrier, service, transport, from_country, chargeable_grams, days_min, address, state, \
         version, next_step_at, created_at, contents) \
         select shipment_id, consignment_id, order_id, order_number, buyer, seller_id, sender, tracking_number, \
         carrier, service, transport, from_country, chargeable_grams, days_min, address, state, version, \
         next_step_at, created_at, contents from jsonb_to_recordset($1) as rows (shipment_id uuid, consignment_id uuid, \
         order_id uuid, order_number text, buyer text, seller_id text, sender text, tracking_number text, \
         carrier text, service text, transport text, from_country text, chargeable_grams bigint, days_min bigint, \
         address jsonb, state text, version bigint, next_step_at timestamptz, created_at timestamptz, \
         contents jsonb)",
        "insert into shipments (shipment_id, consignment_id, order_id, order_number, buyer, seller_id, sender, \
         tracking_number, carrier, service, transport, from_country, chargeable_grams, days_min, address, state, \
         version, next_step_at, created_at, contents) \
         select unhex(value ->> 'shipment_id', '-'), unhex(value ->> 'consignment_id', '-'), \
         unhex(value ->> 'order_id', '-'), value ->> 'order_number', value ->> 'buyer', value ->> 'seller_id', \
         value ->> 'sender', value ->> 'tracking_number', value ->> 'carrier', value ->> 'service', \
         value ->> 'transport', value ->> 'from_country', value ->> 'chargeable_grams', value ->> 'days_min', \
         value ->> 'address', value ->> 'state', value ->> 'version', value ->> 'next_step_at', \
         value ->> 'created_at', value ->> 'contents' from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(&rows))?;
    for seller_id in rows.iter().map(|row| row.seller_id) {
        tx.notify_about(SHIPMENTS, feed_of(seller_id));
    }
    Ok(())
}

/// Saves the state of a locked shipment.
pub(crate) async fn save(tx: &mut Tx, shipment: &Shipment) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update shipments set state = $2, version = $3, next_step_at = $4, ready_at = $5 where shipment_id = $1",
        shipment.id.uuid(),
        shipment.state.as_str(),
        shipment.version,
        shipment.next_step_at,
        shipment.ready_at,
    )?;
    tx.notify_about(SHIPMENTS, feed_of(&shipment.seller_id));
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

/// The last second of the year 9999, as Unix time: both engines compare it with any date as it is.
const NEVER: i64 = 253_402_300_799;

/// Which of a seller's shipments are listed.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) seller_id: String,
    /// Only those in this state.
    pub(crate) state: Option<ShipmentState>,
    /// Only those that were booked then or later.
    pub(crate) booked_from: Option<DateTime<Utc>>,
    /// Only those that were booked before.
    pub(crate) booked_until: Option<DateTime<Utc>>,
}

/// Where a shipment stands among those of its seller: when it was booked, and its id.
pub(crate) type Booked = (DateTime<Utc>, Uuid);

/// A seller's shipments by a filter, those that were booked last first, before the one given.
pub(crate) async fn filtered(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<Booked>,
    limit: i64,
) -> Result<Vec<Shipment>, db::Error> {
    let seller_id = filter.seller_id.as_str();
    let never = DateTime::from_timestamp(NEVER, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let [from, until] = [filter.booked_from.unwrap_or_default(), filter.booked_until.unwrap_or(never)]
        .map(|at| at.clamp(DateTime::UNIX_EPOCH, never));
    let (before_at, before_id) = before.unwrap_or((never, Uuid::max()));
    let rows = match filter.state {
        Some(state) => db::fetch_all!(
            tx,
            Row,
            shipments_where!(
                "where seller_id = $1 and s.state = $2 and created_at >= $3 and created_at < $4 \
                 and (created_at, s.shipment_id) < ($5, $6) order by created_at desc, s.shipment_id desc limit $7"
            ),
            seller_id,
            state.as_str(),
            from,
            until,
            before_at,
            before_id,
            limit,
        )?,
        None => db::fetch_all!(
            tx,
            Row,
            shipments_where!(
                "where seller_id = $1 and created_at >= $2 and created_at < $3 \
                 and (created_at, s.shipment_id) < ($4, $5) order by created_at desc, s.shipment_id desc limit $6"
            ),
            seller_id,
            from,
            until,
            before_at,
            before_id,
            limit,
        )?,
    };
    rows.into_iter().map(Row::read).collect()
}

/// A seller's shipments that are to be sent, with when each was booked and its version, oldest first; after the one given.
pub(crate) async fn to_send(
    tx: &mut Tx,
    seller_id: &str,
    (after_at, after_id): Booked,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, Uuid, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (DateTime<Utc>, Uuid, i64),
        "select created_at, shipment_id, version from shipments where seller_id = $1 and state = 'booked' \
         and (created_at, shipment_id) > ($2, $3) order by created_at, shipment_id limit $4",
        seller_id,
        after_at,
        after_id,
        limit,
    )
}

/// What a seller has ready for a carrier, oldest first, after the one given.
pub(crate) async fn ready(
    tx: &mut Tx,
    seller_id: &str,
    carrier: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Shipment>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        shipments_where!(
            "where seller_id = $1 and s.state = 'booked' and s.shipment_id > $2 and carrier = $3 \
             and ready_at is not null order by s.shipment_id limit $4"
        ),
        seller_id,
        after.unwrap_or(Uuid::nil()),
        carrier,
        limit,
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// How many a seller has ready for a carrier, and their charged weight together, in grams.
pub(crate) async fn count_ready(
    tx: &mut Tx,
    seller_id: &str,
    carrier: &str,
) -> Result<(i64, i64), db::Error> {
    db::fetch_one!(
        tx,
        (i64, i64),
        "select count(*), cast(coalesce(sum(chargeable_grams), 0) as bigint) from shipments \
         where seller_id = $1 and state = 'booked' and carrier = $2 and ready_at is not null",
        seller_id,
        carrier,
    )
}

/// Shipments by their ids, in no order.
pub(crate) async fn by_ids(tx: &mut Tx, ids: &[ShipmentId]) -> Result<Vec<Shipment>, db::Error> {
    let sql = tx.sql(
        shipments_where!("where s.shipment_id = any($1)"),
        shipments_where!("where s.shipment_id in (select unhex(value, '-') from json_each($1))"),
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.iter().copied().collect::<Ids>())?;
    rows.into_iter().map(Row::read).collect()
}

/// Shipments by their ids, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_by_ids(tx: &mut Tx, ids: &[ShipmentId]) -> Result<Vec<Shipment>, db::Error> {
    let sql = tx.sql(
        shipments_where!("where s.shipment_id = any($1) order by s.shipment_id for update of s"),
        shipments_where!("where s.shipment_id in (select unhex(value, '-') from json_each($1))"),
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.iter().copied().collect::<Ids>())?;
    rows.into_iter().map(Row::read).collect()
}

#[cfg(test)]
mod tests {
    use testkit::on_both;

    use super::*;
    use crate::domain::shipment::tests::shipment;
    use crate::store::orders::{BookingState, decide};

    /// As they are stored, and as one is that is bound by itself.
    #[derive(sqlx::FromRow)]
    struct Texts {
        created_at: String,
        created_at_bound: String,
        next_step_at: Option<String>,
        next_step_at_bound: Option<String>,
        address: String,
        address_bound: String,
    }

    on_both! {
        async fn what_is_written_as_rows_is_stored_as_what_is_bound(database: Database) {
            let db = database.migrated(&[crate::SPEC.migrations]).await;
            let nanos = [0, 1_000, 120_000_000, 123_456_000, 999_999_000];
            let mut shipments: Vec<Shipment> = nanos
                .into_iter()
                .map(|nanos| {
                    let at = DateTime::from_timestamp(1_790_000_000, nanos).unwrap();
                    let next_step_at = (nanos != 0).then_some(at);
                    let consignment_id = kernel::ConsignmentId::new();
                    let tracking_number = format!("LX{nanos}TH");
                    let booked = shipment(ShipmentState::Booked, false);
                    Shipment { created_at: at, next_step_at, consignment_id, tracking_number, ..booked }
                })
                .collect();
            shipments[0].address.line2 = "\"\\/\u{1}\n\u{e9}\u{1f9f5}\u{2028}".to_owned();
            let compared: Result<Vec<Texts>, db::Error> = db
                .write(move |tx| {
                    let shipments = shipments.clone();
                    Box::pin(async move {
                        let ids = shipments.iter().map(|shipment| shipment.order_id).collect();
                        decide(tx, ids, BookingState::Booked).await?;
                        put(tx, shipments.iter()).await?;
                        let sql = "select cast(created_at as text) as created_at, cast($2 as text) as created_at_bound, \
                            cast(next_step_at as text) as next_step_at, cast($3 as text) as next_step_at_bound, \
                            cast(address as text) as address, cast($4 as text) as address_bound \
                            from shipments where shipment_id = $1";
                        let mut compared = Vec::new();
                        for one in &shipments {
                            let (created_at, next_step_at) = (one.created_at, one.next_step_at);
                            let texts = db::fetch_one!(
                                tx, Texts, sql, one.id.uuid(), created_at, next_step_at, Json(&one.address),
                            )?;
                            compared.push(texts);
                        }
                        Ok(compared)
                    })
                })
                .await;
            for texts in compared.unwrap() {
                assert_eq!(texts.created_at, texts.created_at_bound);
                assert_eq!(texts.next_step_at, texts.next_step_at_bound);
                assert_eq!(texts.address, texts.address_bound);
            }
        }
    }
}
