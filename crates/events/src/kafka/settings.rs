//! What an operator sets, and what librdkafka is told.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::BusError;

/// Partitions of a topic, unless set.
const PARTITIONS: u16 = 12;
/// The most partitions that a topic may be given, and the most copies.
const PARTITIONS_MAX: u16 = 1_000;
const REPLICATION_MAX: u16 = 15;
/// How long a broker may take to acknowledge, unless set; and what it may be set to.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);
const PUBLISH_TIMEOUT_MIN: Duration = Duration::from_millis(100);
const PUBLISH_TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// How long a member may be silent, unless set; and what brokers accept.
const SESSION_TIMEOUT: Duration = Duration::from_secs(30);
const SESSION_TIMEOUT_MIN: Duration = Duration::from_secs(6);
const SESSION_TIMEOUT_MAX: Duration = Duration::from_secs(1_800);
/// Heartbeats within a session: a few may be lost.
const HEARTBEATS: u32 = 6;
const HEARTBEAT_MAX: Duration = Duration::from_secs(3);
/// What a name of Kafka's may be made of, and how long it may be.
const NAME_MAX: usize = 100;
/// Events that wait for the broker: the relay keeps far fewer on their way.
const PRODUCER_QUEUE_MAX: u32 = 10_000;
/// How long the producer waits for more events to send together.
const LINGER_MS: u32 = 1;
/// What a consumer fetches ahead per partition, and for all of them, and how soon it fetches again.
const FETCH_AHEAD_MESSAGES: u32 = 500;
const FETCH_AHEAD_KIB: u32 = 4_096;
const FETCH_AGAIN_MS: u32 = 10;
/// How often new partitions of a topic are looked for.
const METADATA_EVERY_MS: u32 = 10_000;
/// How long a topic that was just created may be unknown to a broker.
const PROPAGATION_MAX_MS: u32 = 5_000;
/// How long to wait at most before a lost broker is tried again, and for a connection.
const RECONNECT_MAX_MS: u32 = 2_000;
const CONNECT_MAX_MS: u32 = 5_000;
/// How long a request may go unanswered before its connection is given up: a broker that was moved leaves connections
/// that nobody ends.
const ANSWER_MAX_MS: u32 = 10_000;

/// How a hub uses Kafka.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// Where it is: `host:port`, several with commas between.
    pub brokers: String,
    /// Stands before the names of topics and groups, for deployments that share a cluster; usually empty.
    pub prefix: String,
    /// Partitions of a topic that we create, 1 to 1000 (12 by default): as many members of a group can work at once.
    /// Topics that are there keep theirs.
    pub partitions: u16,
    /// Copies of a topic that we create, 1 to 15, at most as many as there are brokers (1 by default; 3 in
    /// production, of which two must have an event before it counts as published).
    pub replication: u16,
    /// This process's name in its consumer groups, such as `order-0`: unique among those that run, and the same after
    /// a restart, which then takes its partitions back at once. Without one, a process that was killed keeps its
    /// partitions from the others for a session, but one that ends in good order hands them over at once.
    pub instance: Option<String>,
    /// How long [`Bus::publish`](crate::Bus::publish) waits for the broker: 100 ms to 2 minutes, 10 s by default.
    pub publish_timeout: Duration,
    /// After how long a silent member's partitions go to others: 6 s to 30 minutes, 30 s by default.
    pub session_timeout: Duration,
}

impl KafkaSettings {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            prefix: String::new(),
            partitions: PARTITIONS,
            replication: 1,
            instance: None,
            publish_timeout: PUBLISH_TIMEOUT,
            session_timeout: SESSION_TIMEOUT,
        }
    }

    /// Refuses what Kafka would, naming the setting.
    pub(super) fn check(&self) -> Result<(), BusError> {
        let wrong = |name: &str, allowed: &str| Err(BusError(format!("kafka {name}: {allowed}")));
        if self.brokers.split(',').any(|broker| !is_address(broker.trim())) {
            return wrong("brokers", "host:port, several with commas between");
        }
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) {
            return wrong("partitions", "1 to 1000");
        }
        if !(1..=REPLICATION_MAX).contains(&self.replication) {
            return wrong("replication", "1 to 15");
        }
        if !self.prefix.is_empty() && !is_name(&self.prefix) {
            return wrong("prefix", "up to 100 letters, digits, dots, hyphens and underscores");
        }
        if self.instance.as_deref().is_some_and(|instance| !is_name(instance)) {
            return wrong("instance", "1 to 100 letters, digits, dots, hyphens and underscores");
        }
        if !(PUBLISH_TIMEOUT_MIN..=PUBLISH_TIMEOUT_MAX).contains(&self.publish_timeout) {
            return wrong("publish_timeout", "100 ms to 2 minutes");
        }
        if !(SESSION_TIMEOUT_MIN..=SESSION_TIMEOUT_MAX).contains(&self.session_timeout) {
            return wrong("session_seconds", "6 to 1800");
        }
        Ok(())
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
            // As clients in Java place a key, so that all agree on its partition.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", LINGER_MS.to_string())
            .set("queue.buffering.max.messages", PRODUCER_QUEUE_MAX.to_string())
            // A little less than we wait, so that the reason is Kafka's own.
            .set("message.timeout.ms", (self.publish_timeout * 9 / 10).as_millis().to_string());
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

    fn refused(change: impl FnOnce(&mut KafkaSettings)) -> String {
        let mut settings = KafkaSettings::new("one:9092, two:9092");
        change(&mut settings);
        settings.check().map_or_else(|error| error.0, |()| String::new())
    }

    #[test]
    fn the_defaults_are_fine_and_librdkafka_knows_every_name() {
        assert_eq!(refused(|_| {}), "");
        let settings =
            KafkaSettings { instance: Some("order-0".to_owned()), ..KafkaSettings::new("one:9092") };
        settings.producer().create_native_config().unwrap();
        settings.consumer("my.payment.order").create_native_config().unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused(|settings| settings.brokers = "one".to_owned()).starts_with("kafka brokers"));
        assert!(refused(|settings| settings.brokers = "one:9092,".to_owned()).starts_with("kafka brokers"));
        assert!(refused(|settings| settings.partitions = 0).starts_with("kafka partitions"));
        assert!(refused(|settings| settings.partitions = 1_001).starts_with("kafka partitions"));
        assert!(refused(|settings| settings.replication = 0).starts_with("kafka replication"));
        assert!(refused(|settings| settings.prefix = "a b".to_owned()).starts_with("kafka prefix"));
        assert!(refused(|settings| settings.instance = Some(String::new())).starts_with("kafka instance"));
        assert!(refused(|settings| settings.publish_timeout = Duration::ZERO).contains("publish_timeout"));
        assert!(
            refused(|settings| settings.session_timeout = Duration::from_secs(5)).contains("session_seconds")
        );
    }
}
