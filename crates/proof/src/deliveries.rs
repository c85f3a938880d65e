//! Whether every event that was told has taken effect at everybody who hears it.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use proto::operator::internal::v1::{ListInboxRequest, ListOutboxRequest, OutboxEvent};

use crate::Hub;
use crate::invariants::{Check, backlog};

const PAGE_SIZE: i32 = 200;
/// Violations that are told one by one.
const TOLD_MAX: usize = 20;

/// What became of an event at a consumer, by the consumer and the event's id.
type Consumed = HashMap<(String, String), String>;

/// Each event of the outboxes took effect once at each of its consumers. Walks over all that is kept (a week of
/// outboxes), so it takes its time at a hub with a history. Let the hub settle first.
pub async fn check(hub: &Hub) -> Result<Check> {
    let (mut violations, mut count) = (Vec::new(), 0);
    let mut told = HashMap::new();
    for service in hub.services() {
        told.insert(service.to_owned(), outbox(hub, service, false, None).await?);
    }
    for service in hub.services() {
        let consumers = backlog(hub, service).await?.consumers;
        let taken = inbox(hub, service, None).await?;
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

fn missing(consumer: &str, event: &OutboxEvent, taken: &Consumed) -> Option<String> {
    let OutboxEvent { kind, aggregate_id, .. } = event;
    match taken.get(&(consumer.to_owned(), event.event_id.clone())).map(String::as_str) {
        Some("handled") => None,
        Some(other) => Some(format!("{kind} of {aggregate_id} was {other} by {consumer}")),
        None => Some(format!("{kind} of {aggregate_id} never came to {consumer}")),
    }
}

/// When events were told, by the machine's time: their ids are taken by that.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Before this one.
    pub until: DateTime<Utc>,
}

impl Window {
    fn holds(self, event: &OutboxEvent) -> bool {
        told(&event.event_id).is_some_and(|told| (self.since..self.until).contains(&told))
    }
}

fn told(event_id: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = event_id.parse::<uuid::Uuid>().ok()?.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// Whether an event was told before.
fn is_before(event_id: &str, since: Option<DateTime<Utc>>) -> bool {
    since.zip(told(event_id)).is_some_and(|(since, told)| told < since)
}

/// How many events that were told before a moment the bus has not taken.
pub async fn unpublished(hub: &Hub, until: DateTime<Utc>) -> Result<usize> {
    let mut count = 0;
    for service in hub.services() {
        let waiting = outbox(hub, service, true, None).await?;
        count +=
            waiting.iter().filter(|event| told(&event.event_id).is_some_and(|told| told < until)).count();
    }
    Ok(count)
}

/// Who hears whose events.
#[derive(Debug, Clone)]
pub struct Listener {
    service: &'static str,
    consumer: String,
    hears: Vec<String>,
}

/// All consumers of a hub.
pub async fn listeners(hub: &Hub) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for service in hub.services() {
        let consumers = backlog(hub, service).await?.consumers.into_iter();
        listeners.extend(consumers.map(|consumer| Listener {
            service,
            consumer: consumer.consumer,
            hears: consumer.hears,
        }));
    }
    Ok(listeners)
}

/// How many events of a window have yet to come to one of their consumers, one by one. Asks the bus nothing.
pub async fn unheard(hub: &Hub, listeners: &[Listener], window: Window) -> Result<usize> {
    let (mut told, mut count) = (HashMap::new(), 0);
    for service in hub.services() {
        let events = outbox(hub, service, false, Some(window.since)).await?;
        told.insert(service.to_owned(), events);
    }
    for service in hub.services() {
        let taken = inbox(hub, service, Some(window.since)).await?;
        for listener in listeners.iter().filter(|listener| listener.service == service) {
            let heard = listener.hears.iter().filter_map(|service| told.get(service)).flatten();
            let is_open = |event: &&OutboxEvent| {
                let delivery = (listener.consumer.clone(), event.event_id.clone());
                window.holds(event) && !taken.contains_key(&delivery)
            };
            count += heard.filter(is_open).count();
        }
    }
    Ok(count)
}

/// Newest first, back to a moment and a little further.
async fn outbox(
    hub: &Hub,
    service: &str,
    unpublished_only: bool,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<OutboxEvent>> {
    let mut request = ListOutboxRequest {
        service: service.to_owned(),
        unpublished_only,
        page_size: PAGE_SIZE,
        ..ListOutboxRequest::default()
    };
    let mut events = Vec::new();
    loop {
        let listed = hub.operations(service)?.list_outbox(request.clone()).await;
        let page = listed.with_context(|| format!("the outbox of {service}"))?.into_inner();
        let is_over = page.events.last().is_some_and(|event| is_before(&event.event_id, since));
        events.extend(page.events);
        if is_over || page.next_page_token.is_empty() {
            return Ok(events);
        }
        request.page_token = page.next_page_token;
    }
}

async fn inbox(hub: &Hub, service: &str, since: Option<DateTime<Utc>>) -> Result<Consumed> {
    let mut request =
        ListInboxRequest { service: service.to_owned(), page_size: PAGE_SIZE, ..ListInboxRequest::default() };
    let mut taken = Consumed::new();
    loop {
        let listed = hub.operations(service)?.list_inbox(request.clone()).await;
        let page = listed.with_context(|| format!("the inbox of {service}"))?.into_inner();
        let is_over = page.events.last().is_some_and(|event| is_before(&event.event_id, since));
        let events = page.events.into_iter();
        taken.extend(events.map(|event| ((event.consumer, event.event_id), event.outcome)));
        if is_over || page.next_page_token.is_empty() {
            return Ok(taken);
        }
        request.page_token = page.next_page_token;
    }
}
