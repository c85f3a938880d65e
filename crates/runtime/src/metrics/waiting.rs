//! What is read of every service's events: those that wait in its outbox or on the bus, and those that are parked.

use std::sync::Arc;

use events::{Bus, Subscription, views};
use kernel::Clock;

use super::{Metric, Observed, SampleInterval, Sampler};

const UNPUBLISHED: Metric = Metric::sampled(
    "entrepot_outbox_unpublished",
    "Events in the outbox that the bus has not taken yet",
    &["service"],
);
const OLDEST_UNPUBLISHED: Metric = Metric::sampled(
    "entrepot_outbox_oldest_seconds",
    "For how long the oldest event has waited in the outbox; 0 when none waits",
    &["service"],
);
const PARKED: Metric = Metric::sampled(
    "entrepot_events_parked",
    "Events that could not be handled, and later events of the same key behind them",
    &["service", "consumer"],
);
const WAITING: Metric = Metric::sampled(
    "entrepot_events_waiting",
    "Events on the bus that the consumer, in any instance, has yet to take: its lag",
    &["service", "consumer"],
);

/// What reads them.
pub(crate) fn samplers(observed: &Observed, bus: &Arc<dyn Bus>) -> [(&'static str, Sampler); 2] {
    [(observed.service, outbox(observed)), (observed.service, lag(observed, bus.clone()))]
}

fn outbox(observed: &Observed) -> Sampler {
    let service = observed.service;
    let consumers: Vec<&str> = observed.subscriptions.iter().map(Subscription::consumer).collect();
    let state = (observed.db.clone(), consumers, Clock::system());
    Sampler::new("events", SampleInterval::Often, state, move |(db, consumers, machine)| async move {
        let read = db.read(|tx| {
            Box::pin(async move {
                let unpublished = views::unpublished_count(tx).await?;
                let oldest = views::oldest_unpublished(tx).await?;
                Ok::<_, db::Error>((unpublished, oldest, views::parked_counts(tx).await?))
            })
        });
        let (unpublished, oldest, parked) = read.await?;
        let oldest = oldest.map(|id| id.uuid());
        let mut readings = vec![
            UNPUBLISHED.is(&[service], unpublished),
            OLDEST_UNPUBLISHED.since(&[service], oldest, machine.now()),
        ];
        for consumer in consumers {
            let found = parked.iter().find(|(name, _)| name == consumer);
            readings.push(PARKED.is(&[service, consumer], found.map_or(0, |(_, count)| *count)));
        }
        Ok(readings)
    })
}

fn lag(observed: &Observed, bus: Arc<dyn Bus>) -> Sampler {
    let service = observed.service;
    let state = (observed.subscriptions.clone(), bus);
    Sampler::new("lag", SampleInterval::Often, state, move |(subscriptions, bus)| async move {
        let mut readings = Vec::new();
        for subscription in &subscriptions {
            let waiting = bus.waiting(subscription).await?;
            readings.push(WAITING.is(&[service, subscription.consumer()], waiting));
        }
        Ok(readings)
    })
}
