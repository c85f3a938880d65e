//! The rows of a file of retail orders, read strictly: a bad one is named with its line and its reason, and none
//! stops the reading.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::NaiveDateTime;
use flate2::read::MultiGzDecoder;
use money::{Currency, Money};

/// The columns that a file of orders has, in any order.
pub(crate) const COLUMNS: [&str; 6] =
    ["description", "quantity", "invoice_time", "unit_price_gbp", "customer_id", "country"];
/// The most units of a row.
const QUANTITY_MAX: i64 = 1_000_000;
/// The longest description that is taken, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 200;
/// What the wholesaler's ledger holds besides goods: charges, corrections, fees.
const NOT_GOODS: [&str; 14] = [
    "POSTAGE",
    "DOTCOM POSTAGE",
    "CARRIAGE",
    "MANUAL",
    "DISCOUNT",
    "BANK CHARGES",
    "AMAZON FEE",
    "SAMPLES",
    "ADJUST BAD DEBT",
    "CRUK COMMISSION",
    "PACKING CHARGE",
    "ADJUSTMENT",
    "NEXT DAY CARRIAGE",
    "FEE",
];

/// A good row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its line in the file; the heading is line 1.
    pub(crate) line: u64,
    pub(crate) description: String,
    /// Negative: goods that came back.
    pub(crate) quantity: i64,
    pub(crate) invoice_time: NaiveDateTime,
    pub(crate) unit_price: Money,
    pub(crate) customer: String,
    /// As the file says: the buyer's own country.
    pub(crate) country: String,
}

/// A bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Its line in the file.
    pub(crate) line: u64,
    /// The column that was wrong; empty: the row as such.
    pub(crate) column: &'static str,
    /// What was wrong, the same words for the same fault.
    pub(crate) reason: &'static str,
    /// What stood there.
    pub(crate) found: String,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {} {}", self.line, self.column, self.reason)?;
        if self.found.is_empty() { Ok(()) } else { write!(f, " (found `{}`)", self.found) }
    }
}

/// Opens a file, unpacked when its name ends in `.gz`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let reader = BufReader::new(file);
    if path.extension().is_some_and(|extension| extension == "gz") {
        return Ok(Box::new(MultiGzDecoder::new(reader)));
    }
    Ok(Box::new(reader))
}

/// Reads orders; `seen` hears of each row, good or bad. Errors when the heading lacks a column or the file cannot be
/// read further.
pub(crate) fn read(input: impl Read, mut seen: impl FnMut(Result<Row, BadRow>)) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let headings = reader.byte_headers().context("the file has no heading")?.clone();
    let places = places(&headings)?;
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                seen(row(line, &record, &places, headings.len()));
            }
            Ok(false) => return Ok(()),
            Err(error) if error.is_io_error() => {
                let line = error.position().map_or(0, csv::Position::line);
                let reason = "could not be read: the file is damaged from here on";
                seen(Err(BadRow { line, column: "", reason, found: error.to_string() }));
                return Ok(());
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                seen(Err(BadRow { line, column: "", reason: "is not a CSV row", found: String::new() }));
            }
        }
    }
}

fn places(headings: &csv::ByteRecord) -> Result<[usize; 6]> {
    let mut places = [0; 6];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = headings
            .iter()
            .position(|heading| heading.trim_ascii().trim_start_with_bom() == column.as_bytes())
            .with_context(|| format!("the file has no column `{column}`; it needs {}", COLUMNS.join(", ")))?;
    }
    Ok(places)
}

trait TrimBom {
    fn trim_start_with_bom(&self) -> &[u8];
}

impl TrimBom for [u8] {
    fn trim_start_with_bom(&self) -> &[u8] {
        self.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self)
    }
}

