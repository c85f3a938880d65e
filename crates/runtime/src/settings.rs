//! What a process is told when it starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::settings::{PATH, Setting, ValueKind};
use hub::Profile;
use rpc::{IssuerFile, Limits, Rate, SetFile};
use serde::de::DeserializeOwned;

use crate::Sandbox;
use crate::metrics::Metrics;

/// The sections `[database]`, `[exchange]`, `[rate]`, `[limits]` and `[sandbox]` of the configuration, but for where the databases are.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "database.connections_max",
        ValueKind::Whole { least: 2, most: 1_000, unit: "connections" },
        "The most connections to each service's database.",
    )
    .default("8"),
    Setting::new(
        "exchange.ecb_rates_file",
        PATH,
        "A file of reference rates in the ECB's CSV format, which take precedence over the built-in ones: for \
         exchange, for customs values, and for the currencies in which goods may be listed.",
    )
    .example("rates.csv")
    .formerly(&["catalog.ecb_rates_file", "payment.ecb_rates_file", "logistics.ecb_rates_file"]),
    Setting::new(
        "rate.per_second",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "calls" },
        "How many calls per second one principal may make to the public API over time.",
    )
    .default("500"),
    Setting::new(
        "rate.burst",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "calls" },
        "How many calls one principal may make in a burst.",
    )
    .default("1000"),
    Setting::new(
        "limits.process_bytes",
        ValueKind::Whole { least: 1_048_576, most: 1_099_511_627_776, unit: "bytes" },
        "How many bytes of requests and answers all calls to the public API may hold together; callers without a token may use half of them.",
    )
    .default("67108864"),
    Setting::new(
        "limits.connection_bytes",
        ValueKind::Whole { least: 1_048_576, most: 1_099_511_627_776, unit: "bytes" },
        "How many bytes the calls of one connection to the public API may hold.",
    )
    .default("8388608"),
    Setting::new(
        "limits.principal_bytes",
        ValueKind::Whole { least: 1_048_576, most: 1_099_511_627_776, unit: "bytes" },
        "How many bytes the calls of one principal may hold at the public API. An address without a token has a sixteenth of \
         what all such callers have.",
    )
    .default("8388608"),
    Setting::new(
        "limits.anonymous_message_bytes",
        ValueKind::Whole { least: 1_024, most: 1_048_576, unit: "bytes" },
        "The longest message of a caller without a token.",
    )
    .default("65536"),
    Setting::new(
        "limits.streams_max",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "streams" },
        "How many streams one principal may have open at the public API.",
    )
    .default("100"),
    Setting::new(
        "limits.connections_max",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "connections" },
        "How many connections to the public API may be open; fewer where the process may not open so many file descriptors.",
    )
    .default("1000"),
    Setting::new(
        "limits.connections_per_address",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "connections" },
        "How many connections may come from one address, trusted proxies aside.",
    )
    .default("250"),
    Setting::new(
        "limits.first_frame_seconds",
        ValueKind::Whole { least: 1, most: 600, unit: "seconds" },
        "How long a connection has to send its first frame, and how long one that makes no call is kept until it is asked to close; after twice that it is cut off.",
    )
    .default("10"),
    Setting::new(
        "limits.idle_seconds",
        ValueKind::Whole { least: 1, most: 86_400, unit: "seconds" },
        "How long a connection may be without a call.",
    )
    .default("300"),
    Setting::new(
        "limits.connection_age_max_seconds",
        ValueKind::Whole { least: 1, most: 604_800, unit: "seconds" },
        "How long a connection or a stream lasts at most; clients then open another.",
    )
    .default("3600")
    .formerly(&["limits.age_seconds"]),
    Setting::new(
        "limits.unread_response_seconds",
        ValueKind::Whole { least: 1, most: 3_600, unit: "seconds" },
        "How long a response may wait for its client to read on.",
    )
    .default("30")
    .formerly(&["limits.write_seconds"]),
    Setting::new(
        "limits.trusted_proxies",
        ValueKind::List(&NETWORK),
        "Networks of proxies whose `X-Forwarded-For` is trusted to name the client.",
    )
    .example("10.0.0.0/8"),
    Setting::new(
        "sandbox.enabled",
        ValueKind::Switch,
        "Whether money and parcels are simulated: top-ups need no payment, QR codes and parcels are handled by a sandbox, the clock can be moved. Must be set with shape = production.",
    )
    .default("true"),
    Setting::new(
        "sandbox.day_length",
        ValueKind::Duration { least: Duration::ZERO, most: Duration::from_secs(30 * 86_400) },
        "How long a day of the sandbox carrier lasts.",
    )
    .default("1s")
    .formerly(&["sandbox.day"]),
    Setting::new(
        "sandbox.repeat_events_seed",
        ValueKind::Whole { least: 0, most: i64::MAX, unit: "" },
        "For tests: the bus delivers each event twice, and earlier ones again; the number is the seed.",
    )
    .example("7")
    .sandbox_only()
    .formerly(&["sandbox.repeat_events"]),
];

