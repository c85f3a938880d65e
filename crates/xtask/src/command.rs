//! Running other programs.

use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How often is looked whether something has come to pass.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Looks until there is something to see; `None` when there is nothing within this time.
pub(crate) fn look_until<T>(
    within: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let begun = Instant::now();
    loop {
        let seen = look()?;
        if seen.is_some() || begun.elapsed() > within {
            return Ok(seen);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether something comes to pass within this time and before a program ends.
pub(crate) fn comes_to_pass(
    program: &mut Child,
    within: Duration,
    mut look: impl FnMut() -> bool,
) -> Result<bool> {
    let seen =
        look_until(within, || Ok(if look() { Some(true) } else { program.try_wait()?.map(|_| false) }));
    Ok(seen? == Some(true))
}

/// What it prints; an error holds what it says is wrong.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be found.
pub(crate) fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(program).is_file()))
}

/// `cargo`, as the one that runs this.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Whether root runs this.
pub(crate) fn is_root() -> Result<bool> {
    Ok(std::fs::metadata("/proc/self").context("reading the current user")?.uid() == 0)
}

/// Whether packages of the system can be installed: by root, on Debian and its kin.
pub(crate) fn can_install() -> Result<bool> {
    Ok(exists("apt-get") && is_root()?)
}

/// Runs apt-get, asking nothing.
pub(crate) fn apt(arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y"]).args(arguments);
    output(&mut apt).map(|_| ())
}
