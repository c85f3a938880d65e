//! Rows of delimited text with quotes, by the line on which each begins.
//!
//! A row whose quotes cannot be right is refused alone: the reading goes on with the line behind the one on which it
//! began, so that a quote that is never closed hides no other row.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use super::lines::{LINE_BYTES_MAX, Lines, TextLine};

/// The most bytes of a row, over all its lines.
const RECORD_BYTES_MAX: usize = LINE_BYTES_MAX;
/// The most lines of a row.
const RECORD_LINES_MAX: usize = 1_000;

/// What is known of the rows before they are read.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) delimiter: u8,
    /// How many cells a row has.
    pub(crate) columns: usize,
    /// The columns in which a line may end within quotes.
    pub(crate) texts: Vec<usize>,
    /// The columns that hold numbers: by them a row is seen within quotes that were left open.
    pub(crate) numbers: Vec<usize>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line on which it begins.
    pub(crate) line: u64,
    pub(crate) cells: Vec<String>,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The line on which it begins.
    pub(crate) line: u64,
    /// The cell that is wrong, from 0; `None`: the row as such.
    pub(crate) column: Option<usize>,
    /// What is wrong, to stand behind the name of the row or column.
    pub(crate) reason: &'static str,
}

const OPEN: &str = "has a quote that is not closed at the end of the cell";
const LONG: &str = "is longer than 512 KiB or 1,000 lines";

/// Reads rows.
pub(crate) struct Records<R> {
    lines: Lines<R>,
    /// Lines that were read ahead.
    ahead: VecDeque<TextLine>,
    shape: Shape,
}

impl<R: BufRead> Records<R> {
    /// Rows of all that is left of these lines.
    pub(crate) fn new(lines: Lines<R>, shape: Shape) -> Self {
        Self { lines, ahead: VecDeque::new(), shape }
    }

    /// The next row that is not an empty line; `None` at the end.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<Result<Record, Fault>>> {
        loop {
            let Some(first) = self.next_line()? else { return Ok(None) };
            if first.bytes.trim_ascii().is_empty() && !first.bytes.contains(&self.shape.delimiter) {
                continue;
            }
            return Ok(Some(self.record(first)?));
        }
    }

    /// The line that was read last.
    pub(crate) fn line(&self) -> u64 {
        self.lines.line()
    }

    fn next_line(&mut self) -> io::Result<Option<TextLine>> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next_line(),
        }
    }

    fn record(&mut self, first: TextLine) -> io::Result<Result<Record, Fault>> {
        let number = first.number;
        let fault = |column, reason| Ok(Err(Fault { line: number, column, reason }));
        if first.cut {
            return fault(None, LONG);
        }
        let mut cells = Cells::new(self.shape.delimiter);
        let mut more: Vec<TextLine> = Vec::new();
        let mut went = cells.take(&first.bytes);
        while let LineEnd::Open = went {
            if !self.shape.texts.contains(&cells.place()) {
                went = LineEnd::Wrong(OPEN);
                break;
            }
            let Some(line) = self.next_line()? else {
                went = LineEnd::Wrong(OPEN);
                break;
            };
            let fits = !line.cut
                && more.len() < RECORD_LINES_MAX
                && cells.bytes + line.bytes.len() <= RECORD_BYTES_MAX;
            went = if !fits {
                LineEnd::Wrong(LONG)
            } else if self.is_row(&line.bytes) {
                LineEnd::Wrong(OPEN)
            } else {
                cells.go_on();
                cells.take(&line.bytes)
            };
            more.push(line);
        }
        if let LineEnd::Wrong(reason) = went {
            let place = cells.place();
            // What was read with it may be rows of their own.
            more.into_iter().rev().for_each(|line| self.ahead.push_front(line));
            return fault(Some(place), reason);
        }
        Ok(cells.end(number))
    }

    /// Whether a line within quotes looks like a row of its own.
    fn is_row(&self, line: &[u8]) -> bool {
        let cells: Vec<&[u8]> =
            line.split(|byte| *byte == self.shape.delimiter).map(<[u8]>::trim_ascii).collect();
        if cells.len() != self.shape.columns {
            return false;
        }
        let numbers = self.shape.numbers.iter().filter_map(|place| cells.get(*place));
        let mut said = numbers.filter(|cell| !cell.is_empty()).peekable();
        said.peek().is_some()
            && said.all(|cell| {
                let letters = cell.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
                // As many as a currency has.
                cell.iter().any(u8::is_ascii_digit) && letters <= 3
            })
    }
}

