//! The service's own settings: none so far, and a key that is none is an error.

use serde::Deserialize;

/// The section `[catalog]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}
