//! What a call passes on to the calls that it makes: the person behind it and its deadline.
//!
//! The gate sets it around each handler; [`crate::Peer`] reads it. A task spawned by a handler loses it:
//! take [`current`] before the spawn and [`scope`] the task when the person shall be passed on.

use std::future::Future;

use tokio::time::Instant;

use crate::Caller;

tokio::task_local! {
    static CONTEXT: Context;
}

/// The call that is being handled.
#[derive(Clone, Debug)]
pub struct Context {
    /// The person or system at the hub's edge; `None` for one without a token.
    pub origin: Option<Caller>,
    /// When the answer is due (monotonic).
    pub deadline: Instant,
}

/// The context of the running task, if it handles a call.
pub fn current() -> Option<Context> {
    CONTEXT.try_with(Clone::clone).ok()
}

/// Runs `work` within `context`.
pub async fn scope<F: Future>(context: Context, work: F) -> F::Output {
    CONTEXT.scope(context, work).await
}
