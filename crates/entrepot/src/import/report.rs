//! What became of each row of a file.

use std::fmt;

use proto::catalog::v1::{ImportOutcome, ImportProductsResponse};

use super::heading::Heading;

/// Counts that come to the rows of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) rows: u64,
    /// New SKUs.
    pub(crate) created: u64,
    /// Known SKUs that were changed.
    pub(crate) updated: u64,
    /// Known SKUs as they were.
    pub(crate) unchanged: u64,
    /// Refused here or by the hub, each named.
    pub(crate) rejected: u64,
    /// Empty, or the same as a row before.
    pub(crate) ignored: u64,
    /// Rows taken whose stock was left alone.
    pub(crate) stock_ignored: u64,
}

impl Report {
    /// Counts an answer of the hub; what is to be said of it.
    pub(super) fn count(&mut self, answer: &ImportProductsResponse, heading: &Heading) -> Option<String> {
        let count = match answer.outcome() {
            ImportOutcome::Created => &mut self.created,
            ImportOutcome::Updated => &mut self.updated,
            ImportOutcome::Unchanged => &mut self.unchanged,
            ImportOutcome::Rejected | ImportOutcome::Unspecified => {
                self.rejected += 1;
                return Some(refusal(answer.row, &heading.name_of(&answer.field), &answer.reason));
            }
        };
        *count += 1;
        let (stock, others): (Vec<&String>, Vec<&String>) =
            answer.ignored_fields.iter().partition(|field| *field == "stock");
        self.stock_ignored += u64::from(!stock.is_empty());
        let others: Vec<String> = others.into_iter().map(|field| heading.name_of(field)).collect();
        (!others.is_empty()).then(|| {
            format!("line {}: {}: ignored: there is no title in this language", answer.row, others.join(", "))
        })
    }

    /// Rows that were not sent or not answered, as the stream ended before.
    pub(crate) fn unanswered(&self) -> u64 {
        let counted = self.created + self.updated + self.unchanged + self.rejected + self.ignored;
        self.rows.saturating_sub(counted)
    }
}

/// The longest reason that is printed, in characters.
const REASON_MAX: usize = 300;

/// A row that was refused. What the file holds is repeated only so far, and moves no cursor.
pub(super) fn refusal(line: impl fmt::Display, column: &str, reason: &str) -> String {
    let visible = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let cut = |text: &str| -> String { text.chars().take(REASON_MAX).map(visible).collect() };
    let (column, reason) = (cut(column), cut(reason));
    match column.as_str() {
        "" => format!("line {line}: {reason}"),
        column => format!("line {line}: {column}: {reason}"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows: {} created, {} updated, {} unchanged, {} rejected, {} ignored (empty, or repeating a row)",
            self.rows, self.created, self.updated, self.unchanged, self.rejected, self.ignored
        )?;
        if self.unanswered() > 0 {
            write!(f, ", {} not answered", self.unanswered())?;
        }
        if self.stock_ignored > 0 {
            write!(
                f,
                "\nstock: ignored in {} of these rows, whose SKUs are known or whose units were added before; `--stock \
                 set` takes the column as a count, `--stock add` as a change",
                self.stock_ignored
            )?;
        }
        Ok(())
    }
}
