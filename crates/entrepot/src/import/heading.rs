//! The heading of a seller's file: its delimiter, and what each column holds.

use std::io::BufRead;

use anyhow::{Result, bail};
use kernel::excerpt;

use super::scripts::{self, Script};
use crate::table::{Lines, Shape, cells};

/// Delimiters that are tried; of those that give as many known columns the first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Columns that are not known and are named.
const UNKNOWN_NAMED: usize = 20;
/// The most columns.
const COLUMNS_MAX: usize = 200;
/// Columns that are none of languages.
const PLAIN: [(&str, Column); 16] = [
    ("sku", Column::Sku),
    ("group", Column::Group),
    ("variant_name", Column::VariantName),
    ("category", Column::Category),
    ("price", Column::Price),
    ("currency", Column::Currency),
    ("hs_code", Column::HsCode),
    ("origin", Column::Origin),
    ("weight_grams", Column::WeightGrams),
    ("size", Column::Size),
    ("stock", Column::Stock),
    ("stock_units", Column::StockUnits),
    ("preference", Column::Preference),
    ("certificate_number", Column::CertificateNumber),
    ("certificate_issued_on", Column::CertificateIssuedOn),
    ("certificate_expires_on", Column::CertificateExpiresOn),
];

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Sku,
    Group,
    VariantName,
    Category,
    Price,
    Currency,
    HsCode,
    Origin,
    WeightGrams,
    Size,
    Stock,
    StockUnits,
    Preference,
    /// The proof of origin for the preference: three columns are one field.
    CertificateNumber,
    CertificateIssuedOn,
    CertificateExpiresOn,
    /// In a language; empty: the default of the import.
    Title(String),
    Description(String),
}

impl Column {
    /// By a column's name in any case, with blanks around it, and blanks or hyphens instead of `_`.
    fn of(name: &str) -> Option<Self> {
        let name = name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_").replace('-', "_");
        if let Some((_, column)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Some(column.clone());
        }
        let text = |text: &str| match name.strip_prefix(text)? {
            "" => Some(String::new()),
            rest => rest.strip_prefix('_').filter(|tag| !tag.is_empty()).map(language),
        };
        text("title").map(Self::Title).or_else(|| text("description").map(Self::Description))
    }

    /// As the API's header names it; `None` for the currency, which is part of the price.
    pub(super) fn field(&self) -> Option<String> {
        let of_language = |text: &str, language: &str| match language {
            "" => text.to_owned(),
            language => format!("{text}_{language}"),
        };
        Some(match self {
            Self::Currency => return None,
            Self::CertificateNumber | Self::CertificateIssuedOn | Self::CertificateExpiresOn => {
                "certificate".to_owned()
            }
            Self::Title(language) => of_language("title", language),
            Self::Description(language) => of_language("description", language),
            plain => plain.plain_name()?.to_owned(),
        })
    }

    /// As it is written for one that is of no language.
    pub(super) fn plain_name(&self) -> Option<&'static str> {
        PLAIN.iter().find(|(_, column)| column == self).map(|(name, _)| *name)
    }

    /// Whether rows of one group say the same here.
    pub(super) fn is_of_product(&self) -> bool {
        matches!(self, Self::Category | Self::Title(_) | Self::Description(_))
    }
}

/// A language's tag as BCP 47 writes it: `zh-Hant`, `pt-BR`.
fn language(tag: &str) -> String {
    let part = |(place, part): (usize, &str)| match (place, part.len()) {
        (1.., 2) => part.to_uppercase(),
        (1.., 4) => part.chars().take(1).flat_map(char::to_uppercase).chain(part.chars().skip(1)).collect(),
        _ => part.to_owned(),
    };
    tag.split(['-', '_']).enumerate().map(part).collect::<Vec<_>>().join("-")
}

/// The heading.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) delimiter: u8,
    /// As they are written.
    pub(super) names: Vec<String>,
    /// What each holds; `None`: nothing that is known.
    pub(super) columns: Vec<Option<Column>>,
}

