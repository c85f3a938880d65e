//! A desk that hears of orders and writes each down: what a service is to its events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::{Db, Entry, MigrationSet, Tx};
use events::{Bus, Consumer, Envelope, Handled, Handler, HandlerError, Outbox, Subscription, relay, views};
use kernel::{Clock, EventId};
use testkit::{Database, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const TOPIC: &str = "my.order.v1";
const CONSUMER: &str = "desk.order";
const KIND: &str = "order.placed.v1";
/// The effect, with its place among those of its aggregate; nothing in the table refuses a second one.
const MIGRATIONS: MigrationSet = MigrationSet {
    name: "desk",
    files: &[(
        "0001_effects.sql",
        "create table effects (place BIGINT not null, aggregate_id UUID not null, version BIGINT not null)",
    )],
};
const ROWS_MAX: i64 = 10_000;

/// What becomes of an event.
#[derive(Clone)]
pub(crate) enum Mood {
    /// So many times "not yet", then fine.
    NotYet(u32),
    /// Never.
    Poison,
    /// Says that it has begun, then waits for its permit.
    Waits { begun: Arc<Semaphore>, permit: Arc<Semaphore> },
}

/// Writes each event down, unless it is in another mood.
#[derive(Default)]
pub(crate) struct Clerk {
    moods: Mutex<HashMap<EventId, Mood>>,
    pub(crate) tries: AtomicU32,
}

impl Clerk {
    pub(crate) fn is(&self, event: &Envelope, mood: Mood) {
        self.moods.lock().unwrap().insert(event.id, mood);
    }

    pub(crate) fn is_fine_again(&self) {
        self.moods.lock().unwrap().clear();
    }

    /// The mood at this try.
    fn mood(&self, event: &Envelope) -> Option<Mood> {
        let mut moods = self.moods.lock().unwrap();
        match moods.get_mut(&event.id) {
            Some(Mood::NotYet(0)) => None,
            Some(Mood::NotYet(left)) => {
                *left -= 1;
                Some(Mood::NotYet(*left))
            }
            other => other.cloned(),
        }
    }
}

#[async_trait]
impl Handler for Clerk {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        write_down(tx, event).await?;
        // After the effect: it must go with the refusal.
        happens(self.mood(event)).await
    }

    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        let mut handled = Vec::new();
        for event in events {
            self.tries.fetch_add(1, Ordering::SeqCst);
            let outcome = happens(self.mood(event)).await;
            if outcome.is_ok() {
                write_down(tx, event).await?;
            }
            handled.push(outcome);
        }
        Ok(handled)
    }
}

async fn write_down(tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
    db::execute!(
        tx,
        "insert into effects (place, aggregate_id, version) \
         select count(*), $1, $2 from effects where aggregate_id = $1",
        event.aggregate_id,
        event.aggregate_version,
    )?;
    Ok(())
}

async fn happens(mood: Option<Mood>) -> Handled {
    match mood {
        None => Ok(()),
        Some(Mood::NotYet(_)) => Err(HandlerError::Retry("the order is not here".to_owned())),
        Some(Mood::Poison) => Err(HandlerError::Poison("no such currency".to_owned())),
        Some(Mood::Waits { begun, permit }) => {
            begun.add_permits(1);
            permit.acquire().await.unwrap().forget();
            Ok(())
        }
    }
}

pub(crate) struct Desk {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) clerk: Arc<Clerk>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) subscription: Subscription,
}

/// A relay that runs.
pub(crate) struct Running {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Returns when it has ended.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

impl Desk {
    pub(crate) async fn open(database: &Database, bus: impl Bus + 'static) -> Self {
        let db = database.migrated(&[events::MIGRATIONS, MIGRATIONS]).await;
        let (clock, clerk, bus) = (Clock::system(), Arc::new(Clerk::default()), Arc::new(bus));
        let consumer = Consumer {
            name: CONSUMER,
            services: &["order"],
            kinds: &[KIND],
            batched: &[KIND],
            handler: clerk.clone(),
        };
        let stop = CancellationToken::new();
        let subscription = Subscription::new("my", consumer, db.clone(), clock.clone(), stop);
        bus.subscribe(subscription.clone()).await.unwrap();
        Self { db, clock, clerk, bus, subscription }
    }

