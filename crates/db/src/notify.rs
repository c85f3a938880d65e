//! Waking up: LISTEN/NOTIFY on PostgreSQL, within the process on SQLite. A channel may be about one thing alone, so
//! that a thousand who each watch their own are not all woken by each change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Engine;

/// The one PostgreSQL channel; its payload names ours.
pub(crate) const NOTIFY: &str = "entrepot";
/// How long a listener waits at most: a notification may be lost with its connection.
const POLL_POSTGRES: Duration = Duration::from_secs(2);
const POLL_SQLITE: Duration = Duration::from_secs(1);
/// How long to wait before listening again after the connection was lost.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// From so many channels on, those that nobody listens to any more are forgotten when one is added.
const CHANNELS_SWEPT_AT: usize = 1_024;

/// The channel's name for one thing alone.
pub(crate) fn about(channel: &str, thing: Uuid) -> String {
    format!("{channel}/{thing}")
}

/// Who listens to what, in this process.
pub(crate) struct Notices {
    channels: Mutex<HashMap<String, watch::Sender<u64>>>,
    stopped: CancellationToken,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self { channels: Mutex::default(), stopped: CancellationToken::new() }
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

    pub(crate) fn wake(&self, channel: &str) {
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

    /// Hears PostgreSQL's notifications until stopped.
    pub(crate) fn hear(self: &Arc<Self>, pool: PgPool) {
        let notices = self.clone();
        let stopped = self.stopped.clone();
        tokio::spawn(async move {
            stopped.run_until_cancelled(notices.hear_for_ever(pool)).await;
        });
    }

    async fn hear_for_ever(&self, pool: PgPool) {
        loop {
            if let Err(error) = self.hear_until_lost(&pool).await
                && !self.stopped.is_cancelled()
            {
                tracing::warn!(%error, "the database's notifications were lost; listening again");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn hear_until_lost(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(NOTIFY).await?;
        // What came while nobody listened.
        self.wake_all();
        while let Some(notification) = listener.try_recv().await? {
            self.wake(notification.payload());
        }
        Ok(())
    }

    pub(crate) fn stop(&self) {
        self.stopped.cancel();
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.stopped.cancel();
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
