//! Sellers and their goods, opened once: run again on the same hub, everything here finds what there is.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use kernel::SellerId;
use proto::catalog::internal::v1::VerifySellerRequest;
use proto::catalog::v1::{
    ApplySellerRequest, CreateLocationRequest, ImportOutcome, ImportProductsRequest, ImportProductsResponse,
    ListLocationsRequest, Location, Seller, SellerState,
};
use tokio_stream::StreamExt as _;
use tonic::Code;
use uuid::Uuid;

use crate::{Hub, Session, request_id};

/// Names derive stable seller ids from this, so that a second run meets the same sellers.
const SELLERS: Uuid = Uuid::from_u128(0x5d1c_64b1_0d0c_4c5e_9b1a_2f6f_6f0a_77e1);
/// Rows of an import that are on their way at once.
const ROWS_IN_FLIGHT: usize = 64;

/// What a firm says of itself when it applies.
#[derive(Debug, Clone)]
pub struct SellerEntry {
    /// Short and stable, such as `kain-batik`; its id derives from it.
    pub slug: String,
    /// The name that buyers see.
    pub display_name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub payout_currency: String,
    /// Registered for the hub country's tax on low-value goods.
    pub tax_registered: bool,
}

impl SellerEntry {
    /// A Thai firm of this name that is paid in baht and collects the hub's tax.
    pub fn thai(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            display_name: slug.to_owned(),
            country: "TH".to_owned(),
            payout_currency: "THB".to_owned(),
            tax_registered: true,
        }
    }

    /// The id that it has at every hub.
    pub fn seller_id(&self) -> SellerId {
        SellerId::derive(SELLERS, &self.slug)
    }
}

/// A firm that is open for business.
#[derive(Clone)]
pub struct Shop {
    /// Signed in as the seller.
    pub session: Session,
    /// Where it ships from.
    pub location: Location,
}

/// Opens a firm at the hub: applied, verified, with a place to ship from. Finds the one that is there.
pub async fn open(hub: &Hub, firm: &SellerEntry) -> Result<Shop> {
    let seller_id = firm.seller_id().to_string();
    let session = hub.seller(&seller_id)?;
    let seller = apply(&session, firm).await?;
    if seller.state() == SellerState::Applied {
        let request = VerifySellerRequest { request_id: request_id(), seller_id, etag: String::new() };
        hub.catalog_operator()?.verify_seller(request).await.context("verifying a seller")?;
    }
    let location = location(&session, firm).await?;
    Ok(Shop { session, location })
}

async fn apply(session: &Session, firm: &SellerEntry) -> Result<Seller> {
    let request = proto::catalog::v1::GetSellerRequest { seller_id: session.subject.clone() };
    match session.sellers().get_seller(request).await {
        Ok(found) => return found.into_inner().seller.context("a seller without content"),
        Err(status) if status.code() == Code::NotFound => {}
        Err(status) => return Err(status).context("looking a seller up"),
    }
    let request = ApplySellerRequest {
        request_id: request_id(),
        display_name: firm.display_name.clone(),
        country: firm.country.clone(),
        registration_number: format!("{}-{}", firm.country, firm.slug),
        tax_registered: firm.tax_registered,
        payout_currency: firm.payout_currency.clone(),
    };
    let applied = session.sellers().apply_seller(request).await.context("applying to sell")?;
    applied.into_inner().seller.context("a seller without content")
}

async fn location(session: &Session, firm: &SellerEntry) -> Result<Location> {
    let listed =
        session.stock().list_locations(ListLocationsRequest::default()).await.context("a seller's places")?;
    if let Some(location) =
        listed.into_inner().locations.into_iter().find(|place| place.country == firm.country)
    {
        return Ok(location);
    }
    let request = CreateLocationRequest {
        request_id: request_id(),
        name: format!("{} warehouse", firm.display_name),
        country: firm.country.clone(),
        postcode: String::new(),
    };
    let created = session.stock().create_location(request).await.context("opening a place")?;
    created.into_inner().location.context("a place without content")
}

/// What became of the rows of an import.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// New products.
    pub created: u64,
    /// Known SKUs that were changed.
    pub updated: u64,
    /// Known SKUs as they were.
    pub unchanged: u64,
    /// Row, field, reason.
    pub rejected: Vec<(i64, String, String)>,
    /// Variant ids by the row's number.
    pub variants: HashMap<i64, String>,
}

/// Streams goods in; `answered` hears of each row.
pub async fn list_goods(
    shop: &Shop,
    rows: impl IntoIterator<Item = ImportProductsRequest> + Send + 'static,
    mut answered: impl FnMut(&ImportProductsResponse),
) -> Result<Imported> {
    let mut imported = Imported::default();
    stream_goods(&shop.session, rows, |answer| {
        answered(answer);
        imported.take(answer.clone());
    })
    .await?;
    Ok(imported)
}

impl Imported {
    fn take(&mut self, answer: ImportProductsResponse) {
        match answer.outcome() {
            ImportOutcome::Created => self.created += 1,
            ImportOutcome::Updated => self.updated += 1,
            ImportOutcome::Unchanged => self.unchanged += 1,
            ImportOutcome::Rejected | ImportOutcome::Unspecified => {
                self.rejected.push((answer.row, answer.field, answer.reason));
                return;
            }
        }
        self.variants.insert(answer.row, answer.variant_id);
    }
}

/// Streams messages of an import in and keeps nothing; `answered` hears of each row.
pub async fn stream_goods(
    session: &Session,
    messages: impl IntoIterator<Item = ImportProductsRequest> + Send + 'static,
    mut answered: impl FnMut(&ImportProductsResponse),
) -> Result<()> {
    let (sender, receiver) = tokio::sync::mpsc::channel(ROWS_IN_FLIGHT);
    // They may come from a file as they are wanted.
    let feeder = tokio::task::spawn_blocking(move || {
        for message in messages {
            if sender.blocking_send(message).is_err() {
                break;
            }
        }
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers =
        session.products().import_products(stream).await.context("importing goods")?.into_inner();
    while let Some(answer) = answers.next().await {
        answered(&answer.context("importing goods")?);
    }
    feeder.await.context("feeding an import")
}
