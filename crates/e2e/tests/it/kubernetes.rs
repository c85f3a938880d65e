//! The Kubernetes manifests, held to the program that they start and to each other. No cluster and no network: whether
//! the API takes them is said by `cargo xtask kubernetes`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::program;

/// What clap ends with when it does not know an argument.
const USAGE: i32 = 2;
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes")
}

/// The documents of a file.
fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All objects but what is for kustomize.
fn objects() -> Vec<Value> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let manifests = files.filter(|file| {
        file.extension().is_some_and(|extension| extension == "yaml") && !file.ends_with("kustomization.yaml")
    });
    manifests.flat_map(|file| read(&file)).collect()
}

fn of_kind(kind: &str) -> Vec<Value> {
    let objects: Vec<Value> = objects().into_iter().filter(|object| object["kind"] == kind).collect();
    assert!(!objects.is_empty(), "there is no {kind}");
    objects
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value) -> Vec<&str> {
    list(value).iter().map(|text| text.as_str().unwrap()).collect()
}

/// The data of the ConfigMap of this name.
fn data(map: &str) -> BTreeMap<String, String> {
    let map = of_kind("ConfigMap").into_iter().find(|object| name(object) == map).unwrap();
    serde_json::from_value(map["data"].clone()).unwrap()
}

/// The services' workloads, by service.
fn services() -> Vec<Value> {
    let sets = of_kind("StatefulSet");
    let names: BTreeSet<&str> = sets.iter().map(name).collect();
    assert_eq!(names, services::names().into_iter().collect());
    sets
}

/// Everything that runs pods.
fn workloads() -> Vec<Value> {
    services().into_iter().chain(of_kind("Job")).collect()
}

fn pod(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]
}

fn container(workload: &Value) -> &Value {
    match list(&pod(workload)["containers"]) {
        [one] => one,
        several => panic!("{}: {} containers", name(workload), several.len()),
    }
}

