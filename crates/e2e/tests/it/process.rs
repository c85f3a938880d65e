//! The program as its users start it: a process of its own, which can be killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rpc::Role;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

/// How long the program may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program: as `cargo xtask test` names it, or as cargo has built it beside the tests.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("ENTREPOT_BIN").map(PathBuf::from);
    let program = named.unwrap_or_else(|| {
        let tests = std::env::current_exe().unwrap();
        tests.parent().and_then(Path::parent).unwrap().join("entrepot")
    });
    assert!(program.is_file(), "{} is not there: cargo build -p entrepot", program.display());
    program
}

/// A hub's data, which outlive its processes.
pub(crate) struct Data {
    folder: TempDir,
}

/// A hub that runs.
pub(crate) struct Process {
    child: Child,
    errors: Lines<BufReader<ChildStderr>>,
    pub(crate) hub: proof::Hub,
    /// Addresses of its listeners.
    pub(crate) public: String,
    pub(crate) internal: String,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// The hub's own folder, with its databases.
    pub(crate) fn hub(&self) -> PathBuf {
        self.folder.path().join("my")
    }

    /// A copy of it as it is now.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self::new();
        std::fs::create_dir(copy.hub()).unwrap();
        for entry in std::fs::read_dir(self.hub()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.hub().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// As an operator makes it.
    pub(crate) fn token(&self, role: Role, subject: &str) -> String {
        token(self.folder.path(), role, subject)
    }

    /// What the program says, and whether it ends well, when it is run on these data.
    pub(crate) fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(program());
        let told = command.args(arguments).arg("--data").arg(self.folder.path()).output().unwrap();
        (told.status.success(), String::from_utf8(told.stderr).unwrap())
    }

    /// Starts the hub, with these lines in the section `[order]` of its configuration.
    pub(crate) async fn start(&self, order: &str) -> Process {
        self.start_with(order, &[]).await
    }

    /// As [`Data::start`], with these arguments besides.
    pub(crate) async fn start_with(&self, order: &str, arguments: &[&str]) -> Process {
        let text =
            format!("[sandbox]\nenabled = true\nday_length = \"0s\"\n[order]\nlease_seconds = 1\n{order}\n");
        self.start_configured(&text, arguments).await
    }

    /// Starts the hub with this configuration and these arguments besides.
    pub(crate) async fn start_configured(&self, text: &str, arguments: &[&str]) -> Process {
        let config = self.folder.path().join("entrepot.toml");
        std::fs::write(&config, text).unwrap();
        let mut command = tokio::process::Command::new(program());
        command.args(["up", "--hub", "my", "--public", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--data"]);
        command.arg(self.folder.path()).arg("--config").arg(config).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut line = String::new();
        for _ in 0..2 {
            let next = tokio::time::timeout(PATIENCE, said.next_line()).await.unwrap().unwrap();
            let Some(next) = next else {
                panic!("the hub did not start: {:?}", errors.next_line().await);
            };
            line = if line.is_empty() { next } else { line };
        }
        let (public, rest) = line.split_once(" serves ").unwrap().1.split_once(", internal ").unwrap();
        let internal = rest.split_once(',').unwrap().0;
        let folder = self.folder.path().to_owned();
        let tokens = move |role: Role, subject: &str| Ok(token(&folder, role, subject));
        let hub = proof::Hub::at(&services::names(), public, internal, Arc::new(tokens)).unwrap();
        let (public, internal) = (public.to_owned(), internal.to_owned());
        // What it goes on to say is not read: it is little.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Process { child, errors, hub, public, internal }
    }
}

/// As an operator makes it.
pub(crate) fn token(folder: &Path, role: Role, subject: &str) -> String {
    let made = Command::new(program())
        .args(["token", "--role", &role.to_string(), "--subject", subject, "--data"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// As an operator makes the keys of a hub whose services run by themselves.
pub(crate) fn make_keys(folder: &Path, hub: &str) {
    let mut command = Command::new(program());
    let made = command.args(["keys", "make", "--hub", hub, "--data"]).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

impl Process {
    /// Waits until the hub logs a line with these words; the line.
    pub(crate) async fn says(&mut self, words: &str) -> String {
        let listening = async {
            while let Some(line) = self.errors.next_line().await.unwrap() {
                if line.contains(words) {
                    return line;
                }
            }
            panic!("the hub ended without saying {words}");
        };
        tokio::time::timeout(PATIENCE, listening).await.unwrap()
    }

    /// Ends it in good order, as Ctrl-C does.
    pub(crate) async fn stop(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// SIGKILL: nothing of it runs on.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
