//! The service's own settings: none so far.

use settings::Setting;

/// The section `[catalog]`.
pub(crate) const SETTINGS: &[Setting] = &[];
