//! What every service shows its operators: events on their way, parked ones, who did what; and the sandbox's clock.

mod continuity_service;
mod operator_service;
mod sandbox_service;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, Engine};
use events::{Bus, Subscription};
use kernel::{Clock, excerpt};
use proto::operator::internal::v1::continuity_service_server::ContinuityServiceServer;
use proto::operator::internal::v1::operator_service_server::OperatorServiceServer;
use proto::operator::internal::v1::sandbox_service_server::SandboxServiceServer;
use rpc::{Policy, PolicyTable, Role, Violations};
use tonic::service::Routes;

use crate::continuity::Exchange;
use crate::{Error, Sandbox, Settings, Worker};

/// Operators only; services compare their databases.
pub(crate) const POLICIES: PolicyTable = &[
    ("/entrepot.operator.internal.v1.OperatorService/GetBacklog", OPERATORS),
    ("/entrepot.operator.internal.v1.OperatorService/ListOutbox", OPERATORS),
    ("/entrepot.operator.internal.v1.OperatorService/ListInbox", OPERATORS),
    ("/entrepot.operator.internal.v1.OperatorService/ListParkedEvents", OPERATORS),
    ("/entrepot.operator.internal.v1.OperatorService/ReplayParkedEvents", OPERATORS),
    ("/entrepot.operator.internal.v1.OperatorService/ListRequests", OPERATORS),
    ("/entrepot.operator.internal.v1.SandboxService/AdvanceClock", OPERATORS),
    ("/entrepot.operator.internal.v1.SandboxService/GetClock", OPERATORS),
    ("/entrepot.operator.internal.v1.ContinuityService/CompareDatabases", Policy::AnyService),
];
const OPERATORS: Policy = Policy::Roles(&[Role::Operator]);

/// How often old requests are forgotten, and how many at a time.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const SWEEP_ROWS: i64 = 500;

/// The services of this process, as their operators see them.
#[derive(Clone)]
pub(crate) struct Overview(Arc<Inner>);

struct Inner {
    databases: BTreeMap<&'static str, Db>,
    subscriptions: Vec<(&'static str, Subscription)>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    sandbox: Sandbox,
    exchange: Exchange,
}

impl Overview {
    pub(crate) fn new(
        databases: BTreeMap<&'static str, Db>,
        subscriptions: Vec<(&'static str, Subscription)>,
        bus: Arc<dyn Bus>,
        clock: Clock,
        sandbox: Sandbox,
        exchange: Exchange,
    ) -> Self {
        Self(Arc::new(Inner { databases, subscriptions, bus, clock, sandbox, exchange }))
    }

    fn db(&self, service: &str, violations: &mut Violations) -> Option<&Db> {
        let db = self.0.databases.get(service);
        if db.is_none() {
            let here = self.0.databases.keys().copied().collect::<Vec<_>>().join(", ");
            let problem = format!("`{}` does not run in this process; it has {here}", excerpt(service));
            violations.add("service", problem);
        }
        db
    }

    fn subscriptions(&self, service: &str) -> impl Iterator<Item = &Subscription> {
        let of_service = self.0.subscriptions.iter().filter(move |(name, _)| *name == service);
        of_service.map(|(_, subscription)| subscription)
    }

    fn subscription(
        &self,
        service: &str,
        consumer: &str,
        violations: &mut Violations,
    ) -> Option<&Subscription> {
        let found = self.subscriptions(service).find(|found| found.consumer() == consumer);
        if found.is_none() {
            let known =
                self.subscriptions(service).map(Subscription::consumer).collect::<Vec<_>>().join(", ");
            let (consumer, service) = (excerpt(consumer), excerpt(service));
            violations
                .add("consumer", format!("`{consumer}` is not a consumer of {service}; it has {known}"));
        }
        found
    }
}

/// The operator's services.
pub(crate) fn routes(overview: Overview) -> Routes {
    Routes::new(OperatorServiceServer::new(operator_service::Api(overview.clone())))
        .add_service(SandboxServiceServer::new(sandbox_service::Api(overview.clone())))
        .add_service(ContinuityServiceServer::new(continuity_service::Api(overview)))
}

/// The hub's clock: the machine's, moved as far as a sandbox was moved before.
pub(crate) async fn clock(
    settings: &Settings,
    databases: &BTreeMap<&'static str, Db>,
) -> Result<Clock, Error> {
    let clock = Clock::system();
    if !settings.sandbox.enabled {
        return Ok(clock);
    }
    for (service, db) in databases {
        let ahead =
            sandbox_service::kept_ahead(db).await.map_err(|source| Error::Database { service, source })?;
        // What was kept was within bounds when it was kept.
        if let Err(error) = clock.set_ahead(ahead) {
            tracing::warn!(service, %error, "the stored move of the clock is ignored");
        }
    }
    Ok(clock)
}

/// Keeps a sandbox's clock with those of the service's other instances. A SQLite file has one process alone.
pub(crate) fn clock_follower(sandbox: Sandbox, db: &Db, clock: &Clock) -> Option<Worker> {
    let has_others = sandbox.enabled && db.engine() == Engine::Postgres;
    has_others.then(|| sandbox_service::follower(db.clone(), clock.clone()))
}

/// Forgets requests that are older than they are kept.
pub(crate) fn sweeper(db: Db, clock: Clock) -> Worker {
    Worker::every("requests", SWEEP_EVERY, None, (db, clock), |(db, clock)| async move {
        let before = clock.now() - rpc::idempotency::KEPT;
        let swept = db.write(move |tx| Box::pin(rpc::idempotency::sweep(tx, before, SWEEP_ROWS))).await;
        Ok(swept? > 0)
    })
}
