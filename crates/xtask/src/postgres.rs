//! A private PostgreSQL cluster from the system's package, on a free port, without any change to the system's own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::command;
use crate::server::{Kind, Server, free_port, keep, kept, state_file};

/// Who runs it where we are root: PostgreSQL refuses to be.
const SYSTEM_USER: &str = "postgres";
/// Connections of all tests together.
const CONNECTIONS_MAX: u32 = 300;

/// A cluster of ours.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Postgres {
    kind: Kind,
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server for Postgres {
    const NAME: &'static str = "PostgreSQL";
    const VARIABLE: &'static str = "ENTREPOT_TEST_POSTGRES";

    /// Finds the one that runs, or starts one; installs PostgreSQL where it can.
    fn up(kind: Kind) -> Result<Self> {
        match Self::known(kind)? {
            Some(known) if known.runs() => return Ok(known),
            Some(killed) => killed.remove()?,
            None => {}
        }
        let bin = match find() {
            Some(bin) => bin,
            None => install()?,
        };
        let folder = tempfile::Builder::new().prefix("entrepot-postgres-").tempdir()?.keep();
        let postgres = Self { kind, bin, folder, port: free_port()? };
        postgres.create().and_then(|()| postgres.start()).inspect_err(|_| {
            // Nothing of a cluster that never ran is worth keeping.
            let _ = std::fs::remove_dir_all(&postgres.folder);
        })?;
        keep("postgres", kind, &postgres)?;
        Ok(postgres)
    }

    fn known(kind: Kind) -> Result<Option<Self>> {
        kept("postgres", kind)
    }

    fn runs(&self) -> bool {
        self.pg_ctl(&["status"]).is_ok()
    }

    fn address(&self) -> String {
        format!("postgres://entrepot@127.0.0.1:{}/postgres", self.port)
    }

    /// Its processes end without flushing anything to disk: it has to recover when it starts again.
    fn kill(&self) -> Result<()> {
        self.pg_ctl(&["-m", "immediate", "-w", "stop"])
    }

    fn stop(&self) -> Result<()> {
        self.pg_ctl(&["-m", "fast", "-w", "stop"])
    }

    fn start_again(self) -> Result<()> {
        self.start()
    }

    fn remove(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder)?;
        std::fs::remove_file(state_file("postgres", self.kind)?)?;
        Ok(())
    }
}

impl Postgres {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn create(&self) -> Result<()> {
        if command::is_root()? {
            command::output(Command::new("chown").arg(SYSTEM_USER).arg(&self.folder))?;
        }
        let data = self.data();
        let arguments = ["-U", "entrepot", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"];
        let mut initdb = self.program("initdb")?;
        initdb.args(arguments).arg(&data);
        command::output(&mut initdb).context("making a PostgreSQL cluster")?;
        // Nothing is lost with a test's data, so nothing waits for the disk.
        let fast = match self.kind {
            Kind::Tests => "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
            Kind::Durable => "",
        };
        let settings = format!(
            "\nport = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             max_connections = {CONNECTIONS_MAX}\n{fast}",
            self.port,
            self.folder.display()
        );
        let file = data.join("postgresql.conf");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text + &settings)?;
        Ok(())
    }

    fn start(&self) -> Result<()> {
        let log = self.folder.join("log");
        let arguments = ["-w", "-t", "60", "-l", &log.display().to_string(), "start"];
        self.pg_ctl(&arguments).with_context(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("starting PostgreSQL; its log says: {said}")
        })
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Result<()> {
        // Its output goes nowhere: the server would inherit our pipe and hold it open.
        let mut program = self.program("pg_ctl")?;
        let status = program
            .arg("-D")
            .arg(self.data())
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()?;
        if !status.success() {
            bail!("pg_ctl {} ended with {status}", arguments.join(" "));
        }
        Ok(())
    }

    /// A program of PostgreSQL, as somebody who is not root.
    fn program(&self, name: &str) -> Result<Command> {
        let path = self.bin.join(name);
        let mut command = if command::is_root()? {
            let mut command = Command::new("runuser");
            command.args(["-u", SYSTEM_USER, "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder);
        Ok(command)
    }
}

/// The folder of the newest PostgreSQL's programs.
fn find() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten() {
        let bin = entry.path().join("bin");
        let version = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(version), true) = (version, bin.join("initdb").is_file()) {
            found.push((version, bin));
        }
    }
    found.sort();
    let newest = found.pop().map(|(_, bin)| bin);
    let on_path = || {
        let output = command::output(Command::new("pg_config").arg("--bindir")).ok()?;
        Some(PathBuf::from(output.trim())).filter(|bin| bin.join("initdb").is_file())
    };
    newest.or_else(on_path)
}

/// Installs the system's package; the server that the package would start itself is kept from starting.
fn install() -> Result<PathBuf> {
    let missing =
        "PostgreSQL is not installed: install your system's package (Debian: apt-get install postgresql)";
    if !command::can_install()? {
        bail!("{missing}, or set {} to a server", Postgres::VARIABLE);
    }
    println!("installing PostgreSQL from the system's package");
    command::apt(&["update"])?;
    command::apt(&["install", "--no-install-recommends", "postgresql-common"])?;
    std::fs::create_dir_all("/etc/postgresql-common/createcluster.d")?;
    std::fs::write("/etc/postgresql-common/createcluster.d/entrepot.conf", "create_main_cluster = false\n")?;
    command::apt(&["install", "--no-install-recommends", "postgresql"])?;
    find().ok_or_else(|| anyhow!("{missing}: the package brought no initdb"))
}
