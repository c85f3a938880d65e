//! What holds, of all that was told.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Table;

use crate::given::{self, Given, Origin, Raw, Sources};
use crate::setting::FROM_FILE;
use crate::{Setting, SettingErrors, file, without_password};

/// Says whether a hub is a sandbox.
const SANDBOX: &str = "sandbox.enabled";

/// The settings of a process.
#[derive(Debug)]
pub struct Resolved {
    held: Vec<ResolvedSetting>,
    renamed: Vec<String>,
}

/// A setting and what it holds.
#[derive(Debug)]
pub struct ResolvedSetting {
    /// Which.
    pub setting: &'static Setting,
    /// What; `None` where nobody told it and it has no default.
    pub value: Option<Value>,
    /// Where that is from.
    pub origin: Origin,
}

/// What a setting holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// This.
    Here(toml::Value),
    /// What is in this file, of which there is one for each hub or service.
    InFile(String),
}

/// Settles what holds: the command line before the environment before the file before the default. All that is wrong
/// anywhere is told, also what something else goes before.
pub fn resolve(settings: &[&'static Setting], sources: Sources) -> Result<Resolved, SettingErrors> {
    let mut wrong = SettingErrors::default();
    let file = sources.file.or_else(|| sources.environment.config());
    let mut given = file.map(|file| file::in_file(settings, &file, &mut wrong)).unwrap_or_default();
    given.extend(given::in_environment(settings, &sources.environment, &mut wrong));
    given.extend(given::on_command_line(sources.command_line));
    let resolved = Resolved::of(settings, &given, &mut wrong);
    let is_sandbox = resolved
        .iter()
        .find(|held| held.setting.key == SANDBOX)
        .is_none_or(|held| held.value != Some(Value::Here(toml::Value::Boolean(false))));
    resolved.check_sandbox(is_sandbox, &mut wrong);
    wrong.none_or(resolved)
}

/// A section that the program hands over, checked like the file, and with the defaults of what it leaves out.
pub fn section(
    settings: &'static [Setting],
    name: &str,
    section: &Table,
    is_sandbox: bool,
) -> Result<Table, SettingErrors> {
    let mut wrong = SettingErrors::default();
    let settings: Vec<&'static Setting> = settings.iter().collect();
    let given = file::in_section(&settings, name, section, |_| Origin::Section, &mut wrong);
    let resolved = Resolved::of(&settings, &given, &mut wrong);
    resolved.check_sandbox(is_sandbox, &mut wrong);
    wrong.none_or(resolved.table(name))
}

impl Resolved {
    fn of(settings: &[&'static Setting], given: &[Given], wrong: &mut SettingErrors) -> Self {
        let renamed = given.iter().filter(|given| given.key != given.setting.key).map(|given| {
            let (told, key) = (given.origin.naming(given.key), given.setting.key);
            format!("{told}: is now called {key}; the next release no longer accepts the old name")
        });
        let held = settings.iter().map(|setting| held(setting, given, wrong));
        Self { held: held.collect(), renamed: renamed.collect() }
    }

    /// What was told by an old name: a sentence each.
    pub fn renamed(&self) -> &[String] {
        &self.renamed
    }

    /// Every setting, in the order in which they were declared.
    pub fn iter(&self) -> impl Iterator<Item = &ResolvedSetting> {
        self.held.iter()
    }

    /// A setting with where it was told, to begin a sentence; `None` when nobody told it.
    pub fn told(&self, key: &str) -> Option<String> {
        let held = self.held.iter().find(|held| held.setting.key == key)?;
        (held.origin != Origin::Default).then(|| held.origin.naming(key))
    }

    /// What a section holds, or the file's top, which has no name. What holds nothing is not there, and what is in a file
    /// for each hub or service stands as `key_file`.
    pub fn table(&self, name: &str) -> Table {
        let mut table = Table::new();
        for held in &self.held {
            let (section, key) = held.setting.place();
            match &held.value {
                Some(Value::Here(value)) if section == name => {
                    table.insert(key.to_owned(), value.clone());
                }
                Some(Value::InFile(file)) if section == name => {
                    table.insert(format!("{key}{}", FROM_FILE.1), file.clone().into());
                }
                _ => {}
            }
        }
        table
    }

    /// The same as its struct, which denies unknown fields. It fails where struct and declarations differ.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, SettingErrors> {
        let section = toml::Value::Table(self.table(name));
        T::deserialize(section).map_err(|error| SettingErrors(vec![format!("[{name}] {}", error.message())]))
    }

    /// These settings as the environment of another process would have them, as far as they were told.
    pub fn variables(&self, keys: &[&str]) -> Vec<(String, String)> {
        let told = self
            .held
            .iter()
            .filter(|held| keys.contains(&held.setting.key) && held.origin != Origin::Default);
        let variable = |held: &ResolvedSetting| {
            let variable = held.setting.variable();
            Some(match held.value.as_ref()? {
                Value::Here(value) => (variable, plain(value)),
                Value::InFile(file) => (format!("{variable}{}", FROM_FILE.0), file.clone()),
            })
        };
        told.filter_map(variable).collect()
    }

    fn check_sandbox(&self, is_sandbox: bool, wrong: &mut SettingErrors) {
        let told =
            self.held.iter().filter(|held| held.setting.sandbox_only && held.origin != Origin::Default);
        for held in told.filter(|_| !is_sandbox) {
            let named = held.origin.naming(held.setting.key);
            wrong.0.push(format!("{named}: is allowed in a sandbox hub only ({SANDBOX} = true)"));
        }
    }
}

/// What a setting holds by all that was told of it.
fn held(setting: &'static Setting, given: &[Given], wrong: &mut SettingErrors) -> ResolvedSetting {
    let mut highest = ResolvedSetting { setting, value: default(setting), origin: Origin::Default };
    let mut highest_key = setting.key;
    for one in given.iter().filter(|given| given.setting.key == setting.key) {
        let told = value(one);
        // It may be set by its old names too: several settings may have become one.
        let is_same = one.key != highest_key && told.as_ref().ok() == highest.value.as_ref();
        if one.origin.rank() == highest.origin.rank() && !is_same {
            let (key, both) = (setting.key, (&highest.origin, &one.origin));
            wrong.0.push(format!("{key}: is set twice, as {} and as {}; leave one out", both.0, both.1));
        }
        match told {
            Ok(value) if one.origin.rank() >= highest.origin.rank() => {
                highest = ResolvedSetting { setting, value: Some(value), origin: one.origin.clone() };
                highest_key = one.key;
            }
            Ok(_) => {}
            Err(problem) => wrong.0.push(format!("{}: {problem}", one.origin.naming(one.key))),
        }
    }
    highest
}

/// A value as the environment would have it.
pub(crate) fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

fn default(setting: &Setting) -> Option<Value> {
    setting.default.and_then(|default| setting.kind.read(default)).map(Value::Here)
}

/// The value that was told, or why it cannot be.
fn value(Given { setting, raw, .. }: &Given) -> Result<Value, String> {
    let must_be = |shown: &str| {
        let shown = if setting.secret { String::new() } else { format!("`{}` ", without_password(shown)) };
        format!("{shown}must be {}", setting.kind.allowed())
    };
    let read = |text: &str| setting.kind.read(text).map(Value::Here).ok_or_else(|| must_be(text));
    match raw {
        Raw::Text(text) => read(text),
        Raw::Value(value) => setting.kind.take(value).map(Value::Here).ok_or_else(|| must_be(&plain(value))),
        Raw::InFile(file) if setting.each => Ok(Value::InFile(file.clone())),
        Raw::InFile(file) => read(&read_file(file)?),
    }
}

/// The content of a file that holds one value, without the final line break. An error names the file.
pub fn read_file(path: &str) -> Result<String, String> {
    let text = file::read_text(Path::new(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err(format!("{path} is empty")) } else { Ok(text.to_owned()) }
}
