//! What the command line says of how a file is to be read.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use encoding_rs::Encoding;
use kernel::Text;
use proto::catalog::v1::StockMode;
use tonic::Status;

use super::encoding;
use super::source::Source;

/// The longest name of a delivery, in characters.
const DELIVERY_MAX: usize = 100;

/// How a file is to be read.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ImportFormat {
    /// What the column stock means for known SKUs: the units counted as of --as-of, from which later sales are
    /// subtracted (set), or units to add, negative to take away (add). The same file or --delivery is added only once.
    /// Absent: the column is ignored.
    #[arg(long, value_enum)]
    pub(super) stock: Option<Stock>,
    /// When the stock was counted or came, such as 2026-11-20T09:00:00+08:00; when the file was last written if absent.
    #[arg(long, requires = "stock", value_parser = point_in_time)]
    pub(super) as_of: Option<DateTime<Utc>>,
    /// The name of the delivery that the units belong to (--stock add), such as the number of its delivery note: under
    /// the same name a corrected file can be imported again, and adds to each SKU once. Case and repeated spaces make no
    /// difference.
    #[arg(long, requires = "stock", value_parser = delivery)]
    pub(super) delivery: Option<String>,
    /// The language of the columns title and description, a BCP 47 tag; the hub's first when absent.
    #[arg(long, default_value = "", hide_default_value = true, value_parser = language)]
    pub(super) language: String,
    /// The encoding of the file, such as utf-8, windows-874 or windows-1252; recognised when absent.
    #[arg(long, value_parser = encoding::named)]
    pub(super) encoding: Option<&'static Encoding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stock {
    Set,
    Add,
}

/// What holds for all rows.
#[derive(Debug, Clone, Default)]
pub(super) struct ImportOptions {
    pub(super) as_of: Option<DateTime<Utc>>,
    pub(super) language: String,
    pub(super) source: String,
}

fn point_in_time(text: &str) -> Result<DateTime<Utc>, String> {
    let problem = |error| format!("{error}; a point in time looks like 2026-11-20T09:00:00+08:00");
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(problem)
}

/// As one name, however it is typed: what is typed again must not add again.
fn delivery(text: &str) -> Result<String, String> {
    let name = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    Text::required(DELIVERY_MAX).read(&name).map_err(|error| error.to_string())
}

fn language(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    kernel::text::language(text).map_err(|error| error.to_string())
}

impl ImportFormat {
    /// What fits together.
    pub(super) fn check(&self) -> Result<()> {
        if self.delivery.is_some() && self.stock != Some(Stock::Add) {
            bail!("--delivery names a delivery of units: use it with --stock add");
        }
        Ok(())
    }

    pub(super) fn stock_mode(&self) -> StockMode {
        match self.stock {
            None => StockMode::Unspecified,
            Some(Stock::Set) => StockMode::Set,
            Some(Stock::Add) => StockMode::Add,
        }
    }

    pub(super) fn terms(&self, source: &Source) -> ImportOptions {
        let digest = &source.digest;
        ImportOptions {
            as_of: self.as_of.or(source.modified),
            language: self.language.clone(),
            source: match (&self.delivery, self.as_of) {
                (Some(delivery), _) => delivery.clone(),
                // Who says when, speaks of another count than who imports the file again.
                (None, Some(at)) => format!("{digest}@{}", at.timestamp()),
                (None, None) => digest.clone(),
            },
        }
    }

    /// As of when the stock is taken and where that is from, for people; empty where no stock is taken.
    pub(super) fn counted(&self, modified: Option<DateTime<Utc>>) -> String {
        let what = match self.stock {
            None => return String::new(),
            Some(Stock::Set) => "counted",
            Some(Stock::Add) => "came",
        };
        let say = "set another time with --as-of";
        let second = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ");
        match (self.as_of, modified) {
            (Some(at), _) => format!("\nstock: {what} as of {}: as --as-of says", second(at)),
            (None, Some(at)) => {
                format!("\nstock: {what} as of {}: when the file was last written; {say}", second(at))
            }
            (None, None) => format!("\nstock: {what} as of now; {say}"),
        }
    }

    /// What is to be done when rows were refused.
    pub(super) fn what_to_do(&self) -> &'static str {
        match (self.stock, &self.delivery) {
            (Some(Stock::Add), None) => {
                "correct the rows above and import only these: a corrected file counts as a new one and would add the units of \
                 the other rows again (a file that is imported with --delivery NAME from the first time on adds them once)"
            }
            _ => "correct the rows above and import the file again",
        }
    }
}

/// An error of the stream in words of the command line.
pub(super) fn of_flags(error: anyhow::Error) -> anyhow::Error {
    let names = |field: &str| {
        let mut statuses = error.chain().filter_map(|cause| cause.downcast_ref::<Status>());
        statuses.any(|status| status.message().contains(field))
    };
    if names("header.stock_as_of") {
        return error.context("--as-of (by default, when the file was last written)");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_that_is_typed_again_is_the_same() {
        for again in ["DN-7 Bangkok", "dn-7 bangkok", " Dn-7\u{a0} BANGKOK"] {
            assert_eq!(delivery(again), Ok("dn-7 bangkok".to_owned()));
        }
        assert_ne!(delivery("DN-7"), delivery("DN-71"));
        assert!(delivery(" ").unwrap_err().contains("is required"));
        assert!(delivery("D\u{1b}1").unwrap_err().contains("U+001B"));
        assert!(delivery(&"\u{130}".repeat(60)).unwrap_err().contains("at most 100"));
    }
}