impl Heading {
    /// Reads the first line that is not empty, or the one behind `sep=;`.
    pub(super) fn read<R: BufRead>(lines: &mut Lines<R>) -> Result<Self> {
        let mut told = None;
        let line = loop {
            let Some(line) = lines.next_line()? else { bail!("the file is empty") };
            if line.cut {
                bail!("line {}: the header row is longer than 512 KiB", line.number);
            }
            let text = line.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line.bytes).to_vec();
            match separator(&text) {
                _ if text.trim_ascii().is_empty() => {}
                Some(delimiter) if told.is_none() => told = Some(delimiter),
                _ => break text,
            }
        };
        let tried = match told {
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        let mut best: Option<(usize, Self)> = None;
        for delimiter in tried {
            let Ok(names) = cells(&line, delimiter) else { continue };
            let heading = Self::of(delimiter, names);
            let known = heading.columns.iter().flatten().count();
            if best.as_ref().is_none_or(|(most, _)| known > *most) {
                best = Some((known, heading));
            }
        }
        match best {
            Some((1.., heading)) => heading.check(),
            _ => bail!("the header row has no known column; {}", known()),
        }
    }

    fn of(delimiter: u8, names: Vec<String>) -> Self {
        let names: Vec<String> = names.iter().map(|name| trimmed(name).to_owned()).collect();
        let columns = names.iter().map(|name| Column::of(name)).collect();
        Self { delimiter, names, columns }
    }

    fn check(self) -> Result<Self> {
        if self.columns.len() > COLUMNS_MAX {
            bail!("the file has {} columns; at most {COLUMNS_MAX} are allowed", self.columns.len());
        }
        for (place, column) in self.columns.iter().enumerate() {
            let before = self.columns[..place].iter().position(|before| column.is_some() && before == column);
            if let Some(before) = before {
                bail!(
                    "the column {} appears twice: at positions {} and {}",
                    excerpt(&self.names[place]),
                    before + 1,
                    place + 1
                );
            }
        }
        if !self.has(&Column::Sku) {
            bail!("the column sku is missing; {}", known());
        }
        if self.has(&Column::Price) && !self.has(&Column::Currency) {
            bail!("the column currency is missing: a price needs one");
        }
        Ok(self)
    }

    pub(super) fn place(&self, column: &Column) -> Option<usize> {
        self.columns.iter().position(|found| found.as_ref() == Some(column))
    }

    pub(super) fn has(&self, column: &Column) -> bool {
        self.place(column).is_some()
    }

    /// The name in the file of a field of the API.
    pub(super) fn name_of(&self, field: &str) -> String {
        let own = |column: &Option<Column>| column.as_ref().and_then(Column::field);
        // A title as such is that of the first language.
        let begins = |own: String| own.strip_prefix(field).is_some_and(|rest| rest.starts_with('_'));
        let place = self.columns.iter().position(|column| own(column).is_some_and(|own| own == field));
        let place = place.or_else(|| self.columns.iter().position(|column| own(column).is_some_and(begins)));
        place.map_or_else(|| field.to_owned(), |place| self.names[place].clone())
    }

    /// The fields that rows contain.
    pub(super) fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = Vec::with_capacity(self.columns.len());
        for field in self.columns.iter().flatten().filter_map(Column::field) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    /// What is not read, for people.
    pub(super) fn unread(&self) -> String {
        let mut said = String::new();
        let unknown = self.unknown();
        if !unknown.is_empty() {
            let named: Vec<String> =
                unknown.iter().take(UNKNOWN_NAMED).map(|name| excerpt(name).to_string()).collect();
            said = format!("\nignored, as these columns are unknown: {}", named.join(", "));
            if unknown.len() > named.len() {
                said.push_str(&format!(" and {} more", unknown.len() - named.len()));
            }
        }
        if self.has(&Column::Currency) && !self.has(&Column::Price) {
            said.push_str("\nignored, as there is no column price: currency");
        }
        said
    }

