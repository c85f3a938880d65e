//! The rows of a file of retail orders, read strictly: a bad one is named with its line and its reason, and none
//! stops the reading. A file that cannot be read to its end is an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use chrono::NaiveDateTime;
use flate2::read::MultiGzDecoder;
use kernel::text::{is_harmful, shortened};
use money::{Currency, Money};

use crate::table::{Fault, Lines, Record, Records, Shape, cells};

/// The columns that a file of orders has, in any order.
pub(crate) const COLUMNS: [&str; 6] =
    ["description", "quantity", "invoice_time", "unit_price_gbp", "customer_id", "country"];
/// The most units of a row.
const QUANTITY_MAX: i64 = 1_000_000;
/// The longest description that is taken, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 200;
/// The longest name of a country that is kept, in characters.
const COUNTRY_CHARACTERS_MAX: usize = 60;
/// How much of a wrong cell is shown, in characters.
const FOUND_CHARACTERS_MAX: usize = 60;
/// What is wrong with a text that would change how a label or a screen reads.
const HARMFUL: &str = "has a character that no text may have, such as a control character";
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
    /// What stood there, as it stood: what harms in it is escaped when it is shown.
    pub(crate) found: String,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {} {}", self.line, self.column, self.reason)?;
        if self.found.is_empty() {
            return Ok(());
        }
        write!(f, " (found `{}`)", shortened(&self.found, FOUND_CHARACTERS_MAX))
    }
}

/// The most bytes that a file may unpack to: five times the largest that is known.
const BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The most rows of orders, all of which are planned before the first is played.
const ROWS_MAX: u64 = 2_000_000;

/// Opens a file, unpacked when its name ends in `.gz`. Reading fails beyond [`BYTES_MAX`].
pub(crate) fn open(path: &Path) -> Result<impl BufRead + use<>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let reader = BufReader::new(file);
    let reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(reader))
    } else {
        Box::new(reader)
    };
    Ok(BufReader::new(Bounded { reader, left: BYTES_MAX }))
}

/// Fails where a file goes on for longer than it may.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let problem = format!("the file is larger than {} MiB unpacked", BYTES_MAX >> 20);
            io::Error::new(io::ErrorKind::FileTooLarge, problem)
        })?;
        Ok(read)
    }
}

/// The heading of a file with commas, and its rows. Line breaks within quotes are taken in `texts`; `numbers` hold one.
pub(crate) fn table<R: BufRead>(
    input: R,
    texts: &[&str],
    numbers: &[&str],
) -> Result<(Vec<String>, Records<R>)> {
    let mut lines = Lines::new(input);
    let heading =
        lines.next_line().map_err(|error| stopped(&error, 0))?.context("the file has no header row")?;
    let bytes = heading.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&heading.bytes);
    let headings = cells(bytes, b',').map_err(|fault| anyhow!("line 1: the header row {}", fault.reason))?;
    let headings: Vec<String> = headings.iter().map(|heading| heading.trim().to_owned()).collect();
    let places = |names: &[&str]| {
        let is_of = |(place, heading): (usize, &String)| names.contains(&heading.as_str()).then_some(place);
        headings.iter().enumerate().filter_map(is_of).collect()
    };
    let (columns, texts, numbers) = (headings.len(), places(texts), places(numbers));
    let shape = Shape { delimiter: b',', columns, texts, numbers };
    Ok((headings, Records::new(lines, shape)))
}

/// Why a file could be read no further than this line.
pub(crate) fn stopped(error: &io::Error, line: u64) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            anyhow!("the file ends early, after line {line}: it is incomplete, download it again")
        }
        io::ErrorKind::FileTooLarge => anyhow!("{error}"),
        _ => anyhow!("the file cannot be read after line {line}: {error}"),
    }
}

