//! What is wrong with a request: all of it, told at once by field.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::NaiveDate;
use kernel::{Id, Kind};
use money::Money;
use proto::convert::{self, Invalid};
use proto::types::v1 as types;
use tonic::Status;

use crate::status;

/// What is wrong so far. A field that is wrong is noted and read on.
#[derive(Debug, Default)]
pub struct Violations {
    fields: Vec<Invalid>,
    refused: Option<Status>,
}

impl Violations {
    /// What `read` makes of a request, or INVALID_ARGUMENT with every field that is wrong.
    pub fn of<T>(read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Status> {
        let mut violations = Self::default();
        let read = read(&mut violations);
        if let Some(refused) = violations.refused {
            return Err(refused);
        }
        if !violations.fields.is_empty() {
            let fields = violations.fields.iter();
            let fields: Vec<_> = fields.map(|wrong| (wrong.field.as_str(), wrong.problem.as_str())).collect();
            return Err(status::invalid(&fields));
        }
        // Each field that is missing has noted why.
        read.ok_or_else(|| status::internal("a request was neither read nor refused"))
    }

    /// Notes a problem of a field: what was wrong, and what is allowed.
    pub fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.fields.push(Invalid::new(field, problem));
    }

    /// What was read, or `None` and a note.
    pub fn take<T>(&mut self, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.fields.push(invalid)).ok()
    }

    /// What the caller may do, or `None` and the refusal, which is the answer whatever else is wrong: who may not ask
    /// is not told what to ask.
    pub fn allowed<T>(&mut self, allowed: Result<T, Status>) -> Option<T> {
        allowed.map_err(|refused| self.refused = Some(refused)).ok()
    }

    /// A required id.
    pub fn id<K: Kind>(&mut self, field: &str, text: &str) -> Option<Id<K>> {
        self.code(field, text)
    }

    /// An id that may be missing.
    pub fn optional_id<K: Kind>(&mut self, field: &str, text: &str) -> Option<Id<K>> {
        self.optional_code(field, text)
    }

    /// A required code of a form of its own, such as a currency or a country.
    pub fn code<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        let problem = |error: T::Err| match text {
            "" => "is required".to_owned(),
            _ => error.to_string(),
        };
        self.take(text.parse().map_err(|error| Invalid::new(field, problem(error))))
    }

    /// A code that may be missing.
    pub fn optional_code<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.code(field, text) }
    }

    /// A line of text of at least and at most so many characters; see [`convert::text`]. Empty where it is wrong.
    pub fn text(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        self.take(convert::text(field, text, least, most).map(str::to_owned)).unwrap_or_default()
    }

    /// Text of several lines; see [`convert::lines`]. Empty where it is wrong.
    pub fn lines(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        self.take(convert::lines(field, text, least, most)).unwrap_or_default()
    }

    /// A postcode; see [`convert::postcode`]. Empty where it is wrong.
    pub fn postcode(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        self.take(convert::postcode(field, text, least, most)).unwrap_or_default()
    }

    /// A required day.
    pub fn day(&mut self, field: &str, text: &str) -> Option<NaiveDate> {
        self.take(kernel::day(text).map_err(|error| Invalid::new(field, error.to_string())))
    }

    /// A required amount.
    pub fn amount(&mut self, field: &str, message: Option<&types::Money>) -> Option<Money> {
        self.take(convert::money(field, message))
    }

    /// A required amount of more than zero.
    pub fn positive_amount(&mut self, field: &str, message: Option<&types::Money>) -> Option<Money> {
        self.take(convert::positive_money(field, message))
    }

    /// A number from 1 to `most`.
    pub fn quantity(&mut self, field: &str, value: i64, most: i64) -> Option<i64> {
        self.take(convert::quantity(field, value, most))
    }

    /// Whether a repeated field has as many as it may have.
    pub fn count(&mut self, field: &str, count: usize, allowed: RangeInclusive<usize>) -> bool {
        let is_allowed = allowed.contains(&count);
        if !is_allowed {
            self.add(field, format!("has {count}; {} to {} are allowed", allowed.start(), allowed.end()));
        }
        is_allowed
    }

    /// The first of them.
    pub fn into_first(self) -> Option<Invalid> {
        self.fields.into_iter().next()
    }
}
