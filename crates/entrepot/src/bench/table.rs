//! Rows of figures with a column for each load, as they are shown, and as they are read back from another build.

use std::fmt;

/// How wide a column is at least, and the rows' names.
const COLUMN: usize = 12;
const NAME: usize = 30;
/// What parts the columns: no cell has two blanks in it.
const GAP: &str = "  ";

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// What the columns are of, such as `16 buyers`.
    pub(super) columns: Vec<String>,
    /// What each row is of, such as `  its price p50, ms`, and its cells.
    pub(super) rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// One with these columns, and no rows yet.
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = String>) {
        self.rows.push((name.into(), cells.into_iter().collect()));
    }

    /// The one in a text: from the line that names the columns, which begins further to the right than any row, to the
    /// next empty line. `None` where there is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let mut lines = text.lines().skip_while(|line| indent(line) < NAME || line.trim().is_empty());
        let mut table = Self::new(cells(lines.next()?).map(str::to_owned).collect());
        for line in lines.take_while(|line| !line.trim().is_empty()) {
            let mut cells = cells(line).map(str::to_owned);
            let name = cells.next()?;
            table.row(format!("{}{name}", &line[..indent(line)]), cells);
        }
        Some(table)
    }

    /// What a row says in a column.
    pub(super) fn cell(&self, name: &str, column: usize) -> Option<&str> {
        let (_, cells) = self.rows.iter().find(|(row, _)| row == name)?;
        cells.get(column).map(String::as_str)
    }
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(GAP).map(str::trim).filter(|cell| !cell.is_empty())
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.rows.iter().map(|(name, _)| name.len()).fold(NAME, usize::max);
        let heading = (String::new(), self.columns.clone());
        for (name, cells) in std::iter::once(&heading).chain(&self.rows) {
            write!(f, "{name:<longest$}")?;
            for cell in cells {
                write!(f, "{GAP}{cell:>COLUMN$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As builds of before wrote it, whose longest names leave no room.
    const OLD: &str = "\
Embedded: one process, SQLite files, every commit on the disk.
                                    16 buyers     64 buyers
orders                                   1304          1555
purchase p50, ms                         11.9          39.8
  its price p50, ms                       5.1          17.1
  everything else (engines), ms           0.0           0.2
failed                         3 Unavailable, 2 Aborted             0
";

    #[test]
    fn what_an_older_build_wrote_is_read() {
        let table = Table::read(OLD).unwrap();
        assert_eq!(table.columns, ["16 buyers", "64 buyers"]);
        assert_eq!(table.rows.len(), 5);
        assert_eq!(table.cell("purchase p50, ms", 1), Some("39.8"));
        assert_eq!(table.cell("  its price p50, ms", 0), Some("5.1"));
        assert_eq!(table.cell("  everything else (engines), ms", 1), Some("0.2"));
        assert_eq!(table.cell("failed", 0), Some("3 Unavailable, 2 Aborted"));
        assert_eq!((table.cell("its price p50, ms", 0), table.cell("orders", 2)), (None, None));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        let mut table = Table::new(vec!["1 buyers".to_owned(), "2000 buyers".to_owned()]);
        table.row("orders per second", ["1.25".to_owned(), "412.3".to_owned()]);
        table.row("CPU per reservation: service and its callers, ms", ["0.021".to_owned(), "0".to_owned()]);
        table.row("  everything else (engines), ms", ["123456789.0".to_owned(), "-".to_owned()]);
        table.row("failed", ["3 Unavailable, 2 Aborted".to_owned(), "12 DeadlineExceeded".to_owned()]);
        assert_eq!(Table::read(&format!("Embedded: so.\n{table}\nNone is oversold.\n")).unwrap(), table);
    }

    #[test]
    fn a_text_without_a_table_is_none() {
        assert_eq!(Table::read("error: unexpected argument\n\n  Usage: entrepot bench\n"), None);
    }
}
