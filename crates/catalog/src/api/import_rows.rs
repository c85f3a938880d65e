//! The rows of `ImportProducts`: what they say.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use kernel::{LocationId, SellerId};
use proto::catalog::v1::{
    ImportOutcome, ImportProductsRequest, ImportProductsResponse, Translation, VariantInput,
};
use proto::convert::Invalid;
use proto::types::v1::{Dimensions, Money};
use rpc::{Pipeline, Violations};
use tonic::Status;

use super::decode;
use super::import_header::{RowReader, canonical};
use crate::app::import_products::{ImportProducts, ImportedRow, RowOutcome};
use crate::app::import_stock::StockMode;
use crate::app::{App, Error};
use crate::domain::product::TRANSLATIONS_MAX;
use crate::domain::row::{Field, Row, RowTranslation};
use crate::domain::seller::UNITS_MAX;

/// One stream.
pub(super) struct Import {
    pipeline: Pipeline<App>,
    seller_id: SellerId,
    /// Set by the first message.
    reading: OnceLock<RowReader>,
}

impl Import {
    pub(super) fn new(pipeline: Pipeline<App>, seller_id: SellerId) -> Self {
        Self { pipeline, seller_id, reading: OnceLock::new() }
    }

    fn begin(&self, message: &ImportProductsRequest) -> Result<(), Status> {
        let only =
            ImportProductsRequest { header: message.header.clone(), ..ImportProductsRequest::default() };
        let header = message.header.clone().unwrap_or_default();
        if message != &only {
            return Err(rpc::status::invalid(&[(
                "header",
                "must come alone: a message that has it is not a row",
            )]));
        }
        let reading = Violations::of(|violations| RowReader::of(&header, self.pipeline.app(), violations))?;
        let begun = self.reading.set(reading);
        begun
            .map_err(|_| rpc::status::invalid(&[("header", "is allowed in the stream's first message only")]))
    }

    /// A row that can be sold.
    fn row(&self, row: &ImportProductsRequest) -> Result<Row, Invalid> {
        let reading = self.reading();
        let read = reading.row(row)?;
        if read.says(Field::Price)
            && let Err(Error::Invalid { problem, .. }) =
                self.pipeline.app().check_currency("price.currency", read.variant.goods.price.currency())
        {
            return Err(Invalid::new(reading.name("price.currency"), problem));
        }
        Ok(read)
    }

    fn reading(&self) -> &RowReader {
        self.reading.get_or_init(|| RowReader::any_mode(self.pipeline.app()))
    }
}

/// Reads a batch and takes its rows in. A status ends the stream.
pub(super) async fn batch(
    import: Arc<Import>,
    batch: Vec<Result<ImportProductsRequest, Status>>,
) -> Vec<Result<ImportProductsResponse, Status>> {
    let mut rows = Vec::with_capacity(batch.len());
    let mut answers = Vec::with_capacity(batch.len());
    for message in batch {
        match message {
            Err(status) => return vec![Err(status)],
            Ok(message) if message.header.is_some() => {
                if let Err(status) = import.begin(&message) {
                    return vec![Err(status)];
                }
            }
            Ok(row) => match import.row(&row) {
                Ok(read) => {
                    rows.push(read);
                    answers.push(None);
                }
                Err(problem) => answers.push(Some(rejected(row.row, problem.field, problem.problem))),
            },
        }
    }
    if answers.is_empty() {
        return Vec::new();
    }
    let reading = import.reading();
    let command = ImportProducts { seller_id: import.seller_id, terms: reading.terms.clone(), rows };
    let imported = match import.pipeline.run(command).await {
        Ok(imported) => imported,
        Err(error) => return vec![Err(error.into())],
    };
    reading.terms.stated.add(imported.stated);
    let mut outcomes = imported.outcomes.into_iter();
    let answer = |rejected: Option<ImportProductsResponse>| match rejected {
        Some(rejected) => Ok(rejected),
        None => {
            let written = outcomes.next().map(|(number, outcome)| response(reading, number, outcome));
            written.ok_or_else(|| rpc::status::internal("a row without an outcome"))
        }
    };
    answers.into_iter().map(answer).collect()
}

impl RowReader {
    /// A row, of which counts what it says and the header names.
    fn row(&self, row: &ImportProductsRequest) -> Result<Row, Invalid> {
        let Some(given) = &row.variant else {
            let field = if self.named.is_some() { "sku" } else { "variants" };
            return Err(Invalid::new(field, "is required"));
        };
        let stock = if self.named.is_some() { row.stock } else { Some(given.initial_stock) };
        let said = said(row, given, stock).into_iter().filter(|field| self.names(field.as_str()));
        let said: BTreeSet<Field> = said.collect();
        let mut violations = Violations::default();
        let group = violations.text("group", &row.group, 0, 120);
        let category = if said.contains(&Field::Category) { &row.category } else { &self.default_category };
        let category = if category.is_empty() {
            String::new()
        } else {
            decode::slug("category", category, &mut violations)
        };
        let words = self.words(&row.translations, &mut violations);
        let variant = decode::variant("", &filled(given, &said), &mut violations);
        let stock = violations.take(self.stock(stock));
        let read = (|| {
            Some(Row {
                number: row.row,
                group: if said.contains(&Field::Group) { group } else { String::new() },
                category,
                words,
                variant: variant?,
                stock: stock?,
                said,
            })
        })();
        match (read, violations.into_first()) {
            (Some(read), None) => Ok(read),
            (_, problem) => {
                let problem = problem.unwrap_or_else(|| Invalid::new("variant", "is required"));
                Err(Invalid { field: self.name(&problem.field), ..problem })
            }
        }
    }

