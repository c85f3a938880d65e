//! The configuration file, and sections of it that are handed over in code.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use toml::de::DeTable;
use toml::{Table, Value};

use crate::errors::suggestion;
use crate::given::{Given, Origin, Raw, keyed};
use crate::setting::{FROM_FILE, place};
use crate::{Setting, SettingErrors};

/// What the file tells.
pub(crate) fn in_file(settings: &[&'static Setting], path: &Path, wrong: &mut SettingErrors) -> Vec<Given> {
    let file = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => {
            wrong.0.push(format!("config: cannot read {file}: {error}"));
            return Vec::new();
        }
    };
    let line_at = |offset: usize| text[..offset].matches('\n').count() + 1;
    match (toml::from_str::<Table>(&text), DeTable::parse(&text)) {
        (Ok(table), Ok(spans)) => {
            let origin = |section: &str, key: &str| {
                let offset = offset(spans.get_ref(), section, key).unwrap_or_default();
                Origin::File { file: file.clone(), line: line_at(offset) }
            };
            in_table(settings, &table, origin, wrong)
        }
        (Err(error), _) | (_, Err(error)) => {
            let line = line_at(error.span().map_or(0, |span| span.start));
            wrong.0.push(format!("{file}, line {line}: {}", error.message()));
            Vec::new()
        }
    }
}

/// The most bytes of a file that is read.
const BYTES_MAX: u64 = 1024 * 1024;

/// The whole of a file, which is no longer than a configuration can be.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= BYTES_MAX) {
        return Ok(text);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {BYTES_MAX} bytes")))
}

/// Where a key stands; a section, where the key is empty.
fn offset(table: &DeTable<'_>, section: &str, key: &str) -> Option<usize> {
    let find = |table: &DeTable<'_>, name: &str| {
        table.keys().find(|key| key.get_ref() == name).map(|key| key.span().start)
    };
    if section.is_empty() || key.is_empty() {
        return find(table, if key.is_empty() { section } else { key });
    }
    let (_, inner) = table.iter().find(|(name, _)| name.get_ref() == section)?;
    find(inner.get_ref().as_table()?, key)
}

fn in_table(
    settings: &[&'static Setting],
    table: &Table,
    origin: impl Fn(&str, &str) -> Origin,
    wrong: &mut SettingErrors,
) -> Vec<Given> {
    let sections: Vec<&str> = keyed(settings).map(|(key, _)| place(key).0).collect();
    let mut given = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) if sections.contains(&name.as_str()) => {
                given.extend(in_section(settings, name, section, |key| origin(name, key), wrong));
            }
            Value::Table(_) => {
                let known = sections.iter().copied().filter(|section| !section.is_empty());
                wrong.0.push(format!(
                    "{}: there is no section [{name}]{}",
                    origin(name, ""),
                    suggestion("", name, known)
                ));
            }
            value => given.extend(one(settings, name, value, origin("", name), wrong)),
        }
    }
    given
}

/// What a section tells.
pub(crate) fn in_section(
    settings: &[&'static Setting],
    name: &str,
    section: &Table,
    origin: impl Fn(&str) -> Origin,
    wrong: &mut SettingErrors,
) -> Vec<Given> {
    let given = section
        .iter()
        .filter_map(|(key, value)| one(settings, &format!("{name}.{key}"), value, origin(key), wrong));
    given.collect()
}

fn one(
    settings: &[&'static Setting],
    key: &str,
    value: &Value,
    origin: Origin,
    wrong: &mut SettingErrors,
) -> Option<Given> {
    let of_key = |key: &str| keyed(settings).find(|(known, _)| *known == key);
    if let Some((key, setting)) = of_key(key) {
        return Some(Given { setting, key, raw: Raw::Value(value.clone()), origin });
    }
    let secret = key.strip_suffix(FROM_FILE.1).and_then(of_key).filter(|(_, setting)| setting.secret);
    match (secret, value) {
        (Some((key, setting)), Value::String(file)) => {
            Some(Given { setting, key, raw: Raw::InFile(file.clone()), origin })
        }
        (Some(_), _) => {
            wrong.0.push(format!("{}: must be a path", origin.naming(key)));
            None
        }
        (None, _) => {
            let meant = suggestion("", key, settings.iter().map(|setting| setting.key));
            wrong.0.push(format!("{}: there is no such setting{meant}", origin.naming(key)));
            None
        }
    }
}
