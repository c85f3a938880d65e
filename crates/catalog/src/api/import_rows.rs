//! The rows of `ImportProducts`: how its header has them read, and what they say.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use kernel::{LocationId, SellerId};
use proto::catalog::v1::{
    ImportHeader, ImportOutcome, ImportProductsRequest, ImportProductsResponse, StockMode as WireMode,
    Translation, VariantInput,
};
use proto::convert::{self, Invalid};
use proto::types::v1::{Dimensions, Money};
use tonic::Status;

use super::decode::{self, Problems};
use crate::app::App;
use crate::app::import_products::{Outcome, Taken, Terms};
use crate::app::import_stock::StockMode;
use crate::domain::product::TRANSLATIONS_MAX;
use crate::domain::row::{Field, Row, Words};
use crate::domain::seller::UNITS_MAX;

/// Fields that a header may name; each language is one.
const FIELDS_MAX: usize = 100;
/// How far ahead of the hub's clock a client's may be.
const SKEW_MINUTES: i64 = 5;
/// Fields of texts: as such, or followed by `_` and a language.
const TEXTS: [&str; 2] = ["title", "description"];

/// One stream.
pub(super) struct Import {
    app: App,
    seller_id: SellerId,
    /// Set by the first message.
    reading: OnceLock<Reading>,
}

/// How the rows of a stream are read.
struct Reading {
    /// Fields by name; `None`: whatever a row says.
    named: Option<BTreeSet<String>>,
    default_language: String,
    default_category: String,
    terms: Arc<Terms>,
}

impl Import {
    pub(super) fn new(app: App, seller_id: SellerId) -> Self {
        Self { app, seller_id, reading: OnceLock::new() }
    }

    fn begin(&self, message: &ImportProductsRequest) -> Result<(), Status> {
        let only =
            ImportProductsRequest { header: message.header.clone(), ..ImportProductsRequest::default() };
        let header = message.header.clone().unwrap_or_default();
        if message != &only {
            return Err(rpc::status::invalid(&[("header", "stands alone: the message with it is no row")]));
        }
        let mut problems = Problems::default();
        let reading = Reading::of(&header, &self.app, &mut problems);
        let reading = problems.end(reading)?;
        let begun = self.reading.set(reading);
        begun.map_err(|_| rpc::status::invalid(&[("header", "is in the stream's first message alone")]))
    }

    fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| Reading::whatever(&self.app))
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
            Ok(row) => match import.reading().row(&row) {
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
    let mut outcomes = match import.app.import(import.seller_id, reading.terms.clone(), rows).await {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => return vec![Err(error.into())],
    };
    let answer = |rejected: Option<ImportProductsResponse>| match rejected {
        Some(rejected) => Ok(rejected),
        None => {
            let written = outcomes.next().map(|(number, outcome)| response(reading, number, outcome));
            written.ok_or_else(|| rpc::status::internal("a row without an outcome"))
        }
    };
    answers.into_iter().map(answer).collect()
}

impl Reading {
    /// Without a header.
    fn whatever(app: &App) -> Self {
        Self {
            named: None,
            default_language: default_language(app),
            default_category: String::new(),
            terms: Arc::new(Terms {
                stock_mode: StockMode::First,
                stock_as_of: app.clock.now(),
                source: String::new(),
            }),
        }
    }

    fn of(header: &ImportHeader, app: &App, problems: &mut Problems) -> Option<Self> {
        let named = problems.take(fields(&header.fields));
        let stock_mode = match header.stock_mode() {
            WireMode::Unspecified => StockMode::First,
            WireMode::Set => StockMode::Set,
            WireMode::Add => StockMode::Add,
        };
        if WireMode::try_from(header.stock_mode).is_err() {
            problems.take::<()>(Err(Invalid::new("header.stock_mode", "must be SET, ADD or none of both")));
        }
        let stock_as_of = problems.take(as_of(header, app));
        let default_category = match header.default_category.as_str() {
            "" => Some(String::new()),
            category => problems.take(decode::slug("header.default_category", category)),
        };
        let source = problems.take(decode::text("header.source", &header.source, 0, 100));
        let default_language = match header.default_language.as_str() {
            "" => default_language(app),
            language => language.to_owned(),
        };
        let terms = Terms { stock_mode, stock_as_of: stock_as_of?, source: source? };
        let default_category = default_category?;
        Some(Self { named: Some(named?), default_language, default_category, terms: Arc::new(terms) })
    }