    fn stock(&self, stock: Option<i64>) -> Result<i64, Invalid> {
        let units = stock.unwrap_or_default();
        let least = if self.terms.stock_mode == StockMode::Add { -UNITS_MAX } else { 0 };
        if (least..=UNITS_MAX).contains(&units) {
            return Ok(units);
        }
        Err(Invalid::new("initial_stock", format!("{units} must be {least} to {UNITS_MAX}")))
    }

    /// What the rows say in languages.
    fn words(&self, translations: &[Translation], violations: &mut Violations) -> Vec<RowTranslation> {
        if translations.len() > TRANSLATIONS_MAX {
            let problem = format!("must be at most {TRANSLATIONS_MAX}");
            violations.add("translations", problem);
            return Vec::new();
        }
        let mut read: Vec<RowTranslation> = Vec::with_capacity(translations.len());
        for (place, translation) in translations.iter().enumerate() {
            let language = match translation.language.as_str() {
                "" => self.default_language.clone(),
                language => canonical(language),
            };
            let says = |text: &str, value: &str| {
                let named = if translation.language.is_empty() {
                    self.names(text)
                } else {
                    self.names(&format!("{text}_{language}")) || self.names(text)
                };
                named && !value.trim().is_empty()
            };
            let (title, description) =
                (says("title", &translation.title), says("description", &translation.description));
            // Read by the rules of whole translations: what is not said has anything in its place.
            let filled = Translation {
                language: language.clone(),
                title: if title { translation.title.clone() } else { "title".to_owned() },
                description: if description { translation.description.clone() } else { String::new() },
            };
            let mut wrong = Violations::default();
            let languages = [language];
            let whole = decode::translations_of(&languages, &[filled], &mut wrong);
            if let Some(problem) = wrong.into_first() {
                let field = self.text_name(&problem.field, &translation.language, place);
                violations.add(field, problem.problem);
                continue;
            }
            for whole in whole {
                if read.iter().any(|other| other.language == whole.language) {
                    let field = self.text_name("translations[0].language", &translation.language, place);
                    violations.add(field, "is listed twice");
                }
                read.push(RowTranslation {
                    language: whole.language,
                    title: title.then_some(whole.title),
                    description: description.then_some(whole.description),
                });
            }
        }
        read
    }
}

/// What a row says: what is not empty.
fn said(row: &ImportProductsRequest, given: &VariantInput, stock: Option<i64>) -> Vec<Field> {
    let fields = [
        (Field::Group, !row.group.is_empty()),
        (Field::Category, !row.category.is_empty()),
        (Field::VariantName, !given.name.is_empty()),
        (Field::Price, given.price.is_some()),
        (Field::HsCode, !given.hs_code.is_empty()),
        (Field::Origin, !given.origin.is_empty()),
        (Field::WeightGrams, given.weight_grams != 0),
        (Field::Size, given.dimensions.is_some()),
        (Field::StockUnits, given.stock_units != 0),
        (Field::Preference, !given.preference.is_empty()),
        (Field::Certificate, given.certificate.is_some()),
        (Field::StockItemId, !given.stock_item_id.is_empty()),
        (Field::LocationId, !given.location_id.is_empty()),
        (Field::Stock, stock.is_some()),
    ];
    fields.into_iter().filter(|(_, said)| *said).map(|(field, _)| field).collect()
}

/// A variant that is read by the rules of whole ones: what the row does not say has anything valid in its place.
fn filled(given: &VariantInput, said: &BTreeSet<Field>) -> VariantInput {
    let mut input = VariantInput { initial_stock: 0, ..given.clone() };
    for field in Field::ALL.iter().filter(|field| !said.contains(field)) {
        match field {
            Field::VariantName => input.name.clear(),
            Field::Price => input.price = Some(Money { minor_units: 1, currency: "USD".to_owned() }),
            Field::HsCode => input.hs_code = "610910".to_owned(),
            Field::Origin => input.origin = "MY".to_owned(),
            Field::WeightGrams => input.weight_grams = 1,
            Field::Size => input.dimensions = Some(Dimensions { length_mm: 1, width_mm: 1, height_mm: 1 }),
            Field::StockUnits => input.stock_units = 1,
            Field::Preference => input.preference.clear(),
            Field::Certificate => input.certificate = None,
            Field::StockItemId => input.stock_item_id.clear(),
            Field::LocationId => input.location_id = LocationId::new().to_string(),
            Field::Group | Field::Category | Field::Stock => {}
        }
    }
    if said.contains(&Field::StockItemId) && !said.contains(&Field::LocationId) {
        input.location_id.clear();
    }
    input
}

fn rejected(row: i64, field: String, reason: String) -> ImportProductsResponse {
    let outcome = ImportOutcome::Rejected.into();
    ImportProductsResponse { row, outcome, field, reason, ..ImportProductsResponse::default() }
}

fn response(reading: &RowReader, row: i64, outcome: RowOutcome) -> ImportProductsResponse {
    let written = |outcome: ImportOutcome, taken: ImportedRow| ImportProductsResponse {
        row,
        outcome: outcome.into(),
        product_id: taken.product_id.to_string(),
        variant_id: taken.variant_id.to_string(),
        ignored_fields: taken.ignored.iter().map(|field| reading.name(field)).collect(),
        ..ImportProductsResponse::default()
    };
    match outcome {
        RowOutcome::Created(taken) => written(ImportOutcome::Created, taken),
        RowOutcome::Updated(taken) => written(ImportOutcome::Updated, taken),
        RowOutcome::Unchanged(taken) => written(ImportOutcome::Unchanged, taken),
        RowOutcome::Rejected(rejection) => rejected(row, reading.name(rejection.field), rejection.problem),
    }
}
