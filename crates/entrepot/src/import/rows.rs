//! The rows of a seller's file, in two passes: the first looks at the file as a whole, the second makes requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufRead};

use anyhow::{Result, bail};
use encoding_rs::Encoding;
use kernel::excerpt;
use proto::catalog::v1::{ImportHeader, ImportProductsRequest, StockMode};
use sha2::{Digest as _, Sha256};

use super::cells::Cells;
use super::heading::{Column, Heading, trimmed};
use super::numbers::Style;
use super::reading::{ImportFormat, ImportOptions};
use super::scripts::Seen as Letters;
use crate::table::{Fault, Lines, Record, Records};

/// The most rows of a file.
const ROWS_MAX: u64 = 1_000_000;
/// Lines that a refusal names.
const LINES_NAMED: usize = 5;
/// The category of goods whose file names none.
const CATEGORY_DEFAULT: &str = "general";

/// Gives the text of the file from its beginning on.
pub(super) type Open = Box<dyn Fn() -> io::Result<Box<dyn BufRead + Send>> + Send>;

/// A file that was looked at as a whole.
pub(super) struct Table {
    open: Open,
    pub(super) heading: Heading,
    pub(super) rows_count: u64,
    pub(super) style: Style,
    skus: HashMap<u128, Seen>,
    /// What the rows' stock is.
    stock: StockMode,
    /// Of each column.
    letters: Vec<Letters>,
}

/// The rows of one SKU.
struct Seen {
    line: u64,
    content: u128,
    /// Whether a row says something else.
    differs: bool,
    /// Lines of rows that cannot be taken beside the first; few.
    others: Vec<u64>,
}

/// What is to be done with a row.
#[derive(Debug)]
pub(super) enum Row {
    Take(Box<ImportProductsRequest>),
    /// Refused, with the column and the reason.
    Refuse {
        line: u64,
        column: String,
        reason: String,
    },
    /// It says nothing, or what a row before says.
    Ignore,
}

impl Table {
    /// The first pass: the heading, how numbers are written, and which rows are of one SKU.
    pub(super) fn look(open: Open, reading: &ImportFormat) -> Result<Self> {
        let mut lines = Lines::new(open()?);
        let heading = Heading::read(&mut lines)?;
        let mut records = Records::new(lines, heading.shape());
        let (style, skus) = (Style::default(), HashMap::new());
        let letters = heading.scripts(&reading.language).into_iter().map(Letters::of).collect();
        let stock = reading.stock_mode();
        let mut table = Self { open, rows_count: 0, style, skus, stock, letters, heading };
        while let Some(record) = records.next_record()? {
            table.rows_count += 1;
            if table.rows_count > ROWS_MAX {
                bail!("the file has more than {ROWS_MAX} rows: import it in parts");
            }
            if let Ok(record) = record {
                table.see(&record);
            }
        }
        if table.rows_count == 0 {
            bail!("the file has a header row and no other rows");
        }
        Ok(table)
    }

    fn see(&mut self, record: &Record) {
        let cell = |place: usize| record.cells.get(place).map(|cell| trimmed(cell)).unwrap_or_default();
        for column in [Column::Price, Column::WeightGrams, Column::Stock, Column::StockUnits] {
            if let Some(place) = self.heading.place(&column) {
                self.style.learn(cell(place));
            }
        }
        for (place, letters) in self.letters.iter_mut().enumerate() {
            letters.learn(cell(place));
        }
        // Two that are alike may be one delivery or two.
        let units = self.heading.place(&Column::Stock).map(cell).unwrap_or_default();
        let adds = self.stock == StockMode::Add && !units.is_empty();
        let Some(sku) = self.heading.place(&Column::Sku).map(cell).filter(|sku| !sku.is_empty()) else {
            return;
        };
        let known = self.heading.columns.iter().enumerate().filter(|(_, column)| column.is_some());
        let content = digest(known.map(|(place, _)| cell(place)));
        match self.skus.entry(digest([sku])) {
            Entry::Vacant(entry) => {
                entry.insert(Seen { line: record.line, content, differs: false, others: Vec::new() });
            }
            Entry::Occupied(mut entry) => {
                let seen = entry.get_mut();
                seen.differs |= seen.content != content;
                if (adds || seen.differs) && seen.others.len() < LINES_NAMED {
                    seen.others.push(record.line);
                }
            }
        }
    }

    /// A column of a language that has none of its letters.
    pub(super) fn foreign(&self) -> Option<&str> {
        let is_of_language = |place: usize| {
            matches!(self.heading.columns[place], Some(Column::Title(_) | Column::Description(_)))
        };
        let mut foreign = (0..self.letters.len()).filter(|place| self.letters[*place].is_foreign());
        foreign.find(|place| is_of_language(*place)).map(|place| self.heading.names[place].as_str())
    }

    /// A column that spells nothing in UTF-8, and the encoding in which it does; no letter in the file proves UTF-8.
    pub(super) fn legacy(&self) -> Option<(&str, &'static Encoding)> {
        if self.letters.iter().any(|letters| letters.is_own()) {
            return None;
        }
        let mut columns = self.letters.iter().zip(&self.heading.names);
        columns.find_map(|(letters, name)| Some((name.as_str(), letters.legacy()?)))
    }

    /// The stream's first message.
    pub(super) fn header(&self, terms: &ImportOptions) -> ImportProductsRequest {
        let header = ImportHeader {
            fields: self.heading.fields(),
            stock_mode: self.stock.into(),
            stock_as_of: terms.as_of.map(proto::convert::timestamp),
            default_language: terms.language.clone(),
            default_category: CATEGORY_DEFAULT.to_owned(),
            source: terms.source.clone(),
        };
        ImportProductsRequest { header: Some(header), ..ImportProductsRequest::default() }
    }

