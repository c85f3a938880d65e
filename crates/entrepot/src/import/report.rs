//! What became of each row of a file.

use std::fmt;

use kernel::text::shortened;
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
        let reason = "ignored: there is no title in this language";
        (!others.is_empty()).then(|| refusal(answer.row, &others.join(", "), reason))
    }

    /// Rows that were not sent or not answered, as the stream ended before.
    pub(crate) fn unanswered(&self) -> u64 {
        let counted = self.created + self.updated + self.unchanged + self.rejected + self.ignored;
        self.rows.saturating_sub(counted)
    }
}

/// The longest names of columns and reasons that are printed, in characters.
const COLUMN_MAX: usize = 80;
const REASON_MAX: usize = 300;

/// A row that was refused. What the file holds is repeated only so far, and what harms a terminal or hides is escaped.
pub(super) fn refusal(line: impl fmt::Display, column: &str, reason: &str) -> String {
    let reason = shortened(reason, REASON_MAX);
    match column {
        "" => format!("line {line}: {reason}"),
        column => format!("line {line}: {}: {reason}", shortened(column, COLUMN_MAX)),
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
