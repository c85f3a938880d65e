//! `cargo xtask kubernetes`: holds deploy/kubernetes to the schema of the Kubernetes API, with a validator that brings the
//! schemas of many versions (`kubernetes-validate`, from Python's package registry). It needs no cluster, and says
//! nothing of how one would behave.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command;

const MANIFESTS: &str = "deploy/kubernetes";
/// For kustomize, and no object of the API.
const NO_OBJECT: &str = "kustomization.yaml";
const VALIDATOR: &str = "kubernetes-validate==1.37.0";
/// The oldest version that the manifests are for, and the newest that the validator knows.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];
/// A right field and a wrong one, which a validator that is of use refuses.
const RIGHT: &str = "readOnlyRootFilesystem: true";
const WRONG: &str = "readOnlyRootFileSystem: true";

/// What is validated.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Versions of Kubernetes, such as 1.33.
    #[arg(long = "version", value_name = "VERSION", default_values = VERSIONS)]
    versions: Vec<String>,
}

/// Runs the command; an error when a manifest is not as the API has it, or when that cannot be told.
pub(crate) fn run(args: &Args) -> Result<()> {
    let manifests = manifests(&crate::workspace()?.join(MANIFESTS))?;
    let validator =
        validator().with_context(|| format!("{VALIDATOR} is not available here: nothing was validated"))?;
    let wrong = wrong(&manifests)?;
    for version in &args.versions {
        let report = validate(&validator, version, &manifests)?;
        if report.said.contains("does not support kubernetes version") {
            bail!("--version: {VALIDATOR} does not know Kubernetes {version}");
        }
        if !report.is_well(manifests.len()) {
            bail!("Kubernetes {version} refuses the manifests:\n{}", report.said);
        }
        let refused = validate(&validator, version, &[wrong.path().to_owned()])?;
        if refused.ended_well || !refused.said.contains("readOnlyRootFileSystem") {
            bail!("the validator let a wrong field pass for Kubernetes {version}:\n{}", refused.said);
        }
        let objects = report.passed();
        println!(
            "Kubernetes {version}: {objects} objects in {} files are right; a wrong field is refused",
            manifests.len()
        );
    }
    Ok(())
}

/// The files that hold objects.
fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut manifests = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("yaml")) && path.file_name() != Some(OsStr::new(NO_OBJECT)) {
            manifests.push(path);
        }
    }
    manifests.sort();
    Ok(manifests)
}

/// A manifest with a field misspelt.
fn wrong(manifests: &[PathBuf]) -> Result<tempfile::NamedTempFile> {
    for manifest in manifests {
        let text = std::fs::read_to_string(manifest)?;
        if text.contains(RIGHT) {
            let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
            std::fs::write(file.path(), text.replacen(RIGHT, WRONG, 1))?;
            return Ok(file);
        }
    }
    bail!("no manifest has `{RIGHT}`")
}

/// The validator, installed under `target` once.
fn validator() -> Result<PathBuf> {
    let folder = crate::workspace()?.join("target/kubernetes").join(VALIDATOR);
    let validator = folder.join("bin/kubernetes-validate");
    if validator.is_file() {
        return Ok(validator);
    }
    if !command::exists("python3") {
        bail!("python3 is not installed");
    }
    println!("installing {VALIDATOR}");
    command::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    command::output(pip.args(["--retries=1", "--timeout=20", VALIDATOR]))?;
    Ok(validator)
}

/// What the validator said.
struct Report {
    ended_well: bool,
    said: String,
}

impl Report {
    /// A line each.
    fn passed(&self) -> usize {
        self.said.lines().filter(|line| line.starts_with("INFO ")).count()
    }

    /// It only warns of what it has no schema for: whatever it says besides that something passed counts as a fault.
    fn is_well(&self, files: usize) -> bool {
        self.ended_well && self.passed() >= files && self.said.lines().all(|line| line.starts_with("INFO "))
    }
}

/// Strictly: with unknown fields refused.
fn validate(validator: &Path, version: &str, manifests: &[PathBuf]) -> Result<Report> {
    let mut validate = Command::new(validator);
    validate.args(["--strict", "--kubernetes-version", version]).args(manifests).stdin(Stdio::null());
    let output = validate.output().with_context(|| format!("cannot run {}", validator.display()))?;
    let said = [output.stdout, output.stderr].concat();
    Ok(Report { ended_well: output.status.success(), said: String::from_utf8_lossy(&said).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_no_pass() {
        let report = |ended_well, said: &str| Report { ended_well, said: said.to_owned() };
        let passed = "INFO a.yaml passed for resource job/a against version 1.37\n";
        assert!(report(true, passed).is_well(1));
        assert!(!report(true, passed).is_well(2));
        assert!(!report(false, passed).is_well(1));
        assert!(
            !report(true, &format!("{passed}WARN b.yaml Couldn't find schema for kind Jub\n")).is_well(1)
        );
    }

    #[test]
    fn the_wrong_copy_is_wrong_in_one_field() {
        let manifests = manifests(&crate::workspace().unwrap().join(MANIFESTS)).unwrap();
        let text = std::fs::read_to_string(wrong(&manifests).unwrap().path()).unwrap();
        assert_eq!(text.matches(WRONG).count(), 1);
    }
}
