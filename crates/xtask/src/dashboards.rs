//! `cargo xtask dashboards`: holds deploy/observability to a real Prometheus. Its promtool reads the configuration and
//! tests the alerts; then hubs trade, and every panel's query must have an answer (a test of `e2e`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command;

const FOLDER: &str = "deploy/observability";
const CONFIGURATION: &str = "prometheus.yml";
const ALERT_TESTS: &str = "alerts_test.yml";
const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];
const TEST: &str = "dashboards::prometheus_has_an_answer_to_every_panel";
/// Tells the test where the programs are.
const VARIABLE: &str = "ENTREPOT_TEST_PROMETHEUS";

/// What is checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of `prometheus` and `promtool`; else those of the path, or of Debian's package, unpacked under target.
    #[arg(long, value_name = "FOLDER")]
    bin: Option<PathBuf>,
}

/// Runs the command; an error when something does not hold, or when there is no Prometheus.
pub(crate) fn run(args: &Args) -> Result<()> {
    let bin = args
        .bin
        .clone()
        .map_or_else(programs, Ok)
        .context("Prometheus is not available: nothing was checked")?;
    let bin = bin.canonicalize().with_context(|| bin.display().to_string())?;
    promtool(&bin, &["check", "config", CONFIGURATION])?;
    promtool(&bin, &["test", "rules", ALERT_TESTS])?;
    let mut cargo = command::cargo();
    cargo.args([
        "test",
        "--package",
        "e2e",
        "--test",
        "it",
        "--",
        "--exact",
        TEST,
        "--ignored",
        "--nocapture",
    ]);
    if !cargo.env(VARIABLE, &bin).status()?.success() {
        bail!("a panel has no data");
    }
    Ok(())
}

fn promtool(bin: &Path, arguments: &[&str]) -> Result<()> {
    let mut promtool = Command::new(bin.join("promtool"));
    promtool.args(arguments).current_dir(crate::workspace()?.join(FOLDER)).stdin(Stdio::null());
    if !promtool.status().context("cannot run promtool")?.success() {
        bail!("promtool {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Where the programs are. Debian's package is unpacked, not installed: installed, it would start a server.
fn programs() -> Result<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let has_all = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
    if let Some(found) = std::env::split_paths(&paths).find(has_all) {
        return Ok(found);
    }
    let folder = crate::workspace()?.join("target/prometheus");
    let bin = folder.join("usr/bin");
    if has_all(&bin) {
        return Ok(bin);
    }
    if !command::can_install()? {
        bail!("install Prometheus, or name its folder by --bin");
    }
    println!("unpacking Debian's Prometheus under target");
    std::fs::create_dir_all(&folder)?;
    command::apt(&["update"])?;
    command::output(Command::new("apt-get").args(["-q", "download", "prometheus"]).current_dir(&folder))?;
    for entry in std::fs::read_dir(&folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            command::output(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&folder))?;
        }
    }
    if has_all(&bin) { Ok(bin) } else { bail!("Debian's package has no {}", PROGRAMS.join(" and ")) }
}
