//! The sellers of the demo and their goods, from `seed/`.

use anyhow::{Context as _, Result, bail};
use proof::shop::{self, SellerEntry};
use serde::Deserialize;

use crate::hubs::Running;
use crate::import;

const FIRMS: &str = include_str!("../../../../seed/firms.toml");
/// Goods by their seller's slug.
const GOODS: [(&str, &str); 3] = [
    ("ban-kad-weaving", include_str!("../../../../seed/goods/ban-kad-weaving.csv")),
    ("pearl-river-lighting", include_str!("../../../../seed/goods/pearl-river-lighting.csv")),
    ("lorong-batik-house", include_str!("../../../../seed/goods/lorong-batik-house.csv")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    firms: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    slug: String,
    display_name: String,
    country: String,
    payout_currency: String,
    tax_registered: bool,
    /// Codes of the hubs that it sells at.
    hubs: Vec<String>,
}

/// The seller's id, as at every hub.
pub(super) fn seller_id(slug: &str) -> String {
    let firm = SellerEntry {
        slug: slug.to_owned(),
        display_name: String::new(),
        country: String::new(),
        payout_currency: String::new(),
        tax_registered: false,
    };
    firm.seller_id().to_string()
}

/// Opens the shops of a hub and puts their goods on the shelf; the second time it finds them there.
pub(super) async fn open(running: &Running) -> Result<()> {
    let hub = running.proof()?;
    let file: File = toml::from_str(FIRMS).context("seed/firms.toml")?;
    let code = running.profile.code();
    super::print::title(&format!("{} opens its shops", running.profile.name()));
    for entry in file.firms.into_iter().filter(|entry| entry.hubs.iter().any(|hub| hub == code)) {
        let goods = GOODS.iter().find(|(slug, _)| *slug == entry.slug);
        let (_, csv) = goods.with_context(|| format!("seed/goods has nothing of {}", entry.slug))?;
        let firm = SellerEntry {
            slug: entry.slug,
            display_name: entry.display_name,
            country: entry.country,
            payout_currency: entry.payout_currency,
            tax_registered: entry.tax_registered,
        };
        let shop = shop::open(&hub, &firm).await?;
        let rows = import::goods(csv, &shop.location.location_id)?;
        let imported = shop::list_goods(&shop, rows, |_| {}).await?;
        if let Some((line, field, reason)) = imported.rejected.first() {
            bail!("seed/goods/{}.csv, line {line}: {field}: {reason}", firm.slug);
        }
        println!("  {:<22} {}  {} goods", firm.display_name, firm.country, imported.variants.len());
    }
    Ok(())
}
