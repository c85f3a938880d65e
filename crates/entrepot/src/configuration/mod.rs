//! What a process was told, as its commands use it.
//!
//! [`declared`] has all settings, [`flags`] those that stand on the command line, [`contradictions`] what cannot be told
//! together.

mod contradictions;
mod declared;
mod flags;
mod keys;
mod shape;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use events::KafkaSettings;
use rpc::{Limits, Rate};
use runtime::{Sandbox, Settings, Spec};
use serde::{Deserialize, Deserializer};
use settings::{Resolved, SettingErrors, Sources};

use crate::profiles::profile;
pub(crate) use declared::all;
pub(crate) use flags::{add_to, sources};
use keys::KeySettings;
pub(crate) use keys::next;
pub(crate) use shape::Shape;

/// What stands for the hub's code and for the service's name in URLs and paths.
pub(crate) const HUB: &str = "{hub}";
pub(crate) const SERVICE: &str = "{service}";

/// The settings of a process.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// What stands at the file's top.
    pub(crate) process: Process,
    pub(crate) database: Database,
    pub(crate) admin: Admin,
    pub(crate) traces: Traces,
    keys: KeySettings,
    /// Addresses of services that run elsewhere.
    peers: BTreeMap<String, Vec<String>>,
    exchange: Exchange,
    rate: Rate,
    limits: Limits,
    sandbox: SandboxSection,
    /// `None` where no broker was named.
    pub(crate) kafka: Option<KafkaSettings>,
    /// All, as they were told.
    pub(crate) resolved: Resolved,
}

/// What stands at the file's top.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    pub(crate) hub: Vec<String>,
    pub(crate) shape: Shape,
    pub(crate) data: PathBuf,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) instance: Option<String>,
    pub(crate) log: String,
    pub(crate) log_json: bool,
}

/// Ports between the hubs of one process.
const PORTS_PER_HUB: u16 = 10;

impl Process {
    /// Where a hub listens, to the public and within: the first where it was told, each further one 10 ports higher.
    pub(crate) fn listeners(&self, place: usize) -> Result<(SocketAddr, SocketAddr)> {
        let shift = |address: SocketAddr, setting: &str| {
            let step = u16::try_from(place).ok().and_then(|place| place.checked_mul(PORTS_PER_HUB));
            let port = match address.port() {
                0 => Some(0),
                port => step.and_then(|step| port.checked_add(step)),
            };
            let port =
                port.ok_or_else(|| anyhow!("{setting}: leaves no port 10 higher for each further hub"))?;
            anyhow::Ok(SocketAddr::new(address.ip(), port))
        };
        Ok((shift(self.public, "public")?, shift(self.internal, "internal")?))
    }
}

/// `[exchange]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    ecb_rates_file: Option<PathBuf>,
}

/// `[database]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) url: Option<String>,
    pub(crate) password: Option<String>,
    /// With `{hub}` and `{service}` in it.
    pub(crate) password_file: Option<String>,
    pub(crate) connections_max: u32,
}

/// `[admin]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) url: Option<String>,
    pub(crate) password: Option<String>,
}

/// `[traces]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traces {
    pub(crate) url: Option<String>,
    pub(crate) one_in: u32,
}

