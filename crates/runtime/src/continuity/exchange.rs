//! Compares databases with those of services in other processes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use events::Subscription;
use kernel::Clock;
use proto::operator::internal::v1 as wire;
use proto::operator::internal::v1::continuity_service_client::ContinuityServiceClient;
use rpc::{Health, Peer};
use tokio::sync::watch;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use super::{Mark, gap, remedy, store};
use crate::Worker;

/// How often.
const EVERY: Duration = Duration::from_secs(2);
/// How long one may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A service of this process, and one elsewhere that it asks.
#[derive(Clone)]
pub(crate) struct Peering {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    pub(crate) other: String,
    pub(crate) peer: Peer,
}

/// Compares, and says by the health service what does not fit.
#[derive(Clone)]
pub(crate) struct Exchange {
    health: Health,
    /// By service, those whom its database does not fit: while there are any, it takes no events.
    unfit: Arc<BTreeMap<&'static str, watch::Sender<BTreeSet<String>>>>,
}

impl Exchange {
    pub(crate) fn new(health: Health, services: impl Iterator<Item = &'static str>) -> Self {
        Self {
            health,
            unfit: Arc::new(services.map(|service| (service, watch::Sender::default())).collect()),
        }
    }

    /// Holds the deliveries to a service while its database does not fit.
    pub(crate) fn hold(&self, service: &str, subscription: Subscription) -> Subscription {
        match self.unfit.get(service) {
            Some(unfit) => subscription.held_by(unfit.subscribe()),
            None => subscription,
        }
    }

    pub(crate) fn worker(&self, peering: Peering) -> Worker {
        let state = (self.clone(), peering);
        Worker::every("continuity", EVERY, None, state, |(exchange, peering)| async move {
            exchange.compare(&peering).await?;
            Ok(false)
        })
    }

    /// Asks once. One that does not answer, or is of an earlier release, is asked again.
    pub(crate) async fn compare(
        &self,
        Peering { service, db, other, peer }: &Peering,
    ) -> Result<(), db::Error> {
        let Some((own, known)) = own_and_known(db, other).await? else { return Ok(()) };
        let mut request = Request::new(wire::CompareDatabasesRequest {
            service: other.clone(),
            own: Some(message(service, own)),
            known: known.map(|known| message(other, known)),
        });
        request.set_timeout(ANSWER_MAX);
        match ContinuityServiceClient::new(peer.clone()).compare_databases(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                self.judge((service, db), other, own, read(answer.known.as_ref()));
                self.note(db, other, read(answer.own.as_ref())).await
            }
            Err(status) => {
                if status.code() != Code::Unimplemented {
                    tracing::debug!(service, other, %status, "databases could not be compared");
                }
                Ok(())
            }
        }
    }

    /// Answers one who compares, with its own mark and what it knows of ours.
    pub(crate) async fn answer(
        &self,
        (service, db): (&str, &Db),
        caller: &str,
        theirs: Mark,
        ours: Option<Mark>,
    ) -> Result<wire::CompareDatabasesResponse, Status> {
        let found = own_and_known(db, caller).await.map_err(|error| rpc::status::database(&error))?;
        let (own, known) = found.ok_or_else(|| rpc::status::internal("a database without a name"))?;
        self.judge((service, db), caller, own, ours);
        let noted = self.note(db, caller, Some(theirs)).await;
        noted.map_err(|error| rpc::status::database(&error))?;
        Ok(wire::CompareDatabasesResponse {
            own: Some(message(service, own)),
            known: known.map(|known| message(caller, known)),
        })
    }

    /// Whether this process's own database is the one that another knows.
    fn judge(&self, (service, db): (&str, &Db), by: &str, own: Mark, known: Option<Mark>) {
        let known = known.filter(|known| !own.continues(*known));
        let part = format!("database of {service} as {by} knows it");
        let is_news = self.health.set(&part, known.is_none());
        if let Some(unfit) = self.unfit.get(service) {
            unfit.send_if_modified(|unfit| match known {
                None => unfit.remove(by),
                Some(_) => unfit.insert(by.to_owned()),
            });
        }
        match known {
            Some(known) if is_news => {
                let (gap, remedy) = (gap(service, Some(own), by, known), remedy(service, db.engine()));
                tracing::error!("{gap}; this process now reports NOT_SERVING: {remedy}");
            }
            None if is_news => tracing::info!(service, by, "the database is again the known one"),
            _ => {}
        }
    }

    async fn note(&self, db: &Db, other: &str, mark: Option<Mark>) -> Result<(), db::Error> {
        let (Some(mark), now) = (mark, Clock::system().now()) else { return Ok(()) };
        let owned = other.to_owned();
        let known = db.read_one(move |tx| {
            let other = owned.clone();
            Box::pin(async move { store::known_of(tx, &other).await })
        });
        let is_further = known
            .await?
            .is_none_or(|known: Mark| known.generation == mark.generation && known.mark < mark.mark);
        if !is_further {
            return Ok(());
        }
        let owned = other.to_owned();
        db.write(move |tx| {
            let other = owned.clone();
            Box::pin(async move { store::note(tx, &other, mark, now).await })
        })
        .await
    }
}

/// Its own mark, and what it knows of another; `None` before it has a name.
async fn own_and_known(db: &Db, other: &str) -> Result<Option<(Mark, Option<Mark>)>, db::Error> {
    let other = other.to_owned();
    db.read(move |tx| {
        let other = other.clone();
        Box::pin(async move {
            let Some(identity) = store::identity(tx).await? else { return Ok(None) };
            Ok(Some((identity.mark(), store::known_of(tx, &other).await?)))
        })
    })
    .await
}

fn message(service: &str, Mark { generation, mark }: Mark) -> wire::DatabaseMark {
    wire::DatabaseMark { service: service.to_owned(), generation: generation.to_string(), mark }
}

fn read(message: Option<&wire::DatabaseMark>) -> Option<Mark> {
    let message = message?;
    Some(Mark { generation: Uuid::parse_str(&message.generation).ok()?, mark: message.mark })
}
