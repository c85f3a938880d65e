//! A row's cells as a request.

use chrono::NaiveDate;
use kernel::excerpt;
use money::Currency;
use proto::catalog::v1::{ImportProductsRequest, Translation, VariantInput};
use proto::types::v1::{Dimensions, OriginCertificate};

use super::heading::{Column, Heading};
use super::numbers::{Style, is_shortened};

/// What spreadsheets write where they could not count.
const ERRORS: [&str; 8] = ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "####"];

/// The cells of a row, without blanks around them.
pub(super) struct Cells<'a> {
    pub(super) heading: &'a Heading,
    pub(super) style: Style,
    pub(super) cells: &'a [&'a str],
}

/// The column that is wrong, and why.
type Problem = (Column, String);

impl<'a> Cells<'a> {
    /// A cell; empty where there is none. A text that a spreadsheet keeps as `="00123"` is what stands within.
    pub(super) fn get(&self, column: &Column) -> &'a str {
        let cell =
            self.heading.place(column).and_then(|place| self.cells.get(place)).copied().unwrap_or_default();
        let within = cell.strip_prefix("=\"").and_then(|cell| cell.strip_suffix('"'));
        within.filter(|within| !within.contains('"')).unwrap_or(cell)
    }

    /// The column's name in the file.
    pub(super) fn name(&self, column: &Column) -> String {
        let place = self.heading.place(column);
        match place {
            Some(place) => self.heading.names[place].clone(),
            None => column.plain_name().unwrap_or("sku").to_owned(),
        }
    }

    /// What the row says. An empty cell says nothing.
    pub(super) fn request(&self, location_id: &str) -> Result<ImportProductsRequest, Problem> {
        let sku = self.get(&Column::Sku);
        if sku.is_empty() {
            return Err((Column::Sku, "is empty: it identifies the row".to_owned()));
        }
        let text = |column: &Column| self.get(column).to_owned();
        let variant = VariantInput {
            sku: sku.to_owned(),
            name: one_line(self.get(&Column::VariantName)),
            price: self.price()?,
            hs_code: text(&Column::HsCode),
            origin: text(&Column::Origin).to_uppercase(),
            weight_grams: self.number(Column::WeightGrams)?.unwrap_or_default(),
            dimensions: self.size()?,
            stock_units: self.number(Column::StockUnits)?.unwrap_or_default(),
            location_id: location_id.to_owned(),
            preference: text(&Column::Preference),
            certificate: self.certificate()?,
            ..VariantInput::default()
        };
        Ok(ImportProductsRequest {
            category: text(&Column::Category),
            group: text(&Column::Group),
            translations: self.translations(),
            stock: self.number_or_zero(Column::Stock)?,
            variant: Some(variant),
            ..ImportProductsRequest::default()
        })
    }

    /// What no cell may hold.
    pub(super) fn check_texts(&self) -> Result<(), Problem> {
        for column in self.heading.columns.iter().flatten() {
            let cell = self.get(column);
            let wrong = |problem: &str| Err((column.clone(), problem.to_owned()));
            if cell.contains(char::REPLACEMENT_CHARACTER) {
                return wrong("has a character that cannot be read in the file's encoding");
            }
            if ERRORS.iter().any(|error| cell.starts_with(error)) {
                return wrong("contains a spreadsheet error");
            }
            if matches!(column, Column::Sku | Column::HsCode) && is_shortened(cell) {
                return Err((
                    column.clone(),
                    format!(
                        "`{}` was shortened by a spreadsheet: format the column as text, and enter all digits again",
                        excerpt(cell)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The proof of origin, which is stated as a whole; none when all its cells are empty.
    fn certificate(&self) -> Result<Option<OriginCertificate>, Problem> {
        let columns = [Column::CertificateNumber, Column::CertificateIssuedOn, Column::CertificateExpiresOn];
        if columns.iter().all(|column| self.get(column).is_empty()) {
            return Ok(None);
        }
        if let Some(missing) = columns.iter().find(|column| self.get(column).is_empty()) {
            let problem = "is empty: a certificate needs its number, its day of issue and its last day";
            return Err((missing.clone(), problem.to_owned()));
        }
        let [number, issued, expires] = columns;
        let (issued_on, expires_on) = (self.day(&issued)?, self.day(&expires)?);
        if expires_on < issued_on {
            return Err((expires, format!("{expires_on} is before {issued_on}, the day of issue")));
        }
        let number = self.get(&number).to_owned();
        let (issued_on, expires_on) = (issued_on.to_string(), expires_on.to_string());
        Ok(Some(OriginCertificate { number, issued_on, expires_on }))
    }

    fn day(&self, column: &Column) -> Result<NaiveDate, Problem> {
        let text = self.get(column);
        kernel::day(text).map_err(|error| (column.clone(), format!("`{}` {error}", excerpt(text))))
    }

    fn price(&self) -> Result<Option<proto::types::v1::Money>, Problem> {
        let (price, currency) = (self.get(&Column::Price), self.get(&Column::Currency));
        if price.is_empty() {
            return Ok(None);
        }
        if currency.is_empty() {
            return Err((Column::Currency, "is empty: a price needs one".to_owned()));
        }
        let currency: Result<Currency, money::Error> = currency.to_uppercase().parse();
        let currency = currency.map_err(|error| (Column::Currency, error.to_string()))?;
        let price = self.style.amount(price, currency).map_err(|problem| (Column::Price, problem))?;
        Ok(Some(price.into()))
    }

    /// A whole number, where 0 would say nothing and is refused.
    fn number(&self, column: Column) -> Result<Option<i64>, Problem> {
        match self.number_or_zero(column.clone())? {
            Some(0) => Err((column, "must be more than 0".to_owned())),
            number => Ok(number),
        }
    }

    fn number_or_zero(&self, column: Column) -> Result<Option<i64>, Problem> {
        match self.get(&column) {
            "" => Ok(None),
            text => self.style.whole(text).map(Some).map_err(|problem| (column, problem)),
        }
    }

    /// `200x150x30` in millimetres.
    fn size(&self) -> Result<Option<Dimensions>, Problem> {
        let text = self.get(&Column::Size);
        if text.is_empty() {
            return Ok(None);
        }
        let problem = || {
            let problem = format!(
                "`{}` is not a size such as 200x150x30 (length, width and height in mm)",
                excerpt(text)
            );
            (Column::Size, problem)
        };
        let sides = text.split(['x', 'X', '×', '*']).map(|side| side.trim().parse().map_err(|_| problem()));
        let sides: Vec<i64> = sides.collect::<Result<_, _>>()?;
        match sides.as_slice() {
            [length_mm, width_mm, height_mm] => {
                let (length_mm, width_mm, height_mm) = (*length_mm, *width_mm, *height_mm);
                Ok(Some(Dimensions { length_mm, width_mm, height_mm }))
            }
            _ => Err(problem()),
        }
    }

    /// The languages that the row speaks.
    fn translations(&self) -> Vec<Translation> {
        let mut translations: Vec<Translation> = Vec::new();
        for column in self.heading.columns.iter().flatten() {
            let (Column::Title(language) | Column::Description(language)) = column else { continue };
            let text = self.get(column);
            if text.is_empty() {
                continue;
            }
            let place =
                translations.iter().position(|known| known.language == *language).unwrap_or_else(|| {
                    translations.push(Translation { language: language.clone(), ..Translation::default() });
                    translations.len() - 1
                });
            let Some(translation) = translations.get_mut(place) else { continue };
            match column {
                Column::Title(_) => translation.title = one_line(text),
                _ => text.clone_into(&mut translation.description),
            }
        }
        translations
    }
}

/// Titles and names are one line each.
fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}
