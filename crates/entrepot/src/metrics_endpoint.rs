//! What is measured of the process's hubs, on a port of its own.

use std::net::SocketAddr;

use anyhow::Result;
use runtime::metrics::{Listener, Metrics};

/// Begins to serve them, if they are wanted; the hubs are put into them later.
pub(crate) async fn open(address: Option<SocketAddr>) -> Result<Option<MetricsEndpoint>> {
    let Some(address) = address else { return Ok(None) };
    let metrics = Metrics::new();
    let listener = metrics.listen(address).await?;
    Ok(Some(MetricsEndpoint { metrics, listener }))
}

/// Metrics that are served.
pub(crate) struct MetricsEndpoint {
    pub(crate) metrics: Metrics,
    listener: Listener,
}

impl MetricsEndpoint {
    /// Says where.
    pub(crate) fn print(&self) {
        println!("metrics at http://{}/metrics", self.listener.address());
    }
}