/// Reads orders; `seen` hears of each row, good or bad. Errors when the heading lacks a column, the file is larger than
/// one that can be played, or it cannot be read to its end.
pub(crate) fn read(
    input: impl BufRead,
    mut seen: impl FnMut(Result<Row, BadRow>) -> Result<()>,
) -> Result<()> {
    let (headings, mut records) = table(input, &["description"], &["quantity", "unit_price_gbp"])?;
    let places = places(&headings)?;
    let mut count = 0;
    loop {
        match records.next_record() {
            Ok(Some(Ok(record))) => seen(row(&record, &places, headings.len()))?,
            Ok(None) => return Ok(()),
            Ok(Some(Err(Fault { line, column, reason }))) => {
                let name = |place| COLUMNS.iter().zip(places).find(|(_, own)| *own == place);
                let column = column.and_then(name).map_or("", |(column, _)| *column);
                seen(Err(BadRow { line, column, reason, found: String::new() }))?;
            }
            Err(error) => return Err(stopped(&error, records.line())),
        }
        count += 1;
        if count > ROWS_MAX {
            bail!("the file has more than {ROWS_MAX} rows");
        }
    }
}

fn places(headings: &[String]) -> Result<[usize; 6]> {
    let mut places = [0; 6];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = headings
            .iter()
            .position(|heading| heading == column)
            .with_context(|| format!("the file has no column `{column}`; it needs {}", COLUMNS.join(", ")))?;
    }
    Ok(places)
}

