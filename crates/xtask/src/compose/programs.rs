//! Programs of images that Debian has no package of, for their stand-ins: built from their Go modules, once.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command;

/// Jaeger 2.13.0: as a module it goes by the number of the last release of its first version.
const JAEGER: &str = "github.com/jaegertracing/jaeger/cmd/jaeger";
const JAEGER_MODULE: &str = "v1.76.0";
/// The collector's own builder, which takes the manifest beside the stand-in's Dockerfile.
const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.162.0";
/// How long the modules may take to come, and one program to be built.
const FETCH_SECONDS: &str = "300";
const BUILD_SECONDS: &str = "1500";
/// Packages between two words on how far a build is.
const TOLD_EVERY: usize = 200;
/// How much of a failed build an error repeats, in lines.
const LOG_LINES: usize = 10;

/// Jaeger, which collects, stores and shows; its page is no part of the module.
pub(crate) fn jaeger() -> Result<PathBuf> {
    once("jaeger", JAEGER_MODULE, |folder| {
        fetch(folder, &["mod", "init", "jaeger"])?;
        fetch(folder, &["get", "-tool", &format!("{JAEGER}@{JAEGER_MODULE}")])?;
        Ok((folder.to_owned(), JAEGER))
    })
}

/// The collector, with what its configuration names.
pub(crate) fn collector(manifest: &Path) -> Result<PathBuf> {
    let (_, version) = BUILDER.split_once('@').context("the builder's version")?;
    once("collector", version, |folder| {
        let manifest = manifest.to_str().context("the manifest's path")?;
        fetch(folder, &["run", BUILDER, "--skip-compilation", "--config", manifest])?;
        Ok((folder.join("source"), "."))
    })
}

/// The program, unless it is there already from a folder and a package that `prepare` says.
fn once<'a>(
    name: &str,
    version: &str,
    prepare: impl FnOnce(&Path) -> Result<(PathBuf, &'a str)>,
) -> Result<PathBuf> {
    let home = crate::workspace()?.join("target/engines").join(format!("{name}-{version}"));
    let program = home.join(name);
    if program.is_file() {
        return Ok(program);
    }
    if !command::exists("go") {
        bail!("{name} cannot be built without Go: install it, or let Docker reach the image's registry");
    }
    println!("    {name} {version} is built from its Go modules, once");
    let making = home.join("making");
    let _ = std::fs::remove_dir_all(&making);
    std::fs::create_dir_all(&making)?;
    let (folder, package) = prepare(&making)?;
    let unfinished = making.join("unfinished");
    build(&folder, package, &unfinished)?;
    std::fs::rename(unfinished, &program)?;
    std::fs::remove_dir_all(making)?;
    Ok(program)
}

fn fetch(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut go = Command::new("timeout");
    go.args([FETCH_SECONDS, "go"]).args(arguments).current_dir(folder);
    command::output(&mut go).map(|_| ())
}

/// Builds a package, saying how far it is.
fn build(folder: &Path, package: &str, to: &Path) -> Result<()> {
    let mut go = Command::new("timeout");
    go.args([BUILD_SECONDS, "go", "build", "-v", "-trimpath", "-ldflags=-s -w", "-o"]).arg(to).arg(package);
    // A program that asks for nothing of the system's.
    go.env("CGO_ENABLED", "0").current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut running = go.spawn().context("cannot run go")?;
    let said = BufReader::new(running.stderr.take().context("go without output")?);
    let mut lines = Vec::new();
    for line in said.lines() {
        lines.push(line?);
        if lines.len() % TOLD_EVERY == 0 {
            println!("    {} packages", lines.len());
        }
    }
    let status = running.wait()?;
    if !status.success() {
        let last = lines.split_off(lines.len().saturating_sub(LOG_LINES));
        bail!("building {package} ended with {status}: {}", last.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifest's versions are the builder's, and that is the image's in docker-compose.yml.
    #[test]
    fn the_collector_is_of_the_version_that_is_named() {
        let (_, version) = BUILDER.split_once("@v").unwrap();
        let root = crate::workspace().unwrap();
        let text = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
        let manifest = text("crates/xtask/src/compose/standins/collector/manifest.yaml");
        assert!(manifest.contains(&format!("version: {version},")), "{version}");
        let parts: Vec<&str> = manifest.lines().filter(|line| line.contains("collector/")).collect();
        let stable = |line: &str| line.contains("confmap/provider/");
        assert!(parts.iter().all(|line| stable(line) || line.contains(&format!(" v{version}"))), "{parts:?}");
        assert!(text("docker-compose.yml").contains(&format!("opentelemetry-collector:{version}\n")));
    }
}