/// The cells of one line: a heading, or a line whose delimiter is tried.
pub(crate) fn cells(line: &[u8], delimiter: u8) -> Result<Vec<String>, Fault> {
    let mut cells = Cells::new(delimiter);
    match cells.take(line) {
        LineEnd::Closed => cells.end(1).map(|record| record.cells),
        LineEnd::Open => Err(Fault { line: 1, column: Some(cells.place()), reason: OPEN }),
        LineEnd::Wrong(reason) => Err(Fault { line: 1, column: Some(cells.place()), reason }),
    }
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    /// With its last cell.
    Closed,
    /// Within quotes.
    Open,
    Wrong(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParserState {
    /// At the beginning of a cell, or behind blanks there.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote within quotes: the end, or half of a doubled one.
    Quote,
}

struct Cells {
    delimiter: u8,
    state: ParserState,
    done: Vec<Vec<u8>>,
    cell: Vec<u8>,
    bytes: usize,
}

impl Cells {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: ParserState::Begin, done: Vec::new(), cell: Vec::new(), bytes: 0 }
    }

    /// The cell that is being read, from 0.
    fn place(&self) -> usize {
        self.done.len()
    }

    /// A line ended within quotes.
    fn go_on(&mut self) {
        self.cell.push(b'\n');
    }

    fn take(&mut self, line: &[u8]) -> LineEnd {
        self.bytes += line.len();
        for byte in line.iter().copied() {
            self.state = match (self.state, byte) {
                (ParserState::Begin | ParserState::Plain | ParserState::Quote, byte)
                    if byte == self.delimiter =>
                {
                    self.done.push(std::mem::take(&mut self.cell));
                    ParserState::Begin
                }
                (ParserState::Begin, b'"') => {
                    self.cell.clear();
                    ParserState::Quoted
                }
                (ParserState::Quoted, b'"') => ParserState::Quote,
                (ParserState::Quote, b' ' | b'\t') => ParserState::Quote,
                (ParserState::Quote, b'"') => {
                    self.cell.push(b'"');
                    ParserState::Quoted
                }
                (ParserState::Quote, _) => {
                    return LineEnd::Wrong(
                        "has text after a closing quote: double the quotes within a quoted cell",
                    );
                }
                (ParserState::Quoted, byte) => {
                    self.cell.push(byte);
                    ParserState::Quoted
                }
                (ParserState::Begin, byte @ (b' ' | b'\t')) => {
                    self.cell.push(byte);
                    ParserState::Begin
                }
                (ParserState::Begin | ParserState::Plain, byte) => {
                    self.cell.push(byte);
                    ParserState::Plain
                }
            };
        }
        if self.state == ParserState::Quoted { LineEnd::Open } else { LineEnd::Closed }
    }

    fn end(mut self, line: u64) -> Result<Record, Fault> {
        self.done.push(self.cell);
        let mut cells = Vec::with_capacity(self.done.len());
        for (place, cell) in self.done.into_iter().enumerate() {
            let fault = |reason| Fault { line, column: Some(place), reason };
            let cell = String::from_utf8(cell).map_err(|_| fault("is not UTF-8 text"))?;
            if cell.contains('\0') {
                return Err(fault("has a NUL character"));
            }
            cells.push(cell);
        }
        Ok(Record { line, cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape { delimiter: b',', columns: 3, texts: vec![1], numbers: vec![2] }
    }

    fn read(text: &str) -> Vec<Result<Record, Fault>> {
        let mut records = Records::new(Lines::new(text.as_bytes()), shape());
        std::iter::from_fn(|| records.next_record().unwrap()).collect()
    }

    fn lines(text: &str) -> Vec<(u64, bool)> {
        let line = |row: Result<Record, Fault>| match row {
            Ok(row) => (row.line, true),
            Err(fault) => (fault.line, false),
        };
        read(text).into_iter().map(line).collect()
    }

    #[test]
    fn a_row_is_named_by_the_line_on_which_it_begins() {
        let read = read("a,\"two\r\nlines\",1\r\n\r\nb,\"say \"\"no\"\"\" ,2\rc, \"x\",3\n");
        let cells: Vec<_> = read.iter().map(|row| row.as_ref().unwrap()).collect();
        assert_eq!(cells.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 4, 5]);
        assert_eq!(cells[0].cells, ["a", "two\nlines", "1"]);
        assert_eq!(cells[1].cells, ["b", "say \"no\"", "2"]);
        assert_eq!(cells[2].cells, ["c", "x", "3"]);
    }

    #[test]
    fn an_open_quote_hides_no_other_row() {
        // To the end; to a later quote; to a quote that happens to close it; in a column without line breaks.
        assert_eq!(lines("a,\"x,1\nb,y,2\nc,z,3\n"), [(1, false), (2, true), (3, true)]);
        assert_eq!(lines("a,\"x,1\nb,\"y\",2\nc,z,3\n"), [(1, false), (2, true), (3, true)]);
        assert_eq!(lines("a,\"x,1\nb,12\",2\nc,z,3\n"), [(1, false), (2, true), (3, true)]);
        assert_eq!(lines("\"a,x,1\nb\",x,2\nc,z,3\n"), [(1, false), (2, true), (3, true)]);
        assert_eq!(lines("a,x,\"1"), [(1, false)]);
    }

    #[test]
    fn quotes_within_a_plain_cell_are_letters() {
        let read = read("a,12\" ruler,1\nb,the \"big\" one,2\n");
        assert_eq!(read[0].as_ref().unwrap().cells[1], "12\" ruler");
        assert_eq!(read[1].as_ref().unwrap().cells[1], "the \"big\" one");
    }

    #[test]
    fn what_is_no_text_or_has_no_end_is_refused_alone() {
        let mut text = b"a,\xff,1\nb,\0,2\nc,\"".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * LINE_BYTES_MAX));
        text.extend_from_slice(b"\nd,y,4\n");
        let mut records = Records::new(Lines::new(text.as_slice()), shape());
        let rows: Vec<_> = std::iter::from_fn(|| records.next_record().unwrap()).collect();
        let faults: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(rows[3].as_ref().unwrap().cells, ["d", "y", "4"]);
    }

    #[test]
    fn many_open_quotes_take_bounded_work() {
        // Each line leaves a quote open that the next ones do not close.
        let text = "a,\"\"\"b\n".repeat(20_000);
        assert_eq!(read(&text).len(), 20_000);
    }
}
