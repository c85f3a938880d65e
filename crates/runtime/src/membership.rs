//! Says by the health service when events wait for this process and it does not hear them, and when its own wait for
//! the bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use events::Bus;
use rpc::Health;

use crate::Worker;

/// What of the process's health it tells of.
const PART: &str = "consumer groups";
/// How often the bus is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks whether the process is in all of its consumer groups, and whether the bus takes its events.
pub(crate) fn watcher(bus: Arc<dyn Bus>, health: Health) -> Worker {
    let was_inside = AtomicBool::new(false);
    Worker::every("membership", LOOK_EVERY, None, (), move |()| {
        let outside = bus.missing_from_groups();
        if health.set(PART, outside.is_empty()) {
            tell(&outside, was_inside.load(Ordering::Relaxed));
        }
        health.set_events(bus.late().is_none());
        was_inside.fetch_or(outside.is_empty(), Ordering::Relaxed);
        std::future::ready(Ok(false))
    })
}

fn tell(outside: &[String], was_inside: bool) {
    if outside.is_empty() {
        tracing::info!("this process is in all of its consumer groups");
    } else if was_inside {
        tracing::warn!(groups = ?outside, "this process has lost its place in consumer groups: their events wait");
    } else {
        tracing::info!(groups = ?outside, "this process is joining its consumer groups");
    }
}
