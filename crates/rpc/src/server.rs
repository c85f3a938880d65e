//! One listener: a hub's public API or its internal one.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::gate::{Gate, Rules};
use crate::metrics::HubMetrics;
use crate::rate::Limiter;
use crate::watch::Watch;
use crate::{Drain, Health, Policies, Rate, Verifier, duplex};

/// The longest message, in bytes; what is larger is streamed or paged.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Streams of one connection from outside.
pub const CONNECTION_STREAMS_MAX: u32 = 100;
/// How long calls may go on once the server drains.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be silent before it is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long a browser may remember what it was allowed to send.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(3_600);
/// What a browser may read of an answer besides its body.
const EXPOSED_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Why a listener ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection layer failed.
    #[error("the listener failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The descriptors cannot be shown by reflection.
    #[error("the API cannot be shown by reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A listener's server.
pub struct Server {
    routes: Routes,
    rules: Rules,
    health: Health,
    metrics: Option<HubMetrics>,
}

impl Server {
    /// The public API: no internal RPC is reachable, and each principal's rate is bounded.
    pub fn public(
        routes: Routes,
        policies: Arc<Policies>,
        verifier: Arc<dyn Verifier>,
        drain: Drain,
        rate: Rate,
    ) -> Self {
        let rules = Rules { policies, verifier, limiter: Some(Limiter::new(rate)), drain, internal: false };
        Self { routes, rules, health: Health::default(), metrics: None }
    }

    /// What services, operators and carriers call.
    pub fn internal(
        routes: Routes,
        policies: Arc<Policies>,
        verifier: Arc<dyn Verifier>,
        drain: Drain,
    ) -> Self {
        let rules = Rules { policies, verifier, limiter: None, drain, internal: true };
        Self { routes, rules, health: Health::default(), metrics: None }
    }

    /// Answers by this health.
    #[must_use]
    pub fn health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    /// Counts its calls.
    #[must_use]
    pub fn metrics(self, metrics: Option<HubMetrics>) -> Self {
        Self { metrics, ..self }
    }

    fn watch(&self) -> Watch {
        let listener = if self.rules.internal { "internal" } else { "public" };
        Watch { metrics: self.metrics.clone(), policies: self.rules.policies.clone(), listener }
    }

    /// Serves gRPC and gRPC-Web, health and reflection on `listener` until the drain has begun and the last call has
    /// ended, or [`DRAIN_MAX`] has passed.
    pub async fn serve(self, listener: TcpListener) -> Result<(), Error> {
        let routes = self.with_system_services().await?;
        let (drain, watch) = (self.rules.drain.clone(), self.watch());
        let cors = CorsLayer::new()
            .allow_origin(Any)
            // Mirrored, not `*`: a browser does not count `authorization` among what a star allows.
            .allow_headers(AllowHeaders::mirror_request())
            .max_age(PREFLIGHT_KEPT)
            .allow_methods([http::Method::POST])
            .expose_headers(EXPOSED_HEADERS);
        let server = tonic::transport::Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .layer(cors)
            .layer(GrpcWebLayer::new())
            .layer(watch)
            .layer(Gate(Arc::new(self.rules)))
            .add_routes(routes);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serving = server.serve_with_incoming_shutdown(incoming, drain.begun_owned());
        bounded(serving, drain).await
    }

    /// Serves the connections of an in-process channel, through the same gate. It ends with the process, not with
    /// the drain: the other services may still need it while they drain.
    pub async fn in_process(self, incoming: duplex::Incoming) -> Result<(), Error> {
        let server = tonic::transport::Server::builder()
            .layer(self.watch())
            .layer(Gate(Arc::new(self.rules)))
            .add_routes(self.routes);
        Ok(server.serve_with_incoming(incoming).await?)
    }

    async fn with_system_services(&self) -> Result<Routes, Error> {
        let policies = &self.rules.policies;
        let files = if self.rules.internal { policies.all_files() } else { policies.public_files() };
        let v1 = reflection(files.clone()).build_v1()?;
        // grpcurl and older tools ask for this one.
        let v1alpha = reflection(files).build_v1alpha()?;
        let (reporter, health) = tonic_health::server::health_reporter();
        let internal = self.rules.internal;
        let names =
            policies.services().iter().filter(|name| internal || !crate::descriptors::is_internal(name));
        self.health.report(reporter, names.cloned().collect(), self.rules.drain.clone()).await;
        Ok(self.routes.clone().add_service(health).add_service(v1).add_service(v1alpha))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("internal", &self.rules.internal).finish_non_exhaustive()
    }
}

/// Reflection of these files, of the health service, and of the details that errors carry, so that tools show them in
/// words.
fn reflection(files: prost_types::FileDescriptorSet) -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_file_descriptor_set(files)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}

async fn bounded(
    serving: impl Future<Output = Result<(), tonic::transport::Error>>,
    drain: Drain,
) -> Result<(), Error> {
    let too_long = async {
        drain.begun().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = too_long => {
            tracing::warn!("calls were cut off: they went on for longer than the drain allows");
            Ok(())
        }
    }
}

/// The routes of several services as one.
pub fn merge(routes: impl IntoIterator<Item = Routes>) -> Routes {
    let merged = routes.into_iter().fold(Routes::default().into_axum_router(), |merged, routes| {
        merged.merge(routes.into_axum_router().reset_fallback())
    });
    Routes::from(merged)
}