/// `[sandbox]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SandboxSection {
    enabled: bool,
    #[serde(deserialize_with = "duration")]
    day_length: Duration,
    repeat_events_seed: Option<u64>,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    humantime::parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl Configuration {
    /// Reads all that was told; the error tells all that is wrong with it, each setting by itself.
    pub(crate) fn read(sources: Sources) -> Result<Self, SettingErrors> {
        let resolved = settings::resolve(&all(), sources)?;
        let process: Process = resolved.section("")?;
        let kafka = match resolved.table("kafka").contains_key("brokers") {
            false => None,
            true => {
                let kafka: KafkaSettings = resolved.section("kafka")?;
                Some(KafkaSettings { instance: process.instance.clone(), ..kafka })
            }
        };
        Ok(Self {
            process,
            database: resolved.section("database")?,
            admin: resolved.section("admin")?,
            traces: resolved.section("traces")?,
            keys: resolved.section("keys")?,
            peers: resolved.section("peers")?,
            exchange: resolved.section("exchange")?,
            rate: resolved.section("rate")?,
            limits: resolved.section("limits")?,
            sandbox: resolved.section("sandbox")?,
            kafka,
            resolved,
        })
    }

    /// Refuses what cannot be told together where these hubs are to be served.
    pub(crate) fn check(&self, hubs: &[String]) -> Result<(), SettingErrors> {
        contradictions::of_start(self, hubs)
    }

    /// As [`Configuration::check`], for a hub that a command starts for itself: a sandbox whatever else is told.
    pub(crate) fn check_trial(&self, hubs: &[String]) -> Result<(), SettingErrors> {
        contradictions::of_trial(self, hubs)
    }

    /// Refuses what cannot be told together where databases are brought up to date.
    pub(crate) fn check_databases(&self) -> Result<(), SettingErrors> {
        contradictions::of_migration(self)
    }

    /// The one hub of a command that serves one.
    pub(crate) fn one_hub(&self) -> Result<&str> {
        match self.process.hub.as_slice() {
            [one] => Ok(one),
            several => bail!("hub: this command takes one hub, not {}", several.join(", ")),
        }
    }

    /// The code of the one hub, if there is such a profile.
    pub(crate) fn hub_code(&self) -> Option<String> {
        Some(profile(self.one_hub().ok()?).ok()?.code().to_owned())
    }

    /// What the bus repeats events by, if it does.
    pub(crate) fn repeat_events_seed(&self) -> Option<u64> {
        self.sandbox.repeat_events_seed
    }

    /// Puts what a hub's process is told into its settings, but for its engines and its listeners. Of services that run
    /// elsewhere it says nothing here.
    pub(crate) fn apply(&self, settings: &mut Settings, specs: &[Spec]) {
        settings.keys = self.keys_of_hub(settings.profile.code(), specs);
        settings.rates_file.clone_from(&self.exchange.ecb_rates_file);
        settings.connections_max = self.database.connections_max;
        settings.rate = self.rate;
        settings.limits = Arc::new(self.limits.clone());
        settings.sandbox = Sandbox { enabled: self.sandbox.enabled, day_length: self.sandbox.day_length };
        settings.peers.clone_from(&self.peers);
        for spec in specs {
            settings.sections.insert(spec.name.to_owned(), self.resolved.table(spec.name).into());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use settings::Environment;

    use super::*;

    /// As these variables of the environment have it, such as `KAFKA_BROKERS`.
    pub(crate) fn told(variables: &[(&str, &str)]) -> Result<Configuration, SettingErrors> {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| (format!("ENTREPOT_{name}"), (*value).to_owned()));
        let environment = Environment { variables: variables.collect(), others: declared::others() };
        Configuration::read(Sources { environment, ..Sources::default() })
    }

    #[test]
    fn nothing_is_an_embedded_sandbox_with_the_defaults_of_a_hub() {
        let configuration = told(&[]).unwrap();
        assert_eq!(configuration.check(&configuration.process.hub), Ok(()));
        assert_eq!(configuration.process.shape, Shape::Embedded);
        let profile = profile("my").unwrap();
        let expected = Settings::embedded(profile, "data/my");
        let mut settings = expected.clone();
        configuration.apply(&mut settings, &[]);
        assert_eq!(format!("{settings:?}"), format!("{expected:?}"));
    }

    #[test]
    fn every_setting_reaches_the_struct_that_is_used() {
        let told = told(&[
            ("HUB", "my, th"),
            ("SHAPE", "production"),
            ("DATA", "elsewhere"),
            ("PUBLIC", "127.0.0.1:1"),
            ("INTERNAL", "127.0.0.1:2"),
            ("METRICS", "127.0.0.1:3"),
            ("KEYS_ISSUER", "keys/{hub}.pem"),
            ("KEYS_SERVICE", "keys/{hub}-{service}.pem"),
            ("KEYS_JWKS", "keys/{hub}.json"),
            ("KEYS_REFRESH", "2min"),
            ("EXCHANGE_ECB_RATES_FILE", "ecb.csv"),
            ("INSTANCE", "order-7"),
            ("LOG", "debug"),
            ("LOG_JSON", "true"),
            ("DATABASE_URL", "postgres://{service}@db/{hub}_{service}"),
            ("DATABASE_PASSWORD", "secret"),
            ("DATABASE_CONNECTIONS_MAX", "5"),
            ("ADMIN_URL", "postgres://admin@db"),
            ("ADMIN_PASSWORD", "mighty"),
            ("KAFKA_BROKERS", "a:1,b:2"),
            ("TRACES_URL", "http://t:1"),
            ("TRACES_ONE_IN", "6"),
            ("PEERS_CATALOG", "http://c:1,http://c:2"),
            ("PEERS_PAYMENT", "http://p:1"),
            ("PEERS_LOGISTICS", "http://l:1"),
            ("RATE_PER_SECOND", "7"),
            ("RATE_BURST", "8"),
            ("SANDBOX_DAY_LENGTH", "9s"),
            ("SANDBOX_REPEAT_EVENTS_SEED", "10"),
            ("ORDER_CALL_TIMEOUT_MS", "1234"),
        ])
        .unwrap();
        let Process { hub, shape, data, public, internal, metrics, log, log_json, .. } = &told.process;
        assert_eq!(
            (hub.as_slice(), *shape),
            (["my".to_owned(), "th".to_owned()].as_slice(), Shape::Production)
        );
        assert_eq!((data.to_str(), log.as_str(), *log_json), (Some("elsewhere"), "debug", true));
        assert_eq!((public.port(), internal.port(), metrics.map(|at| at.port())), (1, 2, Some(3)));
        assert_eq!(told.database.url.as_deref(), Some("postgres://{service}@db/{hub}_{service}"));
        assert_eq!(told.database.password.as_deref(), Some("secret"));
        assert_eq!(told.admin.url.as_deref(), Some("postgres://admin@db"));
        assert_eq!(told.admin.password.as_deref(), Some("mighty"));
        assert_eq!((told.traces.url.as_deref(), told.traces.one_in), (Some("http://t:1"), 6));
        let kafka = told.kafka.as_ref().unwrap();
        assert_eq!((kafka.brokers.as_str(), kafka.instance.as_deref()), ("a:1,b:2", Some("order-7")));
        assert_eq!(told.repeat_events_seed(), Some(10));
        let mut settings = Settings::embedded(profile("th").unwrap(), "data/th");
        told.apply(&mut settings, &[order::SPEC]);
        assert_eq!(settings.keys.issuer.unwrap().path.to_str(), Some("keys/th.pem"));
        assert_eq!(settings.keys.services["order"].to_str(), Some("keys/th-order.pem"));
        assert_eq!(settings.keys.set.unwrap().path.to_str(), Some("keys/th.json"));
        assert_eq!(settings.keys.refresh, Duration::from_secs(120));
        assert_eq!(settings.rates_file.unwrap().to_str(), Some("ecb.csv"));
        assert_eq!((settings.connections_max, settings.sandbox.day_length), (5, Duration::from_secs(9)));
        assert_eq!((settings.rate.per_second.get(), settings.rate.burst.get()), (7, 8));
        assert_eq!(settings.peers["catalog"], ["http://c:1", "http://c:2"]);
        assert_eq!(settings.peers.len(), 3);
        assert_eq!(settings.sections["order"]["call_timeout_ms"].as_integer(), Some(1234));
    }

    /// A setting that no struct has would be refused as an unknown field here.
    #[test]
    fn no_setting_is_declared_that_nobody_reads() {
        for setting in all() {
            let (section, key) = setting.place();
            let shown = setting.default.filter(|default| !default.is_empty()).unwrap_or(setting.example);
            let variable = &setting.variable()[settings::PREFIX.len()..];
            let variables = BTreeMap::from([("KAFKA_BROKERS", "a:1"), (variable, shown)]);
            let told = told(&variables.into_iter().collect::<Vec<_>>());
            let told = told.unwrap_or_else(|wrong| panic!("{}: {wrong}", setting.key));
            assert!(told.resolved.table(section).contains_key(key), "{}", setting.key);
        }
    }

    #[test]
    fn a_command_of_one_hub_takes_no_two() {
        assert_eq!(told(&[("HUB", "th")]).unwrap().one_hub().unwrap(), "th");
        let error = told(&[("HUB", "my,th")]).unwrap().one_hub().unwrap_err();
        assert!(error.to_string().starts_with("hub: "), "{error}");
    }
}