    /// The language of each column that has one; `unmarked` is that of the others of texts.
    pub(super) fn languages<'a>(&'a self, unmarked: &'a str) -> Vec<Option<&'a str>> {
        let of = |column: &'a Option<Column>| match column {
            Some(Column::Title(language) | Column::Description(language)) if language.is_empty() => {
                Some(unmarked)
            }
            Some(Column::Title(language) | Column::Description(language)) => Some(language.as_str()),
            _ => None,
        };
        self.columns.iter().map(of).collect()
    }

    /// The first script that a column's language has.
    pub(super) fn script(&self, unmarked: &str) -> Option<&'static Script> {
        self.languages(unmarked).into_iter().flatten().find_map(scripts::of)
    }

    /// The script of each column: of its language, or for names of variants, which have none, that of the file or else
    /// of unmarked texts.
    pub(super) fn scripts(&self, unmarked: &str) -> Vec<Option<&'static Script>> {
        let of_file = self.script(unmarked).or_else(|| scripts::of(unmarked));
        let languages = self.languages(unmarked).into_iter().zip(&self.columns);
        languages
            .map(|(language, column)| match column {
                Some(Column::VariantName) => of_file,
                _ => language.and_then(scripts::of),
            })
            .collect()
    }

    /// Columns that are not read.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let unread = |(name, column): &(&String, &Option<Column>)| column.is_none() && !name.is_empty();
        self.names.iter().zip(&self.columns).filter(unread).map(|(name, _)| name.as_str()).collect()
    }

    /// What rows look like.
    pub(super) fn shape(&self) -> Shape {
        let places = |is: fn(Option<&Column>) -> bool| {
            let of = |(place, column): (usize, &Option<Column>)| is(column.as_ref()).then_some(place);
            self.columns.iter().enumerate().filter_map(of).collect()
        };
        Shape {
            delimiter: self.delimiter,
            columns: self.columns.len(),
            // What a column that is not known holds is anything.
            texts: places(|column| {
                column.is_none_or(|column| {
                    matches!(column, Column::Title(_) | Column::Description(_) | Column::VariantName)
                })
            }),
            numbers: places(|column| {
                matches!(column, Some(Column::Price | Column::WeightGrams | Column::Stock | Column::HsCode))
            }),
        }
    }

    /// The delimiter for people.
    pub(super) fn delimiter_name(&self) -> String {
        match self.delimiter {
            b',' => "commas".to_owned(),
            b';' => "semicolons".to_owned(),
            b'\t' => "tabs".to_owned(),
            other => format!("`{}`", char::from(other)),
        }
    }
}

/// What a line such as `sep=;` says, also where blanks are around it.
fn separator(line: &[u8]) -> Option<u8> {
    match line.trim_ascii_start() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, rest @ ..] => {
            rest.trim_ascii().is_empty().then_some(*delimiter)
        }
        _ => None,
    }
}

/// Columns that there are.
fn known() -> String {
    let plain: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).collect();
    format!(
        "known columns are {}, title_LANGUAGE, description_LANGUAGE, title, description",
        plain.join(", ")
    )
}

/// Without blanks and marks that cannot be seen at both ends.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Heading> {
        Heading::read(&mut Lines::new(text.as_bytes()))
    }

    #[test]
    fn columns_are_known_in_any_case_and_by_any_delimiter() {
        for text in [
            "sku,Title_EN,title_zh-hant",
            " SKU ;TITLE EN; title_ZH_HANT\u{a0}",
            "\u{feff}\"sku\"\ttitle_en\tTitle_zh-Hant",
            "sep=|\r\nsku|title_en|title_zh-hant",
            "sep=\t\nsku\ttitle-en\ttitle-zh-hant",
        ] {
            let heading = read(text).unwrap();
            assert_eq!(heading.fields(), ["sku", "title_en", "title_zh-Hant"], "{text}");
        }
        assert_eq!(read("sku,price;in,currency").unwrap().unknown(), ["price;in"]);
    }

    #[test]
    fn a_heading_that_cannot_be_right_is_refused_by_its_column() {
        for (text, said) in [
            ("", "empty"),
            ("\n\n", "empty"),
            ("a,b,c\n", "no known column"),
            ("title,stock\n", "column sku is missing"),
            ("sku,price\n", "column currency is missing"),
            ("sku,Stock, STOCK \n", "the column STOCK appears twice: at positions 2 and 3"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
