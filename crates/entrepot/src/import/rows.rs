//! A seller's goods as rows of CSV.

use std::io::Read;

use anyhow::{Result, bail};
use csv::StringRecord;
use money::{Currency, Money};
use proto::catalog::v1::{ImportProductsRequest, Translation, VariantInput};
use proto::types::v1::{Dimensions, OriginCertificate};

/// Columns that a file must have.
const REQUIRED: [&str; 8] =
    ["sku", "price", "currency", "hs_code", "origin", "weight_grams", "size", "stock"];
/// Columns that it may have.
const OPTIONAL: [&str; 5] =
    ["category", "preference", "certificate_number", "certificate_issued_on", "certificate_expires_on"];
/// The category of goods whose file names none.
const CATEGORY_DEFAULT: &str = "general";

/// The rows of a file, as they are wanted. A row that cannot be read is a sentence with its line.
pub(crate) struct Rows<R: Read> {
    records: csv::StringRecordsIntoIter<R>,
    columns: Vec<String>,
    location_id: String,
}

impl<R: Read> Rows<R> {
    /// Reads the header; an error names the column that is missing or unknown.
    pub(crate) fn new(reader: R, location_id: String) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(reader);
        let columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let has = |column: &str| columns.iter().any(|found| found == column);
        if let Some(missing) = REQUIRED.iter().find(|column| !has(column)) {
            bail!(
                "the column {missing} is missing; needed are {}, and a title_LANGUAGE",
                REQUIRED.join(", ")
            );
        }
        if !columns.iter().any(|column| column.starts_with("title_")) {
            bail!("no column title_LANGUAGE, such as title_en");
        }
        let known = |column: &&String| {
            let column = column.as_str();
            REQUIRED.contains(&column)
                || OPTIONAL.contains(&column)
                || column.starts_with("title_")
                || column.starts_with("description_")
        };
        if let Some(unknown) = columns.iter().find(|column| !known(column)) {
            bail!(
                "the column {unknown} is none of {}, {}, title_LANGUAGE, description_LANGUAGE",
                REQUIRED.join(", "),
                OPTIONAL.join(", ")
            );
        }
        Ok(Self { records: reader.into_records(), columns, location_id })
    }

    fn row(&self, record: &StringRecord) -> Result<ImportProductsRequest, String> {
        let line = record.position().map_or(0, csv::Position::line);
        let cells = Cells { columns: &self.columns, record };
        let row = self.request(&cells).map_err(|problem| format!("line {line}: {problem}"))?;
        Ok(ImportProductsRequest { row: i64::try_from(line).unwrap_or(i64::MAX), ..row })
    }

    fn request(&self, cells: &Cells<'_>) -> Result<ImportProductsRequest, String> {
        let currency: Currency =
            cells.get("currency").parse().map_err(|error: money::Error| format!("currency: {error}"))?;
        let price = Money::parse(cells.get("price"), currency).map_err(|error| format!("price: {error}"))?;
        let variant = VariantInput {
            sku: cells.get("sku").to_owned(),
            price: Some(price.into()),
            hs_code: cells.get("hs_code").to_owned(),
            origin: cells.get("origin").to_owned(),
            weight_grams: cells.number("weight_grams")?,
            dimensions: Some(size(cells.get("size"))?),
            stock_units: 1,
            location_id: self.location_id.clone(),
            initial_stock: cells.number("stock")?,
            preference: cells.get("preference").to_owned(),
            certificate: cells.certificate(),
            ..VariantInput::default()
        };
        let category = Some(cells.get("category")).filter(|category| !category.is_empty());
        Ok(ImportProductsRequest {
            row: 0,
            category: category.unwrap_or(CATEGORY_DEFAULT).to_owned(),
            translations: cells.translations(),
            variant: Some(variant),
        })
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<ImportProductsRequest, String>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.records.next()? {
            Ok(record) => self.row(&record),
            Err(error) => Err(unreadable(&error)),
        })
    }
}

/// Why a row is none, with its line.
fn unreadable(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: has {len} columns and the heading has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: is not UTF-8 text"),
        _ => format!("line {line}: {error}"),
    }
}

/// A row's cells by their columns.
struct Cells<'a> {
    columns: &'a [String],
    record: &'a StringRecord,
}

impl<'a> Cells<'a> {
    fn get(&self, column: &str) -> &'a str {
        let place = self.columns.iter().position(|found| found == column);
        place.and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    fn number(&self, column: &str) -> Result<i64, String> {
        let text = self.get(column);
        text.parse().map_err(|_| format!("{column}: `{text}` is no whole number"))
    }