    /// The second pass.
    pub(super) fn rows(self, location_id: String) -> Result<Rows> {
        let mut lines = Lines::new((self.open)()?);
        Heading::read(&mut lines)?;
        let records = Records::new(lines, self.heading.shape());
        Ok(Rows { records, table: self, location_id, groups: HashMap::new(), broken: false })
    }
}

/// The rows, one for each that the first pass counted.
pub(super) struct Rows {
    records: Records<Box<dyn BufRead + Send>>,
    table: Table,
    location_id: String,
    /// The line of a group's first row, and what it says of the product.
    groups: HashMap<u128, (u64, Vec<u64>)>,
    broken: bool,
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.broken {
            return None;
        }
        Some(match self.records.next_record() {
            Ok(None) => return None,
            Ok(Some(Ok(record))) => self.row(&record).unwrap_or_else(|refusal| refusal),
            Ok(Some(Err(fault))) => self.unreadable(&fault),
            Err(error) => {
                self.broken = true;
                Row::Refuse {
                    line: 0,
                    column: String::new(),
                    reason: format!("cannot be read further: {error}"),
                }
            }
        })
    }
}

impl Rows {
    fn name(&self, place: usize) -> String {
        match self.table.heading.names.get(place).map(String::as_str) {
            None | Some("") => format!("cell {}", place + 1),
            Some(name) => name.to_owned(),
        }
    }

    fn unreadable(&self, fault: &Fault) -> Row {
        let column = fault.column.map(|place| self.name(place)).unwrap_or_default();
        Row::Refuse { line: fault.line, column, reason: fault.reason.to_owned() }
    }

    fn row(&mut self, record: &Record) -> Result<Row, Row> {
        let refuse = |column: String, reason: String| Row::Refuse { line: record.line, column, reason };
        let cells: Vec<&str> = record.cells.iter().map(|cell| trimmed(cell)).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            return Ok(Row::Ignore);
        }
        self.check_length(&cells).map_err(|(column, reason)| refuse(column, reason))?;
        let cells = Cells { heading: &self.table.heading, style: self.table.style, cells: &cells };
        cells.check_texts().map_err(|(column, reason)| refuse(cells.name(&column), reason))?;
        let sku = cells.get(&Column::Sku);
        if let Some(seen) = self.table.skus.get(&digest([sku])).filter(|_| !sku.is_empty()) {
            if let Some(last) = seen.others.last() {
                let more = if seen.others.len() == LINES_NAMED { " and more" } else { "" };
                let others = seen.others.iter().filter(|line| *line != last).map(|line| format!("{line}, "));
                let others: String = others.collect();
                let reason = format!(
                    "`{}` is in lines {}, {others}{last}{more} {}: none of them is accepted",
                    excerpt(sku),
                    seen.line,
                    if seen.differs { "with different content" } else { "and each would add its units" }
                );
                return Err(refuse(cells.name(&Column::Sku), reason));
            }
            if seen.line != record.line {
                return Ok(Row::Ignore);
            }
        }
        let request = cells.request(&self.location_id);
        let mut request = request.map_err(|(column, reason)| refuse(cells.name(&column), reason))?;
        if let Some((line, column)) = other_of_group(&mut self.groups, &cells, record.line) {
            let reason = format!("differs from line {line}, which is of the same group");
            return Err(refuse(cells.name(&column), reason));
        }
        request.row = i64::try_from(record.line).unwrap_or(i64::MAX);
        Ok(Row::Take(Box::new(request)))
    }

    /// As many cells as the header row has; trailing empty cells may differ where the header is empty too.
    fn check_length(&self, cells: &[&str]) -> Result<(), (String, String)> {
        let names = &self.table.heading.names;
        let beyond = |place: &usize| names.get(*place).is_none_or(String::is_empty);
        if let Some(place) = (0..cells.len()).find(|place| beyond(place) && !cells[*place].is_empty()) {
            let reason = match names.get(place) {
                Some(_) => "is not empty, but its column has no name in the header row".to_owned(),
                None => format!("the row has {} cells and the header row {}", cells.len(), names.len()),
            };
            return Err((self.name(place), reason));
        }
        if (cells.len()..names.len()).all(|place| beyond(&place)) {
            return Ok(());
        }
        Err((String::new(), format!("the row has {} cells and the header row {}", cells.len(), names.len())))
    }
}

/// The line of the group's first row, and the column in which this one says something else of their product.
fn other_of_group(
    groups: &mut HashMap<u128, (u64, Vec<u64>)>,
    cells: &Cells<'_>,
    line: u64,
) -> Option<(u64, Column)> {
    let group = cells.get(&Column::Group);
    if group.is_empty() {
        return None;
    }
    let columns: Vec<&Column> =
        cells.heading.columns.iter().flatten().filter(|column| column.is_of_product()).collect();
    let said = |column: &Column| match cells.get(column) {
        "" => 0,
        text => u64::try_from(digest([text]) >> 64).unwrap_or(1),
    };
    let says: Vec<u64> = columns.iter().map(|column| said(column)).collect();
    let (first, known) = groups.entry(digest([group])).or_insert_with(|| (line, says.clone()));
    for ((known, says), column) in known.iter_mut().zip(says).zip(columns) {
        if *known == 0 {
            *known = says;
        } else if says != 0 && *known != says {
            return Some((*first, column.clone()));
        }
    }
    None
}

/// Texts in their order, short.
fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> u128 {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update(b"\0");
    }
    let digest = hasher.finalize();
    digest.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}
