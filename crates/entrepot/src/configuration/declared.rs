//! All settings there are: the binary's own, and those of the crates that it is made of.

use std::sync::LazyLock;
use std::time::Duration;

use settings::{ADDRESS, PATH, Setting, ValueKind};

use super::SERVICE;

/// Names in the environment that begin as settings do, and are read by others: by docker-compose.yml and deploy/operator.yml,
/// which has one more for each service, and by tests. One that ends with `_` stands for all that begin so.
const OTHERS: &[&str] = &[
    "ENTREPOT_BIN",
    "ENTREPOT_CERTIFICATES",
    "ENTREPOT_COMPOSE_",
    "ENTREPOT_EDGE",
    "ENTREPOT_EDGE_TH",
    "ENTREPOT_GRAFANA",
    "ENTREPOT_JAEGER",
    "ENTREPOT_PROGRAM",
    "ENTREPOT_PROMETHEUS",
    "ENTREPOT_SECRETS",
    "ENTREPOT_TEST_",
    "ENTREPOT_TRUSTED_PROXY",
    "ENTREPOT_VERSION",
];

/// A hub's profile.
const PROFILE: ValueKind = ValueKind::Text {
    must_be: "a hub that comes with the program (id, my, sg, th) or the path of a .toml file",
    is: |text| text.ends_with(".toml") || hub::builtin(text).is_some(),
};
/// What may stand behind the `?` of a database's URL.
const PARAMETERS: [&str; 6] =
    ["host", "port", "sslmode", "application_name", "options", "statement-cache-capacity"];
/// Databases, one for each service.
const DATABASES: ValueKind = ValueKind::Text {
    must_be: "a URL that begins with postgres:// and contains {service}, since each service has its own database; allowed \
              parameters: host, port, sslmode, application_name, options, statement-cache-capacity",
    is: |text| is_postgres(text) && text.contains(SERVICE),
};
const POSTGRES: ValueKind =
    ValueKind::Text { must_be: "a URL such as postgres://postgres@db:5432/postgres", is: is_postgres };
const TEXT: ValueKind = ValueKind::Text { must_be: "text", is: |text| !text.is_empty() };
const LISTENERS: ValueKind = ValueKind::List(&ValueKind::Text {
    must_be: "an address such as http://catalog:50052",
    is: runtime::instances::is_address,
});
const ABOUT_PEERS: &str = "The internal listeners of a service that this process calls and that runs elsewhere. Several are its instances, \
                           which share the calls: one that is unreachable is left out within seconds.";

/// A URL of PostgreSQL's. A password has its own setting or its place before the host: parameters are for the rest.
fn is_postgres(text: &str) -> bool {
    let names_it = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let parameters = text.split_once('?').map_or("", |(_, parameters)| parameters);
    let mut names = parameters.split('&').filter(|part| !part.is_empty()).map(|part| part.split('=').next());
    names_it && names.all(|name| name.is_some_and(|name| PARAMETERS.contains(&name)))
}

/// The binary's own.
const SETTINGS: &[Setting] = &[
    Setting::new("hub", ValueKind::List(&PROFILE), "The hubs to serve, side by side.").default("my").flag("hub", "HUB"),
    Setting::new(
        "shape",
        ValueKind::Choice(&["embedded", "production"]),
        "What a hub runs on: SQLite files and events within the process, or PostgreSQL and Kafka.",
    )
    .default("embedded")
    .flag("shape", "SHAPE"),
    Setting::new("data", PATH, "The folder for the hubs' data: each hub has a subfolder named by its code.")
        .default("data")
        .flag("data", "FOLDER"),
    Setting::new(
        "public",
        ADDRESS,
        "Where the public API listens (gRPC and gRPC-Web); each further hub uses a port 10 higher.",
    )
    .default("127.0.0.1:50051")
    .flag("public", "ADDRESS"),
    Setting::new("internal", ADDRESS, "Where the internal API for services, operators and carriers listens. Keep it private.")
        .default("127.0.0.1:50052")
        .flag("internal", "ADDRESS"),
    Setting::new(
        "metrics",
        ADDRESS,
        "Where Prometheus finds the metrics of all hubs of the process, at /metrics. Keep it private.",
    )
    .example("127.0.0.1:50053")
    .flag("metrics", "ADDRESS"),
    Setting::new(
        "instance",
        events::INSTANCE,
        "This process's name in its Kafka groups: unique among the running processes, and the same after a restart.",
    )
    .example("order-0")
    .flag("instance", "NAME"),
    Setting::new(
        "keys.issuer",
        PATH,
        "The private key of the hub's issuer, which signs for people: for `token`, `keys` and a process that serves the whole \
         hub, which makes it. {hub} stands for the hub's code. When absent, the file key.pem in the hub's folder. A process \
         of single services needs none: one that is given it signs with it, as all did in the release before.",
    )
    .example("/run/entrepot/{hub}/key.pem")
    .flag("issuer-key", "FILE")
    .formerly(&["key"]),
    Setting::new(
        "keys.service",
        PATH,
        "The private key that a service signs its calls to other services with; {hub} and {service} may stand in it. When \
         absent: of a process of single services the file SERVICE.pem in the hub's folder, of a whole hub a key in memory.",
    )
    .example("/run/entrepot/{hub}/{service}.pem")
    .flag("service-key", "FILE"),
    Setting::new(
        "keys.jwks",
        PATH,
        "The hub's public keys, by which tokens are verified: a JWK Set that `entrepot keys` writes. {hub} stands for the \
         hub's code. The file jwks.json in the hub's folder when absent.",
    )
    .example("/run/entrepot/{hub}/jwks.json")
    .flag("jwks", "FILE"),
    Setting::new(
        "keys.refresh",
        ValueKind::Duration { least: Duration::from_secs(1), most: Duration::from_secs(3_600) },
        "How often a process reads the public keys and its own again. A new key signs after twice this time.",
    )
    .default("30s"),
    Setting::new(
        "database.url",
        DATABASES,
        "The PostgreSQL databases of the production shape, one for each service; {hub} stands for the hub's code, and \
         is required where several hubs are served.",
    )
    .example("postgres://{hub}_{service}@db:5432/{hub}_{service}")
    .flag("database", "URL"),
    Setting::new(
        "database.password",
        TEXT,
        "The databases' password, where the URL has none; {hub} and {service} may stand in the path of its file.",
    )
    .example("/run/entrepot/{hub}/{service}")
    .flag("database-password-file", "FILE")
    .secret()
    .each(),
    Setting::new(
        "admin.url",
        POSTGRES,
        "For migrate: a superuser of the PostgreSQL server, which creates the roles and databases that database.url names, \
         where they are missing, and sets their privileges and passwords.",
    )
    .example("postgres://postgres@db:5432/postgres")
    .flag("admin", "URL"),
    Setting::new("admin.password", TEXT, "For migrate: the superuser's password, where the URL has none.")
        .example("/run/entrepot/postgres")
        .flag("admin-password-file", "FILE")
        .secret(),
];

