//! Whether a process serves as it should, as its health service says.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Drain;

/// The overall health: every service's name is told the same.
const OVERALL: &str = "";

/// What the health services of a process answer. Clones share it; it is well until somebody says otherwise.
#[derive(Clone, Debug)]
pub struct Health(watch::Sender<bool>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Health {
    /// Says whether the process serves as it should; whether that is news.
    pub fn set(&self, is_well: bool) -> bool {
        self.0.send_if_modified(|known| std::mem::replace(known, is_well) != is_well)
    }

    /// Whether the process serves as it should.
    pub fn is_well(&self) -> bool {
        *self.0.borrow()
    }

    /// Answers for these services from now on, until the drain begins: from then on none serves.
    pub(crate) async fn report(&self, reporter: HealthReporter, names: Vec<String>, drain: Drain) {
        let mut known = self.0.subscribe();
        let is_well = *known.borrow_and_update();
        tell(&reporter, &names, is_well).await;
        // Held, so that nobody's going away looks like news.
        let this = self.clone();
        tokio::spawn(async move {
            let changes = async {
                while known.changed().await.is_ok() {
                    let is_well = *known.borrow_and_update();
                    tell(&reporter, &names, is_well).await;
                }
            };
            tokio::select! {
                () = changes => {}
                () = drain.begun() => {}
            }
            tell(&reporter, &names, false).await;
            drop(this);
        });
    }
}

async fn tell(reporter: &HealthReporter, names: &[String], is_well: bool) {
    let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names.iter().map(String::as_str).chain([OVERALL]) {
        reporter.set_service_status(name, status).await;
    }
}
