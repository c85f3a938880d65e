//! A consumer that is outside its group and does not find back by itself: seen after a broker was killed and restarted
//! within seconds, with librdkafka waiting for an answer that never came, on a connection that nobody ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::{BusError, ClientLog};

/// So long outside is too long, or as long as a session where that is longer.
const OUTSIDE_MIN: Duration = Duration::from_secs(20);
/// How long outside before its group is looked at, which may stand without it, and how often then.
const LOOK_AFTER: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So often a group is seen standing before a consumer is taken for lost.
const SEEN: u32 = 2;
/// How often it is asked whether it is outside.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long the brokers may take to tell of a group.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// A group that waits for nobody.
const STANDS: [&str; 3] = ["Stable", "Empty", "Dead"];

/// Ends once the consumer is lost, with how that shows.
pub(super) async fn lost(
    joined: &AtomicBool,
    session: Duration,
    asking: &ClientConfig,
    group: &str,
) -> BusError {
    let mut outside = GroupAbsence::new(session);
    // One that was never inside may well take its time, and would take longer if it began anew.
    let (mut was_inside, mut seen) = (false, 0);
    loop {
        tokio::time::sleep(if seen == 0 { ASK_EVERY } else { LOOK_EVERY }).await;
        let time = match outside.look(joined.load(Ordering::SeqCst), Instant::now()) {
            Ok(time) => time,
            Err(error) => return error,
        };
        was_inside |= joined.load(Ordering::SeqCst);
        if time < LOOK_AFTER {
            seen = 0;
        } else if was_inside && stands(asking, group).await {
            seen += 1;
        }
        if seen == SEEN {
            return BusError("its group is stable without it".to_owned());
        }
    }
}

/// Whether somebody new hears that the group waits for nobody.
async fn stands(asking: &ClientConfig, group: &str) -> bool {
    let (asking, group) = (asking.clone(), group.to_owned());
    let look = move || {
        let client: BaseConsumer<ClientLog> = asking.create_with_context(ClientLog).ok()?;
        let list = client.fetch_group_list(Some(&group), ANSWER_MAX).ok()?;
        let found = list.groups().iter().find(|found| found.name() == group)?;
        Some(STANDS.contains(&found.state()))
    };
    tokio::task::spawn_blocking(look).await.ok().flatten().unwrap_or(false)
}

/// Since when a consumer has been outside its group.
struct GroupAbsence {
    since: Option<Instant>,
    longest: Duration,
}

impl GroupAbsence {
    fn new(session: Duration) -> Self {
        Self { since: None, longest: session.max(OUTSIDE_MIN) }
    }

    /// For how long it has been outside; an error once that is too long.
    fn look(&mut self, joined: bool, now: Instant) -> Result<Duration, BusError> {
        if joined {
            self.since = None;
            return Ok(Duration::ZERO);
        }
        let outside = now.duration_since(*self.since.get_or_insert(now));
        if outside < self.longest {
            return Ok(outside);
        }
        Err(BusError(format!("it has been outside its group for {} s", outside.as_secs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_find_back_begins_anew() {
        let (begun, session) = (Instant::now(), Duration::from_secs(30));
        let mut outside = GroupAbsence::new(session);
        assert!(outside.look(false, begun).is_ok());
        assert!(outside.look(false, begun + session / 2).is_ok());
        assert!(outside.look(true, begun + session).is_ok());
        assert!(outside.look(false, begun + session).is_ok());
        assert!(outside.look(false, begun + session * 2 - Duration::from_millis(1)).is_ok());
        assert!(outside.look(false, begun + session * 2).is_err());
        assert_eq!(GroupAbsence::new(Duration::from_secs(6)).longest, OUTSIDE_MIN);
    }
}
