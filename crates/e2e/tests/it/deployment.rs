//! What deploy/ and docker-compose.yml say of each service, made of the list of services. `cargo xtask services` writes
//! it into the files, between two lines that say so; here they are compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use runtime::Spec;

use crate::kubernetes::public_services;

/// Around what is written; before them stands what begins a comment.
const BEGIN: &str = "# BEGIN services: `cargo xtask services` writes this";
const END: &str = "# END services";
/// The manifest of a service, with `{service}` for its name and a line `{peers}` for those that it asks.
const MANIFEST: &str = "deploy/kubernetes/service.yaml.template";
/// Instances of each service on Kubernetes, as the manifest has it.
const REPLICAS: usize = 2;
/// Says that the files are to be written.
const WRITE: &str = "ENTREPOT_TEST_WRITE";

/// A hub of docker-compose.yml.
struct Hub {
    code: &'static str,
    /// Before the names of its containers.
    prefix: &'static str,
    /// The services' users follow this number; their group is 10 higher.
    users: usize,
}

const MY: Hub = Hub { code: "my", prefix: "", users: 10_000 };
const TH: Hub = Hub { code: "th", prefix: "th-", users: 10_020 };
const HUBS: [Hub; 2] = [MY, TH];

/// Text of each service and its number, which begins with 1.
fn each(text: impl Fn(&Spec, usize) -> String) -> String {
    services::ALL.iter().zip(1..).map(|(spec, number)| text(spec, number)).collect()
}

fn containers(hub: &Hub) -> String {
    let Hub { code, prefix, users } = hub;
    let anchor = if prefix.is_empty() { "service" } else { "th-service" };
    each(|spec, number| {
        let name = spec.name;
        let mut text = format!(
            "  {prefix}{name}:\n    <<: *{anchor}\n    command: [serve, {name}]\n    user: \"{}:{}\"\n    \
             environment:\n      <<: *{code}\n      ENTREPOT_INSTANCE: {name}\n",
            users + number,
            users + 10,
        );
        for asked in spec.calls {
            writeln!(text, "      {}: http://{prefix}{asked}:50052", variable("PEERS_", asked)).unwrap();
        }
        text
    })
}

fn variable(what: &str, service: &str) -> String {
    format!("ENTREPOT_{what}{}", service.to_uppercase())
}

fn healthy(hub: &Hub) -> String {
    each(|spec, _| format!("      {}{}: *serves\n", hub.prefix, spec.name))
}

/// deploy/operator.yml.
fn operators_ports() -> String {
    each(|spec, number| {
        let port = format!("127.0.0.1:${{{}:-{}}}:50052", variable("", spec.name), 20_050 + number);
        format!("  {}: {{ports: [\"{port}\"]}}\n", spec.name)
    })
}

/// deploy/second.yml.
fn second_instances() -> String {
    each(|spec, _| {
        let name = spec.name;
        let peers: String = spec
            .calls
            .iter()
            .map(|asked| {
                let variable = variable("PEERS_", asked);
                format!("      {variable}: http://{asked}:50052,http://{asked}-2:50052\n")
            })
            .collect();
        let first = match peers.as_str() {
            "" => String::new(),
            peers => format!("  {name}:\n    environment:\n{peers}"),
        };
        format!(
            "{first}  {name}-2:\n    extends: {{file: docker-compose.yml, service: {name}}}\n    environment:\n      \
             ENTREPOT_INSTANCE: {name}-2\n{peers}    networks: {{front: {{aliases: [{name}]}}, back: {{}}}}\n"
        )
    })
}

/// The edge's way to those that have a public package.
fn route() -> String {
    let public = services::ALL.iter().filter(|spec| public_package(spec).is_some());
    let names: Vec<&str> = public.map(|spec| spec.name).collect();
    format!("    location ~ ^/entrepot\\.(?<service>{})\\.v1\\. {{\n", names.join("|"))
}

/// Its package that the edge lets in, if it has one.
fn public_package(spec: &Spec) -> Option<&'static str> {
    spec.packages.iter().copied().find(|package| !package.contains(".internal."))
}

fn scraped() -> String {
    let names: Vec<String> = HUBS
        .iter()
        .flat_map(|hub| services::names().into_iter().map(|name| format!("{}{name}", hub.prefix)))
        .collect();
    format!("      - names: [{}]\n", names.join(", "))
}

fn ingress_paths() -> String {
    let api = public_services();
    each(|spec, _| {
        let name = spec.name;
        let paths = api.iter().filter(|(_, service)| service == name);
        let backend = format!("{{service: {{name: {name}, port: {{name: public}}}}}}");
        paths
            .map(|(path, _)| format!("          - {{path: {path}, pathType: Prefix, backend: {backend}}}\n"))
            .collect()
    })
}

fn manifest(spec: &Spec) -> String {
    let mut peers = String::new();
    if !spec.calls.is_empty() {
        peers.push_str(
            "            # Instance by instance: the program shares calls among those that it knows.\n",
        );
    }
    for asked in spec.calls {
        for number in 0..REPLICAS {
            let address = format!("http://{asked}-{number}.{asked}-internal:50052");
            writeln!(peers, "            - --peer={asked}={address}").unwrap();
        }
    }
    read(MANIFEST).replace("{peers}\n", &peers).replace("{service}", spec.name)
}

