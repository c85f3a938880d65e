//! What can be wrong with a code.

/// What is wrong with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is no merchant-presented code at all.
    #[error("is not a merchant-presented QR code: it does not begin with tag 00")]
    NotMpm,
    /// It ends too early.
    #[error("ends in the middle of a field")]
    Truncated,
    /// A length is no number, or does not lead to the next field.
    #[error("has a field whose length is wrong")]
    Length,
    /// A field that every code has is missing.
    #[error("lacks a mandatory field")]
    MissingTag,
    /// It was changed after it was made.
    #[error("has a wrong checksum")]
    Crc,
}

impl Wrong {
    /// The reason as a word: `not_mpm`, `truncated`, `length`, `missing_tag` or `crc`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotMpm => "not_mpm",
            Self::Truncated => "truncated",
            Self::Length => "length",
            Self::MissingTag => "missing_tag",
            Self::Crc => "crc",
        }
    }
}