    /// The proof of origin; none when all its cells are empty.
    fn certificate(&self) -> Option<OriginCertificate> {
        let cell = |column: &str| self.get(&format!("certificate_{column}")).to_owned();
        let certificate = OriginCertificate {
            number: cell("number"),
            issued_on: cell("issued_on"),
            expires_on: cell("expires_on"),
        };
        (certificate != OriginCertificate::default()).then_some(certificate)
    }

    /// Languages with a title.
    fn translations(&self) -> Vec<Translation> {
        let titles = self.columns.iter().filter_map(|column| column.strip_prefix("title_"));
        titles
            .map(|language| Translation {
                language: language.to_owned(),
                title: self.get(&format!("title_{language}")).to_owned(),
                description: self.get(&format!("description_{language}")).to_owned(),
            })
            .filter(|translation| !translation.title.is_empty())
            .collect()
    }
}

/// `200x150x30` in millimetres.
fn size(text: &str) -> Result<Dimensions, String> {
    let problem = || format!("size: `{text}` is no size such as 200x150x30 (length, width and height in mm)");
    let sides: Vec<i64> =
        text.split('x').map(|side| side.trim().parse().map_err(|_| problem())).collect::<Result<_, _>>()?;
    match sides.as_slice() {
        [length_mm, width_mm, height_mm] => {
            Ok(Dimensions { length_mm: *length_mm, width_mm: *width_mm, height_mm: *height_mm })
        }
        _ => Err(problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,title_en,title_ms,price,currency,hs_code,origin,weight_grams,size,stock\n";

    fn read(rows: &str) -> Vec<Result<ImportProductsRequest, String>> {
        Rows::new(format!("{HEADER}{rows}").as_bytes(), "location_1".to_owned()).unwrap().collect()
    }

    #[test]
    fn a_row_is_goods_in_its_languages() {
        let rows = read("A-1,Scarf,,12.50,MYR,621410,TH,120,200x150x30,7\n");
        let row = rows[0].as_ref().unwrap();
        assert_eq!((row.row, row.category.as_str(), row.translations.len()), (2, "general", 1));
        let variant = row.variant.as_ref().unwrap();
        assert_eq!(variant.price.as_ref().unwrap().minor_units, 1250);
        assert_eq!((variant.initial_stock, variant.dimensions.unwrap().width_mm), (7, 150));
    }

    #[test]
    fn a_proof_of_origin_is_given_or_none() {
        let columns = "preference,certificate_number,certificate_issued_on,certificate_expires_on\n";
        let header = HEADER.replace('\n', ",") + columns;
        let rows = "A-1,Scarf,,1,MYR,621410,TH,1,2x1x1,7,ATIGA,D-77,2026-01-01,2026-12-31\n\
             A-2,Scarf,,1,MYR,621410,TH,1,2x1x1,7,,,,\n";
        let file = header + rows;
        let read: Vec<_> = Rows::new(file.as_bytes(), String::new()).unwrap().map(Result::unwrap).collect();
        let certificate = |place: usize| read[place].variant.as_ref().unwrap().certificate.clone();
        let days = ("2026-01-01".to_owned(), "2026-12-31".to_owned());
        let given = certificate(0).unwrap();
        assert_eq!((given.number.as_str(), (given.issued_on, given.expires_on)), ("D-77", days));
        assert_eq!(certificate(1), None);
    }

    #[test]
    fn a_bad_row_is_named_and_the_rest_goes_on() {
        let rows = read(
            "A-1,Scarf,,12.505,MYR,621410,TH,120,200x150x30,7\nA-2,Scarf,,1,XXQ,621410,TH,120,2x1x3,7\n\
             A-3,Scarf,,1,MYR,621410,TH,120,2x1,7\nA-4,Scarf,,1,MYR,621410,TH,much,2x1x1,7\nA-5,x\n\
             A-6,Scarf,,1,MYR,621410,TH,1,2x1x1,7\n",
        );
        let problem = |place: usize| rows[place].as_ref().unwrap_err().clone();
        assert!(problem(0).starts_with("line 2: price: "));
        assert!(problem(1).starts_with("line 3: currency: "));
        assert!(problem(2).starts_with("line 4: size: "));
        assert!(problem(3).starts_with("line 5: weight_grams: "));
        assert!(problem(4).starts_with("line 6: has "));
        assert!(rows[5].is_ok());
    }

    #[test]
    fn a_wrong_header_is_named() {
        let problem = |header: &str| Rows::new(header.as_bytes(), String::new()).err().unwrap().to_string();
        assert!(problem("sku,price\n").contains("currency is missing"));
        assert!(problem(&HEADER.replace("title_en,title_ms", "title")).contains("title_LANGUAGE"));
        assert!(problem(&HEADER.replace("stock\n", "stock,colour\n")).contains("colour"));
    }
}
