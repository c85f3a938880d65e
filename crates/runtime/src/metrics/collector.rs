//! All readings of all hubs of the process, metric by metric.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use rpc::{Drain, Health};
use tokio::time::Instant;

use super::observed::{self, Observed};
use super::reading::{Kind, Value};
use super::{Metric, SampleValue, Views};

const SERVING: Metric =
    Metric::gauge("entrepot_serving", "1 while the process reports that it is serving, else 0", &[]);
const SAMPLE_AGE: Metric = Metric::gauge(
    "entrepot_sample_age_seconds",
    "How long ago values were last read from a database",
    &["service", "sample"],
);
/// What is told of every value that was read from a database.
const SAMPLED: &str =
    "read from the database every few seconds: the same in each instance, so take max() of them";

/// What one hub of the process shows.
pub(crate) struct View {
    hub: String,
    health: Health,
    drain: Drain,
    observed: Vec<Observed>,
    samples: Mutex<BTreeMap<(&'static str, &'static str), Sample>>,
}

struct Sample {
    read_at: Instant,
    readings: Vec<SampleValue>,
}

impl View {
    pub(crate) fn new(hub: &str, health: Health, drain: Drain, observed: Vec<Observed>) -> Self {
        Self { hub: hub.to_owned(), health, drain, observed, samples: Mutex::default() }
    }

    /// Keeps what was read.
    pub(super) fn keep(&self, service: &'static str, name: &'static str, readings: Vec<SampleValue>) {
        let sample = Sample { read_at: Instant::now(), readings };
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).insert((service, name), sample);
    }

    /// Nothing could be read: earlier values are no longer exposed.
    pub(super) fn forget(&self, service: &'static str, name: &'static str) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sample) = samples.get_mut(&(service, name)) {
            sample.readings.clear();
        }
    }

    fn readings(&self) -> Vec<SampleValue> {
        let serves = self.health.is_healthy() && !self.drain.is_begun();
        let mut readings = vec![SERVING.is(&[], i64::from(serves))];
        self.observed.iter().for_each(|observed| observed::counted(observed, &mut readings));
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        for ((service, name), sample) in samples.iter() {
            readings.push(SAMPLE_AGE.lasts(&[service, name], sample.read_at.elapsed()));
            readings.extend(sample.readings.iter().cloned());
        }
        readings
    }
}

/// A hub is shown until this is dropped.
pub(crate) struct Exposure {
    views: Views,
    view: Arc<View>,
}

impl Exposure {
    pub(super) fn new(views: Views, view: Arc<View>) -> Self {
        Self { views, view }
    }
}

impl Drop for Exposure {
    fn drop(&mut self) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|view| !Arc::ptr_eq(view, &self.view));
    }
}

/// Shows the hubs that run.
pub(super) struct Collector(pub(super) Views);

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A metric is described once, whichever hubs it is of.
        let mut by_name: BTreeMap<&str, Vec<(&str, SampleValue)>> = BTreeMap::new();
        for view in &views {
            for reading in view.readings() {
                by_name.entry(reading.metric.name).or_default().push((&view.hub, reading));
            }
        }
        for (name, series) in by_name {
            let Some((_, SampleValue { metric, .. })) = series.first() else { continue };
            let mut metric_encoder = encoder.encode_descriptor(name, &help(metric), None, kind(metric))?;
            for (hub, reading) in &series {
                encode(&mut metric_encoder, hub, reading)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

fn help(metric: &Metric) -> Cow<'static, str> {
    match metric.kind {
        Kind::Sampled => format!("{} ({SAMPLED}).", metric.help).into(),
        Kind::Gauge | Kind::Counter | Kind::Durations => format!("{}.", metric.help).into(),
    }
}

fn kind(metric: &Metric) -> MetricType {
    match metric.kind {
        Kind::Gauge | Kind::Sampled => MetricType::Gauge,
        Kind::Counter => MetricType::Counter,
        Kind::Durations => MetricType::Histogram,
    }
}

fn encode(encoder: &mut MetricEncoder<'_>, hub: &str, reading: &SampleValue) -> fmt::Result {
    let names = reading.metric.labels.iter().copied();
    let labels: Vec<(&str, &str)> =
        [("hub", hub)].into_iter().chain(names.zip(reading.labels.iter().map(String::as_str))).collect();
    let mut encoder = encoder.encode_family(&labels)?;
    match &reading.value {
        Value::Whole(value) => encoder.encode_gauge(value),
        Value::Seconds(value) => encoder.encode_gauge(&value.as_secs_f64()),
        Value::Counted(value) => encoder.encode_counter::<NoLabelSet, u64, f64>(value, None),
        Value::Durations(durations) => durations.0.encode(encoder),
    }
}
