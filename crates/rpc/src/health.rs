//! Whether a process serves as it should, as its health service says.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Drain;

/// The overall health: every service's name is told the same.
const OVERALL: &str = "";

/// Whether what the process tells goes out. By itself no reason to call another process.
const EVENTS: &str = "events";

/// What the health services of a process answer. Clones share it; it is well until somebody says otherwise.
#[derive(Clone, Debug)]
pub struct Health(watch::Sender<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    is_well: bool,
    events_go_out: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(State { is_well: true, events_go_out: true }))
    }
}

impl Health {
    /// Says whether the process serves as it should; whether that is news.
    pub fn set(&self, is_well: bool) -> bool {
        self.0.send_if_modified(|known| std::mem::replace(&mut known.is_well, is_well) != is_well)
    }

    /// Says whether the process's events go out: what the service `events` answers. The others serve without.
    pub fn set_events(&self, go_out: bool) {
        self.0.send_if_modified(|known| std::mem::replace(&mut known.events_go_out, go_out) != go_out);
    }

    /// Whether the process serves as it should.
    pub fn is_well(&self) -> bool {
        self.0.borrow().is_well
    }

    /// Answers for these services from now on, until the drain begins: from then on none serves.
    pub(crate) async fn report(&self, reporter: HealthReporter, names: Vec<String>, drain: Drain) {
        let mut known = self.0.subscribe();
        let state = *known.borrow_and_update();
        tell(&reporter, &names, state).await;
        // Held, so that nobody's going away looks like news.
        let this = self.clone();
        tokio::spawn(async move {
            let changes = async {
                while known.changed().await.is_ok() {
                    let state = *known.borrow_and_update();
                    tell(&reporter, &names, state).await;
                }
            };
            tokio::select! {
                () = changes => {}
                () = drain.begun() => {}
            }
            tell(&reporter, &names, State { is_well: false, events_go_out: false }).await;
            drop(this);
        });
    }
}

async fn tell(reporter: &HealthReporter, names: &[String], state: State) {
    let status = |well| if well { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names.iter().map(String::as_str).chain([OVERALL]) {
        reporter.set_service_status(name, status(state.is_well)).await;
    }
    reporter.set_service_status(EVENTS, status(state.events_go_out)).await;
}
