//! What is wrong with a profile, and where.

use std::fmt;

/// One problem of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The key, such as `lanes[2].ruleset`; may be empty.
    pub key: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// All problems of a profile, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(problem, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The line, from 1, in which a byte of the text stands.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of the `nth` place (from 0) where `wanted` stands, comments not counted; 1 when there is none.
pub(crate) fn line_of(text: &str, wanted: &str, nth: usize) -> usize {
    let is_wanted = |(_, line): &(usize, &str)| !line.trim_start().starts_with('#') && line.contains(wanted);
    text.lines().enumerate().filter(is_wanted).nth(nth).map_or(1, |(number, _)| number + 1)
}
