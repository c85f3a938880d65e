//! `import products`: streams a seller's goods in from a CSV file.
//!
//! [`source`] copies the file and recognises its [`encoding`]; [`heading`] tells what its columns hold; [`rows`] looks at
//! the whole file first and then makes requests of its [`cells`] and [`numbers`]; [`report`] counts what came of each row.

mod cells;
pub(crate) mod encoding;
mod heading;
mod numbers;
mod reading;
mod report;
mod rows;
mod scripts;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::excerpt;
use proof::Session;
use proof::shop::{self, SellerEntry, Shop};
use proto::catalog::v1::{GetSellerRequest, ImportProductsRequest, ListLocationsRequest};
use rpc::Role;

pub(crate) use self::reading::ImportFormat;
use self::reading::ImportOptions;
use self::report::{Report, refusal};
use self::rows::{Row, Table};
use self::source::Source;
use crate::configuration::Configuration;
use crate::hubs::{self, ClockSpeed};
use crate::profiles;

/// Bring goods into a hub.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A seller's goods, from a CSV file.
    ///
    /// Columns: sku, title_LANGUAGE, description_LANGUAGE (or title and description, in the default language), category,
    /// price, currency, hs_code, origin, weight_grams, size (such as 200x150x30, in mm), stock, stock_units, preference,
    /// certificate_number, certificate_issued_on and certificate_expires_on (days such as 2026-01-31); rows with the same
    /// group are variants of one product, named by variant_name. A new SKU needs sku, a title, price, currency, hs_code,
    /// origin, weight_grams, size and stock.
    ///
    /// A row of a known SKU is a patch: it changes what its cells say. A column that is missing and a cell that is empty
    /// change nothing, and neither does the column stock without --stock.
    ///
    /// Delimiter (comma, semicolon, tab), encoding and decimal commas are recognised. Rows that cannot be accepted are
    /// reported by line and column, and the others are imported; the command then fails. Without --server the hub is started for the
    /// import.
    #[command(verbatim_doc_comment)]
    Products(Products),
}

#[derive(Debug, clap::Args)]
struct Products {
    /// The CSV file.
    file: PathBuf,
    /// The seller, by a permanent short name: it is created when there is none.
    #[arg(long, default_value = "own-shop", conflicts_with = "server")]
    seller: String,
    /// Where the seller ships from, ISO 3166-1 alpha-2; the hub's country when absent.
    #[arg(long, conflicts_with = "server")]
    country: Option<String>,
    /// The currency that the seller is paid in, ISO 4217; the hub's when absent.
    #[arg(long, conflicts_with = "server")]
    currency: Option<String>,
    /// The public address of a running hub, such as 127.0.0.1:50051; needs --token.
    #[arg(long, requires = "token")]
    server: Option<String>,
    /// A token of the seller (`entrepot token --role seller --subject seller_…`).
    #[arg(long, requires = "server")]
    token: Option<String>,
    #[command(flatten)]
    reading: ImportFormat,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let What::Products(mut products) = args.what;
    if products.server.is_none() && products.reading.language.is_empty() {
        let profile = profiles::profile(configuration.one_hub()?)?;
        products.reading.language = profile.languages().first().cloned().unwrap_or_default();
    }
    let file = ReadFile::open(&products.file, &products.reading)?;
    let report = match (&products.server, &products.token) {
        (Some(server), Some(token)) => {
            let shop = remote(server, token).await?;
            import(file, &shop).await?
        }
        _ => embedded(&products, file, configuration).await?,
    };
    if report.rejected > 0 {
        bail!("not every row was accepted; {}", products.reading.what_to_do());
    }
    Ok(())
}

async fn embedded(products: &Products, file: ReadFile, configuration: &Configuration) -> Result<Report> {
    let running = hubs::start_one(configuration, ClockSpeed::Watchable).await;
    let running = running.map_err(|error| in_use(error, &products.seller))?;
    let profile = &running.profile;
    let firm = SellerEntry {
        slug: products.seller.clone(),
        display_name: products.seller.clone(),
        country: products.country.clone().unwrap_or_else(|| profile.country().to_string()),
        payout_currency: products.currency.clone().unwrap_or_else(|| profile.currency().code().to_owned()),
        tax_registered: false,
    };
    let outcome = async {
        let shop = shop::open(&running.proof()?, &firm).await?;
        println!("seller {} at {}", shop.session.subject, profile.name());
        if let Some(asked) = &products.currency
            && let Some(said) = kept_currency(&shop, asked).await?
        {
            println!("{said}");
        }
        import(file, &shop).await
    };
    let outcome = outcome.await;
    running.stop().await;
    outcome
}

/// A hub that runs already is imported into by itself: another folder would be another hub.
fn in_use(error: anyhow::Error, seller: &str) -> anyhow::Error {
    let is_in_use = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(runtime::Error::InUse { .. }))
    };
    if !error.chain().any(is_in_use) {
        return error;
    }
    let id = SellerEntry::thai(seller).seller_id();
    anyhow::anyhow!(
        "this hub is already running: import into it with --server and its public address, such as 127.0.0.1:50051, and \
         with --token and the output of `entrepot token --role seller --subject {id}` (of the same --hub and --data)"
    )
}

/// What is to be said where a seller that is there is paid in another currency than is asked for: it keeps it.
async fn kept_currency(shop: &Shop, asked: &str) -> Result<Option<String>> {
    let request = GetSellerRequest { seller_id: shop.session.subject.clone() };
    let found = shop.session.sellers().get_seller(request).await.context("looking the seller up")?;
    let kept = found.into_inner().seller.context("a seller without content")?.payout_currency;
    let said = || {
        format!("--currency {}: ignored: this seller already exists and is paid in {kept}", excerpt(asked))
    };
    Ok((!kept.eq_ignore_ascii_case(asked)).then(said))
}

