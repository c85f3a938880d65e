//! The images that the compose file names: pulled where a registry is reached, else made from Debian's packages, and from
//! modules of what Debian has not.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::engine::Engine;
use super::programs;
use crate::{command, kafka};

/// What the stand-ins are built on: the same release as the originals' (Dockerfile: `RUNTIME`).
const RELEASE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian";
/// How long a registry may take to say no.
const PULL_SECONDS: &str = "120";
const BASE: &str = "debian:13.1-slim";
/// Each image with the folder of its stand-in.
const IMAGES: [(&str, &str); 6] = [
    ("nginx:1.28.0", "nginx"),
    ("postgres:17.6-trixie", "postgres"),
    ("apache/kafka:4.3.1", "kafka"),
    ("prom/prometheus:v3.16.0", "prometheus"),
    ("jaegertracing/jaeger:2.13.0", "jaeger"),
    ("otel/opentelemetry-collector:0.162.0", "collector"),
];

/// Sees to it that all are there; those that are stand-ins.
pub(crate) fn provide(engine: &Engine) -> Result<Vec<&'static str>> {
    let mut stand_ins = Vec::new();
    for (image, stand_in) in [(BASE, "")].into_iter().chain(IMAGES) {
        if is_there(engine, image)? {
            if is_stand_in(engine, image)? {
                stand_ins.push(image);
            }
            continue;
        }
        // One that says no says it for all: what follows a stand-in is not asked for.
        if stand_ins.is_empty() && pull(engine, image).is_ok() {
            continue;
        }
        if !engine.is_own() {
            bail!("{image} cannot be pulled: stand-ins are made only in a Docker engine of our own");
        }
        println!("    {image} cannot be pulled: a stand-in is made");
        if stand_in.is_empty() {
            base(engine)?
        } else {
            build(engine, image, stand_in)?
        }
        stand_ins.push(image);
    }
    Ok(stand_ins)
}

fn is_there(engine: &Engine, image: &str) -> Result<bool> {
    let listed = command::output(engine.docker().args(["images", "--quiet", image]))?;
    Ok(!listed.trim().is_empty())
}

fn is_stand_in(engine: &Engine, image: &str) -> Result<bool> {
    let label = "{{index .Config.Labels \"entrepot.stand-in\"}}";
    let said = command::output(engine.docker().args(["image", "inspect", "--format", label, image]))?;
    Ok(said.trim() == "yes")
}

fn pull(engine: &Engine, image: &str) -> Result<()> {
    let docker = engine.docker();
    let mut pull = Command::new("timeout");
    pull.arg(PULL_SECONDS).arg(docker.get_program()).args(["pull", "--quiet", image]);
    pull.envs(docker.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command::output(&mut pull).map(|_| ())
}

/// A Debian without what people read.
fn base(engine: &Engine) -> Result<()> {
    if !command::exists("debootstrap") {
        command::apt(&["install", "--no-install-recommends", "debootstrap"])?;
    }
    let folder = TempDir::new()?;
    let root = folder.path().join(RELEASE);
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", RELEASE]).arg(&root).arg(MIRROR);
    command::output(&mut debootstrap)?;
    for unread in ["usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"]
    {
        std::fs::remove_dir_all(root.join(unread)).with_context(|| format!("removing {unread}"))?;
    }
    let archive = folder.path().join("root.tar");
    command::output(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."))?;
    let mut import = engine.docker();
    import.args(["import", "--change", "LABEL entrepot.stand-in=yes"]).arg(&archive).arg(BASE);
    command::output(&mut import).map(|_| ())
}

fn build(engine: &Engine, image: &str, stand_in: &str) -> Result<()> {
    let source = crate::workspace()?.join("crates/xtask/src/compose/standins").join(stand_in);
    let folder = TempDir::new()?;
    copy(&source, folder.path())?;
    match stand_in {
        "kafka" => copy(&kafka::jars()?, &folder.path().join("libs"))?,
        "jaeger" => put(&programs::jaeger()?, folder.path())?,
        "collector" => put(&programs::collector(&source.join("manifest.yaml"))?, folder.path())?,
        _ => {}
    }
    let mut build = engine.docker();
    build.args(["build", "--quiet", "--network", "host", "--build-arg", &format!("BASE={BASE}")]);
    build.args(["--label", "entrepot.stand-in=yes", "--tag", image]).arg(folder.path());
    command::output(&mut build).map(|_| ())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let files: Vec<PathBuf> =
        std::fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.iter().try_for_each(|file| put(file, to))
}

/// Puts a copy of a file into a folder.
fn put(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file's name")?;
    std::fs::copy(file, folder.join(name)).with_context(|| format!("copying {}", file.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_are_the_images_that_are_named() {
        let root = crate::workspace().unwrap();
        let compose = std::fs::read_to_string(root.join("docker-compose.yml")).unwrap();
        for (image, _) in IMAGES {
            assert!(compose.contains(&format!("image: {image}\n")), "{image}");
        }
        let dockerfile = std::fs::read_to_string(root.join("Dockerfile")).unwrap();
        assert!(dockerfile.contains(&format!("ARG RUNTIME={BASE}\n")) && BASE.starts_with("debian:"));
        assert!(dockerfile.contains(&format!("ARG DEBIAN={RELEASE}\n")));
    }
}