fn row(record: &Record, places: &[usize; 6], columns: usize) -> Result<Row, BadRow> {
    let line = record.line;
    let bad = |column, reason, found: &str| BadRow {
        line,
        column,
        reason,
        found: found.chars().take(FOUND_CHARACTERS_MAX).collect(),
    };
    let found = record.cells.len();
    if found != columns {
        return Err(bad("", "has a different number of fields from the header row", &found.to_string()));
    }
    let field = |index: usize| record.cells.get(places[index]).map(|cell| cell.trim()).unwrap_or_default();
    let description = field(0).split_whitespace().collect::<Vec<_>>().join(" ");
    if description.is_empty() {
        return Err(bad("description", "is empty", ""));
    }
    if description.chars().count() > DESCRIPTION_CHARACTERS_MAX {
        return Err(bad("description", "is longer than 200 characters", &description));
    }
    if is_harmful(&description) {
        return Err(bad("description", HARMFUL, &description));
    }
    if NOT_GOODS.contains(&description.to_uppercase().as_str()) {
        return Err(bad("description", "names a charge, not goods", &description));
    }
    let quantity = field(1);
    let quantity = match quantity.parse::<i64>() {
        Ok(0) => return Err(bad("quantity", "is zero", "")),
        Ok(number) if number.unsigned_abs() <= QUANTITY_MAX.unsigned_abs() => number,
        Ok(_) => return Err(bad("quantity", "is more than 1,000,000", quantity)),
        Err(_) => return Err(bad("quantity", "is not a whole number", quantity)),
    };
    let time = field(2);
    let invoice_time = NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S")
        .map_err(|_| bad("invoice_time", "is not a time such as 2010-12-01T08:26:00", time))?;
    let price = field(3);
    let unit_price = Money::parse(price, Currency::GBP)
        .map_err(|_| bad("unit_price_gbp", "is not an amount in pounds and whole pence", price))?;
    if !unit_price.is_positive() {
        return Err(bad("unit_price_gbp", "is not more than 0", price));
    }
    let customer = field(4);
    if customer.is_empty() {
        return Err(bad("customer_id", "is empty: an order needs a buyer", ""));
    }
    if customer.len() > 40 || !customer.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(bad("customer_id", "is not up to 40 letters, digits and hyphens", customer));
    }
    let country = match field(5) {
        "" => "Unspecified",
        country if is_harmful(country) => return Err(bad("country", HARMFUL, country)),
        country => country,
    };
    Ok(Row {
        line,
        description,
        quantity,
        invoice_time,
        unit_price,
        customer: customer.to_owned(),
        country: country.chars().take(COUNTRY_CHARACTERS_MAX).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (Vec<Row>, Vec<String>) {
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        read(text.as_bytes(), |row| {
            match row {
                Ok(row) => rows.push(row),
                Err(row) => bad.push(row.to_string()),
            }
            Ok(())
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
        read(text.as_slice(), |row| {
            if row.is_ok() {
                good += 1
            } else {
                bad += 1
            }
            Ok(())
        })
        .unwrap();
        assert_eq!((good, bad), (1, 1));
    }

    #[test]
    fn what_harms_is_a_bad_row_and_shown_escaped() {
        let (good, bad) = read_all(&format!(
            "{HEADING}A\u{1b}[31mB,1,2010-12-01T08:26:00,2.55,1,UK\nMUG,1,2010-12-01T08:26:00,2.55,1,\u{202e}KU\n\
             MUG,\u{202e}1,2010-12-01T08:26:00,2.55,1,UK\nMUG,1,2010-12-01T08:26:00,2.55,\u{1b}]0;x,UK\n"
        ));
        assert_eq!((good.len(), bad.len()), (0, 4), "{bad:#?}");
        assert!(
            bad[0].contains("description has a character") && bad[0].contains("A\\u{1b}[31mB"),
            "{}",
            bad[0]
        );
        assert!(bad[1].contains("country has a character") && bad[1].contains("\\u{202e}KU"), "{}", bad[1]);
        assert!(!is_harmful(&bad.concat()), "{bad:?}");
    }

    #[test]
    fn a_file_that_ends_early_or_is_damaged_is_an_error_behind_what_was_read() {
        let row = |number: u32| format!("MUG {number},1,2010-12-01T08:26:00,2.55,{},UK\n", number.pow(2));
        let text = HEADING.to_owned() + &(1..20_000).map(row).collect::<String>();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
        let whole = packer.finish().unwrap();
        let outcome = |bytes: &[u8]| {
            let file = tempfile::Builder::new().suffix(".csv.gz").tempfile().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let mut rows = 0_u64;
            let read = read(open(file.path()).unwrap(), |row| {
                rows += u64::from(row.is_ok());
                Ok(())
            });
            (rows, read.map_err(|error| error.to_string()))
        };
        assert_eq!(outcome(&whole), (19_999, Ok(())));
        // In the middle, and in the sum at its end.
        for kept in [whole.len() / 2, whole.len() - 1] {
            let (rows, error) = outcome(&whole[..kept]);
            let error = error.unwrap_err();
            assert!(rows > 5_000 && error.contains("the file ends early, after line "), "{rows} {error}");
        }
        assert!(outcome(&whole[..5]).1.unwrap_err().contains("the file ends early, after line 0"));
        let garbage = [&whole[..], b"garbage garbage"].concat();
        let (rows, error) = outcome(&garbage);
        assert!(rows == 19_999 && error.unwrap_err().contains("cannot be read after line 20000"));
    }

    #[test]
    fn a_missing_column_is_an_error() {
        let error = read("description,quantity\n".as_bytes(), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("invoice_time"), "{error}");
    }

    /// Zeros, packed: a thousandth of what they unpack to.
    fn packed(bytes: usize) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".csv.gz").tempfile().unwrap();
        let mut packer = flate2::write::GzEncoder::new(file.as_file(), flate2::Compression::fast());
        io::Write::write_all(&mut packer, HEADING.as_bytes()).unwrap();
        let zeros = vec![b'0'; 1 << 20];
        (0..bytes >> 20).for_each(|_| io::Write::write_all(&mut packer, &zeros).unwrap());
        packer.finish().unwrap();
        file
    }

    #[test]
    fn a_small_file_that_unpacks_to_a_row_without_end_is_a_bad_row() {
        let file = packed(64 << 20);
        let mut bad = Vec::new();
        let seen = |row: Result<Row, BadRow>| {
            bad.extend(row.err());
            Ok(())
        };
        read(open(file.path()).unwrap(), seen).unwrap();
        assert_eq!((bad.len(), bad[0].line), (1, 2));
    }

    #[test]
    fn a_file_that_unpacks_to_more_than_is_allowed_is_refused() {
        let mut reader = Bounded { reader: io::repeat(b'0'), left: 1_000_000 };
        let mut rows = Vec::new();
        let error = read(BufReader::new(&mut reader), |row| {
            rows.push(row);
            Ok(())
        });
        assert!(error.unwrap_err().to_string().contains("unpacked"));
    }
}
