//! What an operator sets, and what librdkafka is told.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use serde::{Deserialize, Deserializer};
use settings::{Setting, ValueKind};

/// The section `[kafka]` of the configuration.
pub const SETTINGS: &[Setting] = &[
    Setting::new("kafka.brokers", ValueKind::List(&BROKER), "Some of the Kafka cluster's brokers, for the production shape.")
        .example("kafka:9092")
        .flag("kafka", "BROKERS"),
    Setting::new(
        "kafka.prefix",
        ValueKind::Text {
            must_be: "up to 100 letters, digits, dots, hyphens and underscores",
            is: |text| text.is_empty() || is_name(text),
        },
        "A prefix of the names of topics and groups, for hubs that share a cluster with others.",
    )
    .default(""),
    Setting::new(
        "kafka.partitions",
        ValueKind::Whole { least: 1, most: 1_000, unit: "partitions" },
        "For topics that are created: as many processes of a service can work at once. Existing topics keep theirs.",
    )
    .default("12"),
    Setting::new(
        "kafka.replication",
        ValueKind::Whole { least: 1, most: 15, unit: "copies" },
        "For topics that are created, at most as many as there are brokers. With 3, two must have an event before it counts \
         as published.",
    )
    .default("1"),
    Setting::new(
        "kafka.session_seconds",
        ValueKind::Whole { least: 6, most: 1_800, unit: "seconds" },
        "After how long the partitions of a silent process go to the service's other processes.",
    )
    .default("30"),
    Setting::new(
        "kafka.publish_warning_ms",
        ValueKind::Whole { least: 100, most: 120_000, unit: "milliseconds" },
        "How long the broker may take to acknowledge an event before the log and the health service `events` say that \
         events wait. They are kept for as long as it is away. A start waits for a broker for as long.",
    )
    .default("10000")
    .formerly(&["kafka.publish_ms"]),
];

/// Where a broker is.
const BROKER: ValueKind = ValueKind::Text { must_be: "host:port", is: is_address };
/// A process's name in its groups.
pub const INSTANCE: ValueKind =
    ValueKind::Text { must_be: "1 to 100 letters, digits, dots, hyphens and underscores", is: is_name };
/// How long a name of Kafka's may be.
const NAME_MAX: usize = 100;
/// Heartbeats within a session: a few may be lost.
const HEARTBEATS: u32 = 6;
const HEARTBEAT_MAX: Duration = Duration::from_secs(3);
/// Events that a producer holds: relays keep far fewer on their way.
const PRODUCER_QUEUE_MAX: u32 = 10_000;
/// How long a producer waits for an acknowledgement: for ever. An event that was dropped in flight would leave a gap in
/// the producer's sequence, and the broker refuses all that follows a gap.
const DELIVERY_MAX_MS: &str = "0";
/// How long the producer waits for more events to send together.
const LINGER_MS: u32 = 1;
/// Requests of a producer on their way at once. A broker that does not know a producer yet takes any of its numbers as the
/// first: of two on their way to a partition that has just been created, the second may be taken and the first be refused
/// for the moment. When that is sent again, it counts as a duplicate, and is lost as if it had been taken.
const IN_FLIGHT_MAX: u32 = 1;
/// What a consumer fetches ahead per partition, and for all of them, and how soon it fetches again.
const FETCH_AHEAD_MESSAGES: u32 = 500;
const FETCH_AHEAD_KIB: u32 = 4_096;
const FETCH_AGAIN_MS: u32 = 10;
/// How often new partitions of a topic are looked for.
const METADATA_EVERY_MS: u32 = 10_000;
/// How long a topic that was just created may be unknown to a broker.
const PROPAGATION_MAX_MS: u32 = 5_000;
/// How long to wait at most before a lost broker is tried again, and for a connection.
const RECONNECT_MAX_MS: u32 = 1_000;
const CONNECT_MAX_MS: u32 = 5_000;
/// How long a request may go unanswered before its connection is given up: a broker that was moved leaves connections
/// that nobody ends. The broker itself gives up waiting for its replicas before that, and says so.
const ANSWER_MAX_MS: u32 = 6_000;
const REPLICAS_MAX_MS: u32 = 5_000;

/// How a hub uses Kafka: what [`SETTINGS`] hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// Where it is: `host:port`, several with commas between.
    #[serde(deserialize_with = "joined")]
    pub brokers: String,
    /// A prefix of the names of topics and groups, for deployments that share a cluster; usually empty.
    pub prefix: String,
    /// Partitions of a topic that we create. Topics that are there keep theirs.
    pub partitions: u16,
    /// Copies of a topic that we create.
    pub replication: u16,
    /// This process's name in its consumer groups, such as `order-0`: unique among those that run, and the same after
    /// a restart, which then takes its partitions back at once. Without one, a process that was killed keeps its
    /// partitions from the others for a session, but one that ends in good order hands them over at once. It stands
    /// outside the section, as it is the process's own.
    #[serde(skip)]
    pub instance: Option<String>,
    /// After how long without an acknowledgement it is told that events wait.
    #[serde(rename = "publish_warning_ms", deserialize_with = "milliseconds")]
    pub late_after: Duration,
    /// After how long a silent member's partitions go to others.
    #[serde(rename = "session_seconds", deserialize_with = "seconds")]
    pub session_timeout: Duration,
}

