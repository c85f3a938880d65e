//! One listener: a hub's public API or its internal one.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::gate::{Gate, PublicRules, Rules};
use crate::metrics::HubMetrics;
use crate::middleware::MiddlewareLayer;
use crate::non_calls::NonCallCounter;
use crate::observe::CallObserver;
use crate::rate::Limiter;
use crate::wire::WireCheck;
use crate::{Drain, Health, Limits, Policies, Rate, ServerEnd, Verifier, listener};

#[cfg(test)]
mod keys;
#[cfg(test)]
mod tests;

/// How long calls may go on once the server drains.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
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
    #[error("reflection cannot describe the API: {0}")]
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
    /// The public API: no internal RPC is reachable; each principal's rate is limited, and so is the memory of all of
    /// them.
    pub fn public(
        routes: Routes,
        policies: Arc<Policies>,
        verifier: Arc<dyn Verifier>,
        drain: Drain,
        rate: Rate,
        limits: Arc<Limits>,
    ) -> Self {
        let public = Some(PublicRules::new(Limiter::new(rate), limits));
        let rules = Rules { policies, verifier, public, drain, internal: false };
        Self { routes, rules, health: Health::default(), metrics: None }
    }

    /// What services, operators and carriers call.
    pub fn internal(
        routes: Routes,
        policies: Arc<Policies>,
        verifier: Arc<dyn Verifier>,
        drain: Drain,
    ) -> Self {
        let rules = Rules { policies, verifier, public: None, drain, internal: true };
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

    fn watch(&self) -> CallObserver {
        let listener = if self.rules.internal { "internal" } else { "public" };
        CallObserver { metrics: self.metrics.clone(), policies: self.rules.policies.clone(), listener }
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
        let is_public = self.rules.public.is_some();
        let limits = self.rules.public.as_ref().map(|public| public.limits.clone()).unwrap_or_default();
        let metrics = self.metrics.as_ref().map(|metrics| metrics.listener(watch.listener));
        let rules = Arc::new(self.rules);
        let service = ServiceBuilder::new()
            .layer(MiddlewareLayer(NonCallCounter(rules.clone())))
            .layer(cors)
            .layer(MiddlewareLayer(WireCheck))
            .layer(GrpcWebLayer::new())
            .layer(MiddlewareLayer(watch))
            .layer(MiddlewareLayer(Gate(rules)))
            .service(routes.prepare());
        let serving = listener::serve(listener, service, limits, is_public, metrics, drain.clone());
        bounded(serving, drain).await;
        Ok(())
    }

    /// Serves the calls of an in-process channel, through the same gate. Those that begin once `serving` is
    /// dropped are refused, not those that begin in the drain: the other services may still need this one then.
    pub fn in_process(self, serving: &ServerEnd) {
        let service = ServiceBuilder::new()
            .layer(MiddlewareLayer(self.watch()))
            .layer(MiddlewareLayer(Gate(Arc::new(self.rules))))
            .service(self.routes.prepare());
        serving.begin(BoxCloneSyncService::new(service));
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

async fn bounded(serving: impl Future<Output = ()>, drain: Drain) {
    let too_long = async {
        drain.begun().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        () = serving => {}
        () = too_long => {
            tracing::warn!("calls were cut off: they ran for longer than the drain allows");
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
