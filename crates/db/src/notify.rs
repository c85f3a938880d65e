//! Notifications: listeners of this process wake at once, those of others by LISTEN/NOTIFY on PostgreSQL. A channel may
//! be about one thing alone, so that a thousand who each watch their own are not all woken by each change.
//!
//! Others are told after the commit, not within it: PostgreSQL lets transactions that notify commit one at a time only.
//! A word that is lost, with its process or its connection, is covered by the slow poll of every [`Listener`].

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::pool::Pool;
use crate::statistics::Counters;
use crate::{Engine, Error};

/// The one PostgreSQL channel; its payload is who tells, a space, and our channel.
const NOTIFY: &str = "entrepot";
/// Tells of every channel.
const ALL: &str = "*";
/// How long a listener waits at most: a notification may be lost with its connection.
const POLL_POSTGRES: Duration = Duration::from_secs(2);
const POLL_SQLITE: Duration = Duration::from_secs(1);
/// How long to wait before listening, or telling, again after the connection was lost.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// How long others are told nothing more after they were told: what is told meanwhile goes together.
const GATHER: Duration = Duration::from_millis(3);
/// Channels that wait to be told of; when there are more, all listeners are woken.
const PENDING_MAX: usize = 4_096;
/// From so many channels on, those that nobody listens to any more are forgotten when one is added.
const CHANNELS_SWEPT_AT: usize = 1_024;

/// The channel's name for one thing alone.
pub(crate) fn about(channel: &str, thing: Uuid) -> String {
    format!("{channel}/{thing}")
}

/// Who listens to what in this process, and what others are to be told.
pub(crate) struct Notifications {
    channels: Mutex<HashMap<String, watch::Sender<u64>>>,
    /// Those who tell others, of PostgreSQL.
    teller: Option<Notifier>,
    stopped: CancellationToken,
}

/// Tells the other processes.
struct Notifier {
    /// Tells this process's words from those of others.
    id: String,
    pending: Mutex<BTreeSet<Cow<'static, str>>>,
    more: Notify,
}

impl Notifications {
    pub(crate) fn new(engine: Engine) -> Self {
        let teller = (engine == Engine::Postgres).then(|| Notifier {
            id: kernel::EventId::new().uuid().to_string(),
            pending: Mutex::default(),
            more: Notify::new(),
        });
        Self { channels: Mutex::default(), teller, stopped: CancellationToken::new() }
    }

    /// After a commit: wakes the listeners of this process, and has other processes notified soon.
    pub(crate) fn told(&self, channels: BTreeSet<Cow<'static, str>>) {
        if channels.is_empty() {
            return;
        }
        for channel in &channels {
            self.wake(channel);
        }
        if let Some(teller) = &self.teller {
            teller.add(channels);
            teller.more.notify_one();
        }
    }

    pub(crate) fn listen(&self, channel: String, engine: Engine) -> Listener {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.len() >= CHANNELS_SWEPT_AT {
            channels.retain(|_, changes| changes.receiver_count() > 0);
        }
        let changes = channels.entry(channel).or_insert_with(|| watch::Sender::new(0)).subscribe();
        let poll = if engine == Engine::Postgres { POLL_POSTGRES } else { POLL_SQLITE };
        Listener { changes, poll }
    }

