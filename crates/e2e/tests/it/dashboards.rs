//! What deploy/observability asks for: that a hub shows it, that all a hub shows is asked for, and that dashboards and
//! alerts say what they are about. `cargo xtask dashboards` runs the last test, with a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use proof::journey;
use runtime::metrics::{Listener, Metrics};
use serde_json::Value;
use tempfile::TempDir;
use testkit::Database;
use testkit::scrape::Scrape;
use tokio::process::{Child, Command};

use crate::metrics::documented;
use crate::promql::{self, Labels, Shown};
use crate::town::{AT_ONCE, Ground, PATIENCE, Town, buy, seller};

/// Between two looks at a database.
const SOON: Duration = Duration::from_millis(200);
/// What Prometheus tells of what it scrapes itself, and of alerts.
const OF_PROMETHEUS: &str =
    "up 1\nALERTS{alertname=\"EntrepotTrialBalanceMismatch\",alertstate=\"firing\"} 1\n";
/// What a collector and a store of traces tell it, as a real one of each has shown it.
const OF_TRACES: &str = "up 1\notelcol_receiver_refused_spans_total{receiver=\"otlp\",transport=\"grpc\"} 0\n\
                         otelcol_exporter_send_failed_spans_total{exporter=\"otlp_grpc\"} 0\n\
                         otelcol_exporter_enqueue_failed_spans_total{exporter=\"otlp_grpc\"} 0\n";
/// The labels of a target in prometheus.yml.
const TARGET: [(&str, &str); 3] = [("job", "entrepot"), ("instance", "10.0.0.1:50053"), ("process", "order")];
const COLLECTOR: [(&str, &str); 2] = [("job", "collector"), ("instance", "collector:8888")];
const JAEGER: [(&str, &str); 2] = [("job", "jaeger"), ("instance", "jaeger:8888")];
const HUBS_QUERY: &str = "label_values(entrepot_serving, hub)";
const COLUMNS: u64 = 24;
/// Enough to have a rate of everything, at a scrape a second.
const PURCHASES: usize = 12;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/observability").canonicalize().unwrap()
}

fn text(file: &str) -> String {
    std::fs::read_to_string(here().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The dashboards by the names of their files.
fn dashboards() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(here().join("grafana/dashboards")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let read = paths.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let parsed = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
        (name, parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    });
    read.collect()
}

fn alerts() -> Vec<Value> {
    let file = yaml("alerts.yml");
    list(&file["groups"]).iter().flat_map(|group| list(&group["rules"])).cloned().collect()
}

/// An expression that somebody asks, where it stands, and the labels that it is shown with.
struct Asked {
    place: String,
    expression: String,
    shown_with: Labels,
}

/// The words that stand between these marks.
fn between(text: &str, before: &str, after: fn(char) -> bool) -> Labels {
    let parts = text.split(before).skip(1);
    parts.map(|part| part[..part.find(after).unwrap_or(part.len())].to_owned()).collect()
}

/// What panels ask of these hubs, with what Grafana fills in.
fn of_panels(hubs: &str) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in list(&dashboard["panels"]) {
            for target in list(&panel["targets"]) {
                let place = format!("{name}, {}, {}", string(&panel["title"]), string(&target["refId"]));
                let expression =
                    string(&target["expr"]).replace("$__rate_interval", "5m").replace("$hub", hubs);
                let shown_with = between(string(&target["legendFormat"]), "{{", |c| c == '}');
                asked.push(Asked { place, expression, shown_with });
            }
        }
    }
    asked
}

fn of_alerts() -> Vec<Asked> {
    let asked = |alert: &Value| {
        let said = format!("{} {}", alert["annotations"]["summary"], alert["annotations"]["runbook"]);
        let shown_with = between(&said, "$labels.", |c| !(c.is_ascii_alphanumeric() || c == '_'));
        Asked {
            place: string(&alert["alert"]).to_owned(),
            expression: string(&alert["expr"]).to_owned(),
            shown_with,
        }
    };
    alerts().iter().map(asked).collect()
}

/// Opens a hub that shows itself here, with a seller; then lets buyers buy so much, until it has reached them.
async fn traded(code: &str, ground: &Ground, metrics: Metrics, purchases: usize) -> Town {
    let town = Town::open_measured(code, ground, AT_ONCE, Some(metrics)).await;
    let thai = seller(&town.hub, &[1_000]).await;
    let buyer = town.hub.buyer("aisyah").unwrap();
    for _ in 0..purchases {
        let order = buy(&buyer, &[(thai.variants[0].clone(), 1)]).await;
        journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    }
    town
}

