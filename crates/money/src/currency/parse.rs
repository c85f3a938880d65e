//! Reading a code.

use std::str::FromStr;

use super::Currency;
use crate::error::{Error, shown};

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::of_code(text).ok_or_else(|| Error::UnknownCurrency { found: shown(text) })
    }
}

impl TryFrom<String> for Currency {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}