/// Where each service is that another one asks.
static PEERS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let text = |text: String| -> &'static str { text.leak() };
    let peer = |service: &str| {
        Setting::new(text(format!("peers.{service}")), LISTENERS, ABOUT_PEERS)
            .example(text(format!("http://{service}:50052")))
            .shared_flag("peer", "URL", text(format!("{service}=")))
    };
    services::called().into_iter().map(peer).collect()
});

/// [`OTHERS`], and the ports of deploy/operator.yml.
static FOREIGN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let port = |service: &str| -> &'static str { format!("ENTREPOT_{}", service.to_uppercase()).leak() };
    OTHERS.iter().copied().chain(services::names().into_iter().map(port)).collect()
});

/// Names in the environment that begin as settings do, and are read by others.
pub(crate) fn others() -> &'static [&'static str] {
    &FOREIGN
}

/// All settings, section by section, in the order in which the sections come up.
pub(crate) fn all() -> Vec<&'static Setting> {
    let services = services::ALL.iter().map(|spec| spec.settings);
    let parts = [SETTINGS, PEERS.as_slice(), telemetry::SETTINGS, runtime::SETTINGS, events::SETTINGS]
        .into_iter()
        .chain(services);
    let mut all: Vec<&'static Setting> = parts.flatten().collect();
    let mut sections: Vec<&str> = Vec::new();
    for section in all.iter().map(|setting| setting.place().0) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    all.sort_by_key(|setting| sections.iter().position(|section| *section == setting.place().0));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn read(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
    }

    #[test]
    fn declarations_are_sound() {
        assert_eq!(settings::problems(&all()), Vec::<String>::new());
    }

    #[test]
    fn a_database_url_has_no_password_among_its_parameters() {
        for fine in ["postgres://{service}@db/x", "postgresql://db/x?host=/run/postgresql&port=5433"] {
            assert!(is_postgres(fine), "{fine}");
        }
        for wrong in ["mysql://db/x", "postgres://u@db/x?password=s3cret", "postgres://u@db/x?pasword=s3cret"]
        {
            assert!(!is_postgres(wrong), "{wrong}");
        }
    }

    #[test]
    fn those_that_are_asked_have_peers() {
        let asked: BTreeSet<&str> = services::ALL.iter().flat_map(|spec| spec.calls).copied().collect();
        let declared = all().into_iter().filter_map(|setting| setting.key.strip_prefix("peers."));
        assert_eq!(declared.collect::<BTreeSet<_>>(), asked);
    }

    /// `entrepot config --table` prints it anew.
    #[test]
    fn the_documents_have_every_setting() {
        let table = settings::table(&all());
        assert!(
            read("docs/configuration.md").contains(&table),
            "docs/configuration.md has another table than\n{table}"
        );
    }

    /// `entrepot config --template` prints it anew; what compose sets stands there without `#`.
    #[test]
    fn the_file_of_the_deployment_is_the_template() {
        let (deployed, template) = (read("deploy/entrepot.toml"), settings::template(&all()));
        assert_eq!(deployed.lines().count(), template.lines().count());
        for (deployed, template) in deployed.lines().zip(template.lines()) {
            let key = |line: &str| line.split(" = ").next().map(|key| key.trim_start_matches('#').to_owned());
            let is_set = !deployed.starts_with('#') && template.starts_with('#');
            assert!(
                deployed == template || (is_set && key(deployed) == key(template)),
                "deploy/entrepot.toml has `{deployed}` for `{template}`"
            );
        }
    }

    /// What `${ENTREPOT_…}` names is the operator's word to compose: the program must let it be.
    #[test]
    fn what_compose_takes_is_known() {
        for file in ["docker-compose.yml", "deploy/operator.yml", "deploy/second.yml"] {
            let text = read(file);
            let taken = text.split("${ENTREPOT_").skip(1);
            for name in taken.map(|rest| rest.split([':', '}']).next().unwrap_or_default()) {
                let name = format!("ENTREPOT_{name}");
                let is_setting = all().iter().any(|setting| setting.variable() == name);
                let is_known = is_setting || name == "ENTREPOT_CONFIG" || others().contains(&name.as_str());
                assert!(is_known, "{file} takes {name}: name it in OTHERS");
            }
        }
    }
}
