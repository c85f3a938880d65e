//! Settings: declared once, as data, by the crate that owns them; told on the command line, in the environment or in a
//! file; and resolved in one place, which names whatever is wrong.
//!
//! A [`Setting`] says what it is called, which [`ValueKind`] it holds and what it is for. [`resolve`] takes what was told, the
//! command line before the environment before the file before the default, and a section of the outcome becomes the
//! struct that the code uses ([`Resolved::section`]). That struct denies unknown fields, so that a setting which is
//! declared but read by nobody is found by the first start. [`explain`], [`template`] and [`table`] tell all there are.
//!
//! To add one: declare it beside its section's others, add the field to the section's struct, and put what
//! `entrepot config --template` and `--table` print into deploy/entrepot.toml and docs/configuration.md.

mod errors;
mod explain;
mod file;
mod given;
mod resolved;
mod setting;
mod value_kind;

pub use errors::{SettingErrors, without_password};
pub use explain::{RULES, explain, resolved, table, template};
pub use given::{Environment, Origin, Sources};
pub use resolved::{Resolved, ResolvedSetting, Value, read_file, resolve, section};
pub use setting::{Flag, PREFIX, Setting, problems};
pub use value_kind::{ADDRESS, PATH, ValueKind};
