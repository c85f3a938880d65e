//! How soon after the broker's return all is out that was told before it, and has taken effect.

use std::time::{Duration, Instant};

use anyhow::Result;
use proof::Hub;
use proof::deliveries::{self, Listener, Window};
use proof::invariants::Check;

/// How long it may take until the bus has all, and until all has taken effect.
const PUBLISHED_MAX: Duration = Duration::from_secs(15);
const HEARD_MAX: Duration = Duration::from_secs(30);
/// When waiting for it is of no use any more.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// After one return.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrokerReturn {
    published: Duration,
    heard: Duration,
}

impl BrokerReturn {
    /// Waits until all is published that was told before the return, which ends the window, and until all of the window
    /// has taken effect.
    pub(super) async fn measure(hub: &Hub, listeners: &[Listener], window: Window) -> Self {
        let begun = Instant::now();
        // A hub that cannot say is asked again.
        let published = until(begun, async || deliveries::unpublished(hub, window.until).await).await;
        let heard = until(begun, async || deliveries::unheard(hub, listeners, window).await).await;
        Self { published, heard }
    }
}

/// How long it takes from the beginning until none is left.
async fn until(begun: Instant, left: impl AsyncFn() -> Result<usize>) -> Duration {
    while begun.elapsed() < PATIENCE && !left().await.is_ok_and(|left| left == 0) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    begun.elapsed()
}

impl std::fmt::Display for BrokerReturn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (published, heard) = (self.published.as_secs_f32(), self.heard.as_secs_f32());
        write!(f, "all published {published:.1} s after that, and heard after {heard:.1} s")
    }
}

/// Holds every return to its bounds.
pub(super) fn check(returns: &[BrokerReturn]) -> Check {
    let late = |returned: &&BrokerReturn| returned.published > PUBLISHED_MAX || returned.heard > HEARD_MAX;
    let violations = returns.iter().filter(late).map(BrokerReturn::to_string).collect();
    let published = returns.iter().map(|returned| returned.published);
    let heard = returns.iter().map(|returned| returned.heard);
    let seen = format!("published {}; heard {}", spread(published), spread(heard));
    Check { name: "all goes out soon after the broker's return", seen, violations }
}

/// The least, the median and the most, in seconds.
fn spread(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let at = |place: usize| times.get(place).map_or(0.0, Duration::as_secs_f32);
    format!("{:.1}, {:.1}, {:.1} s", at(0), at(times.len() / 2), at(times.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_after_which_events_wait_is_a_violation() {
        let after = |published, heard| BrokerReturn {
            published: Duration::from_secs(published),
            heard: Duration::from_secs(heard),
        };
        let check = check(&[after(2, 3), after(1, 31), after(16, 20), after(15, 30)]);
        assert_eq!(check.violations.len(), 2);
        assert_eq!(check.seen, "published 1.0, 15.0, 16.0 s; heard 3.0, 30.0, 31.0 s");
    }
}
