//! What a process shows of its hubs, in the OpenMetrics text format: [`Metrics`] gathers it, [`Metrics::listen`] serves
//! it. Nothing is global: whoever starts hubs makes one and puts it into their settings.
//!
//! Calls, events and statements are counted where they happen. What stands in a database is read by a [`Sampler`] now
//! and then, never by a scrape. To add a metric: a [`Metric`] in the service's `metrics.rs`, a [`SampleValue`] of it in one
//! of its samplers, and a row in `docs/metrics.md`.

mod collector;
mod listener;
mod observed;
mod reading;
mod sampler;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::Clock;
use prometheus_client::encoding::text;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use rpc::HubMetrics;

use collector::Collector;
pub(crate) use collector::Exposure;
pub(crate) use collector::View;
pub use listener::Listener;
pub(crate) use observed::Observed;
pub use reading::{Durations, Metric, SampleValue};
pub use sampler::{Read, SampleInterval, Sampler};
pub(crate) use waiting::samplers;

/// How often databases are read.
const OFTEN: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(30);

/// What a process shows of its hubs. Clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    calls: rpc::Metrics,
    views: Views,
    often: Duration,
    seldom: Duration,
}

type Views = Arc<Mutex<Vec<Arc<View>>>>;

impl Metrics {
    /// Of a process without hubs yet.
    pub fn new() -> Self {
        Self::sampling(OFTEN, SELDOM)
    }

    /// As [`Metrics::new`], with other times between two looks at a database.
    pub fn sampling(often: Duration, seldom: Duration) -> Self {
        let mut registry = Registry::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("entrepot_build", "Which version runs", version);
        let started = ConstGauge::new(Clock::system().now().timestamp());
        registry.register("entrepot_start_time_seconds", "When the process started, as Unix time", started);
        let calls = rpc::Metrics::new(&mut registry);
        let views = Views::default();
        registry.register_collector(Box::new(Collector(views.clone())));
        Self(Arc::new(Inner { registry, calls, views, often, seldom }))
    }

    /// All of it as text.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    /// Counts the calls to a hub.
    pub(crate) fn calls(&self, hub: &str) -> HubMetrics {
        self.0.calls.of_hub(hub)
    }

    /// Shows a hub for as long as what is returned lives.
    pub(crate) fn show(&self, view: Arc<View>) -> Exposure {
        self.0.views.lock().unwrap_or_else(PoisonError::into_inner).push(view.clone());
        Exposure::new(self.0.views.clone(), view)
    }

    fn period(&self, pace: SampleInterval) -> Duration {
        match pace {
            SampleInterval::Often => self.0.often,
            SampleInterval::Seldom => self.0.seldom,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