    /// A row, of which counts what it says and the header names.
    fn row(&self, row: &ImportProductsRequest) -> Result<Row, Invalid> {
        let Some(given) = &row.variant else {
            let field = if self.named.is_some() { "sku" } else { "variants" };
            return Err(Invalid::new(field, "is required"));
        };
        let stock = if self.named.is_some() { row.stock } else { Some(given.initial_stock) };
        let said = said(row, given, stock).into_iter().filter(|field| self.names(field.name()));
        let said: BTreeSet<Field> = said.collect();
        let mut problems = Problems::default();
        let group = problems.take(decode::text("group", &row.group, 0, 120));
        let category = if said.contains(&Field::Category) { &row.category } else { &self.default_category };
        let category = if category.is_empty() {
            Some(String::new())
        } else {
            problems.take(decode::slug("category", category))
        };
        let words = self.words(&row.translations, &mut problems);
        let variant = decode::variant("", &filled(given, &said), &mut problems);
        let stock = problems.take(self.stock(stock));
        let read = (|| {
            Some(Row {
                number: row.row,
                group: group.filter(|_| said.contains(&Field::Group)).unwrap_or_default(),
                category: category?,
                words: words?,
                variant: variant?,
                stock: stock?,
                said,
            })
        })();
        match (read, problems.first()) {
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

    fn names(&self, field: &str) -> bool {
        // Where a new shelf lies is no field of a row's file.
        self.named.as_ref().is_none_or(|named| field == Field::LocationId.name() || named.contains(field))
    }

    /// What the rows say in languages.
    fn words(&self, translations: &[Translation], problems: &mut Problems) -> Option<Vec<Words>> {
        if translations.len() > TRANSLATIONS_MAX {
            let problem = format!("must be at most {TRANSLATIONS_MAX}");
            problems.take::<()>(Err(Invalid::new("translations", problem)));
            return None;
        }
        let mut read: Vec<Words> = Vec::with_capacity(translations.len());
        for (place, translation) in translations.iter().enumerate() {
            let language = match translation.language.as_str() {
                "" => &self.default_language,
                language => language,
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
                language: language.to_owned(),
                title: if title { translation.title.clone() } else { "title".to_owned() },
                description: if description { translation.description.clone() } else { String::new() },
            };
            let mut wrong = Problems::default();
            let languages = [language.to_owned()];
            let whole = decode::translations_of(&languages, &[filled], &mut wrong);
            if let Some(problem) = wrong.first() {
                let field = self.text_name(&problem.field, &translation.language, place);
                problems.take::<()>(Err(Invalid { field, ..problem }));
                continue;
            }
            for whole in whole.into_iter().flatten() {
                if read.iter().any(|other| other.language == whole.language) {
                    let field = self.text_name("translations[0].language", &translation.language, place);
                    problems.take::<()>(Err(Invalid::new(field, "stands twice")));
                }
                read.push(Words {
                    language: whole.language,
                    title: title.then_some(whole.title),
                    description: description.then_some(whole.description),
                });
            }
        }
        Some(read)
    }

    /// The name for a field of the translation at a place: `title_en`, or its path.
    fn text_name(&self, field: &str, language: &str, place: usize) -> String {
        if self.named.is_none() {
            return field.replacen("[0]", &format!("[{place}]"), 1);
        }
        let text = if field.ends_with("description") { "description" } else { "title" };
        if language.is_empty() { text.to_owned() } else { format!("{text}_{language}") }
    }

    /// A field as the header names it; without a header its path in the message.
    fn name(&self, field: &str) -> String {
        const BOTH: [(&str, &str); 4] = [
            ("initial_stock", "stock"),
            ("name", "variant_name"),
            ("dimensions", "size"),
            ("translations", "title"),
        ];
        let beginning = field.split('.').next().unwrap_or(field);
        match &self.named {
            Some(_) => BOTH.iter().find(|(path, _)| *path == beginning).map_or(beginning, |(_, name)| name),
            None => BOTH.iter().find(|(_, name)| *name == field).map_or(field, |(path, _)| path),
        }
        .to_owned()
    }
}

fn default_language(app: &App) -> String {
    app.hub.languages().first().cloned().unwrap_or_default()
}

fn fields(names: &[String]) -> Result<BTreeSet<String>, Invalid> {
    let field = "header.fields";
    if names.is_empty() || names.len() > FIELDS_MAX {
        return Err(Invalid::new(field, format!("must be 1 to {FIELDS_MAX}")));
    }
    let of_language = |name: &str| {
        let language = TEXTS.iter().find_map(|text| name.strip_prefix(text)?.strip_prefix('_'));
        language.is_some_and(|language| !language.is_empty())
    };
    let known = |name: &str| {
        name == "sku"
            || TEXTS.contains(&name)
            || of_language(name)
            || Field::ALL.iter().any(|field| field.name() == name)
    };
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = Field::ALL.into_iter().map(Field::name).collect();
        let unknown: String = unknown.chars().take(40).collect();
        let problem = format!(
            "`{unknown}` is none of sku, {}, title, title_LANGUAGE, description, description_LANGUAGE",
            all.join(", ")
        );
        return Err(Invalid::new(field, problem));
    }
    Ok(names.iter().cloned().collect())
}

fn as_of(header: &ImportHeader, app: &App) -> Result<chrono::DateTime<chrono::Utc>, Invalid> {
    let now = app.clock.now();
    let Some(at) = &header.stock_as_of else { return Ok(now) };
    let at = convert::datetime("header.stock_as_of", Some(at))?;
    let matters = header.stock_mode() != WireMode::Unspecified;
    if matters && at > now + chrono::Duration::minutes(SKEW_MINUTES) {
        return Err(Invalid::new("header.stock_as_of", format!("{at} is after now, {now}")));
    }
    Ok(at.min(now))
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

fn response(reading: &Reading, row: i64, outcome: Outcome) -> ImportProductsResponse {
    let written = |outcome: ImportOutcome, taken: Taken| ImportProductsResponse {
        row,
        outcome: outcome.into(),
        product_id: taken.product_id.to_string(),
        variant_id: taken.variant_id.to_string(),
        ignored_fields: taken.ignored.iter().map(|field| reading.name(field)).collect(),
        ..ImportProductsResponse::default()
    };
    match outcome {
        Outcome::Created(taken) => written(ImportOutcome::Created, taken),
        Outcome::Updated(taken) => written(ImportOutcome::Updated, taken),
        Outcome::Unchanged(taken) => written(ImportOutcome::Unchanged, taken),
        Outcome::Rejected(rejection) => rejected(row, reading.name(rejection.field), rejection.problem),
    }
}
