//! What every service shows: its database and its events.

use std::sync::Arc;

use db::Db;
use events::{Bus, Published, Subscription, TakenCounts, views};
use kernel::Clock;

use super::{Metric, Pace, Reading, Sampler};

const COMMITS: Metric =
    Metric::counter("entrepot_db_commits", "Transactions that committed a change", &["service"]);
const STATEMENTS: Metric =
    Metric::counter("entrepot_db_statements", "Statements, begin and commit not counted", &["service"]);
const RETRIES: Metric = Metric::counter(
    "entrepot_db_retries",
    "Transactions that were run again, since another came first",
    &["service"],
);
const CONNECTIONS: Metric =
    Metric::gauge("entrepot_db_connections", "Connections by state: used or idle", &["service", "state"]);
const CONNECTIONS_MAX: Metric =
    Metric::gauge("entrepot_db_connections_max", "The most connections that may be open", &["service"]);
const PUBLISHED: Metric = Metric::counter(
    "entrepot_events_published",
    "Events that the bus has taken from the outbox",
    &["service"],
);
const TAKEN: Metric = Metric::counter(
    "entrepot_events_taken",
    "Events given to a consumer, by outcome: handled, ignored, duplicate, parked",
    &["service", "consumer", "outcome"],
);
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
    "Events that could not be handled, and those of their key behind them",
    &["service", "consumer"],
);
const WAITING: Metric = Metric::sampled(
    "entrepot_events_waiting",
    "Events on the bus that the consumer, in any instance, has yet to take: its lag",
    &["service", "consumer"],
);

/// One service of the process.
pub(crate) struct Observed {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    pub(crate) published: Published,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// What the process itself has counted.
pub(super) fn counted(observed: &Observed, readings: &mut Vec<Reading>) {
    let Observed { service, db, published, subscriptions } = observed;
    let (statistics, connections) = (db.statistics(), db.connections());
    let used = connections.open.saturating_sub(connections.idle);
    readings.extend([
        COMMITS.counted(&[service], statistics.commits),
        STATEMENTS.counted(&[service], statistics.statements),
        RETRIES.counted(&[service], statistics.retries),
        CONNECTIONS.is(&[service, "used"], used.into()),
        CONNECTIONS.is(&[service, "idle"], connections.idle.into()),
        CONNECTIONS_MAX.is(&[service], connections.max.into()),
        PUBLISHED.counted(&[service], published.count()),
    ]);
    for subscription in subscriptions {
        let TakenCounts { handled, ignored, duplicate, parked } = subscription.taken();
        let outcomes =
            [("handled", handled), ("ignored", ignored), ("duplicate", duplicate), ("parked", parked)];
        let consumer = subscription.consumer();
        readings.extend(outcomes.map(|(outcome, count)| TAKEN.counted(&[service, consumer, outcome], count)));
    }
}

/// What reads of its events what is not counted.
pub(crate) fn samplers(observed: &Observed, bus: &Arc<dyn Bus>) -> [(&'static str, Sampler); 2] {
    [(observed.service, outbox(observed)), (observed.service, lag(observed, bus.clone()))]
}

fn outbox(observed: &Observed) -> Sampler {
    let (service, db) = (observed.service, observed.db.clone());
    let consumers: Vec<&str> = observed.subscriptions.iter().map(Subscription::consumer).collect();
    let machine = Clock::system();
    Sampler::new("events", Pace::Often, move || {
        let (db, consumers, machine) = (db.clone(), consumers.clone(), machine.clone());
        Box::pin(async move {
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
    })
}

fn lag(observed: &Observed, bus: Arc<dyn Bus>) -> Sampler {
    let (service, subscriptions) = (observed.service, observed.subscriptions.clone());
    Sampler::new("lag", Pace::Often, move || {
        let (subscriptions, bus) = (subscriptions.clone(), bus.clone());
        Box::pin(async move {
            let mut readings = Vec::new();
            for subscription in &subscriptions {
                let waiting = bus.waiting(subscription).await?;
                readings.push(WAITING.is(&[service, subscription.consumer()], waiting));
            }
            Ok(readings)
        })
    })
}