fn joined<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Vec::<String>::deserialize(deserializer)?.join(","))
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

impl KafkaSettings {
    /// The defaults, for these brokers: `host:port`, several with commas between.
    ///
    /// # Panics
    /// Where they are none.
    pub fn new(brokers: impl Into<String>) -> Self {
        let told = toml::Table::from_iter([("brokers".to_owned(), brokers.into().into())]);
        let section =
            settings::section(SETTINGS, "kafka", &told, true).expect("brokers, and declared defaults");
        Self::deserialize(section).expect("the declarations are those of the struct")
    }

    /// A topic's or group's name on the cluster.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What every client is told.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", self.instance.as_deref().unwrap_or("entrepot"))
            .set("reconnect.backoff.max.ms", RECONNECT_MAX_MS.to_string())
            .set("socket.connection.setup.timeout.ms", CONNECT_MAX_MS.to_string())
            .set("socket.timeout.ms", ANSWER_MAX_MS.to_string())
            .set("socket.keepalive.enable", "true")
            .set("topic.metadata.refresh.interval.ms", METADATA_EVERY_MS.to_string())
            .set("topic.metadata.propagation.max.ms", PROPAGATION_MAX_MS.to_string())
            .set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", IN_FLIGHT_MAX.to_string())
            // As clients in Java place a key, so that all agree on its partition.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", LINGER_MS.to_string())
            .set("queue.buffering.max.messages", PRODUCER_QUEUE_MAX.to_string())
            .set("message.timeout.ms", DELIVERY_MAX_MS)
            .set("request.timeout.ms", REPLICAS_MAX_MS.to_string());
        config
    }

    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let heartbeat = (self.session_timeout / HEARTBEATS).min(HEARTBEAT_MAX);
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("group.protocol", "classic")
            // Spreads the partitions of all topics together over the members.
            .set("partition.assignment.strategy", "roundrobin")
            .set("session.timeout.ms", self.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", heartbeat.as_millis().to_string())
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("queued.min.messages", FETCH_AHEAD_MESSAGES.to_string())
            .set("queued.max.messages.kbytes", FETCH_AHEAD_KIB.to_string())
            .set("fetch.queue.backoff.ms", FETCH_AGAIN_MS.to_string());
        if let Some(instance) = &self.instance {
            config.set("group.instance.id", instance);
        }
        config
    }
}

fn is_address(broker: &str) -> bool {
    broker.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_name(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    (1..=NAME_MAX).contains(&text.len()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<KafkaSettings, String> {
        let section = settings::section(SETTINGS, "kafka", &text.parse().unwrap(), false);
        Ok(KafkaSettings::deserialize(section.map_err(|wrong| wrong.to_string())?).unwrap())
    }

    #[test]
    fn librdkafka_knows_every_name() {
        let settings = KafkaSettings {
            instance: Some("order-0".to_owned()),
            ..KafkaSettings::new("one:9092, two:9092")
        };
        settings.producer().create_native_config().unwrap();
        settings.consumer("my.payment.order").create_native_config().unwrap();
    }

    #[test]
    fn nothing_is_given_up_on_its_way() {
        let settings =
            KafkaSettings { late_after: Duration::from_millis(100), ..KafkaSettings::new("one:9092") };
        assert_eq!(settings.producer().get("message.timeout.ms"), Some("0"));
    }

    #[test]
    fn every_setting_is_read() {
        let settings = read(
            "brokers = ['one:1', 'two:2']\nprefix = 'p.'\npartitions = 2\nreplication = 3\nsession_seconds = 7\n\
             publish_warning_ms = 500",
        )
        .unwrap();
        assert_eq!((settings.brokers.as_str(), settings.prefix.as_str()), ("one:1,two:2", "p."));
        assert_eq!((settings.partitions, settings.replication), (2, 3));
        assert_eq!(settings.session_timeout, Duration::from_secs(7));
        assert_eq!(settings.late_after, Duration::from_millis(500));
        assert_eq!(KafkaSettings::new("one:9092").partitions, 12);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (wrong, named) in [
            ("brokers = 'one'", "kafka.brokers: `one` must be host:port"),
            ("brokers = 'one:9092,'", "kafka.brokers"),
            ("partitions = 0", "kafka.partitions: `0` must be 1 to 1000 partitions"),
            ("partitions = 1001", "kafka.partitions"),
            ("replication = 16", "kafka.replication"),
            ("prefix = 'a b'", "kafka.prefix"),
            ("publish_warning_ms = 0", "kafka.publish_warning_ms"),
            ("session_seconds = 5", "kafka.session_seconds: `5` must be 6 to 1800 seconds"),
        ] {
            let told = read(wrong).unwrap_err();
            assert!(told.starts_with(named), "{told}");
        }
        assert!(INSTANCE.read("order-0").is_some() && INSTANCE.read("").is_none());
    }
}
