//! `import products`: streams a seller's goods in from a CSV file.

pub(crate) mod rows;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use proof::Session;
use proof::shop::{self, Firm, Imported, Shop};
use proto::catalog::v1::{ImportOutcome, ImportProductsResponse, ListLocationsRequest};
use rpc::Role;

use crate::configuration::Configuration;
use crate::hubs::{self, Pace};

/// Bring goods into a hub.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A seller's goods, from a CSV file with the columns sku, title_LANGUAGE (one or more), price, currency, hs_code,
    /// origin, weight_grams, size (such as 200x150x30, in mm) and stock; category, description_LANGUAGE and
    /// preference (with certificate_number, _issued_on and _expires_on) may be added. A row of a known SKU changes it. Without --server the hub is started for the import.
    Products(Products),
}

#[derive(Debug, clap::Args)]
struct Products {
    /// The CSV file.
    file: PathBuf,
    /// The seller, by a short name that stays: it is opened when there is none.
    #[arg(long, default_value = "own-shop", conflicts_with = "server")]
    seller: String,
    /// Where the seller ships from, ISO 3166-1 alpha-2; the hub's country when absent.
    #[arg(long, conflicts_with = "server")]
    country: Option<String>,
    /// The currency that the seller is paid in, ISO 4217; the hub's when absent.
    #[arg(long, conflicts_with = "server")]
    currency: Option<String>,
    /// The public address of a hub that runs, such as 127.0.0.1:50051; needs --token.
    #[arg(long, requires = "token")]
    server: Option<String>,
    /// A token of the seller (`entrepot token --role seller --subject seller_…`).
    #[arg(long, requires = "server")]
    token: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let What::Products(products) = args.what;
    let (imported, bad) = match (&products.server, &products.token) {
        (Some(server), Some(token)) => {
            let shop = remote(server, token).await?;
            import(&products, &shop).await?
        }
        _ => embedded(&products, configuration).await?,
    };
    println!(
        "{} created, {} updated, {} unchanged, {} rejected",
        imported.created,
        imported.updated,
        imported.unchanged,
        imported.rejected.len() + bad
    );
    if imported.rejected.len() + bad > 0 {
        bail!("not every row was taken; mend the rows above and import the file again");
    }
    Ok(())
}

async fn embedded(products: &Products, configuration: &Configuration) -> Result<(Imported, usize)> {
    let running = hubs::start_one(configuration, Pace::Watchable).await?;
    let profile = &running.profile;
    let firm = Firm {
        slug: products.seller.clone(),
        display_name: products.seller.clone(),
        country: products.country.clone().unwrap_or_else(|| profile.country().to_string()),
        payout_currency: products.currency.clone().unwrap_or_else(|| profile.currency().code().to_owned()),
        tax_registered: false,
    };
    let outcome = async {
        let shop = shop::open(&running.proof()?, &firm).await?;
        println!("seller {} at {}", shop.session.subject, profile.name());
        import(products, &shop).await
    };
    let outcome = outcome.await;
    running.stop().await;
    outcome
}

/// The shop of a token at a hub that runs.
async fn remote(server: &str, token: &str) -> Result<Shop> {
    let token = token.to_owned();
    let tokens = move |_: Role, _: &str| Ok(token.clone());
    let hub = proof::Hub::at(server, server, Arc::new(tokens)).context("--server")?;
    let session: Session = hub.seller("")?;
    let listed = session.stock().list_locations(ListLocationsRequest::default()).await;
    let listed = listed.with_context(|| format!("--server {server}: asking for the seller's places"))?;
    let location = listed.into_inner().locations.into_iter().next();
    let location = location.context("the seller has no place to ship from: CreateLocation first")?;
    Ok(Shop { session, location })
}

async fn import(products: &Products, shop: &Shop) -> Result<(Imported, usize)> {
    let file =
        File::open(&products.file).with_context(|| format!("cannot open {}", products.file.display()))?;
    let reader = rows::Rows::new(BufReader::new(file), shop.location.location_id.clone())
        .with_context(|| format!("in {}", products.file.display()))?;
    let style = ProgressStyle::with_template("{spinner} {pos} rows {per_sec}")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let (told, bad) = (bar.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let count = bad.clone();
    let good = reader.filter_map(move |row| match row {
        Ok(row) => Some(row),
        Err(problem) => {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            told.suspend(|| println!("{problem}"));
            None
        }
    });
    let imported = shop::list_goods(shop, good, |answer| tell(&bar, answer)).await?;
    bar.finish_and_clear();
    Ok((imported, bad.load(std::sync::atomic::Ordering::Relaxed)))
}

fn tell(bar: &ProgressBar, answer: &ImportProductsResponse) {
    bar.inc(1);
    if answer.outcome() == ImportOutcome::Rejected {
        bar.suspend(|| println!("line {}: {}: {}", answer.row, answer.field, answer.reason));
    }
}
