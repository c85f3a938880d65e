//! Sellers.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::SellerId;
use sqlx::types::Json;
use uuid::Uuid;

use super::parsed;
use crate::domain::seller::{Seller, SellerChange, SellerEntry, SellerState};

#[derive(sqlx::FromRow)]
struct Row {
    seller_id: Uuid,
    display_name: String,
    country: String,
    registration_number: String,
    tax_registered: bool,
    payout_currency: String,
    state: String,
    state_reason: String,
    change: Option<Json<SellerChange>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Seller, db::Error> {
        Ok(Seller {
            id: self.seller_id.into(),
            entry: SellerEntry {
                country: parsed(&self.country)?,
                display_name: self.display_name,
                registration_number: self.registration_number,
                tax_registered: self.tax_registered,
            },
            change: self.change.map(|change| change.0),
            payout_currency: parsed(&self.payout_currency)?,
            // What is none of the others may not sell.
            state: SellerState::parse(&self.state).unwrap_or(SellerState::Suspended),
            state_reason: self.state_reason,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

/// Writes a new seller unless it is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, seller: &Seller) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into sellers (seller_id, display_name, country, registration_number, tax_registered, payout_currency, \
         state, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (seller_id) do nothing",
        seller.id.uuid(),
        seller.entry.display_name.as_str(),
        seller.entry.country.as_str(),
        seller.entry.registration_number.as_str(),
        seller.entry.tax_registered,
        seller.payout_currency.code(),
        seller.state.as_str(),
        seller.created_at,
    )?;
    Ok(written == 1)
}

// The sellers that a clause picks.
db::selection!(
    select,
    "select seller_id, display_name, country, registration_number, tax_registered, payout_currency, state, \
     state_reason, change, version, created_at from sellers "
);

/// A seller.
pub(crate) async fn find(tx: &mut Tx, id: SellerId) -> Result<Option<Seller>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where seller_id = $1"), id.uuid())?;
    row.map(Row::read).transpose()
}

/// Verified sellers by name, after the position given.
pub(crate) async fn verified(
    tx: &mut Tx,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<Seller>, db::Error> {
    let (name, id) = after.unwrap_or((String::new(), Uuid::nil()));
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "where state = 'verified' and (display_name > $1 or (display_name = $1 and seller_id > $2)) \
             order by display_name, seller_id limit $3"
        ),
        name,
        id,
        limit,
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// Sellers with a change that waits, after the one given.
pub(crate) async fn with_change(
    tx: &mut Tx,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Seller>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "where change is not null and seller_id > $1 and change ->> 'refusal' is null \
             order by seller_id limit $2"
        ),
        after.unwrap_or(Uuid::nil()),
        limit,
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes what is in force of a seller and what it wants instead, if it still stands at the version that it was read at.
pub(crate) async fn save(tx: &mut Tx, seller: &Seller) -> Result<bool, db::Error> {
    let entry = &seller.entry;
    let changed = db::execute!(
        tx,
        "update sellers set display_name = $3, country = $4, registration_number = $5, tax_registered = $6, \
         change = $7, version = version + 1 where seller_id = $1 and version = $2",
        seller.id.uuid(),
        seller.version,
        entry.display_name.as_str(),
        entry.country.as_str(),
        entry.registration_number.as_str(),
        entry.tax_registered,
        seller.change.as_ref().map(Json),
    )?;
    Ok(changed == 1)
}

/// Moves a seller to another state, if it still stands at `version` (`None`: whatever it stands at); its new version.
pub(crate) async fn judge(
    tx: &mut Tx,
    id: SellerId,
    version: Option<i64>,
    state: SellerState,
    reason: &str,
) -> Result<Option<i64>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (i64,),
        "update sellers set state = $2, state_reason = $3, version = version + 1 \
         where seller_id = $1 and state <> $2 and ($4 = 0 or version = $4) returning version",
        id.uuid(),
        state.as_str(),
        reason,
        version.unwrap_or(0),
    )?;
    Ok(row.map(|(version,)| version))
}
