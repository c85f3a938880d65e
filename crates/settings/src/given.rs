//! What was told, and where.

use std::fmt;
use std::path::PathBuf;

use toml::Value;

use crate::errors::suggestion;
use crate::setting::{FROM_FILE, PREFIX, variable};
use crate::{Setting, SettingErrors};

/// Names the configuration file, where the command line does not.
const CONFIG: &str = "ENTREPOT_CONFIG";

/// All that a process is told.
#[derive(Debug, Default)]
pub struct Sources {
    /// Flags and their values, each as often as it was given.
    pub command_line: Vec<(&'static Setting, Vec<String>)>,
    /// The environment.
    pub environment: Environment,
    /// The configuration file, as the command line names it.
    pub file: Option<PathBuf>,
}

/// The variables of the environment that may be settings.
#[derive(Debug, Default)]
pub struct Environment {
    /// Names and values.
    pub variables: Vec<(String, String)>,
    /// Names that begin as settings do and are others' affair; `ENTREPOT_TEST_` stands for all that begin so.
    pub others: &'static [&'static str],
}

impl Environment {
    /// This process's.
    pub fn of_process(others: &'static [&'static str]) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let mut variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            match value.into_string() {
                Ok(value) => variables.push((name.to_owned(), value)),
                Err(_) => wrong.0.push(format!("{name}: must be text in UTF-8")),
            }
        }
        variables.sort();
        wrong.none_or(Self { variables, others })
    }

    /// The configuration file that it names.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        self.told().find(|(name, _)| name == CONFIG).map(|(_, path)| PathBuf::from(path))
    }

    /// What says something: an empty variable says nothing.
    fn told(&self) -> impl Iterator<Item = &(String, String)> {
        self.variables.iter().filter(|(_, value)| !value.is_empty())
    }

    fn is_foreign(&self, name: &str) -> bool {
        self.others.iter().any(|other| name == *other || (other.ends_with('_') && name.starts_with(other)))
    }
}

/// Where a setting's value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody told it.
    Default,
    /// A section that the program handed over.
    Section,
    /// The configuration file.
    File {
        /// Which.
        file: String,
        /// The key's line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag, such as `--kafka`.
    CommandLine(String),
}

impl Origin {
    /// Which goes before which: the higher.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Section | Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::CommandLine(_) => 3,
        }
    }

    /// A setting with where it was told, to begin a sentence: `kafka.partitions (ENTREPOT_KAFKA_PARTITIONS)`.
    pub fn naming(&self, key: &str) -> String {
        match self {
            Self::Default | Self::Section => key.to_owned(),
            told => format!("{key} ({told})"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Section => f.write_str("its section"),
            Self::File { file, line } => write!(f, "{file}, line {line}"),
            Self::Environment(name) => f.write_str(name),
            Self::CommandLine(flag) => f.write_str(flag),
        }
    }
}

/// A setting as it was told in one place, not looked at yet.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) setting: &'static Setting,
    /// By which of its keys.
    pub(crate) key: &'static str,
    pub(crate) raw: Raw,
    pub(crate) origin: Origin,
}

#[derive(Debug)]
pub(crate) enum Raw {
    /// As text.
    Text(String),
    /// As a value of the file.
    Value(Value),
    /// In a file of its own.
    InFile(String),
}

impl Raw {
    /// A text, or the file that it names.
    fn of(text: String, names_file: bool) -> Self {
        if names_file { Self::InFile(text) } else { Self::Text(text) }
    }
}

/// What the command line tells.
pub(crate) fn on_command_line(flags: Vec<(&'static Setting, Vec<String>)>) -> Vec<Given> {
    let given = |(setting, values): (&'static Setting, Vec<String>)| {
        let long = setting.flag.map_or("", |flag| flag.long);
        Given {
            setting,
            key: setting.key,
            raw: Raw::of(values.join(","), setting.secret),
            origin: Origin::CommandLine(format!("--{long}")),
        }
    };
    flags.into_iter().map(given).collect()
}

/// The settings with each of their keys.
pub(crate) fn keyed(settings: &[&'static Setting]) -> impl Iterator<Item = (&'static str, &'static Setting)> {
    settings.iter().flat_map(|setting| setting.keys().map(move |key| (key, *setting)))
}

/// What the environment tells.
pub(crate) fn in_environment(
    settings: &[&'static Setting],
    environment: &Environment,
    wrong: &mut SettingErrors,
) -> Vec<Given> {
    let of_name = |name: &str| keyed(settings).find(|(key, _)| variable(key) == name);
    let mut given = Vec::new();
    for (name, value) in
        environment.told().filter(|(name, _)| name != CONFIG && !environment.is_foreign(name))
    {
        let direct = of_name(name).map(|found| (found, false));
        let from_file = || Some((of_name(name.strip_suffix(FROM_FILE.0)?)?, true));
        match direct.or_else(from_file) {
            Some(((key, setting), names_file)) => given.push(Given {
                setting,
                key,
                raw: Raw::of(value.clone(), names_file),
                origin: Origin::Environment(name.clone()),
            }),
            None => {
                let known: Vec<String> = settings.iter().map(|setting| setting.variable()).collect();
                let known = known.iter().map(String::as_str);
                let known = known.map(|known| &known[PREFIX.len()..]);
                let meant = suggestion(PREFIX, &name[PREFIX.len()..], known);
                wrong.0.push(format!("{name}: there is no such setting{meant}"));
            }
        }
    }
    given
}
