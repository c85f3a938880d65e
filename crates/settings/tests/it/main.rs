//! Settings as a program declares, is told and tells them.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod layers;
mod telling;
mod wrong;

use settings::{Environment, PATH, Resolved, Setting, SettingErrors, Sources, ValueKind, resolve};
use tempfile::TempDir;

/// What the program of these tests has.
const SETTINGS: &[Setting] = &[
    Setting::new(
        "name",
        ValueKind::Text { must_be: "a name", is: |text| !text.contains(' ') },
        "What it is called.",
    )
    .default("shop")
    .flag("name", "NAME"),
    Setting::new("shop.shelves", ValueKind::Whole { least: 1, most: 9, unit: "shelves" }, "How many it has.")
        .default("2")
        .flag("shelves", "COUNT"),
    Setting::new("shop.branches", ValueKind::List(&PATH), "Where others are.")
        .example("north")
        .formerly(&["branches", "depot.branches"]),
    Setting::new("shop.safe", PATH, "What opens its safe.")
        .example("safe.txt")
        .flag("safe-file", "FILE")
        .secret(),
    Setting::new("shop.tills", PATH, "What opens each till.").example("{till}.txt").secret().each(),
    Setting::new("sandbox.enabled", ValueKind::Switch, "Whether it plays.").default("true"),
    Setting::new(
        "sandbox.seed",
        ValueKind::Whole { least: 0, most: i64::MAX, unit: "" },
        "What it plays by.",
    )
    .example("7")
    .sandbox_only(),
];

fn all() -> Vec<&'static Setting> {
    SETTINGS.iter().collect()
}

/// What a program is told in a test.
#[derive(Default)]
struct Told {
    folder: Option<TempDir>,
    sources: Sources,
}

impl Told {
    fn file(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("shop.toml");
        std::fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Self { folder: Some(folder), sources }
    }

    fn variables(mut self, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.sources.environment =
            Environment { variables: variables.collect(), others: &["ENTREPOT_TEST_", "ENTREPOT_BIN"] };
        self
    }

    fn flag(mut self, key: &str, values: &[&str]) -> Self {
        let setting = SETTINGS.iter().find(|setting| setting.key == key).unwrap();
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.sources.command_line.push((setting, values));
        self
    }

    fn resolve(self) -> Result<Resolved, SettingErrors> {
        resolve(&all(), self.sources)
    }

    /// What is wrong, without the folder's name.
    fn wrong(self) -> Vec<String> {
        let folder = self.folder.as_ref().map(|folder| format!("{}/", folder.path().display()));
        let told = resolve(&all(), self.sources).unwrap_err().0;
        told.iter()
            .map(|one| folder.as_ref().map_or_else(|| one.clone(), |folder| one.replace(folder, "")))
            .collect()
    }
}

/// A file with one line, or more.
fn file(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("value");
    std::fs::write(&file, text).unwrap();
    let path = file.display().to_string();
    (folder, path)
}
