//! docker-compose.yml, read as Docker reads it: its command lines are the program's, and every container is shut in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use tempfile::TempDir;

use crate::process::{make_keys, program};

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
    let serve = services::names().into_iter().map(|service| format!("serve {service}"));
    let per_hub: Vec<String> = serve.chain(["migrate".to_owned()]).collect();
    let hubs = ["my", "th"].iter();
    let mut expected: Vec<String> =
        hubs.flat_map(|hub| per_hub.iter().map(move |command| format!("{hub} {command}"))).collect();
    expected.sort();
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
    for hub in ["my", "th"] {
        make_keys(folder.path(), hub);
    }
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
        ("ENTREPOT_KEYS_JWKS", here(&folder.join("{hub}/jwks.json"))),
        ("ENTREPOT_KEYS_SERVICE", here(&folder.join("{hub}/{service}.pem"))),
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

/// What compose fills in where the operator says nothing.
fn untold(text: &str) -> String {
    match text.split_once(":-") {
        Some((before, rest)) => {
            format!("{}{}", before.split("${").next().unwrap(), rest.replacen('}', "", 1))
        }
        None => text.to_owned(),
    }
}

#[test]
fn nothing_is_open_to_others_unless_it_is_told() {
    for file in ["docker-compose.yml", "deploy/operator.yml", "deploy/second.yml"] {
        for (name, service) in services(file) {
            for port in service.ports {
                assert!(untold(&port).starts_with("127.0.0.1:"), "{file}: {name} is open at {port}");
            }
        }
    }
}

#[test]
fn an_edge_that_others_reach_has_tls_or_a_proxy_before_it() {
    for (name, service) in
        services("docker-compose.yml").into_iter().filter(|(name, _)| name.ends_with("edge"))
    {
        // It is told where it is published.
        let published = untold(&service.environment["PUBLISHED"]);
        assert_eq!(
            service.ports.iter().map(|port| untold(port)).collect::<Vec<_>>(),
            [format!("{published}:8080")],
            "{name}"
        );
    }
    let said = |published: &str, proxy: &str| {
        let mut edge = Command::new("sh");
        edge.arg(root().join("deploy/edge/edge.sh")).env("PUBLISHED", published).env("TRUSTED_PROXY", proxy);
        let output = edge.output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for open in ["0.0.0.0:50051", "50051", "192.168.1.7:443", "[::]:50051", ""] {
        let refused = said(open, "");
        assert!(refused.contains("ENTREPOT_EDGE: ") && refused.contains("without TLS"), "{open}: {refused}");
        assert!(!said(open, "10.0.0.0/8").contains("without TLS"), "{open}");
    }
    for near in ["127.0.0.1:50051", "[::1]:50051", "localhost:1"] {
        assert!(!said(near, "").contains("without TLS"), "{near}");
    }
}

/// Played by hand with nginx; here so that no change takes it away.
#[test]
fn what_the_edge_answers_itself_is_grpcs_and_a_browsers() {
    let conf = std::fs::read_to_string(root().join("deploy/edge/nginx.conf")).unwrap();
    let (before, after) = conf.split_once("listen 8080").unwrap().1.split_once("    location ").unwrap();
    for header in [
        "grpc-status $code",
        "grpc-message $message",
        "access-control-allow-origin $cors_origin",
        "access-control-expose-headers $cors_exposed",
        "access-control-allow-headers $cors_headers",
    ] {
        assert!(before.contains(&format!("add_header {header} always;")), "{header}");
    }
    assert!(
        before.contains("error_page 500 502 503 504 = @away;")
            && before.contains("recursive_error_pages on;")
    );
    // A location's own would replace all of these.
    assert!(!after.contains("add_header"));
    for location in after
        .split("    location ")
        .filter(|location| location.contains("return 4") || location.contains("return 5"))
    {
        assert!(location.contains("set $code ") && location.contains("= @answer_$protocol;"), "{location}");
    }
    for (place, kind) in [("@answer_grpc", "application/grpc"), ("@answer_web", "application/grpc-web+proto")]
    {
        let location = after.split("location ").find(|location| location.starts_with(place)).unwrap();
        assert!(location.contains(&format!("default_type {kind};")), "{place}");
    }
}