async fn measured() -> (Metrics, Listener) {
    let metrics = Metrics::sampling(SOON, SOON);
    let listener = metrics.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (metrics, listener)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_shows_what_is_asked_for_and_nothing_else() {
    let (metrics, listener) = measured().await;
    let ground = Ground::embedded(Database::sqlite());
    let town = traded("my", &ground, metrics, 1).await;
    town.check().await;
    let all_is_read = || async {
        let scrape = Scrape::of(listener.address()).await;
        let completed = scrape.sum("entrepot_order_orders", &[("state", "completed")]) == Some(1.0);
        (completed && scrape.names() == documented()).then_some(scrape)
    };
    let scrape = testkit::eventually("all is read", all_is_read).await;
    let mut shown = promql::series(scrape.text(), &TARGET);
    for (text, target) in [(OF_PROMETHEUS, &TARGET[..]), (OF_TRACES, &COLLECTOR), (OF_TRACES, &JAEGER)] {
        for (name, series) in promql::series(text, target) {
            shown.entry(name).or_default().extend(series);
        }
    }
    let used = all_is_shown(&shown);
    let names = scrape.names();
    let of_series = |name: &String| {
        let suffix = ["_bucket", "_count", "_sum"].into_iter().find(|suffix| name.ends_with(suffix));
        let base = suffix.map_or(name.as_str(), |suffix| &name[..name.len() - suffix.len()]);
        if names.contains(base) { base.to_owned() } else { name.clone() }
    };
    let used: BTreeSet<String> = used.iter().map(of_series).collect();
    let unseen: Vec<_> = names.difference(&used).cloned().collect();
    assert_eq!(unseen, Vec::<String>::new(), "no dashboard and no alert has a use for it");
    town.close().await;
    ground.remove().await;
    listener.stop().await;
}

/// All expressions are about what is shown; the metrics that they use.
fn all_is_shown(shown: &Shown) -> BTreeSet<String> {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for Asked { place, expression, shown_with } in of_panels("my").into_iter().chain(of_alerts()) {
        match promql::read(&expression, shown) {
            Err(error) => faults.push(format!("{place}: {error}")),
            Ok(read) => {
                let labels = read.labels.unwrap_or_default();
                let missing =
                    shown_with.difference(&labels).map(|label| format!("{place}: no {label} to show"));
                faults.extend(missing);
                used.extend(read.metrics);
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    used
}

#[test]
fn dashboards_are_whole() {
    let dashboards = dashboards();
    assert!(dashboards.contains_key("overview"));
    let datasources = yaml("grafana/provisioning/datasources/prometheus.yml");
    let datasource = &datasources["datasources"][0]["uid"];
    for (name, dashboard) in &dashboards {
        assert_eq!(dashboard["uid"], format!("entrepot-{name}"));
        assert!(string(&dashboard["title"]).starts_with("Entrepôt: "), "{name}");
        // By their tag they are linked with each other.
        assert_eq!(dashboard["tags"], serde_json::json!(["entrepot"]), "{name}");
        assert_eq!(dashboard["links"][0]["tags"], dashboard["tags"], "{name}");
        let hub = &dashboard["templating"]["list"][0];
        assert_eq!((&hub["name"], &hub["query"]), (&"hub".into(), &HUBS_QUERY.into()), "{name}");
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let title = format!("{name}, {}", string(&panel["title"]));
            assert!(ids.insert(panel["id"].as_u64()), "{title} has another's id");
            assert!(string(&panel["description"]).ends_with('.'), "{title} has no description");
            assert_eq!(&panel["datasource"]["uid"], datasource, "{title}");
            assert!(!string(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(), "{title} has no unit");
            assert!(!list(&panel["targets"]).is_empty(), "{title} asks nothing");
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(place("x") + place("w") <= COLUMNS, "{title} is off the page");
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{title} covers another");
                }
            }
        }
    }
}

#[test]
fn each_alert_is_tested_and_says_what_to_do() {
    let (readme, tests) = (text("README.md"), text("alerts_test.yml"));
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = string(&alert["alert"]);
        assert!(names.insert(name.to_owned()), "{name} is there twice");
        assert!(["critical", "warning"].contains(&string(&alert["labels"]["severity"])), "{name}");
        for said in ["summary", "runbook"] {
            assert!(string(&alert["annotations"][said]).ends_with('.'), "{name} has no {said}");
        }
        assert!(readme.contains(&format!("| `{name}` |")), "README.md does not tell what to do for {name}");
        let fires = format!("alertname=\"{name}\", severity=\"{}\"", string(&alert["labels"]["severity"]));
        assert!(tests.contains(&fires), "no test of alerts_test.yml expects {name}");
    }
}

#[test]
fn every_process_of_the_compose_file_is_scraped() {
    let compose = yaml("../../docker-compose.yml");
    let scraped = &yaml("prometheus.yml")["scrape_configs"][0]["dns_sd_configs"][0];
    let names: BTreeSet<&str> = list(&scraped["names"]).iter().map(string).collect();
    let mut serving = BTreeSet::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        if list(&service["command"]).first().is_some_and(|word| word == "serve") {
            serving.insert(name.as_str());
            let port = string(&service["environment"]["ENTREPOT_METRICS"]).rsplit(':').next();
            assert_eq!(port, Some(scraped["port"].to_string().as_str()), "{name}");
        }
    }
    assert_eq!(serving, names);
}

