//! Says by the health service when events wait for this process and it does not hear them.

use std::sync::Arc;
use std::time::Duration;

use events::Bus;
use rpc::Health;

use crate::Worker;

/// How often the bus is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks whether the process is in all of its consumer groups.
pub(crate) fn watcher(bus: Arc<dyn Bus>, health: Health) -> Worker {
    Worker::every("membership", LOOK_EVERY, None, move || {
        let outside = bus.outside();
        if health.set(outside.is_empty()) {
            match outside.is_empty() {
                true => tracing::info!("this process is in all of its consumer groups"),
                false => {
                    tracing::warn!(groups = ?outside, "this process is not in all of its consumer groups")
                }
            }
        }
        Box::pin(async { Ok(false) })
    })
}
