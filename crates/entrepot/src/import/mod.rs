//! `import products`: streams a seller's goods in from a CSV file.
//!
//! [`source`] copies the file and recognises its [`encoding`]; [`heading`] tells what its columns hold; [`rows`] looks at
//! the whole file first and then makes requests of its [`cells`] and [`numbers`]; [`report`] counts what came of each row.

mod cells;
pub(crate) mod encoding;
mod heading;
mod numbers;
mod report;
mod rows;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use encoding_rs::Encoding;
use indicatif::{ProgressBar, ProgressStyle};
use proof::Session;
use proof::shop::{self, Firm, Shop};
use proto::catalog::v1::{ImportProductsRequest, ListLocationsRequest, StockMode};
use rpc::Role;

use self::report::{Report, refusal};
use self::rows::{Row, Table, Terms};
use self::source::Source;
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
    /// A seller's goods, from a CSV file.
    ///
    /// Columns: sku, title_LANGUAGE, description_LANGUAGE (or title and description, in the default language), category,
    /// price, currency, hs_code, origin, weight_grams, size (such as 200x150x30, in mm), stock, stock_units, preference;
    /// rows with the same group are variants of one product, named by variant_name. A new SKU needs sku, a title, price,
    /// currency, hs_code, origin, weight_grams, size and stock.
    ///
    /// A row of a known SKU is a patch: it changes what its cells say. A column that is missing and a cell that is empty
    /// change nothing, and neither does the column stock without --stock.
    ///
    /// Delimiter (comma, semicolon, tab), encoding and decimal commas are recognised. Rows that cannot be taken are named
    /// by line and column, and the others are taken; the command then fails. Without --server the hub is started for the
    /// import.
    #[command(verbatim_doc_comment)]
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
    #[command(flatten)]
    reading: Reading,
}

/// How a file is to be read.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Reading {
    /// What the column stock is for known SKUs: the units counted as of --as-of, from which what was sold since is taken
    /// off (set), or units that came, negative ones that left (add). The same file adds once. Absent: it is ignored.
    #[arg(long, value_enum)]
    stock: Option<Stock>,
    /// When the stock was counted or came, such as 2026-11-20T09:00:00+08:00; when the file was last written if absent.
    #[arg(long, requires = "stock", value_parser = point_in_time)]
    as_of: Option<DateTime<Utc>>,
    /// The language of the columns title and description, a BCP 47 tag; the hub's first when absent.
    #[arg(long, default_value = "", hide_default_value = true)]
    language: String,
    /// The encoding of the file, such as utf-8, windows-874 or windows-1252; recognised when absent.
    #[arg(long, value_parser = encoding::named)]
    encoding: Option<&'static Encoding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stock {
    Set,
    Add,
}

fn point_in_time(text: &str) -> Result<DateTime<Utc>, String> {
    let problem = |error| format!("{error}; a point in time is such as 2026-11-20T09:00:00+08:00");
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(problem)
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let What::Products(products) = args.what;
    let file = ReadFile::open(&products.file, &products.reading)?;
    let report = match (&products.server, &products.token) {
        (Some(server), Some(token)) => {
            let shop = remote(server, token).await?;
            import(file, &shop).await?
        }
        _ => embedded(&products, file, configuration).await?,
    };
    if report.rejected > 0 {
        bail!("not every row was taken; mend the rows above and import the file again");
    }
    Ok(())
}

async fn embedded(products: &Products, file: ReadFile, configuration: &Configuration) -> Result<Report> {
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
        import(file, &shop).await
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

/// A file that can be imported.
pub(crate) struct ReadFile {
    table: Table,
    terms: Terms,
    /// How it was read, for people.
    read_as: String,
}

impl ReadFile {
    /// Looks at the whole file; errors name it.
    pub(crate) fn open(path: &Path, reading: &Reading) -> Result<Self> {
        Self::look(path, reading).with_context(|| format!("in {}", path.display()))
    }

    fn look(path: &Path, reading: &Reading) -> Result<Self> {
        let source = Source::open(path, reading.encoding)?;
        let (encoding, digest, modified) = (source.encoding, source.digest.clone(), source.modified);
        let table = Table::look(Box::new(move || source.text()))?;
        let terms = Terms {
            stock: match reading.stock {
                None => StockMode::Unspecified,
                Some(Stock::Set) => StockMode::Set,
                Some(Stock::Add) => StockMode::Add,
            },
            as_of: reading.as_of.or(modified),
            language: reading.language.clone(),
            // Who says when, speaks of another count than who imports the file again.
            source: reading.as_of.map_or_else(|| digest.clone(), |at| format!("{digest}@{}", at.timestamp())),
        };
        let heading = &table.heading;
        let mut read_as = format!("{encoding}; {}; {}", heading.delimiter_name(), table.style.name());
        let unknown = heading.unknown();
        if !unknown.is_empty() {
            read_as.push_str(&format!("\nignored, as no such column is known: {}", unknown.join(", ")));
        }
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
    (report, ended)
}

/// The goods of a text that must be right as a whole, as the messages of an import.
pub(crate) fn goods(text: &'static str, location_id: &str) -> Result<Vec<ImportProductsRequest>> {
    let table = Table::look(Box::new(move || Ok(Box::new(text.as_bytes()))))?;
    let mut messages = vec![table.header(&Terms::default())];
    for row in table.rows(location_id.to_owned())? {
        match row {
            Row::Take(request) => messages.push(*request),
            Row::Ignore => {}
            Row::Refuse { line, column, reason } => bail!(refusal(line, &column, &reason)),
        }
    }
    Ok(messages)
}