/// From the processes to the collector, to the store, to who looks: each address is where the next one listens.
#[test]
fn spans_find_their_way() {
    let compose = yaml("../../docker-compose.yml");
    let (collector, jaeger) = (yaml("collector.yml"), yaml("jaeger.yml"));
    let port = |value: &Value| string(value).rsplit(':').next().unwrap().to_owned();
    let receives = |config: &Value| port(&config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]);
    let readme = text("README.md");
    assert!(readme.contains(&format!("ENTREPOT_TRACES_URL=http://collector:{}", receives(&collector))));
    assert_eq!(collector["exporters"]["otlp_grpc"]["endpoint"], format!("jaeger:{}", receives(&jaeger)));
    let page = port(&jaeger["extensions"]["jaeger_query"]["http"]["endpoint"]);
    let datasource = &yaml("grafana/provisioning/datasources/jaeger.yml")["datasources"][0];
    assert_eq!(datasource["url"], format!("http://jaeger:{page}"));
    let published = string(&compose["services"]["jaeger"]["ports"][0]);
    assert_eq!(published, format!("127.0.0.1:${{ENTREPOT_JAEGER:-{page}}}:{page}"));
    let link = &dashboards()["calls"]["links"][1]["url"];
    assert!(string(link).starts_with(&format!("http://127.0.0.1:{page}/")), "{link}");
    for (name, config) in [("collector", &collector), ("jaeger", &jaeger)] {
        assert!(compose["services"][name].is_object(), "{name}");
        let shown =
            &config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"];
        let scrapes = yaml("prometheus.yml")["scrape_configs"].clone();
        let scrape = list(&scrapes).iter().find(|scrape| scrape["job_name"] == name).unwrap();
        let target = format!("{name}:{}", shown["port"]);
        assert_eq!(scrape["static_configs"][0]["targets"], serde_json::json!([target]));
    }
}

/// Prometheus's own programs, which `cargo xtask dashboards` finds.
struct Prometheus {
    folder: TempDir,
    bin: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Prometheus {
    /// Scrapes this target, with the alerts as they are.
    fn start(target: SocketAddr) -> Self {
        let bin = std::env::var_os("ENTREPOT_TEST_PROMETHEUS").map(PathBuf::from);
        let bin = bin.expect("`cargo xtask dashboards` says where Prometheus is");
        let folder = TempDir::new().unwrap();
        let labels = r#"{process: order}"#;
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{:?}]\nscrape_configs:\n  \
             - {{job_name: entrepot, static_configs: [{{targets: [{:?}], labels: {labels}}}]}}\n",
            here().join("alerts.yml"),
            target.to_string(),
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(bin.join("prometheus"));
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        Self { folder, bin, address, child }
    }

    /// The values that an expression has now; `None` when it cannot be asked.
    async fn ask(&self, expression: &str) -> Option<Vec<f64>> {
        let mut command = Command::new(self.bin.join("promtool"));
        command
            .args(["query", "instant", "-o", "json"])
            .arg(format!("http://{}", self.address))
            .arg(expression);
        let output = command.current_dir(self.folder.path()).stdin(Stdio::null()).output().await.unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        let value = |series: &Value| string(&series["value"][1]).parse::<f64>().unwrap();
        Some(list(&answer).iter().map(value).filter(|value| !value.is_nan()).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Prometheus: cargo xtask dashboards"]
async fn prometheus_has_an_answer_to_every_panel() {
    let (metrics, listener) = measured().await;
    let mut prometheus = Prometheus::start(listener.address());
    let scraped = || async { prometheus.ask("up").await.filter(|up| up == &[1.0]) };
    testkit::eventually("Prometheus scrapes", scraped).await;
    let grounds = [(); 2].map(|()| Ground::embedded(Database::sqlite()));
    let (my, th) = tokio::join!(
        traded("my", &grounds[0], metrics.clone(), PURCHASES),
        traded("th", &grounds[1], metrics, 0)
    );
    let mut panels = BTreeMap::<String, usize>::new();
    for Asked { place, expression, .. } in of_panels("my|th") {
        let answered = || async { prometheus.ask(&expression).await.filter(|values| !values.is_empty()) };
        let values = testkit::eventually(&format!("{place} shows something: {expression}"), answered).await;
        println!("{place}: {} series", values.len());
        panels.insert(place, values.len());
    }
    assert_eq!(panels.len(), of_panels("my|th").len());
    let alerts = prometheus.ask("count(ALERTS) or vector(0)").await;
    assert_eq!(alerts, Some(vec![0.0]), "alerts of a hub that is well");
    prometheus.child.kill().await.unwrap();
    my.close().await;
    th.close().await;
    for ground in grounds {
        ground.remove().await;
    }
    listener.stop().await;
}
