//! A hub in the production shape as its operators start it: a process per service, each of which can be killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use proof::{Door, Doors};
use rpc::Role;
use tempfile::TempDir;
use testkit::Database;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::process::{program, token};
use crate::town::over_tcp;

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// Order last: it asks the others.
const SERVICES: [&str; 4] = ["catalog", "payment", "logistics", "order"];

/// The processes of a hub, and what they leave behind.
pub(crate) struct Fleet {
    running: BTreeMap<&'static str, Running>,
    databases: Vec<Database>,
    database: String,
    brokers: String,
    prefix: String,
    folder: TempDir,
}

struct Running {
    child: Child,
    public: SocketAddr,
    internal: SocketAddr,
}

impl Fleet {
    /// Starts a Malaysian hub. `None` where an engine is missing.
    pub(crate) async fn start() -> Option<Self> {
        let brokers = testkit::kafka()?;
        let (database, databases) = Database::per_service(&SERVICES).await?;
        let prefix = format!("t{}.", kernel::EventId::new().uuid().simple());
        let folder = TempDir::new().unwrap();
        let running = BTreeMap::new();
        let mut fleet = Self { running, databases, database, brokers, prefix, folder };
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        for service in SERVICES {
            fleet.launch(service, free, free).await;
        }
        Some(fleet)
    }

    /// The hub as its clients see it.
    pub(crate) fn hub(&self) -> proof::Hub {
        let door = |service: &str| {
            let running = &self.running[service];
            Door { public: over_tcp(running.public), internal: over_tcp(running.internal) }
        };
        let doors = Doors {
            catalog: door("catalog"),
            order: door("order"),
            payment: door("payment"),
            logistics: door("logistics"),
        };
        let folder = self.folder.path().to_owned();
        proof::Hub::of_services(
            doors,
            Arc::new(move |role: Role, subject: &str| Ok(token(&folder, role, subject))),
        )
    }

    async fn launch(&mut self, service: &'static str, public: SocketAddr, internal: SocketAddr) {
        let config = self.folder.path().join(format!("{service}.toml"));
        let text = format!(
            "[sandbox]\nday = \"0s\"\n[order]\nlease_seconds = 1\n\
             [kafka]\nprefix = \"{}\"\npartitions = 3\ninstance = \"{service}\"\n",
            self.prefix
        );
        std::fs::write(&config, text).unwrap();
        let peers =
            self.running.iter().map(|(service, running)| format!("{service}=http://{}", running.internal));
        let mut command = Command::new(program());
        command.args(["serve", service, "--shape", "production", "--database", &self.database]);
        command.args(["--kafka", &self.brokers, "--data"]).arg(self.folder.path());
        command
            .args(["--public", &public.to_string(), "--internal", &internal.to_string(), "--config"])
            .arg(config);
        for peer in peers.filter(|_| service == "order") {
            command.args(["--peer", &peer]);
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, said.next_line()).await.unwrap().unwrap();
        let line = line.unwrap_or_else(|| panic!("{service} did not start"));
        let (public, internal) = line.split_once(" serves ").unwrap().1.split_once(", internal ").unwrap();
        let (public, internal) = (public.parse().unwrap(), internal.parse().unwrap());
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        self.running.insert(service, Running { child, public, internal });
    }

    /// SIGKILL, and a new start at the same place.
    pub(crate) async fn kill_and_restart(&mut self, service: &'static str) {
        let mut running = self.running.remove(service).unwrap();
        running.child.kill().await.unwrap();
        self.launch(service, running.public, running.internal).await;
    }

    /// Ends all processes and removes the databases.
    pub(crate) async fn end(self) {
        for mut running in self.running.into_values() {
            running.child.kill().await.unwrap();
        }
        for database in self.databases {
            database.remove().await;
        }
    }
}
