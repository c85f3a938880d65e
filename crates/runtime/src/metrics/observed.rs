//! What the process counts of every service: its database and its events.

use db::Db;
use events::{ConsumedCounts, Published, Subscription};

use super::{Metric, SampleValue};

const COMMITS: Metric =
    Metric::counter("entrepot_db_commits", "Transactions that committed a change", &["service"]);
const STATEMENTS: Metric =
    Metric::counter("entrepot_db_statements", "Statements, begin and commit not counted", &["service"]);
const RETRIES: Metric = Metric::counter(
    "entrepot_db_retries",
    "Transactions that were run again after a conflict with another",
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
    "entrepot_events_consumed",
    "Events given to a consumer, by outcome: handled, ignored, duplicate, parked",
    &["service", "consumer", "outcome"],
);

/// One service of the process.
pub(crate) struct Observed {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    pub(crate) published: Published,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// What the process itself has counted.
pub(super) fn counted(observed: &Observed, readings: &mut Vec<SampleValue>) {
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
        let ConsumedCounts { handled, ignored, duplicate, parked } = subscription.taken();
        let outcomes =
            [("handled", handled), ("ignored", ignored), ("duplicate", duplicate), ("parked", parked)];
        let consumer = subscription.consumer();
        readings.extend(outcomes.map(|(outcome, count)| TAKEN.counted(&[service, consumer, outcome], count)));
    }
}
