//! Whether every event that was told has taken effect at everybody who hears it.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use proto::operator::internal::v1::{ListInboxRequest, ListOutboxRequest, OutboxEvent};

use crate::invariants::{Check, backlog};
use crate::{Hub, SERVICES};

const PAGE_SIZE: i32 = 200;
/// Violations that are told one by one.
const TOLD_MAX: usize = 20;

/// What became of an event at a consumer, by the consumer and the event's id.
type Taken = HashMap<(String, String), String>;

/// Each event of the outboxes took effect once at each of its consumers. Walks over all that is kept (a week of
/// outboxes), so it takes its time at a hub with a history. Let the hub settle first.
pub async fn check(hub: &Hub) -> Result<Check> {
    let (mut violations, mut count) = (Vec::new(), 0);
    let mut told = HashMap::new();
    for service in SERVICES {
        told.insert(service.to_owned(), outbox(hub, service).await?);
    }
    for service in SERVICES {
        let consumers = backlog(hub, service).await?.consumers;
        let taken = inbox(hub, service).await?;
        for consumer in consumers {
            let heard = consumer.hears.iter().filter_map(|service| told.get(service)).flatten();
            for event in heard {
                count += 1;
                violations.extend(missing(&consumer.consumer, event, &taken));
            }
        }
    }
    let more = violations.len().saturating_sub(TOLD_MAX);
    violations.truncate(TOLD_MAX);
    if more > 0 {
        violations.push(format!("and {more} more"));
    }
    Ok(Check { name: "every event took effect once", seen: format!("{count} deliveries"), violations })
}

fn missing(consumer: &str, event: &OutboxEvent, taken: &Taken) -> Option<String> {
    let OutboxEvent { kind, aggregate_id, .. } = event;
    match taken.get(&(consumer.to_owned(), event.event_id.clone())).map(String::as_str) {
        Some("handled") => None,
        Some(other) => Some(format!("{kind} of {aggregate_id} was {other} by {consumer}")),
        None => Some(format!("{kind} of {aggregate_id} never came to {consumer}")),
    }
}

async fn outbox(hub: &Hub, service: &str) -> Result<Vec<OutboxEvent>> {
    let mut request = ListOutboxRequest {
        service: service.to_owned(),
        page_size: PAGE_SIZE,
        ..ListOutboxRequest::default()
    };
    let mut events = Vec::new();
    loop {
        let listed = hub.operations(service)?.list_outbox(request.clone()).await;
        let page = listed.with_context(|| format!("the outbox of {service}"))?.into_inner();
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return Ok(events);
        }
        request.page_token = page.next_page_token;
    }
}

async fn inbox(hub: &Hub, service: &str) -> Result<Taken> {
    let mut request =
        ListInboxRequest { service: service.to_owned(), page_size: PAGE_SIZE, ..ListInboxRequest::default() };
    let mut taken = Taken::new();
    loop {
        let listed = hub.operations(service)?.list_inbox(request.clone()).await;
        let page = listed.with_context(|| format!("the inbox of {service}"))?.into_inner();
        let events = page.events.into_iter();
        taken.extend(events.map(|event| ((event.consumer, event.event_id), event.outcome)));
        if page.next_page_token.is_empty() {
            return Ok(taken);
        }
        request.page_token = page.next_page_token;
    }
}
