//! Whether a process serves as it should, as its health service says.

use std::collections::BTreeSet;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Drain;

/// The overall health: every service's name is told the same.
const OVERALL: &str = "";

/// Whether what the process tells goes out. By itself no reason to call another process.
const EVENTS: &str = "events";

/// What the health services of a process answer. Clones share it; it is well while nobody says that a part of it is not.
#[derive(Clone, Debug, Default)]
pub struct Health(watch::Sender<HealthState>);

#[derive(Clone, Debug, Default)]
struct HealthState {
    /// The parts of the process that are not as they should be.
    unwell: BTreeSet<String>,
    /// Whether events wait because the bus does not take them.
    events_wait: bool,
}

impl Health {
    /// Says whether a part of the process, such as `database of order`, is as it should be; whether that is news. Each
    /// part has one who says so.
    pub fn set(&self, part: &str, is_well: bool) -> bool {
        self.0.send_if_modified(|state| match is_well {
            true => state.unwell.remove(part),
            false => state.unwell.insert(part.to_owned()),
        })
    }

    /// Whether nobody says that this part is not as it should be.
    pub fn is_part_healthy(&self, part: &str) -> bool {
        !self.0.borrow().unwell.contains(part)
    }

    /// Says whether the process's events go out: what the service `events` answers. The others serve without.
    pub fn set_events(&self, go_out: bool) {
        self.0.send_if_modified(|known| std::mem::replace(&mut known.events_wait, !go_out) == go_out);
    }

    /// Whether the process serves as it should.
    pub fn is_healthy(&self) -> bool {
        self.0.borrow().unwell.is_empty()
    }

    /// Answers for these services from now on, until the drain begins: from then on none serves.
    pub(crate) async fn report(&self, reporter: HealthReporter, names: Vec<String>, drain: Drain) {
        let mut known = self.0.subscribe();
        let state = known.borrow_and_update().clone();
        tell(&reporter, &names, state.unwell.is_empty(), !state.events_wait).await;
        // Held, so that nobody's going away looks like news.
        let this = self.clone();
        tokio::spawn(async move {
            let changes = async {
                while known.changed().await.is_ok() {
                    let state = known.borrow_and_update().clone();
                    tell(&reporter, &names, state.unwell.is_empty(), !state.events_wait).await;
                }
            };
            tokio::select! {
                () = changes => {}
                () = drain.begun() => {}
            }
            tell(&reporter, &names, false, false).await;
            drop(this);
        });
    }
}

async fn tell(reporter: &HealthReporter, names: &[String], is_well: bool, events_go_out: bool) {
    let status = |well| if well { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names.iter().map(String::as_str).chain([OVERALL]) {
        reporter.set_service_status(name, status(is_well)).await;
    }
    reporter.set_service_status(EVENTS, status(events_go_out)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_well_once_all_of_its_parts_are() {
        let health = Health::default();
        assert!(health.is_healthy());
        assert!(health.set("bus", false) && health.set("database", false));
        assert!(!health.set("bus", false));
        assert!(health.set("bus", true));
        assert!(!health.is_healthy());
        assert!(health.set("database", true));
        assert!(health.is_healthy() && !health.set("database", true));
    }
}