/// An address as people write it.
fn address(server: &str) -> Result<&str> {
    let address = server.strip_prefix("http://").unwrap_or(server).trim_end_matches('/');
    if address.contains("://") {
        bail!("--server {}: must be an address such as 127.0.0.1:50051", excerpt(server));
    }
    Ok(address)
}

/// The shop of a token at a hub that runs.
async fn remote(server: &str, token: &str) -> Result<Shop> {
    let (token, server) = (token.to_owned(), address(server)?);
    let tokens = move |_: Role, _: &str| Ok(token.clone());
    let hub = proof::Hub::at(&services::names(), server, server, Arc::new(tokens)).context("--server")?;
    let session: Session = hub.seller("")?;
    let listed = session.stock().list_locations(ListLocationsRequest::default()).await;
    let listed = listed.with_context(|| format!("--server {server}: listing the seller's locations"))?;
    let location = listed.into_inner().locations.into_iter().next();
    let location = location.context("the seller has no location to ship from: call CreateLocation first")?;
    Ok(Shop { session, location })
}

/// A file that can be imported.
pub(crate) struct ReadFile {
    table: Table,
    terms: ImportOptions,
    /// How it was read, for people.
    read_as: String,
}

impl ReadFile {
    /// Looks at the whole file; errors name it.
    pub(crate) fn open(path: &Path, reading: &ImportFormat) -> Result<Self> {
        Self::look(path, reading).with_context(|| format!("in {}", path.display()))
    }

    fn look(path: &Path, reading: &ImportFormat) -> Result<Self> {
        reading.check()?;
        let source = Source::open(path, reading.encoding, &reading.language)?;
        let (terms, counted) = (reading.terms(&source), reading.counted(source.modified));
        let encoding = source.encoding;
        let table = Table::look(Box::new(move || source.text()), reading)?;
        if let Some(column) = table.foreign().filter(|_| encoding.is_likely()) {
            bail!(
                "the column {} has no letter of its language when it is read as {encoding}: name its encoding with \
                 --encoding, such as windows-874 for Thai",
                excerpt(column)
            );
        }
        if let Some((column, legacy)) = table.legacy().filter(|_| encoding.is_by_bytes()) {
            bail!(
                "the column {} can be read as UTF-8 and as {legacy}, and spells words only as {legacy}: choose one \
                 with --encoding utf-8 or --encoding {legacy}",
                excerpt(column),
                legacy = legacy.name()
            );
        }
        let heading = &table.heading;
        let (delimiter, numbers, unread) = (heading.delimiter_name(), table.style.name(), heading.unread());
        let read_as = format!("{encoding}; {delimiter}; {numbers}{counted}{unread}");
        Ok(Self { table, terms, read_as })
    }
}

/// Imports with a bar, and prints what came of it.
async fn import(file: ReadFile, shop: &Shop) -> Result<Report> {
    println!("{}", file.read_as);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} rows {per_sec} {eta} left")?;
    let bar = ProgressBar::new(file.table.rows_count).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    let told = bar.clone();
    let (report, ended) = stream(file, shop, move |problem| {
        if let Some(problem) = problem {
            told.suspend(|| println!("{problem}"));
        }
        told.inc(1);
    })
    .await;
    bar.finish_and_clear();
    println!("{report}");
    ended.map(|()| report)
}

/// Imports; `seen` hears of each row what is to be said of it. The counts stand also where the stream ended early.
pub(crate) async fn stream(
    file: ReadFile,
    shop: &Shop,
    seen: impl Fn(Option<String>) + Send + Sync + 'static,
) -> (Report, Result<()>) {
    let ReadFile { table, terms, .. } = file;
    let report = Arc::new(Mutex::new(Report { rows: table.rows_count, ..Report::default() }));
    let (heading, header, seen) = (table.heading.clone(), table.header(&terms), Arc::new(seen));
    let rows = match table.rows(shop.location.location_id.clone()) {
        Ok(rows) => rows,
        Err(error) => return (Report::default(), Err(error)),
    };
    let (counts, told) = (report.clone(), seen.clone());
    let good = rows.filter_map(move |row| {
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        match row {
            Row::Take(request) => return Some(*request),
            Row::Ignore => {
                counts.ignored += 1;
                told(None);
            }
            Row::Refuse { line, column, reason } => {
                counts.rejected += 1;
                told(Some(refusal(line, &column, &reason)));
            }
        }
        None
    });
    let counts = report.clone();
    let ended = shop::stream_goods(&shop.session, std::iter::once(header).chain(good), |answer| {
        let problem = counts.lock().unwrap_or_else(PoisonError::into_inner).count(answer, &heading);
        seen(problem);
    })
    .await;
    let report = *report.lock().unwrap_or_else(PoisonError::into_inner);
    (report, ended.map_err(reading::of_flags))
}

/// The goods of a text that must be right as a whole, as the messages of an import.
pub(crate) fn goods(text: &'static str, location_id: &str) -> Result<Vec<ImportProductsRequest>> {
    let table = Table::look(Box::new(move || Ok(Box::new(text.as_bytes()))), &ImportFormat::default())?;
    let mut messages = vec![table.header(&ImportOptions::default())];
    for row in table.rows(location_id.to_owned())? {
        match row {
            Row::Take(request) => messages.push(*request),
            Row::Ignore => {}
            Row::Refuse { line, column, reason } => bail!(refusal(line, &column, &reason)),
        }
    }
    Ok(messages)
}
