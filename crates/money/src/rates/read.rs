//! Reading tables of rates: what the European Central Bank publishes, and the hub's own dated file.

use std::collections::BTreeMap;
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

/// The most bytes of a file: thirty times what the bank published in 25 years.
pub const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A rate is at most 10 to this power and at least its inverse, so that two always cross.
const RATE_POWER_MAX: u32 = 9;
/// The columns of the dated file.
const DATED_COLUMNS: [&str; 5] = ["date", "base", "currency", "rate", "source"];

/// Why a file of rates is refused. Nothing of it is used then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It cannot be read as UTF-8 text of CSV.
    #[error("the rates cannot be read: {problem}")]
    Unreadable {
        /// What the reader says.
        problem: String,
    },
    /// Columns that are not those of the format.
    #[error("header: {problem}")]
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
    /// More bytes than [`BYTES_MAX`].
    #[error("the rates are more than {BYTES_MAX} bytes")]
    TooLong,
}

impl From<csv::Error> for ReadError {
    fn from(error: csv::Error) -> Self {
        Self::Unreadable { problem: error.to_string() }
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
            .ok_or_else(|| {
                self.wrong("is not a rate, which is a plain number from 0.000000001 to 1000000000")
            })
    }
}

/// A file, whole: a position in its text tells the line.
struct File {
    text: String,
    header: StringRecord,
    rows: Vec<StringRecord>,
}

impl File {
    fn read(source: impl Read, comments: Option<u8>) -> Result<Self, ReadError> {
        let mut text = String::new();
        source
            .take(BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| ReadError::Unreadable { problem: error.to_string() })?;
        if u64::try_from(text.len()).map_or(true, |bytes| bytes > BYTES_MAX) {
            return Err(ReadError::TooLong);
        }
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).comment(comments).from_reader(text.as_bytes());
        let header = reader.headers()?.clone();
        let rows = reader.records().collect::<Result<_, _>>()?;
        Ok(Self { text, header, rows })
    }

    /// The line of a row, from 1. The reader gives where it began to look, which is before comments
    /// and empty lines.
    fn line(&self, row: &StringRecord) -> u64 {
        let Some(at) = row.position() else { return 0 };
        let rest = usize::try_from(at.byte()).ok().and_then(|byte| self.text.get(byte..)).unwrap_or_default();
        // After a carriage return, the rest begins with the line feed of the line before.
        let skipped = rest.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
        (at.line()..).zip(skipped).last().map_or(at.line(), |(line, _)| line + 1)
    }
}

