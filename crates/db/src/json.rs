//! Values of rows that are bound as JSON, in the form in which both engines take them: for serde's `serialize_with`.
//! Of many rows in one statement, PostgreSQL reads `jsonb_to_recordset($1)`, SQLite `jsonb_each($1)`: `json_each` would
//! write a row as text, and read that again, for each of its columns.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// A time as SQLite stores one that is bound by itself; PostgreSQL reads it as well.
pub fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

/// As [`timestamp`], where there is one.
pub fn optional_timestamp<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => timestamp(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// As [`hex`], where there are some.
pub fn optional_hex<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => hex(bytes, serializer),
        None => serializer.serialize_none(),
    }
}

/// Bytes in hexadecimal: `decode(payload, 'hex')` on PostgreSQL, `unhex(value ->> 'payload')` on SQLite.
pub fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    let text: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    serializer.serialize_str(&text)
}
