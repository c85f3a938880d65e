//! The word that a server is leaving.

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Says when the process begins to drain. Servers stop accepting, streaming answers end with UNAVAILABLE
/// (reason `DRAINING`) so that their clients resume elsewhere, workers finish their step.
///
/// A handler needs not watch it: the gate ends its stream. It may, to stop work that no one will read.
#[derive(Clone, Debug, Default)]
pub struct Drain(CancellationToken);

impl Drain {
    /// A drain that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins; for all clones, for ever.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it has begun.
    pub fn is_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves when it begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// The same as a future that owns its token.
    pub fn begun_owned(&self) -> WaitForCancellationFutureOwned {
        self.0.clone().cancelled_owned()
    }

    /// The same as a token, for workers.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}
