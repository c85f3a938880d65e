//! Whether every event that was told has taken effect at everybody who hears it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

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
    let (mut told, all) = (HashMap::new(), Window::until_now());
    for service in SERVICES {
        told.insert(service.to_owned(), outbox(hub, service, all).await?);
    }
    for service in SERVICES {
        let consumers = backlog(hub, service).await?.consumers;
        let taken = inbox(hub, service, all).await?;
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

/// When events were told, by the machine's time.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From this moment on.
    pub since: SystemTime,
    /// Before this one.
    pub until: SystemTime,
}

impl Window {
    /// All that was told before now.
    pub fn until_now() -> Self {
        Self { since: SystemTime::UNIX_EPOCH, until: SystemTime::now() }
    }

    /// Ids are taken by the machine's time.
    fn told(event_id: &str) -> Option<SystemTime> {
        let (seconds, nanos) = event_id.parse::<uuid::Uuid>().ok()?.get_timestamp()?.to_unix();
        Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
    }

    fn is_before(self, event_id: &str) -> bool {
        Self::told(event_id).is_some_and(|told| told < self.since)
    }

    fn holds(self, event_id: &str) -> bool {
        Self::told(event_id).is_some_and(|told| (self.since..self.until).contains(&told))
    }
}

/// What is still open of a window's events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// Events that the bus has not taken.
    pub unpublished: usize,
    /// Events that have come to one of their consumers not yet, one by one.
    pub unheard: usize,
}

impl Open {
    /// Whether all went out and was heard.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
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
    for service in SERVICES {
        let consumers = backlog(hub, service).await?.consumers.into_iter();
        listeners.extend(consumers.map(|consumer| Listener {
            service,
            consumer: consumer.consumer,
            hears: consumer.hears,
        }));
    }
    Ok(listeners)
}

/// What is still open of the events of a window. Reads no further back than that, and asks the bus nothing.
pub async fn open(hub: &Hub, listeners: &[Listener], window: Window) -> Result<Open> {
    let mut open = Open::default();
    let mut told = HashMap::new();
    for service in SERVICES {
        let mut events = outbox(hub, service, window).await?;
        events.retain(|event| window.holds(&event.event_id));
        open.unpublished += events.iter().filter(|event| event.published_at.is_none()).count();
        told.insert(service.to_owned(), events);
    }
    for service in SERVICES {
        let taken = inbox(hub, service, window).await?;
        for listener in listeners.iter().filter(|listener| listener.service == service) {
            let heard = listener.hears.iter().filter_map(|service| told.get(service)).flatten();
            let is_open = |event: &&OutboxEvent| {
                !taken.contains_key(&(listener.consumer.clone(), event.event_id.clone()))
            };
            open.unheard += heard.filter(is_open).count();
        }
    }
    Ok(open)
}

/// Newest first, and none that is older than the window but those on its last page.
async fn outbox(hub: &Hub, service: &str, window: Window) -> Result<Vec<OutboxEvent>> {
    let mut request = ListOutboxRequest {
        service: service.to_owned(),
        page_size: PAGE_SIZE,
        ..ListOutboxRequest::default()
    };
    let mut events = Vec::new();
    loop {
        let listed = hub.operations(service)?.list_outbox(request.clone()).await;
        let page = listed.with_context(|| format!("the outbox of {service}"))?.into_inner();
        let is_over = page.events.last().is_some_and(|event| window.is_before(&event.event_id));
        events.extend(page.events);
        if is_over || page.next_page_token.is_empty() {
            return Ok(events);
        }
        request.page_token = page.next_page_token;
    }
}

async fn inbox(hub: &Hub, service: &str, window: Window) -> Result<Taken> {
    let mut request =
        ListInboxRequest { service: service.to_owned(), page_size: PAGE_SIZE, ..ListInboxRequest::default() };
    let mut taken = Taken::new();
    loop {
        let listed = hub.operations(service)?.list_inbox(request.clone()).await;
        let page = listed.with_context(|| format!("the inbox of {service}"))?.into_inner();
        let is_over = page.events.last().is_some_and(|event| window.is_before(&event.event_id));
        let events = page.events.into_iter();
        taken.extend(events.map(|event| ((event.consumer, event.event_id), event.outcome)));
        if is_over || page.next_page_token.is_empty() {
            return Ok(taken);
        }
        request.page_token = page.next_page_token;
    }
}
