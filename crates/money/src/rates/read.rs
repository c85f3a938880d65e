//! Reading tables of rates: what the European Central Bank publishes, and the hub's own dated file.

use std::collections::btree_map::Entry;
use std::io::Read;
use std::str::FromStr as _;
use std::sync::Arc;

use chrono::NaiveDate;
use csv::StringRecord;
use rust_decimal::Decimal;

use super::{PerEuro, RateTable};
use crate::Currency;
use crate::error::shown;

/// The most rows of a file.
pub const ROWS_MAX: u64 = 200_000;
/// A rate is at most 10 to this power and at least its inverse, so that two always cross.
const RATE_POWER_MAX: u32 = 9;
/// The columns of the dated file.
const DATED_COLUMNS: [&str; 5] = ["date", "base", "currency", "rate", "source"];

/// Why a file of rates is refused. Nothing of it is used then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It cannot be read as CSV.
    #[error("the rates cannot be read: {problem}")]
    Csv {
        /// What the reader of CSV says.
        problem: String,
    },
    /// Columns that are not those of the format.
    #[error("line 1: {problem}")]
    Header {
        /// What was found and what is expected.
        problem: String,
    },
    /// A wrong cell.
    #[error("line {line}, column `{column}`: {problem}")]
    Cell {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What was found and what is expected.
        problem: String,
    },
    /// More rows than [`ROWS_MAX`].
    #[error("there are more than {ROWS_MAX} rows")]
    TooManyRows,
}

impl From<csv::Error> for ReadError {
    fn from(error: csv::Error) -> Self {
        Self::Csv { problem: error.to_string() }
    }
}

/// A cell, for what is said of it.
struct Cell<'a> {
    line: u64,
    column: &'a str,
    text: &'a str,
}

impl Cell<'_> {
    fn wrong(&self, problem: &str) -> ReadError {
        ReadError::Cell {
            line: self.line,
            column: shown(self.column),
            problem: format!("`{}` {problem}", shown(self.text)),
        }
    }

    fn date(&self) -> Result<NaiveDate, ReadError> {
        NaiveDate::from_str(self.text).map_err(|_| self.wrong("is not a date such as 2024-12-31"))
    }

    fn rate(&self) -> Result<Decimal, ReadError> {
        let plain = self.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let most = Decimal::from(10_i64.pow(RATE_POWER_MAX));
        Some(self.text)
            .filter(|_| plain)
            .and_then(|text| Decimal::from_str_exact(text).ok())
            .filter(|rate| (Decimal::new(1, RATE_POWER_MAX)..=most).contains(rate))
            .ok_or_else(|| self.wrong("is not a rate, which is a plain number from 0.000000001 to 1000000000"))
    }
}

impl RateTable {
    /// Reads the table that the European Central Bank publishes: `Date` and a column for each
    /// currency, a row for each day. Cells that are empty or `N/A` have no rate. Columns of
    /// currencies that no longer are, such as `HRK`, are passed over.
    pub fn parse_ecb(reader: impl Read, source: &str) -> Result<Self, ReadError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(reader);
        let header = header(&mut reader)?;
        let currencies = ecb_columns(&header)?;
        let source: Arc<str> = source.into();
        let mut table = Self::default();
        for (record, row) in reader.records().zip(1..) {
            let record = within(record?, row)?;
            let line = record.position().map_or(row, csv::Position::line);
            let first = Cell { line, column: "Date", text: record.get(0).unwrap_or_default() };
            let date = first.date()?;
            if table.days.contains_key(&date) {
                return Err(first.wrong("is there twice"));
            }
            let day = table.days.entry(date).or_default();
            for (place, currency) in &currencies {
                let text = record.get(*place).unwrap_or_default();
                if !matches!(text, "" | "N/A") {
                    let rate = Cell { line, column: currency.code(), text }.rate()?;
                    day.insert(*currency, PerEuro { rate, source: Arc::clone(&source) });
                }
            }
        }
        Ok(table.without_empty_days())
    }

    /// Reads the hub's own file: a row of `date,base,currency,rate,source` for each rate, where
    /// `base` is EUR and `rate` is units of `currency` for one of it. A line that starts with `#` is
    /// a comment.
    pub fn parse_dated(reader: impl Read) -> Result<Self, ReadError> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(reader);
        let header = header(&mut reader)?;
        if !header.iter().eq(DATED_COLUMNS) {
            let problem = format!(
                "the columns are `{}`, not `{}`",
                shown(&header.iter().collect::<Vec<_>>().join(",")),
                DATED_COLUMNS.join(",")
            );
            return Err(ReadError::Header { problem });
        }
        let mut table = Self::default();
        for (record, row) in reader.records().zip(1..) {
            table.add_dated(&within(record?, row)?, row)?;
        }
        Ok(table.without_empty_days())
    }

    fn add_dated(&mut self, record: &StringRecord, row: u64) -> Result<(), ReadError> {
        let line = record.position().map_or(row, csv::Position::line);
        let cell = |place: usize| Cell {
            line,
            column: DATED_COLUMNS[place],
            text: record.get(place).unwrap_or_default(),
        };
        let [date, base, currency, rate, source] = [0, 1, 2, 3, 4].map(cell);
        let day = self.days.entry(date.date()?).or_default();
        if base.text != "EUR" {
            return Err(base.wrong("must be EUR"));
        }
        let code = Currency::from_str(currency.text)
            .map_err(|_| currency.wrong("is not an ISO 4217 currency, such as MYR"))?;
        let units = rate.rate()?;
        if code == Currency::EUR && units != Decimal::ONE {
            return Err(rate.wrong("must be 1 for EUR"));
        }
        if source.text.is_empty() {
            return Err(source.wrong("must say where the rate is from"));
        }
        let Entry::Vacant(free) = day.entry(code) else {
            return Err(currency.wrong("has two rates for this date"));
        };
        free.insert(PerEuro { rate: units, source: source.text.into() });
        Ok(())
    }

    fn without_empty_days(mut self) -> Self {
        self.days.retain(|_, day| !day.is_empty());
        self
    }
}

/// The header, without the mark that some tools put before it.
fn header(reader: &mut csv::Reader<impl Read>) -> Result<StringRecord, ReadError> {
    let header = reader.headers()?;
    Ok(header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect())
}

fn within(record: StringRecord, row: u64) -> Result<StringRecord, ReadError> {
    if row > ROWS_MAX { Err(ReadError::TooManyRows) } else { Ok(record) }
}

/// Which column is of which currency.
fn ecb_columns(header: &StringRecord) -> Result<Vec<(usize, Currency)>, ReadError> {
    let wrong = |problem| Err(ReadError::Header { problem });
    if header.get(0) != Some("Date") {
        let found = shown(header.get(0).unwrap_or_default());
        return wrong(format!("the first column is `{found}`, not `Date`"));
    }
    let mut columns: Vec<(usize, Currency)> = Vec::new();
    for (place, name) in header.iter().enumerate().skip(1).filter(|(_, name)| !name.is_empty()) {
        if name.len() != 3 || !name.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return wrong(format!("column `{}` is not a currency, such as MYR", shown(name)));
        }
        let Ok(currency) = Currency::from_str(name) else { continue };
        if columns.iter().any(|(_, known)| *known == currency) {
            return wrong(format!("column `{currency}` is there twice"));
        }
        columns.push((place, currency));
    }
    Ok(columns)
}
