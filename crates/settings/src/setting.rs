//! What a setting is.

use std::collections::BTreeMap;

use crate::ValueKind;

/// Begins the names of settings in the environment.
pub const PREFIX: &str = "ENTREPOT_";
/// Ends the name that a setting has where a file is named that its value is in.
pub(crate) const FROM_FILE: (&str, &str) = ("_FILE", "_file");

/// A setting, as the crate that owns it declares it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the configuration file: `section.key`, or `key` at the file's top.
    pub key: &'static str,
    /// What it holds.
    pub kind: ValueKind,
    /// One sentence about it, or two, for operators.
    pub about: &'static str,
    /// What it is unless told, as the environment would have it; `None`: nothing.
    pub default: Option<&'static str>,
    /// What it may look like, where the default says nothing of that.
    pub example: &'static str,
    /// Its flag on the command line, for the commands that have it.
    pub flag: Option<Flag>,
    /// Whether nobody is to see it. Such a one may stand in a file of its own, which `key_file` names; its flag names
    /// that file, since a command line is seen by all.
    pub secret: bool,
    /// Whether only a sandbox hub may have it.
    pub sandbox_only: bool,
    /// Whether its file is another one for each hub or service: then the file is left to who knows them.
    pub each: bool,
    /// Keys that it had in the release before, which are still taken.
    pub formerly: &'static [&'static str],
}

/// A flag of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Such as `kafka`, for `--kafka`.
    pub long: &'static str,
    /// What follows it, in the help.
    pub value: &'static str,
    /// Where several settings share a flag, what stands before their values: `catalog=`.
    pub before: &'static str,
}

impl Setting {
    /// One that holds nothing unless told.
    pub const fn new(key: &'static str, holds: ValueKind, about: &'static str) -> Self {
        Self {
            key,
            kind: holds,
            about,
            default: None,
            example: "",
            flag: None,
            secret: false,
            sandbox_only: false,
            each: false,
            formerly: &[],
        }
    }

    /// With what it is unless told.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// With what it may look like.
    #[must_use]
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// With a flag.
    #[must_use]
    pub const fn flag(self, long: &'static str, value: &'static str) -> Self {
        Self { flag: Some(Flag { long, value, before: "" }), ..self }
    }

    /// With a flag that others have as well: its values begin with `before`.
    #[must_use]
    pub const fn shared_flag(self, long: &'static str, value: &'static str, before: &'static str) -> Self {
        Self { flag: Some(Flag { long, value, before }), ..self }
    }

    /// For nobody's eyes.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// For sandbox hubs only.
    #[must_use]
    pub const fn sandbox_only(self) -> Self {
        Self { sandbox_only: true, ..self }
    }

    /// In a file for each hub or service.
    #[must_use]
    pub const fn each(self) -> Self {
        Self { each: true, ..self }
    }

    /// With the keys that it had in the release before.
    #[must_use]
    pub const fn formerly(self, formerly: &'static [&'static str]) -> Self {
        Self { formerly, ..self }
    }

    /// Its keys: the one that it has, and those that it had.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.formerly.iter().copied())
    }

    /// Its section, empty at the file's top, and its name there.
    pub fn place(&self) -> (&'static str, &'static str) {
        place(self.key)
    }

    /// Its name in the environment.
    pub fn variable(&self) -> String {
        variable(self.key)
    }
}

pub(crate) fn place(key: &str) -> (&str, &str) {
    key.split_once('.').unwrap_or(("", key))
}

pub(crate) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "_"))
}

/// What is wrong with declarations: faults of the program, for a test.
pub fn problems(settings: &[&'static Setting]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut names = BTreeMap::new();
    for setting in settings {
        let key = setting.key;
        let variables = setting.keys().map(variable);
        for name in variables.flat_map(|name| [format!("{name}{}", FROM_FILE.0), name]) {
            if let Some(other) = names.insert(name.clone(), key) {
                problems.push(format!("{key} and {other} are both {name}"));
            }
        }
        let shown = setting.default.or((!setting.secret).then_some(setting.example));
        if shown.is_some_and(|shown| setting.kind.read(shown).is_none()) {
            problems.push(format!(
                "{key}: `{}` must be {}",
                shown.unwrap_or_default(),
                setting.kind.allowed()
            ));
        }
        if !setting.about.ends_with('.') {
            problems.push(format!("{key}: a sentence ends with a point"));
        }
    }
    problems
}
