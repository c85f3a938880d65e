//! The header of `ImportProducts`: which fields its rows contain, and how they are to be read.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::SubsecRound as _;
use kernel::excerpt;
use proto::catalog::v1::{ImportHeader, StockMode as WireMode};
use proto::convert::{self, Invalid};
use rpc::Violations;

use super::decode;
use crate::app::App;
use crate::app::import_stock::{ImportOptions, Stated, StockMode};
use crate::domain::row::Field;

/// Fields that a header may name; each language is one.
const FIELDS_MAX: usize = 100;
/// How far ahead of the hub's clock a client's may be.
const SKEW_MINUTES: i64 = 5;
/// Fields of texts: as such, or followed by `_` and a language.
const TEXTS: [&str; 2] = ["title", "description"];

/// How the rows of a stream are read.
pub(super) struct RowReader {
    /// Fields by name; `None`: whatever a row says.
    pub(super) named: Option<BTreeSet<String>>,
    pub(super) default_language: String,
    pub(super) default_category: String,
    pub(super) terms: Arc<ImportOptions>,
}

impl RowReader {
    /// Without a header.
    pub(super) fn any_mode(app: &App) -> Self {
        Self {
            named: None,
            default_language: default_language(app),
            default_category: String::new(),
            terms: Arc::new(ImportOptions {
                stock_mode: StockMode::First,
                stock_as_of: app.clock.now(),
                source: String::new(),
                stated: Stated::default(),
            }),
        }
    }

    pub(super) fn of(header: &ImportHeader, app: &App, violations: &mut Violations) -> Option<Self> {
        let named = violations.take(fields(&header.fields));
        let stock_mode = match header.stock_mode() {
            WireMode::Unspecified => StockMode::First,
            WireMode::Set => StockMode::Set,
            WireMode::Add => StockMode::Add,
        };
        if WireMode::try_from(header.stock_mode).is_err() {
            violations.add("header.stock_mode", "must be SET, ADD or unspecified");
        }
        let stock_as_of = violations.take(as_of(header, app));
        let default_category = match header.default_category.as_str() {
            "" => String::new(),
            category => decode::slug("header.default_category", category, violations),
        };
        let source = violations.text("header.source", &header.source, 0, 100);
        let default_language = match header.default_language.as_str() {
            "" => Some(default_language(app)),
            language => violations.take(convert::language("header.default_language", language)),
        };
        let stated = Stated::default();
        let terms = Arc::new(ImportOptions { stock_mode, stock_as_of: stock_as_of?, source, stated });
        Some(Self { named: Some(named?), default_language: default_language?, default_category, terms })
    }

    pub(super) fn names(&self, field: &str) -> bool {
        // Where a new shelf lies is no field of a row's file.
        self.named.as_ref().is_none_or(|named| field == Field::LocationId.as_str() || named.contains(field))
    }

    /// The name for a field of the translation at a place: `title_en`, or its path.
    pub(super) fn text_name(&self, field: &str, language: &str, place: usize) -> String {
        if self.named.is_none() {
            return field.replacen("[0]", &format!("[{place}]"), 1);
        }
        let text = if field.ends_with("description") { "description" } else { "title" };
        if language.is_empty() { text.to_owned() } else { format!("{text}_{}", excerpt(language)) }
    }

    /// A field as the header names it; without a header its path in the message.
    pub(super) fn name(&self, field: &str) -> String {
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

/// A language as it is known here; what is no language's tag stays as it is, to be refused where it matters.
pub(super) fn canonical(language: &str) -> String {
    convert::language("language", language).unwrap_or_else(|_| language.to_owned())
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
        TEXTS.iter().find_map(|text| {
            let language = name.strip_prefix(text)?.strip_prefix('_')?;
            (!language.is_empty()).then(|| format!("{text}_{}", canonical(language)))
        })
    };
    let is_plain = |name: &str| name == "sku" || TEXTS.contains(&name) || Field::parse(name).is_some();
    let mut known = BTreeSet::new();
    for name in names {
        match of_language(name) {
            Some(name) => known.insert(name),
            None if is_plain(name) => known.insert(name.clone()),
            None => {
                let all: Vec<&str> = Field::ALL.into_iter().map(Field::as_str).collect();
                let problem = format!(
                    "`{}` is not one of sku, {}, title, title_LANGUAGE, description, description_LANGUAGE",
                    excerpt(name),
                    all.join(", ")
                );
                return Err(Invalid::new(field, problem));
            }
        };
    }
    Ok(known)
}

fn as_of(header: &ImportHeader, app: &App) -> Result<chrono::DateTime<chrono::Utc>, Invalid> {
    let now = app.clock.now();
    // As finely as every database keeps it.
    let Some(at) = &header.stock_as_of else { return Ok(now.trunc_subsecs(6)) };
    let at = convert::datetime("header.stock_as_of", Some(at))?;
    let matters = header.stock_mode() != WireMode::Unspecified;
    if matters && at > now + chrono::Duration::minutes(SKEW_MINUTES) {
        return Err(Invalid::new("header.stock_as_of", format!("{at} is in the future: it is now {now}")));
    }
    Ok(at.min(now).trunc_subsecs(6))
}
