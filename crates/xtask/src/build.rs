//! Building with cargo, and where what it built is.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::command;

/// What cargo says of something that it built.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) reason: String,
    pub(crate) executable: Option<PathBuf>,
    pub(crate) manifest_path: Option<PathBuf>,
    pub(crate) target: Option<Target>,
    pub(crate) profile: Option<Profile>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Profile {
    pub(crate) test: bool,
}

/// Builds the program; where it is.
pub(crate) fn program(release: bool) -> Result<PathBuf> {
    let mut cargo = command::cargo();
    cargo.args(["build", "--package", "entrepot"]).args(release.then_some("--release"));
    let is_program =
        |message: &&Message| message.target.as_ref().is_some_and(|target| target.name == "entrepot");
    let built = messages(&mut cargo)?;
    let program = built.iter().filter(is_program).find_map(|message| message.executable.clone());
    program.context("the build produced no program")
}

/// Runs cargo; what it built.
pub(crate) fn messages(cargo: &mut Command) -> Result<Vec<Message>> {
    let name = format!("{cargo:?}");
    let cargo = cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut running = cargo.spawn().with_context(|| format!("cannot run {name}"))?;
    let output = running.stdout.take().context("cargo without output")?;
    let mut messages = Vec::new();
    for line in BufReader::new(output).lines() {
        let message: Message = serde_json::from_str(&line?).context("reading what cargo says")?;
        if message.reason == "compiler-artifact" {
            messages.push(message);
        }
    }
    if !running.wait()?.success() {
        bail!("{name} failed");
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_image_is_built_by_the_pinned_toolchain() {
        let read = |file| std::fs::read_to_string(crate::workspace().unwrap().join(file)).unwrap();
        let pinned: toml::Table = toml::from_str(&read("rust-toolchain.toml")).unwrap();
        let pinned = pinned["toolchain"]["channel"].as_str().unwrap();
        assert!(read("Dockerfile").lines().any(|line| line == format!("ARG RUST={pinned}")), "{pinned}");
    }
}
