//! Topics, created before their first use.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Mutex;

use super::{ClientLog, KafkaSettings};
use crate::BusError;

/// How long the brokers may take to create topics.
const CREATE_MAX: Duration = Duration::from_secs(5);
/// How long an event stays, in milliseconds: so long a consumer may be away. The inbox remembers for longer.
const RETENTION_MS: &str = "2592000000";

/// Why a topic is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCreated {
    /// No broker could say.
    #[error("{0}")]
    Away(String),
    /// The brokers do not want it as it is.
    #[error("{0}")]
    Refused(String),
}

impl From<NotCreated> for BusError {
    fn from(error: NotCreated) -> Self {
        Self(error.to_string())
    }
}

/// The topics that are known to be there.
pub(super) struct Topics {
    admin: AdminClient<ClientLog>,
    /// By name: whether it is there still.
    known: Mutex<HashMap<String, bool>>,
    partitions: i32,
    replication: i32,
    in_sync_min: String,
}

impl Topics {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        Ok(Self {
            admin: settings.client().create_with_context(ClientLog)?,
            known: Mutex::default(),
            partitions: i32::from(settings.partitions),
            replication: i32::from(settings.replication),
            // A majority of the copies has an event before it counts: one broker may be lost, and none waits for all.
            in_sync_min: settings.replication.div_ceil(2).to_string(),
        })
    }

    /// Creates the missing topics. Existing ones are left unchanged.
    pub(super) async fn ensure(&self, names: &[String]) -> Result<(), NotCreated> {
        // Held while they are created, so that many who publish at once ask once.
        let mut known = self.known.lock().await;
        let new: Vec<&String> =
            names.iter().filter(|name| !known.get(*name).copied().unwrap_or(false)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let topics: Vec<NewTopic<'_>> = new.iter().map(|name| self.new_topic(name)).collect();
        let options =
            AdminOptions::new().request_timeout(Some(CREATE_MAX)).operation_timeout(Some(CREATE_MAX));
        let created = self.admin.create_topics(&topics, &options).await;
        for created in created.map_err(|error| NotCreated::Away(error.to_string()))? {
            match created {
                Ok(name) if known.contains_key(&name) => {
                    tracing::error!(
                        topic = name,
                        "a topic was lost and is created again: events that were published but not consumed must be published again"
                    );
                    known.insert(name, true);
                }
                Ok(name) => {
                    tracing::info!(topic = name, "a topic was created");
                    known.insert(name, true);
                }
                Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => {
                    known.insert(name, true);
                }
                Err((name, code)) => {
                    let why = format!("the topic {name} cannot be created: {code}");
                    return Err(if is_passing(code) {
                        NotCreated::Away(why)
                    } else {
                        NotCreated::Refused(why)
                    });
                }
            }
        }
        Ok(())
    }

    /// It is gone: the next who uses it creates it.
    pub(super) async fn forget(&self, name: &str) {
        if let Some(is_there) = self.known.lock().await.get_mut(name) {
            *is_there = false;
        }
    }

    fn new_topic<'a>(&'a self, name: &'a str) -> NewTopic<'a> {
        NewTopic::new(name, self.partitions, TopicReplication::Fixed(self.replication))
            .set("min.insync.replicas", &self.in_sync_min)
            .set("retention.ms", RETENTION_MS)
    }
}

/// Whether a broker may say otherwise in a moment.
fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::NotController
            | RDKafkaErrorCode::BrokerNotAvailable
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NetworkException
            | RDKafkaErrorCode::ThrottlingQuotaExceeded
    )
}

/// Whether an error says that a topic is not there.
pub(super) fn is_unknown(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
        )
    )
}
