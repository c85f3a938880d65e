//! What is wrong with a request: all of it, told at once by field.

use std::fmt::Display;
use std::str::FromStr;

use proto::convert::{self, Invalid};
use tonic::Status;

use crate::status;

/// What is wrong so far. A field that is wrong is noted and read on; [`Violations::end`] gives what was read, or
/// INVALID_ARGUMENT with every field.
#[derive(Debug, Default)]
pub struct Violations(Vec<Invalid>);

impl Violations {
    /// Notes a problem of a field: what was wrong, and what is allowed.
    pub fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Invalid::new(field, problem));
    }

    /// What was read, or `None` and a note.
    pub fn take<T>(&mut self, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.0.push(invalid)).ok()
    }

    /// A required id.
    pub fn id<K: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<K> {
        let problem = |error: K::Err| match text {
            "" => "is required".to_owned(),
            _ => error.to_string(),
        };
        self.take(text.parse().map_err(|error| Invalid::new(field, problem(error))))
    }

    /// An id that stands alone in its request: it, or INVALID_ARGUMENT.
    pub fn lone_id<K: FromStr<Err: Display>>(field: &str, text: &str) -> Result<K, Status> {
        let mut violations = Self::default();
        let id = violations.id(field, text);
        violations.end(id)
    }

    /// An id that may be missing.
    pub fn optional_id<K: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<K> {
        if text.is_empty() { None } else { self.id(field, text) }
    }

    /// A line of text of at least and at most so many characters; see [`convert::text`]. Empty where it is wrong.
    pub fn text(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        self.take(convert::text(field, text, least, most).map(str::to_owned)).unwrap_or_default()
    }

    /// Text of several lines; see [`convert::lines`]. Empty where it is wrong.
    pub fn lines(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        self.take(convert::lines(field, text, least, most)).unwrap_or_default()
    }

    /// What was read, or INVALID_ARGUMENT with every field.
    pub fn end<T>(self, read: Option<T>) -> Result<T, Status> {
        self.check()?;
        // Each field that is missing has noted why.
        read.ok_or_else(|| status::internal("a request was neither read nor refused"))
    }

    /// INVALID_ARGUMENT with every field, if any is wrong.
    pub fn check(self) -> Result<(), Status> {
        if self.0.is_empty() {
            return Ok(());
        }
        let violations: Vec<(&str, &str)> =
            self.0.iter().map(|invalid| (invalid.field.as_str(), invalid.problem.as_str())).collect();
        Err(status::invalid(&violations))
    }

    /// The first of them.
    pub fn into_first(self) -> Option<Invalid> {
        self.0.into_iter().next()
    }
}
