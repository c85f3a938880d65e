//! Accepting connections: as many as the process can bear, each for as long as it is used as it should.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use crate::connection::{Connection, ConnectionFate, Socket};
use crate::keyed_counter::{CountGuard, KeyedCounter};
use crate::metrics::ListenerMetrics;
use crate::{Drain, Limits, address};

/// Calls that one connection may have open.
const CONNECTION_STREAMS_MAX: u32 = 100;
/// How long a connection may be silent before it is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What a stream, and a connection, may send before it was read.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// The longest headers of a call.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// What is read of HTTP/1.1 at once, its headers among it.
const READ_BYTES_MAX: usize = 64 * 1024;
/// What HTTP/2 takes of a public answer before it was sent. Less than a part of it: so the next part, and the end, are
/// asked for once the one before has left, and an answer is known to be unread for as long as it is.
const SEND_BYTES_MAX: usize = 1024;
/// Descriptors that are left to databases, the bus and files.
const DESCRIPTORS_RESERVED: usize = 128;
/// How long to rest when none can be accepted, as when the process has no descriptors left.
const REST: Duration = Duration::from_millis(100);
/// How often a connection is looked at, at most and at least.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What the connections of a listener share.
struct Shared {
    limits: Arc<Limits>,
    /// Whether those who come are bounded by their address: on the public listener.
    by_address: bool,
    of_address: KeyedCounter,
    open: KeyedCounter,
    connections_max: usize,
    metrics: Option<ListenerMetrics>,
    drain: Drain,
}

/// Serves connections until the drain has begun and the last of them has ended.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: Arc<Limits>,
    is_public: bool,
    metrics: Option<ListenerMetrics>,
    drain: Drain,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let connections_max = if is_public { limits.connections_max } else { usize::MAX };
    let shared = Arc::new(Shared {
        by_address: is_public,
        of_address: KeyedCounter::default(),
        open: KeyedCounter::default(),
        connections_max: connections_max.min(descriptors().saturating_sub(DESCRIPTORS_RESERVED).max(1)),
        limits,
        metrics,
        drain: drain.clone(),
    });
    let builder = builder(&shared.limits, is_public);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    if let Ok(places) = shared.admit(address.ip()) {
                        let carried = carry(stream, address.ip(), places, service.clone(), builder.clone(), shared.clone());
                        connections.spawn(carried);
                    }
                }
                Err(error) => shared.failed(&error).await,
            },
        }
    }
    // The port is free for the next process while the last calls end.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn builder(limits: &Limits, is_public: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.first_frame())
        .max_buf_size(READ_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(CONNECTION_STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .keep_alive_interval(Some(KEEPALIVE));
    if is_public {
        builder.http2().max_send_buf_size(SEND_BYTES_MAX);
    }
    builder
}

impl Shared {
    /// A place for a connection; without one it is closed.
    fn admit(&self, peer: IpAddr) -> Result<[Option<CountGuard>; 2], ()> {
        let open = self.open.take("", self.connections_max);
        if open.is_none() {
            self.refused("too_many");
            return Err(());
        }
        if !self.by_address || address::is_proxy(&self.limits.trusted_proxies, peer) {
            return Ok([open, None]);
        }
        let name = address::counted(peer.to_canonical());
        let of_address = self.of_address.take(&name, self.limits.connections_per_address);
        if of_address.is_none() {
            self.refused("too_many_of_address");
            return Err(());
        }
        Ok([open, of_address])
    }

    fn refused(&self, reason: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.closed(reason);
        }
    }

    /// An error of one connection is over with it; one of the process, as when it has no descriptors left, is not.
    async fn failed(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        self.refused("accept_failed");
        if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
            tracing::error!(%error, "no connection can be accepted");
            tokio::time::sleep(REST).await;
        }
    }
}

/// A connection, from its first byte to its end.
async fn carry<S>(
    stream: TcpStream,
    peer: IpAddr,
    _places: [Option<CountGuard>; 2],
    service: S,
    builder: Builder<TokioExecutor>,
    shared: Arc<Shared>,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was closed before it was served");
        return;
    }
    let limits = &shared.limits;
    let connection = Connection::new(peer, limits, shared.by_address);
    let _open = shared.metrics.as_ref().map(ListenerMetrics::open);
    let known = connection.clone();
    let service = service.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        known.asked();
        request.extensions_mut().insert(known.clone());
        request
    });
    let io = TokioIo::new(Socket::new(stream, connection.clone()));
    let mut serving = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
    let mut look = tokio::time::interval(between_looks(limits));
    let mut draining = pin!(shared.drain.begun());
    let mut leaves = false;
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection failed");
                }
                return;
            }
            () = draining.as_mut(), if !leaves => {
                leaves = true;
                serving.as_mut().graceful_shutdown();
            }
            _ = look.tick() => match connection.judge(limits, Instant::now()) {
                ConnectionFate::Stays => {}
                ConnectionFate::Leaves => serving.as_mut().graceful_shutdown(),
                ConnectionFate::Cut(reason) => {
                    shared.refused(reason);
                    return;
                }
            },
        }
    }
}

fn between_looks(limits: &Limits) -> Duration {
    let shortest = [limits.first_frame(), limits.idle(), limits.write(), limits.age()].into_iter().min();
    (shortest.unwrap_or_default() / 4).clamp(LOOK.0, LOOK.1)
}

/// How many descriptors the process may have; many when the system does not tell.
fn descriptors() -> usize {
    let told = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}
