//! Declarations to customs.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{DeclarationId, ShipmentId};
use prost::Message as _;
use serde::Serialize;
use sqlx::types::Json;
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
    pub(crate) declared: Declared,
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
    declared: Option<Json<Declared>>,
    document: Vec<u8>,
    lodged_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    buyer: String,
    seller_id: String,
}

impl Row {
    fn read(self) -> Result<Declaration, db::Error> {
        let declared = match self.declared {
            Some(declared) => declared.0,
            None => {
                wire::read_declared(&self.document).map_err(|problem| super::broken(problem.to_string()))?
            }
        };
        Ok(Declaration {
            id: self.declaration_id.into(),
            shipment_id: self.shipment_id.into(),
            state: DeclarationState::parse(&self.state).ok_or_else(|| super::broken(&self.state))?,
            declared,
            lodged_at: self.lodged_at,
            released_at: self.released_at,
            buyer: self.buyer,
            seller_id: self.seller_id,
        })
    }
}

/// A declaration on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    declaration_id: Uuid,
    shipment_id: Uuid,
    #[serde(serialize_with = "db::hex")]
    document: Vec<u8>,
    declared: &'a Declared,
}

/// Draws declarations up, each of a shipment, in one statement; for the release before this one too, which reads
/// `document`.
pub(crate) async fn put(
    tx: &mut Tx,
    drafts: &[(DeclarationId, ShipmentId, &Declared)],
) -> Result<(), db::Error> {
    let rows: Vec<NewRow<'_>> = drafts
        .iter()
        .map(|(id, shipment_id, declared)| NewRow {
            declaration_id: id.uuid(),
            shipment_id: shipment_id.uuid(),
            document: wire::declared(declared).encode_to_vec(),
            declared,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = tx.sql(
        "insert into declarations (declaration_id, shipment_id, state, document, declared) \
         select declaration_id, shipment_id, $2, decode(document, 'hex'), declared \
         from jsonb_to_recordset($1) as rows (declaration_id uuid, shipment_id uuid, document text, declared jsonb)",
        "insert into declarations (declaration_id, shipment_id, state, document, declared) \
         select unhex(value ->> 'declaration_id', '-'), unhex(value ->> 'shipment_id', '-'), $2, \
         unhex(value ->> 'document'), value ->> 'declared' from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(&rows), DeclarationState::Drafted.as_str())?;
    Ok(())
}

/// Advances a declaration; the times of lodging and release are kept as first recorded.
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

// The declarations that a clause picks, each with whose it is.
db::selection!(
    select,
    "select declaration_id, shipment_id, declarations.state, declared, document, lodged_at, released_at, \
     buyer, seller_id from declarations join shipments using (shipment_id) "
);

/// A declaration.
pub(crate) async fn find(tx: &mut Tx, id: DeclarationId) -> Result<Option<Declaration>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where declaration_id = $1"), id.uuid(),)?;
    row.map(Row::read).transpose()
}

/// Declarations of the release before, in the order of their ids.
pub(crate) async fn without_declared(tx: &mut Tx, limit: i64) -> Result<Vec<Declaration>, db::Error> {
    let rows =
        db::fetch_all!(tx, Row, select!("where declared is null order by declaration_id limit $1"), limit,)?;
    rows.into_iter().map(Row::read).collect()
}

/// Keeps what is declared where it is not kept yet.
pub(crate) async fn keep_declared(tx: &mut Tx, declaration: &Declaration) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update declarations set declared = $2 where declaration_id = $1 and declared is null",
        declaration.id.uuid(),
        Json(&declaration.declared),
    )?;
    Ok(())
}
