//! Counting calls: how many, how they ended, how long they took. Only RPCs that exist are told apart, so that a stranger
//! who makes names up makes no series.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tonic::Code;

use crate::policy::Policies;
use crate::status;

/// Seconds.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// What a path that names no RPC is counted as.
const UNKNOWN: Rpc = Rpc { service: "unknown", method: "unknown", streams: false };
/// Health and reflection, which have no policy.
const SYSTEM: [(&str, Rpc); 4] = [
    ("/grpc.health.v1.Health/Check", Rpc { service: "health", method: "Health/Check", streams: false }),
    ("/grpc.health.v1.Health/Watch", Rpc { service: "health", method: "Health/Watch", streams: true }),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Rpc { service: "reflection", method: "ServerReflection/ServerReflectionInfo", streams: true },
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Rpc { service: "reflection", method: "ServerReflection/ServerReflectionInfo", streams: true },
    ),
];

/// Where connections come in.
const LISTENERS: [&str; 2] = ["public", "internal"];
/// Why a connection was not let in, or cut off.
const CLOSED: [&str; 7] =
    ["accept_failed", "too_many", "too_many_of_address", "silent", "idle", "unread", "age"];

/// The calls to all hubs of a process. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<CallLabels, Counter>,
    seconds: Family<Method, Histogram, fn() -> Histogram>,
    streams: Family<Method, Gauge>,
    connections: Family<ListenerLabels, Gauge>,
    closed: Family<ClosedLabels, Counter>,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(BUCKETS);
        let this = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            streams: Family::default(),
            connections: Family::default(),
            closed: Family::default(),
        };
        let help = "Finished calls, by gRPC code; CANCELLED when the client left first";
        registry.register("entrepot_rpc_requests", help, this.requests.clone());
        let help =
            "How long a call took until its response began: for a unary call that is the whole response";
        registry.register("entrepot_rpc_duration_seconds", help, this.seconds.clone());
        registry.register("entrepot_rpc_streams_open", "Streaming calls that are open", this.streams.clone());
        let help = "Connections from outside that are open";
        registry.register("entrepot_rpc_connections_open", help, this.connections.clone());
        let help = "Connections that were rejected or cut off, by reason";
        registry.register("entrepot_rpc_connections_closed", help, this.closed.clone());
        this
    }

    /// The same, for the calls to one hub.
    pub fn of_hub(&self, hub: &str) -> HubMetrics {
        let hub: Arc<str> = hub.into();
        // Connections are shown from the start on, so that an alert may ask for an increase.
        for listener in LISTENERS {
            drop(self.connections.get_or_create(&ListenerLabels { hub: hub.clone(), listener }));
            for reason in CLOSED {
                drop(self.closed.get_or_create(&ClosedLabels { hub: hub.clone(), listener, reason }));
            }
        }
        HubMetrics { all: self.clone(), hub }
    }
}

/// The calls to one hub.
#[derive(Clone, Debug)]
pub struct HubMetrics {
    all: Metrics,
    hub: Arc<str>,
}

impl HubMetrics {
    /// The connections to a listener.
    pub(crate) fn listener(&self, listener: &'static str) -> ListenerMetrics {
        let Self { all, hub } = self.clone();
        ListenerMetrics { all, of: ListenerLabels { hub, listener } }
    }
}

/// The connections to a listener.
#[derive(Clone, Debug)]
pub(crate) struct ListenerMetrics {
    all: Metrics,
    of: ListenerLabels,
}

impl ListenerMetrics {
    /// A connection, open until it is dropped.
    pub(crate) fn open(&self) -> OpenConnection {
        self.all.connections.get_or_create(&self.of).inc();
        OpenConnection(self.clone())
    }

    /// One was not let in, or cut off.
    pub(crate) fn closed(&self, reason: &'static str) {
        let ListenerLabels { hub, listener } = self.of.clone();
        self.all.closed.get_or_create(&ClosedLabels { hub, listener, reason }).inc();
    }
}

/// A connection that is open.
pub(crate) struct OpenConnection(ListenerMetrics);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.all.connections.get_or_create(&self.0.of).dec();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    hub: Arc<str>,
    listener: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabels {
    hub: Arc<str>,
    listener: &'static str,
    reason: &'static str,
}

/// What is told of an RPC.
#[derive(Clone, Copy, Debug)]
struct Rpc {
    service: &'static str,
    method: &'static str,
    streams: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    hub: Arc<str>,
    listener: &'static str,
    service: &'static str,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    hub: Arc<str>,
    listener: &'static str,
    service: &'static str,
    method: &'static str,
    code: &'static str,
}

/// `/entrepot.order.v1.OrderService/PlaceOrder` is PlaceOrder of order.
fn known(policies: &Policies, path: &str) -> Rpc {
    if let Some(method) = policies.of(path) {
        let streams = method.shape.server_streams || method.shape.client_streams;
        return Rpc { streams, ..named(method.path).unwrap_or(UNKNOWN) };
    }
    SYSTEM.iter().find(|(system, _)| *system == path).map_or(UNKNOWN, |(_, rpc)| *rpc)
}

fn named(path: &'static str) -> Option<Rpc> {
    let service = path.split('.').nth(1)?;
    let (_, method) = path.rsplit_once('.')?;
    Some(Rpc { service, method, streams: false })
}

/// A call that is counted.
pub(crate) struct Tally {
    metrics: Metrics,
    method: Method,
    streams: bool,
    begun: Instant,
}

impl Tally {
    /// Begins to count a call of this listener to the RPC of a path.
    pub(crate) fn begin(
        metrics: &HubMetrics,
        listener: &'static str,
        policies: &Policies,
        path: &str,
    ) -> Self {
        let HubMetrics { all, hub } = metrics;
        let Rpc { service, method, streams } = known(policies, path);
        let method = Method { hub: hub.clone(), listener, service, method };
        if streams {
            all.streams.get_or_create(&method).inc();
        }
        Self { metrics: all.clone(), method, streams, begun: Instant::now() }
    }

    /// Its answer has begun.
    pub(crate) fn answered(&self) {
        self.metrics.seconds.get_or_create(&self.method).observe(self.begun.elapsed().as_secs_f64());
    }

    /// It has ended.
    pub(crate) fn ended(&self, code: Code) {
        let Method { hub, listener, service, method } = self.method.clone();
        let code = status::code_name(code);
        self.metrics.requests.get_or_create(&CallLabels { hub, listener, service, method, code }).inc();
        if self.streams {
            self.metrics.streams.get_or_create(&self.method).dec();
        }
    }
}
