//! Who has which partitions, as the brokers tell it.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::groups::GroupMemberInfo;

/// How long the brokers may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// By group, by instance: how many partitions it has.
pub(crate) type Shares = BTreeMap<String, BTreeMap<String, usize>>;

/// Those of the groups whose names begin with `prefix`.
pub(crate) fn shares(brokers: &str, prefix: &str) -> Shares {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let listed = client.fetch_group_list(None, ANSWER_MAX).unwrap();
    let of_hub = listed.groups().iter().filter(|group| group.name().starts_with(prefix));
    let member = |member: &GroupMemberInfo| (member.client_id().to_owned(), partitions(member));
    of_hub
        .map(|group| {
            (group.name().trim_start_matches(prefix).to_owned(), group.members().iter().map(member).collect())
        })
        .collect()
}

/// Counts a member's assignment, which Kafka's consumer protocol writes as: version (i16), topics (i32), and of each
/// its name (i16, bytes) and partitions (i32, i32 each).
fn partitions(member: &GroupMemberInfo) -> usize {
    let mut bytes = member.assignment().unwrap_or_default();
    if bytes.is_empty() {
        return 0;
    }
    take(&mut bytes, 2);
    let topics = number(&mut bytes, 4);
    let mut count = 0;
    for _ in 0..topics {
        let name = number(&mut bytes, 2);
        take(&mut bytes, name);
        let of_topic = number(&mut bytes, 4);
        take(&mut bytes, of_topic * 4);
        count += of_topic;
    }
    count
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8], length: usize) -> usize {
    take(bytes, length).iter().fold(0, |number, byte| number * 256 + usize::from(*byte))
}
