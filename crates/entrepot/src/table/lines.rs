//! The physical lines of a file, whichever way each of them ends.

use std::io::{self, BufRead};

/// The longest line that is kept, in bytes: a row of goods in twenty languages is shorter.
pub(crate) const LINE_BYTES_MAX: usize = 512 * 1024;

/// A line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextLine {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
    /// It was longer than [`LINE_BYTES_MAX`]: the rest was passed over.
    pub(crate) cut: bool,
}

/// Reads lines that end in LF, CR LF or CR.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    /// The line before ended in CR: a LF that follows belongs to it.
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0, after_cr: false }
    }

    /// The line that was read last.
    pub(crate) fn line(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<TextLine>> {
        let mut line = TextLine { number: self.number + 1, bytes: Vec::new(), cut: false };
        let mut begun = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                self.number += u64::from(begun);
                return Ok(begun.then_some(line));
            }
            if std::mem::take(&mut self.after_cr) && buffer.first() == Some(&b'\n') {
                self.input.consume(1);
                continue;
            }
            begun = true;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = LINE_BYTES_MAX - line.bytes.len();
            line.cut |= part.len() > room;
            line.bytes.extend_from_slice(&part[..part.len().min(room)]);
            let ended_by = end.map(|end| buffer[end]);
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if let Some(end) = ended_by {
                self.after_cr = end == b'\r';
                self.number += 1;
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], buffer: usize) -> Vec<(u64, String)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(buffer, text));
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            read.push((line.number, String::from_utf8(line.bytes).unwrap()));
        }
        read
    }

    #[test]
    fn each_end_ends_one_line() {
        for buffer in [1, 2, 3, 100] {
            let read = all(b"a\r\nb\nc\rd\n\r\n\re", buffer);
            let text: Vec<&str> = read.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(text, ["a", "b", "c", "d", "", "", "e"]);
            assert_eq!(read.last().unwrap().0, 7);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_one_is_read() {
        let mut text = vec![b'x'; 3 * LINE_BYTES_MAX];
        text.extend_from_slice(b"\nnext");
        let mut lines = Lines::new(text.as_slice());
        let long = lines.next_line().unwrap().unwrap();
        assert_eq!((long.number, long.bytes.len(), long.cut), (1, LINE_BYTES_MAX, true));
        let next = lines.next_line().unwrap().unwrap();
        assert_eq!((next.number, next.bytes.as_slice(), next.cut), (2, &b"next"[..], false));
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
