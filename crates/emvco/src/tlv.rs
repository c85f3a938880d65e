//! Rows of tag, length and value.

use crate::Wrong;

/// The longest value, in characters.
pub(crate) const VALUE_CHARACTERS_MAX: usize = 99;

/// Writes a field. The value is at most 99 characters: checked by those who call.
pub(crate) fn field(tag: &str, value: &str) -> String {
    format!("{tag}{:02}{value}", value.chars().count())
}

/// Reads a row: `(tag, value)` in their order.
pub(crate) fn read(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let characters: Vec<char> = text.chars().collect();
    let mut fields = Vec::new();
    let mut place = 0;
    while place < characters.len() {
        let head = characters.get(place..place + 4).ok_or(Wrong::Truncated)?;
        let digits: Option<Vec<usize>> = head
            .iter()
            .map(|digit| digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()))
            .collect();
        let [_, _, tens, ones] = digits.as_deref().ok_or(Wrong::Length)? else { return Err(Wrong::Length) };
        let (from, to) = (place + 4, place + 4 + tens * 10 + ones);
        let value = characters.get(from..to).ok_or(Wrong::Truncated)?;
        fields.push((head.iter().take(2).collect(), value.iter().collect()));
        place = to;
    }
    Ok(fields)
}