/// How often public keys are read again, unless told.
pub const KEYS_REFRESH_DEFAULT: Duration = Duration::from_secs(30);

/// Networks.
const NETWORK: ValueKind = ValueKind::Text {
    must_be: "a network such as 10.0.0.0/8, or an address",
    is: |text| text.parse::<rpc::Network>().is_ok(),
};

/// The settings of one hub's process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hub's profile.
    pub profile: Arc<Profile>,
    /// The process's own folder: its lock, and its SQLite files.
    pub folder: PathBuf,
    /// By which keys it signs and verifies tokens.
    pub keys: KeyFiles,
    /// Database URLs by service; a service without one has a SQLite file in the folder.
    pub databases: BTreeMap<String, String>,
    /// The most connections to each database.
    pub connections_max: u32,
    /// Where the public API listens; port 0 takes a free one.
    pub public: SocketAddr,
    /// Where services, operators and carriers are listened to.
    pub internal: SocketAddr,
    /// Addresses of services that run in other processes: of each, one or several instances.
    pub peers: BTreeMap<String, Vec<String>>,
    /// Whether money and parcels are play.
    pub sandbox: Sandbox,
    /// A file of reference rates that goes before those of the program.
    pub rates_file: Option<PathBuf>,
    /// How often a principal may call the public API.
    pub rate: Rate,
    /// What the public API bears.
    pub limits: Arc<Limits>,
    /// Where the process shows what is measured of the hub; `None`: nowhere.
    pub metrics: Option<Metrics>,
    /// The services' own sections, by service.
    pub sections: toml::Table,
}

impl Settings {
    /// An embedded hub in `folder` that listens on free ports of this machine.
    pub fn embedded(profile: Arc<Profile>, folder: impl Into<PathBuf>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let folder = folder.into();
        Self {
            profile,
            keys: KeyFiles::embedded(&folder),
            folder,
            databases: BTreeMap::new(),
            connections_max: 8,
            public: free,
            internal: free,
            peers: BTreeMap::new(),
            sandbox: Sandbox::default(),
            rates_file: None,
            rate: Rate::default(),
            limits: Arc::default(),
            metrics: None,
            sections: toml::Table::new(),
        }
    }

    /// Where a service's database is.
    pub fn database_url(&self, service: &str) -> String {
        self.databases
            .get(service)
            .cloned()
            .unwrap_or_else(|| format!("sqlite:{}", self.folder.join(format!("{service}.sqlite")).display()))
    }
}

/// Where a process has its keys, as it is told.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    /// The issuer's private key, made when there is none: only for a process that makes people's tokens itself.
    pub issuer: Option<IssuerFile>,
    /// The hub's public keys; `None` where this process has all there are.
    pub set: Option<SetFile>,
    /// Private keys by service. One without makes its own, which is in memory only and known to this process alone.
    pub services: BTreeMap<String, PathBuf>,
    /// How often public keys, and services' own, are read again.
    pub refresh: Duration,
}

impl KeyFiles {
    /// Those of an embedded hub in this folder.
    pub(crate) fn embedded(folder: &Path) -> Self {
        Self {
            issuer: Some(IssuerFile { path: folder.join("key.pem"), shared: false }),
            set: Some(SetFile { path: folder.join("jwks.json"), required: false }),
            services: BTreeMap::new(),
            refresh: KEYS_REFRESH_DEFAULT,
        }
    }
}

/// A service's section as its own type; an error names the key. The type denies unknown fields.
pub fn parse_section<T: DeserializeOwned>(section: &toml::Table) -> anyhow::Result<T> {
    T::deserialize(toml::Value::Table(section.clone()))
        .map_err(|error| anyhow::anyhow!("{}", error.message()))
}
