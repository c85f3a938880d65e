//! The configuration file of an embedded hub: all of it may be left out, and a wrong key stops the start.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use events::KafkaSettings;
use rpc::Rate;
use runtime::{Sandbox, Settings, Spec};
use serde::{Deserialize, Deserializer};

/// `--config FILE`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    sandbox: SandboxSection,
    #[serde(default)]
    rate: RateSection,
    #[serde(default)]
    kafka: KafkaSection,
    #[serde(default)]
    catalog: toml::Table,
    #[serde(default)]
    order: toml::Table,
    #[serde(default)]
    payment: toml::Table,
    #[serde(default)]
    logistics: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SandboxSection {
    /// Whether money and parcels are play.
    enabled: bool,
    /// How long a day of the sandbox carrier lasts.
    #[serde(deserialize_with = "duration")]
    day: Duration,
    /// Delivers each event twice and earlier ones again, to prove that each takes effect once; the same number
    /// repeats alike.
    repeat_events: Option<u64>,
}

impl Default for SandboxSection {
    fn default() -> Self {
        let Sandbox { enabled, day } = Sandbox::default();
        Self { enabled, day, repeat_events: None }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RateSection {
    /// Calls of one principal per second that may go on for ever.
    per_second: NonZeroU32,
    /// Calls that may come at once.
    burst: NonZeroU32,
}

impl Default for RateSection {
    fn default() -> Self {
        let Rate { per_second, burst } = Rate::default();
        Self { per_second, burst }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KafkaSection {
    /// Stands before the names of topics and groups, for hubs that share a cluster with others.
    prefix: Option<String>,
    /// Partitions of topics that are created.
    partitions: Option<u16>,
    /// Copies of topics that are created.
    replication: Option<u16>,
    /// This process's name in its groups, the same after a restart.
    instance: Option<String>,
    /// After how long a silent process's partitions go to others.
    session_seconds: Option<u64>,
}

impl File {
    /// Reads the file; an error names it, the line and the key.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--config: cannot read {}", path.display()))?;
        let file: Self = toml::from_str(&text).with_context(|| format!("--config: {}", path.display()))?;
        if file.sandbox.repeat_events.is_some() && !file.sandbox.enabled {
            bail!("--config: {}: sandbox.repeat_events is allowed in a sandbox hub only", path.display());
        }
        Ok(file)
    }

    /// Whether the bus repeats events, and how.
    pub(crate) fn repeat_events(&self) -> Option<u64> {
        self.sandbox.repeat_events
    }

    /// What the file says of Kafka.
    pub(crate) fn kafka(&self, settings: KafkaSettings) -> KafkaSettings {
        let section = &self.kafka;
        KafkaSettings {
            prefix: section.prefix.clone().unwrap_or(settings.prefix),
            partitions: section.partitions.unwrap_or(settings.partitions),
            replication: section.replication.unwrap_or(settings.replication),
            instance: section.instance.clone().or(settings.instance),
            session_timeout: section.session_seconds.map_or(settings.session_timeout, Duration::from_secs),
            ..settings
        }
    }

    /// Puts what the file says into a hub's settings; of services that run elsewhere it says nothing here.
    pub(crate) fn apply(&self, settings: &mut Settings, specs: &[Spec]) {
        settings.sandbox = Sandbox { enabled: self.sandbox.enabled, day: self.sandbox.day };
        settings.rate = Rate { per_second: self.rate.per_second, burst: self.rate.burst };
        let sections = [
            ("catalog", &self.catalog),
            ("order", &self.order),
            ("payment", &self.payment),
            ("logistics", &self.logistics),
        ];
        let here = |service: &str| specs.iter().any(|spec| spec.name == service);
        for (service, section) in sections.into_iter().filter(|(service, _)| here(service)) {
            settings.sections.insert(service.to_owned(), toml::Value::Table(section.clone()));
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        serde::de::Error::custom(format!("`{text}` is no duration such as \"1s\" or \"24h\": {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_sandbox_with_defaults() {
        let file: File = toml::from_str("").unwrap();
        assert_eq!((file.sandbox.enabled, file.sandbox.day), (true, Duration::from_secs(1)));
    }

    #[test]
    fn a_session_of_kafka_is_as_long_as_is_said() {
        let session = |text: &str| {
            toml::from_str::<File>(text).unwrap().kafka(KafkaSettings::new("b:1")).session_timeout
        };
        assert_eq!(session(""), KafkaSettings::new("b:1").session_timeout);
        assert_eq!(session("[kafka]\nsession_seconds = 7\n"), Duration::from_secs(7));
    }

    #[test]
    fn a_wrong_key_or_value_is_named() {
        let wrong = |text: &str| toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(wrong("[sandbox]\nenable = true\n").contains("enable"));
        assert!(wrong("[sandbox]\nday = \"soon\"\n").contains("no duration"));
        assert!(wrong("[paiment]\n").contains("paiment"));
        assert!(wrong("[rate]\nburst = 0\n").contains("nonzero"));
    }
}
