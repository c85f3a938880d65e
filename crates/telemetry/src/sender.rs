//! Sending spans: what fails is said once, not with every batch.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Sends to a collector. A log line says when it begins to fail, and one when it goes on, with how many were lost.
#[derive(Debug)]
pub(crate) struct Sender {
    otlp: Otlp,
    lost: AtomicU64,
}

impl Sender {
    pub(crate) fn new(otlp: Otlp) -> Self {
        Self { otlp, lost: AtomicU64::new(0) }
    }

    fn tell(&self, spans: usize, sent: &OTelSdkResult) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        match sent {
            Ok(()) => {
                let spans_lost = self.lost.swap(0, Ordering::Relaxed);
                if spans_lost > 0 {
                    tracing::warn!(spans_lost, "the collector accepts traces again");
                }
            }
            Err(error) => {
                if self.lost.fetch_add(spans, Ordering::Relaxed) == 0 {
                    tracing::warn!(%error, "the collector accepts no traces; they are lost until it does");
                }
            }
        }
    }
}

impl SpanExporter for Sender {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.otlp.export(batch).await;
        self.tell(spans, &sent);
        // It has been told of.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}