/// A container's own variables; what the cluster fills in stands as the first instance's name.
fn variables(workload: &Value) -> BTreeMap<String, String> {
    let variable = |variable: &Value| {
        let value = variable["value"].as_str().map_or_else(
            || {
                assert_eq!(variable["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name");
                format!("{}-0", name(workload))
            },
            str::to_owned,
        );
        (name_of(variable).to_owned(), value)
    };
    list(&container(workload)["env"]).iter().map(variable).collect()
}

fn name_of(part: &Value) -> &str {
    part["name"].as_str().unwrap()
}

/// The program as the container starts it, with the hub's settings in files of this machine's.
fn start(workload: &Value, files: &Path) -> Output {
    std::fs::write(files.join("entrepot.toml"), &data("settings")["entrepot.toml"]).unwrap();
    let here = |text: &str| text.replace("/etc/entrepot", files.to_str().unwrap());
    assert!(container(workload).get("command").is_none(), "the image knows what it runs");
    let mut command = Command::new(program());
    command.env_clear().args(strings(&container(workload)["args"]));
    for (name, value) in data("hub").iter().chain(&variables(workload)) {
        command.env(name, here(value));
    }
    command.output().unwrap()
}

/// The program takes the command line, the variables and the configuration, and ends where the Secrets are missing.
#[test]
fn the_program_takes_what_it_is_given() {
    let files = TempDir::new().unwrap();
    for workload in workloads() {
        let ended = start(&workload, files.path());
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_ne!(ended.status.code(), Some(USAGE), "{}: {said}", name(&workload));
        let missing = [
            "database.password: cannot read /run/entrepot/",
            "admin.password (ENTREPOT_ADMIN_PASSWORD_FILE): cannot",
        ];
        assert!(missing.iter().any(|missing| said.contains(missing)), "{said}");
        assert!(!said.contains("settings are wrong"), "{said}");
    }
}

#[test]
fn every_process_has_the_configuration_file_that_it_is_told_of() {
    let file = &data("hub")["ENTREPOT_CONFIG"];
    for workload in workloads() {
        let mounts = list(&container(&workload)["volumeMounts"]);
        let mount = mounts.iter().find(|mount| file.starts_with(mount["mountPath"].as_str().unwrap()));
        let volume = mount.unwrap_or_else(|| panic!("{}: {file}", name(&workload)))["name"].as_str().unwrap();
        let volumes = list(&pod(&workload)["volumes"]);
        assert!(volumes.iter().any(|one| one["name"] == volume && one["configMap"]["name"] == "settings"));
    }
}

#[test]
fn probes_are_commands_of_the_program_and_liveness_bears_a_kafka_that_is_away() {
    for service in services() {
        let container = container(&service);
        assert_eq!(container["startupProbe"]["grpc"]["port"], 50051);
        for probe in ["readinessProbe", "livenessProbe"] {
            let command = strings(&container[probe]["exec"]["command"]);
            let (entrepot, arguments) = command.split_first().unwrap();
            assert_eq!(*entrepot, "entrepot");
            // Nobody answers there: the probe says so, and is one.
            let nowhere = ["--address", "127.0.0.1:1"];
            let ended = Command::new(program()).args(arguments).args(nowhere).output().unwrap();
            assert_eq!(ended.status.code(), Some(1), "{command:?}");
            assert!(arguments.contains(&"--alive"), "{probe} of {}", name(&service));
        }
    }
}

/// A bound of the program's, which is none of its API.
fn seconds(file: &str, bound: &str) -> u64 {
    let text = std::fs::read_to_string(folder().join("../../crates").join(file)).unwrap();
    let begin = format!("const {bound}: Duration = Duration::from_secs(");
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{file} has no {bound}"));
    rest.split_once(')').unwrap().0.parse().unwrap()
}

/// One after the other: out of the Services, calls, steps, and what Kafka has brought.
#[test]
fn a_pod_has_as_long_as_a_stop_may_take() {
    let bounds = rpc::DRAIN_MAX.as_secs()
        + seconds("runtime/src/hub.rs", "FINISH_MAX")
        + seconds("events/src/kafka/member.rs", "DRAIN_MAX");
    for service in services() {
        let wait = container(&service)["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
        let given = pod(&service)["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(given > wait + bounds, "{}: {given} s for {} s", name(&service), wait + bounds);
    }
}

#[test]
fn nothing_runs_with_more_than_it_needs() {
    let compose = std::fs::read_to_string(folder().join("../../docker-compose.yml")).unwrap();
    let image = "entrepot:0.1.0";
    assert!(
        compose.contains("image: entrepot:${ENTREPOT_VERSION:-0.1.0}"),
        "{image} is not docker-compose.yml's"
    );
    for workload in workloads() {
        let (pod, container) = (pod(&workload), container(&workload));
        assert_eq!(container["image"], image);
        assert!(container["resources"]["limits"]["memory"].is_string());
        assert!(container["resources"]["requests"]["cpu"].is_string());
        let context = &pod["securityContext"];
        assert_eq!((&context["runAsNonRoot"], &context["runAsUser"]), (&true.into(), &65532.into()));
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(pod["automountServiceAccountToken"], false);
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(strings(&context["capabilities"]["drop"]), ["ALL"]);
    }
}

/// Each service reads its own password and its own key, and no other's; every Secret that is named has an example.
#[test]
fn secrets_go_to_those_that_need_them() {
    let examples: BTreeSet<String> = of_kind("Secret").iter().map(|secret| name(secret).to_owned()).collect();
    for workload in workloads() {
        let volumes = list(&pod(&workload)["volumes"]);
        let projected = volumes.iter().flat_map(|volume| list(&volume["projected"]["sources"]));
        let secrets: BTreeSet<String> =
            projected.filter_map(|source| Some(source["secret"]["name"].as_str()?.to_owned())).collect();
        assert!(secrets.is_subset(&examples), "{secrets:?}");
        if workload["kind"] == "StatefulSet" {
            let own = ["database", "key"].map(|what| format!("{what}-{}", name(&workload)));
            assert_eq!(secrets, BTreeSet::from(own));
        }
    }
}

#[test]
fn selectors_find_the_pods_that_they_are_for() {
    for service in services() {
        let labels = &service["spec"]["template"]["metadata"]["labels"];
        let own = name(&service);
        assert_eq!(labels["app.kubernetes.io/name"], own);
        assert_eq!(&service["spec"]["selector"]["matchLabels"], labels);
        for constraint in list(&pod(&service)["topologySpreadConstraints"]) {
            assert_eq!(&constraint["labelSelector"]["matchLabels"], labels);
        }
        let budgets = of_kind("PodDisruptionBudget");
        let budget = budgets.iter().find(|budget| name(budget) == own).unwrap();
        assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
        let replicas = service["spec"]["replicas"].as_u64().unwrap();
        assert!(replicas > budget["spec"]["maxUnavailable"].as_u64().unwrap());
        for way in [own.to_owned(), format!("{own}-internal")] {
            let ways = of_kind("Service");
            assert_eq!(&ways.iter().find(|found| name(found) == way).unwrap()["spec"]["selector"], labels);
        }
    }
    for policy in of_kind("NetworkPolicy") {
        let labels = policy["spec"]["podSelector"].get("matchLabels");
        let all = serde_json::json!({"app.kubernetes.io/part-of": "entrepot"});
        assert!(labels.is_none_or(|labels| *labels == all), "{}", name(&policy));
    }
}

/// By Services, the edge's paths and the network's rules alike.
#[test]
fn the_internal_listener_is_reached_by_the_hubs_own_pods_alone() {
    for service in of_kind("Service") {
        let ports: Vec<&str> =
            list(&service["spec"]["ports"]).iter().map(|port| port["targetPort"].as_str().unwrap()).collect();
        if name(&service).ends_with("-internal") {
            assert_eq!(
                (ports.as_slice(), &service["spec"]["clusterIP"]),
                (&["internal"][..], &"None".into())
            );
            // Else nobody could be asked while Kafka is away.
            assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
        } else {
            assert_eq!(ports, ["public"], "{}", name(&service));
        }
    }
    let policies = of_kind("NetworkPolicy");
    let closed =
        policies.iter().find(|policy| policy["spec"]["podSelector"] == serde_json::json!({})).unwrap();
    assert!(
        closed["spec"].get("ingress").is_none()
            && strings(&closed["spec"]["policyTypes"]).contains(&"Ingress")
    );
    let own =
        serde_json::json!([{"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "entrepot"}}}]);
    let mut opened = BTreeSet::new();
    for rule in policies.iter().flat_map(|policy| list(&policy["spec"]["ingress"])) {
        let ports: Vec<&str> =
            list(&rule["ports"]).iter().map(|port| port["port"].as_str().unwrap()).collect();
        assert_eq!(ports.len(), 1, "a rule opens one listener");
        assert!(ports != ["internal"] || rule["from"] == own, "{rule}");
        opened.extend(ports.into_iter().map(str::to_owned));
    }
    assert_eq!(opened, BTreeSet::from(["internal", "metrics", "public"].map(str::to_owned)));
    for service in services() {
        let ports: BTreeMap<&str, u64> = list(&container(&service)["ports"])
            .iter()
            .map(|port| (name_of(port), port["containerPort"].as_u64().unwrap()))
            .collect();
        assert_eq!(ports, BTreeMap::from([("public", 50051), ("internal", 50052), ("metrics", 9464)]));
    }
}

/// Each instance of what a service asks is named once, as its set and its headless Service name it.
#[test]
fn every_instance_that_is_asked_is_named() {
    let sets = services();
    for spec in services::ALL {
        let asking = sets.iter().find(|set| name(set) == spec.name).unwrap();
        let arguments = strings(&container(asking)["args"]);
        let peers: BTreeSet<&str> =
            arguments.iter().filter_map(|argument| argument.strip_prefix("--peer=")).collect();
        let asked = sets.iter().filter(|set| spec.calls.contains(&name(set)));
        let instances: BTreeSet<String> = asked
            .flat_map(|set| {
                let (service, headless) = (name(set), set["spec"]["serviceName"].as_str().unwrap());
                assert_eq!(headless, format!("{service}-internal"));
                let replicas = set["spec"]["replicas"].as_u64().unwrap();
                let address = move |number| format!("{service}=http://{service}-{number}.{headless}:50052");
                (0..replicas).map(address)
            })
            .collect();
        assert_eq!(peers, instances.iter().map(String::as_str).collect(), "{}", spec.name);
    }
    for set in &sets {
        assert_eq!(variables(set)["ENTREPOT_INSTANCE"], format!("{}-0", name(set)));
    }
}

/// The path of each public service, and who serves it.
pub(crate) fn public_services() -> BTreeSet<(String, String)> {
    let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap().file;
    let public = files.iter().filter(|file| !file.package().contains(".internal."));
    let services =
        public.flat_map(|file| file.service.iter().map(|service| (file.package(), service.name())));
    services
        .map(|(package, service)| {
            (format!("/{package}.{service}"), package.split('.').nth(1).unwrap().to_owned())
        })
        .collect()
}

/// Kubernetes matches whole elements of a path, so each public service is named; one that is added is missed here.
#[test]
fn every_public_service_has_its_way_in_and_no_internal_one() {
    let api = public_services();
    assert!(api.len() > 10);
    let ingresses = of_kind("Ingress");
    let paths = ingresses
        .iter()
        .flat_map(|ingress| list(&ingress["spec"]["rules"]))
        .flat_map(|rule| list(&rule["http"]["paths"]));
    let routed: BTreeSet<(String, String)> = paths
        .map(|path| {
            assert_eq!(
                (&path["pathType"], &path["backend"]["service"]["port"]["name"]),
                (&"Prefix".into(), &"public".into())
            );
            (
                path["path"].as_str().unwrap().to_owned(),
                path["backend"]["service"]["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let own: BTreeSet<(String, String)> =
        routed.iter().filter(|(path, _)| !path.starts_with("/grpc.")).cloned().collect();
    assert_eq!(own, api);
}

/// What kustomize applies is all but examples and the migration.
#[test]
fn kustomize_leaves_nothing_out() {
    let kustomization = read(&folder().join("kustomization.yaml"));
    let listed: BTreeSet<&str> = strings(&kustomization[0]["resources"]).into_iter().collect();
    let files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = files.iter().map(String::as_str).filter(|file| {
        file.ends_with(".yaml")
            && !file.ends_with(".example.yaml")
            && !["kustomization.yaml", "migrate.yaml"].contains(file)
    });
    assert_eq!(listed, wanted.collect());
    let namespace = &kustomization[0]["namespace"];
    for object in objects().iter().filter(|object| object["kind"] != "Namespace") {
        assert_eq!(&object["metadata"]["namespace"], namespace, "{}", name(object));
    }
}
