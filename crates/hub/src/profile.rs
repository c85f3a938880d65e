//! A profile that was read and found sound.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use customs::prohibited::{Restriction, Severity};
use customs::rules::Reference;
use customs::{HsCode, Ruleset, Tariff};
use kernel::Country;
use money::Currency;
use sha2::{Digest as _, Sha256};

use crate::file::{Carrier, File, Returns, TradeTerms};
use crate::payment_methods::PaymentMethod;
use crate::problem::{Problem, Problems, line_at};
use crate::validate;

/// The most bytes of a profile's file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A hub's profile.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) file: File,
    hash: String,
    lanes: Vec<Lane>,
    rulesets: BTreeMap<String, Arc<Ruleset>>,
}

/// A way for goods into the hub's country.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The country that they leave from.
    pub from: Country,
    /// The rules by which duty and tax are worked out.
    pub ruleset: Arc<Ruleset>,
}

/// Goods that a hub does not carry, or not without a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restricted {
    /// Never carried; else with a permit.
    pub prohibited: bool,
    /// What a seller is told.
    pub reason: String,
}

impl Profile {
    /// Reads a profile's text; `file` is the name that problems are told with.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let read = read(file, text)?;
        let mut problems = validate::problems(file, text, &read);
        let tariff = Tariff::new(read.tariff.clone(), read.tariff_default.clone());
        let tariff = tariff.unwrap_or_else(|duplicate| {
            let line = crate::problem::line_of(text, &format!("hs = \"{}\"", duplicate.0.as_str()), 1);
            problems.push(Problem {
                file: file.to_owned(),
                line,
                key: "tariff".to_owned(),
                problem: duplicate.to_string(),
            });
            Tariff::default()
        });
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.line);
            return Err(Problems(problems));
        }
        let reference = Arc::new(Reference {
            classes: read.classes.clone(),
            preferences: read.preferences.clone(),
            tariff,
            rates: read.reference_rates.clone(),
        });
        let ruleset = |(name, rules): (&String, &customs::rules::Rules)| {
            let ruleset = Ruleset {
                name: name.clone(),
                currency: read.hub.currency,
                rules: rules.clone(),
                reference: reference.clone(),
            };
            (name.clone(), Arc::new(ruleset))
        };
        let rulesets: BTreeMap<String, Arc<Ruleset>> = read.rulesets.iter().map(ruleset).collect();
        let lane = |lane: &crate::file::LaneSection| {
            let ruleset = rulesets.get(&lane.ruleset)?.clone();
            Some(Lane { from: lane.from, ruleset })
        };
        let lanes = read.lanes.iter().filter_map(lane).collect();
        let hash = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { file: read, hash, lanes, rulesets })
    }

    /// Reads a profile's file.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        let text = std::fs::File::open(path).and_then(|file| kernel::read_text(file, FILE_BYTES_MAX));
        let text = text.map_err(|error| {
            let problem = format!("cannot be read: {error}");
            Problems(vec![Problem { file: file.clone(), line: 1, key: String::new(), problem }])
        })?;
        Self::parse(&file, &text)
    }

    /// Short and never changed, such as `my`: part of topics and file names.
    pub fn code(&self) -> &str {
        &self.file.hub.code
    }

    /// For people.
    pub fn name(&self) -> &str {
        &self.file.hub.name
    }

    /// The importing country.
    pub fn country(&self) -> Country {
        self.file.hub.country
    }

    /// The hub's currency.
    pub fn currency(&self) -> Currency {
        self.file.hub.currency
    }

    /// Whether the marketplace itself is registered for the country's tax on low-value goods: it counts as the seller
    /// then.
    pub fn is_marketplace_registered(&self) -> bool {
        self.file.hub.marketplace_registered
    }

    /// BCP 47 tags; the first is the default.
    pub fn languages(&self) -> &[String] {
        &self.file.hub.languages
    }

    /// Where its days begin and end.
    pub fn time_zone(&self) -> Tz {
        self.file.hub.time_zone
    }

    /// The day at the hub at this moment: the day of rules.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        customs::local_date(now, self.file.hub.time_zone)
    }

    /// The terms of trade.
    pub fn terms(&self) -> &TradeTerms {
        &self.file.terms
    }

    /// Who bears what returns have cost.
    pub fn returns(&self) -> &Returns {
        &self.file.returns
    }

    /// How buyers may pay.
    pub fn payment_methods(&self) -> &[PaymentMethod] {
        &self.file.payment_methods
    }

    /// The way to pay with this code, such as `wallet`.
    pub fn payment_method(&self, code: &str) -> Option<&PaymentMethod> {
        self.file.payment_methods.iter().find(|method| method.code().as_str() == code)
    }

    /// The carriers.
    pub fn carriers(&self) -> &[Carrier] {
        &self.file.carriers
    }

    /// The carrier with this code.
    pub fn carrier(&self, code: &str) -> Option<&Carrier> {
        self.file.carriers.iter().find(|carrier| carrier.code == code)
    }

    /// The ways into the country.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }

    /// The way from a country.
    pub fn lane(&self, from: Country) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.from == from)
    }

    /// The rules for goods from a country.
    pub fn ruleset(&self, from: Country) -> Option<&Ruleset> {
        self.lane(from).map(|lane| lane.ruleset.as_ref())
    }

    /// The rules of this name.
    pub(crate) fn ruleset_named(&self, name: &str) -> Option<&Ruleset> {
        self.rulesets.get(name).map(Arc::as_ref)
    }

    /// SHA-256 of the profile's text, in hex: which rules a quote was worked out by.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether goods may be carried; `None`: without more ado.
    pub fn restricted(
        &self,
        hs_code: Option<&HsCode>,
        category: &str,
        origin: Country,
    ) -> Option<Restricted> {
        let covers = |restriction: &&Restriction| {
            restriction.covers(&self.file.classes, hs_code, Some(category), origin)
        };
        let found =
            |severity| self.file.restrictions.iter().filter(|found| found.severity == severity).find(covers);
        let worst = found(Severity::Prohibited).or_else(|| found(Severity::Restricted))?;
        Some(Restricted { prohibited: worst.severity == Severity::Prohibited, reason: worst.reason.clone() })
    }

    /// What an operator should know on that day: rules that nobody has confirmed.
    pub fn warnings(&self, on: NaiveDate) -> Vec<String> {
        let rules = self.file.rulesets.values().flat_map(|rules| &rules.levies).flat_map(|levy| &levy.rules);
        let mut warnings: Vec<String> = rules
            .filter(|rule| rule.assumed && rule.is_valid_on(on))
            .map(|rule| {
                let note = rule.note.as_deref().unwrap_or("nobody has confirmed it yet");
                format!("{} is assumed: {note}", rule.title)
            })
            .collect();
        warnings.sort();
        warnings.dedup();
        warnings
    }
}

fn read(file: &str, text: &str) -> Result<File, Problems> {
    let problem = |error: &toml::de::Error, key: String| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        Problems(vec![Problem { file: file.to_owned(), line, key, problem: error.message().to_owned() }])
    };
    let document = toml::Deserializer::parse(text).map_err(|error| problem(&error, String::new()))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        problem(error.inner(), if key == "." { String::new() } else { key })
    })
}
