//! `GET /metrics`, on a port of its own.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Metrics;
use crate::Error;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const FRONT: &str = "Entrepot: metrics are at /metrics\n";

/// Serves metrics until it is stopped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Metrics {
    /// Serves them by plain HTTP; port 0 takes a free one.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listener, Error> {
        let failed = |source| Error::Listen { setting: "metrics", address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let metrics = self.clone();
        let routes = Router::new()
            .route("/", get(|| async { FRONT }))
            .route("/metrics", get(|| async move { exposed(&metrics) }));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the metrics listener failed");
            }
        });
        Ok(Listener { address, serving })
    }
}

fn exposed(metrics: &Metrics) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Listener {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; a scrape under way may be cut off.
    pub async fn stop(mut self) {
        self.serving.abort();
        // It was told to: how it ended says nothing.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
