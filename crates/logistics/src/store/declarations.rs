//! Declarations to customs.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{DeclarationId, ShipmentId};
use prost::Message as _;
use uuid::Uuid;

use crate::domain::booking::Declared;
use crate::domain::shipment::DeclarationState;
use crate::wire;

/// A declaration with whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) id: DeclarationId,
    pub(crate) shipment_id: ShipmentId,
    pub(crate) state: DeclarationState,
    /// As drawn up, protobuf.
    pub(crate) document: Vec<u8>,
    pub(crate) lodged_at: Option<DateTime<Utc>>,
    pub(crate) released_at: Option<DateTime<Utc>>,
    pub(crate) buyer: String,
    pub(crate) seller_id: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    declaration_id: Uuid,
    shipment_id: Uuid,
    state: String,
    document: Vec<u8>,
    lodged_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    buyer: String,
    seller_id: String,
}

/// Draws a declaration up.
pub(crate) async fn put(
    tx: &mut Tx,
    id: DeclarationId,
    shipment_id: ShipmentId,
    declared: &Declared,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into declarations (declaration_id, shipment_id, state, document) values ($1, $2, $3, $4)",
        id.uuid(),
        shipment_id.uuid(),
        DeclarationState::Drafted.as_str(),
        wire::declared(declared).encode_to_vec(),
    )?;
    Ok(())
}

/// Moves a declaration on; when it is lodged and released is kept from the first time.
pub(crate) async fn advance(
    tx: &mut Tx,
    id: DeclarationId,
    state: DeclarationState,
    at: DateTime<Utc>,
) -> Result<(), db::Error> {
    let since =
        |reached: DeclarationState| (state >= reached && state != DeclarationState::Withdrawn).then_some(at);
    db::execute!(
        tx,
        "update declarations set state = $2, lodged_at = coalesce(lodged_at, $3), \
         released_at = coalesce(released_at, $4) where declaration_id = $1",
        id.uuid(),
        state.as_str(),
        since(DeclarationState::Lodged),
        since(DeclarationState::Released),
    )?;
    Ok(())
}

/// A declaration.
pub(crate) async fn find(tx: &mut Tx, id: DeclarationId) -> Result<Option<Declaration>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select declaration_id, shipment_id, declarations.state, document, lodged_at, released_at, buyer, seller_id \
         from declarations join shipments using (shipment_id) where declaration_id = $1",
        id.uuid(),
    )?;
    row.map(|row| {
        Ok(Declaration {
            id: row.declaration_id.into(),
            shipment_id: row.shipment_id.into(),
            state: DeclarationState::parse(&row.state).ok_or_else(|| super::broken(&row.state))?,
            document: row.document,
            lodged_at: row.lodged_at,
            released_at: row.released_at,
            buyer: row.buyer,
            seller_id: row.seller_id,
        })
    })
    .transpose()
}