impl RateTable {
    /// Reads the table that the European Central Bank publishes: `Date` and a column for each
    /// currency, a row for each day. Cells that are empty or `N/A` have no rate. Columns of
    /// currencies that no longer are, such as `HRK`, are passed over.
    pub fn parse_ecb(reader: impl Read, source: &str) -> Result<Self, ReadError> {
        let file = File::read(reader, None)?;
        let currencies = ecb_columns(&file.header)?;
        let source: Arc<str> = source.into();
        let mut table = Self::default();
        for row in &file.rows {
            let line = file.line(row);
            let first = Cell { line, column: "Date", text: row.get(0).unwrap_or_default() };
            let Entry::Vacant(free) = table.days.entry(first.date()?) else {
                return Err(first.wrong("appears twice"));
            };
            let day = free.insert(BTreeMap::new());
            for (place, currency) in &currencies {
                let text = row.get(*place).unwrap_or_default();
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
        let file = File::read(reader, Some(b'#'))?;
        if !file.header.iter().eq(DATED_COLUMNS) {
            let problem = format!(
                "the columns are `{}`, not `{}`",
                shown(&file.header.iter().collect::<Vec<_>>().join(",")),
                DATED_COLUMNS.join(",")
            );
            return Err(ReadError::Header { problem });
        }
        let mut table = Self::default();
        for row in &file.rows {
            table.add_dated(row, file.line(row))?;
        }
        Ok(table)
    }

    fn add_dated(&mut self, row: &StringRecord, line: u64) -> Result<(), ReadError> {
        let cell = |place: usize| Cell {
            line,
            column: DATED_COLUMNS[place],
            text: row.get(place).unwrap_or_default(),
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
            return wrong(format!("column `{currency}` appears twice"));
        }
        columns.push((place, currency));
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ecb_error(text: &str) -> String {
        RateTable::parse_ecb(text.as_bytes(), "ECB").unwrap_err().to_string()
    }

    fn dated_error(rows: &str) -> String {
        let text = format!("date,base,currency,rate,source\n{rows}");
        RateTable::parse_dated(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_bank_s_own_layout_is_read() {
        // A mark before the header, spaces, an empty last column, a currency that is no more.
        let text =
            "\u{feff}Date, USD, CYP, MYR,\n2024-12-31, 1.0389, N/A, , \n2007-12-31,1.4721,0.585274,4.8682,\n";
        let table = RateTable::parse_ecb(text.as_bytes(), "ECB").unwrap();
        let counts: Vec<_> = table.days.values().map(BTreeMap::len).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn a_day_without_any_rate_is_no_day() {
        let text = "Date,USD\n2024-12-31,N/A\n2024-12-30,1.1\n";
        let table = RateTable::parse_ecb(text.as_bytes(), "ECB").unwrap();
        assert_eq!(table.newest(), "2024-12-30".parse().ok());
    }

    #[test]
    fn a_wrong_cell_is_named() {
        for (text, said) in [
            ("Datum,USD\n", "header: the first column is `Datum`, not `Date`"),
            ("", "header: the first column is ``, not `Date`"),
            ("Date,usd\n", "header: column `usd` is not a currency, such as MYR"),
            ("Date,USD,USD\n", "header: column `USD` appears twice"),
            (
                "Date,USD\n31/12/2024,1\n",
                "line 2, column `Date`: `31/12/2024` is not a date such as 2024-12-31",
            ),
            ("Date,USD\n2024-12-30,1\n2024-12-30,1\n", "line 3, column `Date`: `2024-12-30` appears twice"),
        ] {
            assert_eq!(ecb_error(text), said);
        }
        for cell in ["0", "-1", "1e3", "+1", "1_0", "x", "0.0000000001", "1000000000.1", ".", "1.1.1"] {
            let error = ecb_error(&format!("Date,USD\n2024-12-30,1\n2024-12-29,{cell}\n"));
            assert!(error.starts_with(&format!("line 3, column `USD`: `{cell}` is not a rate")), "{error}");
        }
        let error = ecb_error("Date,USD\n2024-12-30,1,2\n");
        assert!(error.contains("line: 2"), "{error}");
    }

    #[test]
    fn the_dated_file_takes_comments_and_spaces() {
        let text =
            "# ours\n date, base, currency, rate, source\n# more\n2026-01-02, EUR, MYR, 4.76,\"a, b\"\n";
        let table = RateTable::parse_dated(text.as_bytes()).unwrap();
        let rates = table.days.values().next().unwrap();
        assert_eq!(&*rates[&Currency::MYR].source, "a, b");
    }

    #[test]
    fn a_wrong_row_of_the_dated_file_is_named() {
        for (rows, said) in [
            ("2026-01-02,USD,MYR,4,x\n", "line 2, column `base`: `USD` must be EUR"),
            (
                "2026-01-02,EUR,XYZ,4,x\n",
                "line 2, column `currency`: `XYZ` is not an ISO 4217 currency, such as MYR",
            ),
            ("2026-01-02,EUR,EUR,2,x\n", "line 2, column `rate`: `2` must be 1 for EUR"),
            ("#\n2026-01-02,EUR,MYR,4,\n", "line 3, column `source`: `` must say where the rate is from"),
            (
                "2026-01-02,EUR,MYR,4,x\n2026-01-02,EUR,MYR,5,x\n",
                "line 3, column `currency`: `MYR` has two rates for this date",
            ),
        ] {
            assert_eq!(dated_error(rows), said);
        }
        let error = RateTable::parse_dated("date,rate\n".as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "header: the columns are `date,rate`, not `date,base,currency,rate,source`");
    }

    #[test]
    fn lines_are_counted_past_comments_and_empty_lines() {
        for end in ["\n", "\r\n"] {
            let text = [
                "# ours",
                "date,base,currency,rate,source",
                "",
                "# a",
                "2026-01-02,EUR,MYR,4,x",
                "# b",
                "2026-01-02,EUR,SGD,0,x",
            ]
            .join(end);
            let error = RateTable::parse_dated(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 7, column `rate`"), "{error}");
            let text = ["Date,USD", "2026-01-02,1", "2026-01-01,0"].join(end);
            assert!(ecb_error(&text).starts_with("line 3, column `USD`"), "{}", ecb_error(&text));
        }
    }

    #[test]
    fn what_is_no_bounded_text_is_refused() {
        let endless = std::io::repeat(b' ');
        assert_eq!(RateTable::parse_ecb(endless, "ECB"), Err(ReadError::TooLong));
        let error = RateTable::parse_dated(&b"\xff\xfe"[..]).unwrap_err();
        assert!(matches!(error, ReadError::Unreadable { .. }), "{error}");
    }
}
