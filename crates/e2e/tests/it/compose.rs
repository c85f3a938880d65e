//! docker-compose.yml, read as Docker reads it: its command lines are the program's, and every container is shut in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use tempfile::TempDir;

use crate::process::program;

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Service {
    image: String,
    volumes: Vec<String>,
    restart: String,
    entrypoint: Vec<String>,
    command: Vec<String>,
    user: String,
    environment: BTreeMap<String, String>,
    read_only: bool,
    cap_drop: Vec<String>,
    security_opt: Vec<String>,
    mem_limit: String,
    ports: Vec<String>,
    healthcheck: BTreeMap<String, serde_json::Value>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn services(file: &str) -> BTreeMap<String, Service> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    serde_saphyr::from_str::<Compose>(&text).unwrap().services
}

/// Those that run the program with its own entry point.
fn of_program(services: &BTreeMap<String, Service>) -> impl Iterator<Item = (&String, &Service)> {
    services
        .iter()
        .filter(|(_, service)| service.image.starts_with("entrepot:") && service.entrypoint.is_empty())
}

fn run(service: &Service, more: &[&str], environment: &[(&str, String)]) -> Output {
    let mut command = Command::new(program());
    let ours = std::env::vars().filter(|(name, _)| name.starts_with("ENTREPOT_"));
    ours.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command.args(&service.command).args(more);
    for (name, value) in &service.environment {
        // Compose would fill in what the operator says; nothing is said here.
        command
            .env(name, value.split_once(":-").map_or(value.as_str(), |(_, rest)| rest.trim_end_matches('}')));
    }
    for (name, value) in environment {
        command.env(name, value);
    }
    command.output().unwrap()
}

#[test]
fn each_service_of_each_hub_is_there() {
    let services = services("docker-compose.yml");
    let mut served: Vec<String> = of_program(&services)
        .map(|(_, service)| format!("{} {}", service.environment["ENTREPOT_HUB"], service.command.join(" ")))
        .collect();
    served.sort();
    let per_hub = ["migrate", "serve catalog", "serve logistics", "serve order", "serve payment"];
    let expected: Vec<String> =
        ["my", "th"].iter().flat_map(|hub| per_hub.map(|command| format!("{hub} {command}"))).collect();
    assert_eq!(served, expected);
}

#[test]
fn every_process_has_the_configuration_file_that_it_is_told_of() {
    for (name, service) in of_program(&services("docker-compose.yml")) {
        let mounted = format!(":{}:ro", service.environment["ENTREPOT_CONFIG"]);
        assert!(service.volumes.iter().any(|volume| volume.ends_with(&mounted)), "{name}");
    }
}

/// Each command line is started as it stands, but for hosts and files that are here: all that it misses is the engines.
#[test]
fn every_command_line_is_started_as_it_stands() {
    let services = services("docker-compose.yml");
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "secret\n").unwrap();
    std::thread::scope(|scope| {
        for (name, service) in of_program(&services) {
            scope.spawn(|| misses_only_engines(name, service, folder.path(), &password));
        }
    });
}

fn misses_only_engines(name: &str, service: &Service, folder: &Path, password: &Path) {
    let here = |file: &Path| file.display().to_string();
    let database = service.environment["ENTREPOT_DATABASE_URL"].replace("@postgres:5432", "@127.0.0.1:1");
    let environment = [
        ("ENTREPOT_DATABASE_URL", database),
        ("ENTREPOT_DATABASE_PASSWORD_FILE", here(password)),
        ("ENTREPOT_KAFKA_BROKERS", "127.0.0.1:1".to_owned()),
        ("ENTREPOT_KEY", here(&folder.join(format!("{name}.pem")))),
        ("ENTREPOT_CONFIG", here(&root().join("deploy/entrepot.toml"))),
        ("ENTREPOT_DATA", here(&folder.join(name))),
        ("ENTREPOT_PUBLIC", "127.0.0.1:0".to_owned()),
        ("ENTREPOT_INTERNAL", "127.0.0.1:0".to_owned()),
        ("ENTREPOT_METRICS", "127.0.0.1:0".to_owned()),
    ];
    let admin = [
        ("ENTREPOT_ADMIN_URL", "postgres://postgres@127.0.0.1:1/postgres".to_owned()),
        ("ENTREPOT_ADMIN_PASSWORD_FILE", here(password)),
    ];
    let is_admin = service.environment.contains_key("ENTREPOT_ADMIN_URL");
    let all: Vec<_> = environment.into_iter().chain(admin.into_iter().filter(|_| is_admin)).collect();
    let output = run(service, &[], &all);
    let said = String::from_utf8_lossy(&output.stderr);
    // 2 would be a command line that is not the program's; a variable that is none would be named alone.
    assert_eq!(output.status.code(), Some(1), "{name}: {said}");
    let missed = ["database.url: ", "admin.url: cannot connect", "kafka.brokers: no broker answers"];
    assert!(missed.iter().any(|missed| said.contains(missed)), "{name}: {said}");
}

#[test]
fn every_container_is_shut_in() {
    for (name, service) in services("docker-compose.yml") {
        assert!(service.read_only, "{name} writes its root");
        assert_eq!(service.cap_drop, ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        assert!(!service.mem_limit.is_empty(), "{name} has no bound to its memory");
        assert!(!service.user.is_empty() || name == "kafka", "{name}: whoever the image says");
        let tag = service.image.rsplit_once(':').map_or("", |(_, tag)| tag);
        assert!(tag.contains('.'), "{name}: {} is not pinned", service.image);
        // Jobs end by themselves; all others are watched: the collector by Prometheus, as its image can ask nothing.
        let is_watched = service.healthcheck.contains_key("test") || name == "collector";
        assert_eq!(is_watched, service.restart == "unless-stopped", "{name}");
    }
}

#[test]
fn the_edges_alone_are_open_to_others() {
    let services_of = services("docker-compose.yml");
    let is_open = |service: &Service| service.ports.iter().any(|port| !port.starts_with("127.0.0.1:"));
    let open: Vec<&String> =
        services_of.iter().filter(|(_, service)| is_open(service)).map(|(name, _)| name).collect();
    assert_eq!(open, ["edge", "th-edge"]);
    for (name, service) in services("deploy/operator.yml") {
        assert!(service.ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{name}");
    }
}