    fn wake(&self, channel: &str) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(changes) = channels.get(channel) {
            changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn wake_all(&self) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        for changes in channels.values() {
            changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Hears what others tell, and tells them, until stopped.
    pub(crate) fn start(self: &Arc<Self>, listening: PgPool, pool: Pool<Postgres>, counters: Arc<Counters>) {
        let (hears, tells) = (self.clone(), self.clone());
        tokio::spawn(async move {
            hears.stopped.run_until_cancelled(hears.listen_loop(listening)).await;
        });
        tokio::spawn(async move { tells.notify_loop(pool, &counters).await });
    }

    async fn listen_loop(&self, listening: PgPool) {
        loop {
            if let Err(error) = self.listen_until_lost(&listening).await
                && !self.stopped.is_cancelled()
            {
                tracing::warn!(%error, "the database's notifications were lost; listening again");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn listen_until_lost(&self, listening: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(listening).await?;
        listener.listen(NOTIFY).await?;
        // What came while nobody listened.
        self.wake_all();
        while let Some(notification) = listener.try_recv().await? {
            self.on_notification(notification.payload());
        }
        Ok(())
    }

    fn on_notification(&self, payload: &str) {
        let Some((who, channel)) = payload.split_once(' ') else { return };
        if self.teller.as_ref().is_some_and(|teller| teller.id == who) {
            return;
        }
        if channel == ALL { self.wake_all() } else { self.wake(channel) }
    }

    async fn notify_loop(&self, pool: Pool<Postgres>, counters: &Counters) {
        let Some(teller) = &self.teller else { return };
        while self.stopped.run_until_cancelled(teller.more.notified()).await.is_some() {
            let mut rest = GATHER;
            if let Err(error) = teller.acquire_and_notify(&pool, counters).await
                && !self.stopped.is_cancelled()
            {
                tracing::debug!(%error, "other processes could not be notified; trying again shortly");
                teller.more.notify_one();
                rest = RECONNECT_AFTER;
            }
            self.stopped.run_until_cancelled(tokio::time::sleep(rest)).await;
        }
    }

    /// Tells what is left, on the last connection.
    pub(crate) async fn notify_the_last(&self, connection: &mut PgConnection, counters: &Counters) {
        if let Some(teller) = &self.teller
            && let Err(error) = teller.tell(connection, counters).await
        {
            tracing::debug!(%error, "other processes were not notified; they will find the changes by polling");
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.cancel();
    }
}

impl Notifier {
    fn add(&self, channels: BTreeSet<Cow<'static, str>>) {
        let mut pending = self.pending();
        pending.extend(channels);
        if pending.len() > PENDING_MAX {
            *pending = BTreeSet::from([Cow::Borrowed(ALL)]);
        }
    }

    /// The connection comes first: while the pool is drained nothing is on its way that is not on a connection.
    async fn acquire_and_notify(&self, pool: &Pool<Postgres>, counters: &Counters) -> Result<(), Error> {
        let mut connection = pool.acquire().await?;
        self.tell(&mut connection, counters).await?;
        connection.release();
        Ok(())
    }

    /// All that is pending, each channel once, in one statement. What could not be told is kept.
    async fn tell(&self, connection: &mut PgConnection, counters: &Counters) -> Result<(), Error> {
        let channels = std::mem::take(&mut *self.pending());
        if channels.is_empty() {
            return Ok(());
        }
        let payloads: Vec<String> = channels.iter().map(|channel| format!("{} {channel}", self.id)).collect();
        let told = sqlx::query("select pg_notify($1, payload) from unnest($2::text[]) as told (payload)")
            .bind(NOTIFY)
            .bind(payloads)
            .execute(connection)
            .await;
        counters.statement();
        told.map(drop).map_err(|error| {
            self.add(channels);
            Error::from(error)
        })
    }

    fn pending(&self) -> MutexGuard<'_, BTreeSet<Cow<'static, str>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes on notifications of one channel.
#[derive(Debug, Clone)]
pub struct Listener {
    changes: watch::Receiver<u64>,
    poll: Duration,
}

impl Listener {
    /// Returns on the next notification since the last call, or after a bounded time without one. Look for work
    /// either way. Cancel-safe.
    pub async fn recv(&mut self) {
        let poll = self.poll;
        self.recv_within(poll).await;
    }

    /// As [`Listener::recv`], with another bound.
    pub async fn recv_within(&mut self, patience: Duration) {
        match tokio::time::timeout(patience, self.changes.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The database was closed: nothing will come.
            Ok(Err(_)) => tokio::time::sleep(patience).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_told_is_there_once_and_never_too_much() {
        let teller = Notifier { id: "a".to_owned(), pending: Mutex::default(), more: Notify::new() };
        for _ in 0..3 {
            teller.add(BTreeSet::from(["orders".into(), "sagas".into()]));
        }
        assert_eq!(*teller.pending(), BTreeSet::from(["orders".into(), "sagas".into()]));
        teller.add((0..PENDING_MAX).map(|place| format!("orders/{place}").into()).collect());
        assert_eq!(*teller.pending(), BTreeSet::from([ALL.into()]));
    }

    #[test]
    fn a_word_about_everything_wakes_each_who_listens_unless_it_is_its_own() {
        let notices = Notifications::new(Engine::Postgres);
        let (mut orders, mut sagas) = (
            notices.listen("orders".to_owned(), Engine::Postgres),
            notices.listen("sagas".to_owned(), Engine::Postgres),
        );
        let mut told = |payload: &str| {
            notices.on_notification(payload);
            [&mut orders, &mut sagas].map(|listener| {
                let was_told = listener.changes.has_changed().is_ok_and(|changed| changed);
                listener.changes.mark_unchanged();
                was_told
            })
        };
        let own = notices.teller.as_ref().map(|teller| teller.id.clone()).unwrap_or_default();
        assert_eq!(told("another *"), [true, true]);
        assert_eq!(told("another sagas"), [false, true]);
        assert_eq!(told(&format!("{own} *")), [false, false]);
        assert_eq!(told(&format!("{own} orders")), [false, false]);
        assert_eq!(told("nonsense"), [false, false]);
    }
}