fn row(line: u64, record: &csv::ByteRecord, places: &[usize; 6], columns: usize) -> Result<Row, BadRow> {
    let bad = |column, reason, found: &str| BadRow {
        line,
        column,
        reason,
        found: found.chars().take(60).collect(),
    };
    if record.len() != columns {
        return Err(bad("", "has another number of fields than the heading", &record.len().to_string()));
    }
    let field = |index: usize| -> Result<&str, BadRow> {
        let bytes = record.get(places[index]).unwrap_or_default();
        std::str::from_utf8(bytes).map(str::trim).map_err(|_| bad(COLUMNS[index], "is not UTF-8", ""))
    };
    let description = field(0)?.split_whitespace().collect::<Vec<_>>().join(" ");
    if description.is_empty() {
        return Err(bad("description", "is empty", ""));
    }
    if description.chars().count() > DESCRIPTION_CHARACTERS_MAX {
        return Err(bad("description", "is longer than 200 characters", &description));
    }
    if NOT_GOODS.contains(&description.to_uppercase().as_str()) {
        return Err(bad("description", "names a charge, not goods", &description));
    }
    let quantity = field(1)?;
    let quantity = match quantity.parse::<i64>() {
        Ok(0) => return Err(bad("quantity", "is zero", "")),
        Ok(number) if number.unsigned_abs() <= QUANTITY_MAX.unsigned_abs() => number,
        Ok(_) => return Err(bad("quantity", "is more than 1,000,000", quantity)),
        Err(_) => return Err(bad("quantity", "is not a whole number", quantity)),
    };
    let time = field(2)?;
    let invoice_time = NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S")
        .map_err(|_| bad("invoice_time", "is not a time such as 2010-12-01T08:26:00", time))?;
    let price = field(3)?;
    let unit_price = Money::parse(price, Currency::GBP)
        .map_err(|_| bad("unit_price_gbp", "is not an amount in pounds and whole pence", price))?;
    if !unit_price.is_positive() {
        return Err(bad("unit_price_gbp", "is not more than 0", price));
    }
    let customer = field(4)?;
    if customer.is_empty() {
        return Err(bad("customer_id", "is empty: an order needs a buyer", ""));
    }
    if customer.len() > 40 || !customer.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(bad("customer_id", "is not up to 40 letters, digits and hyphens", customer));
    }
    let country = match field(5)? {
        "" => "Unspecified",
        country => country,
    };
    Ok(Row {
        line,
        description,
        quantity,
        invoice_time,
        unit_price,
        customer: customer.to_owned(),
        country: country.chars().take(60).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (Vec<Row>, Vec<String>) {
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        read(text.as_bytes(), |row| match row {
            Ok(row) => rows.push(row),
            Err(row) => bad.push(row.to_string()),
        })
        .unwrap();
        (rows, bad)
    }

    const HEADING: &str = "description,quantity,invoice_time,unit_price_gbp,customer_id,country\n";

    #[test]
    fn good_rows_are_read() {
        let (rows, bad) =
            read_all(&format!("{HEADING}\"RED  \"\"MUG\"\"\",-2,2010-12-01T08:26:00,2.5,17850,EIRE\n"));
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(rows[0].description, "RED \"MUG\"");
        assert_eq!((rows[0].line, rows[0].quantity, rows[0].unit_price.minor()), (2, -2, 250));
    }

    #[test]
    fn each_bad_row_is_named_and_none_stops_the_rest() {
        let rows = [
            ",1,2010-12-01T08:26:00,2.55,17850,EIRE",
            "MUG,x,2010-12-01T08:26:00,2.55,17850,EIRE",
            "MUG,0,2010-12-01T08:26:00,2.55,17850,EIRE",
            "MUG,1,yesterday,2.55,17850,EIRE",
            "MUG,1,2010-12-01T08:26:00,0.001,17850,EIRE",
            "MUG,1,2010-12-01T08:26:00,-5,17850,EIRE",
            "MUG,1,2010-12-01T08:26:00,2.55,,EIRE",
            "MUG,1,2010-12-01T08:26:00,2.55",
            "POSTAGE,1,2010-12-01T08:26:00,18,17850,EIRE",
            "MUG,99999999999999999999,2010-12-01T08:26:00,2.55,17850,EIRE",
            "MUG,1,2010-12-01T08:26:00,2.55,17850,EIRE",
        ];
        let (good, bad) = read_all(&format!("{HEADING}{}\n", rows.join("\n")));
        assert_eq!(good.len(), 1);
        assert_eq!(bad.len(), rows.len() - 1, "{bad:#?}");
        assert!(bad[0].starts_with("line 2: description is empty"), "{}", bad[0]);
        assert!(bad[9].contains("quantity"), "{}", bad[9]);
    }

    #[test]
    fn bytes_that_are_no_text_are_a_bad_row() {
        let mut text = HEADING.as_bytes().to_vec();
        text.extend_from_slice(
            b"M\xffG,1,2010-12-01T08:26:00,2.55,17850,EIRE\nMUG,1,2010-12-01T08:26:00,2.55,1,EIRE\n",
        );
        let (mut good, mut bad) = (0, 0);
        read(text.as_slice(), |row| if row.is_ok() { good += 1 } else { bad += 1 }).unwrap();
        assert_eq!((good, bad), (1, 1));
    }

    #[test]
    fn a_missing_column_is_an_error() {
        let error = read("description,quantity\n".as_bytes(), |_| {}).unwrap_err().to_string();
        assert!(error.contains("invoice_time"), "{error}");
    }
}
