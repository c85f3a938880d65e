//! Texts that people give as files: read whole, and only so far.

use std::io::{self, Read};

/// The whole of a text; an error if it is longer than `most` bytes or not UTF-8. No more than that is read.
pub fn read_text(reader: impl Read, most: u64) -> io::Result<String> {
    let mut text = String::new();
    reader.take(most.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= most) {
        return Ok(text);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_end_is_refused_at_its_bound() {
        assert_eq!(read_text(&b"four"[..], 4).unwrap(), "four");
        let error = read_text(io::repeat(b'x'), 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().contains("4 bytes"), "{error}");
    }
}
