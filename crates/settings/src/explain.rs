//! Telling of all settings there are, and of what holds.

use std::fmt::Write as _;

use crate::resolved::plain;
use crate::setting::FROM_FILE;
use crate::{Resolved, ResolvedSetting, Setting, Value, without_password};

/// How wide a terminal is, and a line of the file.
const WIDTH: usize = 100;
/// How a secret is shown.
const MASK: &str = "********";

/// How a setting is told.
pub const RULES: &str = "\
A setting is taken from the command line, else the environment, else the configuration file
(--config FILE, ENTREPOT_CONFIG), else its default. In the environment its name may end with
_FILE: then its value is read from the named file. Unknown or contradictory settings stop the start.
";

/// Every setting with its names, what is allowed, its default and its sentence, for a terminal.
pub fn explain(settings: &[&'static Setting]) -> String {
    let mut text = String::new();
    let keys = column(settings.iter().map(|setting| setting.key));
    let variables = column(settings.iter().map(|setting| setting.variable()));
    for (section, settings) in sections(settings) {
        let title =
            if section.is_empty() { "At the top of the file".to_owned() } else { format!("[{section}]") };
        let _ = write!(text, "{title}\n\n");
        for setting in settings {
            let (variable, flag) = (setting.variable(), flag(setting));
            let names = format!("  {:<keys$}{variable:<variables$}", setting.key);
            // The longest flags stand below.
            let fits = names.chars().count() + flag.chars().count() <= WIDTH;
            let names = if fits { names + &flag } else { format!("{}\n      {flag}", names.trim_end()) };
            let _ = writeln!(text, "{}", names.trim_end());
            text.push_str(&wrapped(setting.about, "      "));
            text.push_str(&wrapped(&facts(setting), "      "));
            text.push('\n');
        }
    }
    text
}

/// The configuration file: every setting with a comment, commented out at its default.
pub fn template(settings: &[&'static Setting]) -> String {
    let mut text: String = RULES.lines().map(|line| format!("# {line}\n")).collect();
    text.push('\n');
    for (section, settings) in sections(settings) {
        if !section.is_empty() {
            let _ = write!(text, "[{section}]\n\n");
        }
        for setting in settings {
            let (_, key) = setting.place();
            text.push_str(&wrapped(&format!("{} {}", setting.about, facts(setting)), "# "));
            let _ = match (setting.secret, setting.kind.read(setting.default.unwrap_or(setting.example))) {
                (false, Some(value)) => write!(text, "#{key} = {value}\n\n"),
                _ => write!(text, "#{key}{} = \"{}\"\n\n", FROM_FILE.1, setting.example),
            };
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Every setting as a row of a table in Markdown.
pub fn table(settings: &[&'static Setting]) -> String {
    let mut text = "| setting | flag | default | allowed | meaning |\n|---|---|---|---|---|\n".to_owned();
    for setting in settings {
        let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
        let (flag, default) = (code(&flag(setting)), code(setting.default.unwrap_or_default()));
        let (allowed, meaning) = (setting.kind.allowed(), format!("{}{}", setting.about, marks(setting)));
        let _ = writeln!(text, "| `{}` | {flag} | {default} | {allowed} | {meaning} |", setting.key);
    }
    text
}

/// What holds, and where that is from; secrets are not shown.
pub fn resolved(resolved: &Resolved) -> String {
    let mut text = String::new();
    let keys = column(resolved.iter().map(|held| held.setting.key));
    for held in resolved.iter() {
        let _ = writeln!(text, "{:<keys$}{:<48} {}", held.setting.key, shown(held), held.origin);
    }
    text
}

/// How wide a column of these names is, with the blanks behind the longest.
fn column(names: impl Iterator<Item = impl AsRef<str>>) -> usize {
    names.map(|name| name.as_ref().len()).max().unwrap_or_default() + 2
}

fn shown(ResolvedSetting { setting, value, .. }: &ResolvedSetting) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::InFile(file)) => format!("in {file}"),
        Some(Value::Here(_)) if setting.secret => MASK.to_owned(),
        Some(Value::Here(value)) => without_password(&plain(value)),
    }
}

/// The settings by their sections, those at the file's top first.
fn sections(settings: &[&'static Setting]) -> Vec<(&'static str, Vec<&'static Setting>)> {
    let mut sections: Vec<(&str, Vec<&Setting>)> = vec![("", Vec::new())];
    for setting in settings {
        let section = setting.place().0;
        match sections.iter_mut().find(|(name, _)| *name == section) {
            Some((_, settings)) => settings.push(setting),
            None => sections.push((section, vec![setting])),
        }
    }
    sections
}

fn flag(setting: &Setting) -> String {
    setting.flag.map_or_else(String::new, |flag| {
        format!("--{} {}{}", flag.long, flag.before, flag.value).trim_end().to_owned()
    })
}

/// What is allowed, and what else is to be known.
fn facts(setting: &Setting) -> String {
    let default = match setting.default {
        Some(default) => format!("Default: {default}."),
        None => "Default: none.".to_owned(),
    };
    format!("Allowed: {}. {default}{}", setting.kind.allowed(), marks(setting))
}

fn marks(setting: &Setting) -> String {
    let mut marks = String::new();
    if setting.secret {
        let _ = write!(marks, " A secret: {}{} names its file.", setting.place().1, FROM_FILE.1);
    }
    if setting.sandbox_only {
        marks.push_str(" In a sandbox hub only.");
    }
    marks
}

/// Lines of this width that begin so.
fn wrapped(text: &str, begin: &str) -> String {
    let mut lines = vec![begin.to_owned()];
    for word in text.split(' ') {
        let is_full = lines.last().is_some_and(|line| line.len() + 1 + word.len() > WIDTH);
        if is_full {
            lines.push(begin.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > begin.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
