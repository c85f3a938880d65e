//! How far a group is behind: what its topics hold less what it has committed, whoever its members are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::{BusError, ClientLog, KafkaSettings};

/// How long the brokers may take to answer a question.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Asks the brokers; never a member of a group itself.
pub(super) struct Backlog {
    settings: KafkaSettings,
    clients: Mutex<HashMap<String, Arc<BaseConsumer<ClientLog>>>>,
}

impl Backlog {
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        Self { settings: settings.clone(), clients: Mutex::default() }
    }

    /// Events of these topics that the group has yet to take.
    pub(super) async fn of(&self, group: &str, topics: Vec<String>) -> Result<i64, BusError> {
        let client = self.client(group)?;
        let counted = tokio::task::spawn_blocking(move || count(&client, &topics)).await;
        let counted = counted.map_err(|error| BusError(format!("counting was interrupted: {error}")))?;
        Ok(counted?)
    }

    fn client(&self, group: &str) -> Result<Arc<BaseConsumer<ClientLog>>, BusError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(group) {
            return Ok(client.clone());
        }
        let mut config = self.settings.client();
        config.set("group.id", group);
        let client: Arc<BaseConsumer<ClientLog>> = Arc::new(config.create_with_context(ClientLog)?);
        clients.insert(group.to_owned(), client.clone());
        Ok(client)
    }
}

fn count(client: &BaseConsumer<ClientLog>, topics: &[String]) -> Result<i64, KafkaError> {
    let mut places = TopicPartitionList::new();
    for topic in topics {
        let metadata = client.fetch_metadata(Some(topic), ANSWER_MAX)?;
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            places.add_partition(topic, partition.id());
        }
    }
    let mut waiting = 0_i64;
    for place in client.committed_offsets(places, ANSWER_MAX)?.elements() {
        let (first, end) = client.fetch_watermarks(place.topic(), place.partition(), ANSWER_MAX)?;
        // A group that has committed nothing begins with the first that is there.
        let next = match place.offset() {
            Offset::Offset(next) => next.max(first),
            _ => first,
        };
        waiting = waiting.saturating_add(end.saturating_sub(next).max(0));
    }
    Ok(waiting)
}
