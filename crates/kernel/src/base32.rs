//! The 26 characters of a TypeID's suffix: the 128 bits of a UUID in Crockford's base 32, lower case.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a suffix.
pub(crate) const LENGTH: usize = 26;

/// The suffix of these bits.
pub(crate) fn encode(bits: u128) -> String {
    (0..LENGTH)
        .rev()
        .map(|place| {
            let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
            char::from(ALPHABET[index])
        })
        .collect()
}

/// The bits of a suffix; `None` when it is not one, or is more than 128 bits.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != LENGTH {
        return None;
    }
    // 26 characters hold 130 bits: the first may be 0 to 7.
    if !matches!(text.as_bytes().first(), Some(b'0'..=b'7')) {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let index = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some((bits << 5) | u128::try_from(index).ok()?)
    })
}