/// The files that have parts of services, and what stands in each part.
fn parts() -> Vec<(&'static str, Vec<String>)> {
    let kubernetes_secret = |spec: &Spec, _| {
        let name = spec.name;
        format!(
            "              - secret: {{name: database-{name}, items: [{{key: password, path: {name}}}]}}\n"
        )
    };
    let example = |spec: &Spec, _| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: database-{0}, namespace: entrepot-my}}\n\
             stringData: {{password: \"REPLACE\"}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: key-{0}, \
             namespace: entrepot-my}}\nstringData: {{key.pem: \"REPLACE: Ed25519 in PKCS#8\"}}\n",
            spec.name
        )
    };
    let secrets = |spec: &Spec, number| format!("  service $(($2 + {number})) \"$1/{}\"\n", spec.name);
    let sources = each(|spec, _| {
        public_package(spec)
            .map_or_else(String::new, |_| format!("      - ../../proto/entrepot/{}/v1\n", spec.name))
    });
    let internal = each(|spec, _| {
        let is_internal = |package: &&str| package.contains(".internal.");
        match spec.packages.iter().any(is_internal) {
            true => format!("    - entrepot/{}/internal\n", spec.name),
            false => String::new(),
        }
    });
    let containers = vec![containers(&MY), healthy(&MY), containers(&TH), healthy(&TH)];
    vec![
        ("docker-compose.yml", containers),
        ("deploy/operator.yml", vec![operators_ports()]),
        ("deploy/second.yml", vec![second_instances()]),
        ("deploy/edge/nginx.conf", vec![route()]),
        ("deploy/secrets.sh", vec![each(secrets)]),
        ("deploy/observability/prometheus.yml", vec![scraped()]),
        ("deploy/kubernetes/kustomization.yaml", vec![each(|spec, _| format!("  - {}.yaml\n", spec.name))]),
        ("deploy/kubernetes/migrate.yaml", vec![each(kubernetes_secret)]),
        ("deploy/kubernetes/secrets.example.yaml", vec![each(example)]),
        ("deploy/kubernetes/ingress.example.yaml", vec![ingress_paths()]),
        ("clients/typescript/buf.gen.yaml", vec![sources]),
        ("proto/buf.yaml", vec![internal]),
    ]
}

/// All files as they should be.
fn files() -> Vec<(String, String)> {
    let whole =
        services::ALL.iter().map(|spec| (format!("deploy/kubernetes/{}.yaml", spec.name), manifest(spec)));
    let filled = parts().into_iter().map(|(file, parts)| (file.to_owned(), filled(file, &parts)));
    filled.chain(whole).collect()
}

/// A file with these parts in their places.
fn filled(file: &str, parts: &[String]) -> String {
    let (mut text, mut parts, mut is_in) = (String::new(), parts.iter(), false);
    for line in read(file).lines() {
        is_in &= line.trim() != END;
        if !is_in {
            text.push_str(line);
            text.push('\n');
        }
        if line.trim() == BEGIN {
            is_in = true;
            text.push_str(parts.next().unwrap_or_else(|| panic!("{file} has more parts than it should")));
        }
    }
    assert!(!is_in, "{file} has a part without an end");
    assert!(parts.next().is_none(), "{file} has fewer parts than it should");
    text
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_default()
}

/// What a file lacks of what it should be, and what it has besides, by lines.
fn difference(is: &str, should: &str) -> String {
    if is.is_empty() {
        return "  is missing\n".to_owned();
    }
    let lines = |of: &str, other: &str, sign: &str| -> String {
        let known: BTreeSet<&str> = other.lines().collect();
        of.lines().filter(|line| !known.contains(line)).map(|line| format!("  {sign} {line}\n")).collect()
    };
    let lines = lines(should, is, "lacks") + &lines(is, should, "should not have");
    if lines.is_empty() { "  has its lines in another order\n".to_owned() } else { lines }
}

/// With `ENTREPOT_TEST_WRITE` it writes them.
#[test]
fn each_file_says_of_each_service_what_it_should() {
    let (mut wrong, is_writing) = (String::new(), std::env::var_os(WRITE).is_some());
    for (file, should) in files() {
        let is = read(&file);
        if is == should {
            continue;
        }
        if is_writing {
            std::fs::write(path(&file), should).unwrap();
            println!("{file} is written");
        } else {
            writeln!(wrong, "{file}\n{}", difference(&is, &should)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "`cargo xtask services` puts this right:\n{wrong}");
}

/// What the numbers and the names stand for.
#[test]
fn each_service_can_have_its_number_and_its_route() {
    assert!(services::ALL.len() < 10, "the users and ports of hubs are ten apart: make room for more");
    for spec in services::ALL {
        let public: Vec<&str> =
            spec.packages.iter().copied().filter(|package| !package.contains(".internal.")).collect();
        let own = format!("entrepot.{}.v1", spec.name);
        assert!(public.is_empty() || public == [own.as_str()], "the edge has no route to {public:?}");
    }
}

/// `entrepot services` is for scripts: in the order in which an upgrade takes them.
#[test]
fn the_program_lists_the_services() {
    let listed = std::process::Command::new(crate::process::program()).arg("services").output().unwrap();
    let names: Vec<&str> = services::callees_first().iter().map(|spec| spec.name).collect();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().collect::<Vec<_>>(), names);
}

/// The documents and scripts that loop over services ask the program for them.
#[test]
fn no_script_has_a_list_of_services_of_its_own() {
    let scripts =
        ["deploy/backup.sh", "deploy/restore.sh", "deploy/README.md", "deploy/kubernetes/README.md"];
    for file in scripts {
        for line in read(file).lines() {
            let named = services::names().into_iter().filter(|name| line.contains(&format!(" {name}")));
            assert!(named.count() < services::ALL.len(), "{file} names all services: `{line}`");
        }
    }
}