    /// Relays the outbox to the desk's bus.
    pub(crate) fn relay(&self) -> Running {
        self.relay_to(self.db.clone(), self.bus.clone())
    }

    pub(crate) fn relay_to(&self, db: Db, bus: Arc<dyn Bus>) -> Running {
        let cancel = CancellationToken::new();
        let published = events::Published::default();
        let relaying = relay::run(db, self.clock.clone(), bus, TOPIC.to_owned(), published, cancel.clone());
        Running { cancel, task: tokio::spawn(relaying) }
    }

    pub(crate) fn event(&self, aggregate_id: Uuid, version: i64) -> Envelope {
        Envelope::new(KIND, aggregate_id, version, self.clock.now(), &"a text".to_owned())
    }

    /// Puts events in the outbox, all in one transaction.
    pub(crate) async fn put(&self, events: &[Envelope]) -> Result<(), db::Error> {
        let events = events.to_vec();
        self.db
            .write(move |tx| {
                let events = events.clone();
                Box::pin(async move {
                    for event in &events {
                        Outbox.put(tx, event).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Returns when the bus has taken all that is in the outbox.
    pub(crate) async fn relayed(&self) {
        eventually("the bus has taken everything", || async {
            (self.unpublished().await == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn unpublished(&self) -> i64 {
        let count: Result<i64, db::Error> =
            self.db.read(|tx| Box::pin(async move { views::unpublished_count(tx).await })).await;
        count.unwrap()
    }

    /// The versions of an aggregate that took effect, in the order in which they did.
    pub(crate) async fn effects(&self, aggregate_id: Uuid) -> Vec<i64> {
        let rows: Result<Vec<(i64,)>, db::Error> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    db::fetch_all!(
                        tx,
                        (i64,),
                        "select version from effects where aggregate_id = $1 order by place limit $2",
                        aggregate_id,
                        ROWS_MAX,
                    )
                })
            })
            .await;
        rows.unwrap().into_iter().map(|(version,)| version).collect()
    }

    /// Versions of an aggregate in the inbox with their outcome.
    pub(crate) async fn inbox(&self, aggregate_id: Uuid) -> Vec<(i64, String)> {
        let rows: Result<Vec<views::InboxEvent>, db::Error> =
            self.db.read(|tx| Box::pin(async move { views::inbox(tx, None, ROWS_MAX).await })).await;
        let of_it = rows.unwrap().into_iter().filter(|row| row.aggregate_id == aggregate_id);
        let mut found: Vec<(i64, String)> = of_it.map(|row| (row.aggregate_version, row.outcome)).collect();
        found.sort();
        found
    }

    /// Versions of an aggregate that are parked, with why.
    pub(crate) async fn parked(&self, aggregate_id: Uuid) -> Vec<(i64, String)> {
        let rows: Result<Vec<views::ParkedEvent>, db::Error> =
            self.db.read(|tx| Box::pin(async move { views::parked(tx, None, ROWS_MAX).await })).await;
        let of_it = rows.unwrap().into_iter().filter(|row| row.aggregate_id == aggregate_id);
        let mut found: Vec<(i64, String)> = of_it.map(|row| (row.aggregate_version, row.reason)).collect();
        found.sort();
        found
    }

    /// Hands an event to the bus past the outbox, as one that comes late or again.
    pub(crate) async fn deliver(&self, event: &Envelope) {
        self.bus.publish(TOPIC, event).await.unwrap();
    }
}

pub(crate) fn aggregate() -> Uuid {
    EventId::new().uuid()
}

/// A mood that waits, with when it began and its permit.
pub(crate) fn waits() -> (Mood, Arc<Semaphore>, Arc<Semaphore>) {
    let (begun, permit) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    (Mood::Waits { begun: begun.clone(), permit: permit.clone() }, begun, permit)
}
