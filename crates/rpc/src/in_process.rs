//! Calls between the services of one process: through the same gate as over TCP, without a connection.
//!
//! [`Channel::in_process`](crate::Channel::in_process) makes both ends before there is a server: services are built one
//! after another, and each holds the channels of all. A call before the server serves waits, up to its deadline.
//!
//! The handler runs in its caller's task: it ends with it, and calls that are joined take turns on one thread. What must
//! go on is spawned, as over TCP.

use std::convert::Infallible;

use http::{Request, Response};
use tokio::sync::watch;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use crate::limits::DEADLINE_DEFAULT;
use crate::{status, timeout};

pub(crate) type Handler = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

#[derive(Clone)]
enum State {
    Starting,
    Serving(Handler),
    Ended,
}

/// The server's end: it serves what [`crate::Server::in_process`] gives it until it is dropped. Whoever calls after that
/// is told that the service is unavailable; calls under way go on.
pub struct ServerEnd(watch::Sender<State>);

impl ServerEnd {
    pub(crate) fn begin(&self, handler: Handler) {
        self.0.send_replace(State::Serving(handler));
    }
}

impl Drop for ServerEnd {
    // A handler holds the channels of other services, and they its own: none would ever be freed.
    fn drop(&mut self) {
        self.0.send_replace(State::Ended);
    }
}

impl std::fmt::Debug for ServerEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerEnd").finish_non_exhaustive()
    }
}

/// The callers' end.
#[derive(Clone)]
pub(crate) struct InProcess(watch::Receiver<State>);

/// The two ends.
pub(crate) fn ends() -> (InProcess, ServerEnd) {
    let (sender, receiver) = watch::channel(State::Starting);
    (InProcess(receiver), ServerEnd(sender))
}

impl InProcess {
    pub(crate) fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send + use<> {
        let (state, later) = (self.0.borrow().clone(), self.0.clone());
        async move {
            match state {
                State::Serving(handler) => answer(handler, request).await,
                State::Ended => ended(),
                // Boxed, as few calls come so early.
                State::Starting => Box::pin(when_it_serves(later, request)).await,
            }
        }
    }
}

async fn answer(handler: Handler, request: Request<Body>) -> Response<Body> {
    match handler.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn when_it_serves(mut state: watch::Receiver<State>, request: Request<Body>) -> Response<Body> {
    let patience = request.headers().get(timeout::HEADER).and_then(|value| value.to_str().ok());
    let patience = patience.and_then(timeout::parse).unwrap_or(DEADLINE_DEFAULT);
    let answered = async {
        let begun = state.wait_for(|state| !matches!(state, State::Starting)).await;
        let State::Serving(handler) = begun.map_or(State::Ended, |state| state.clone()) else {
            return ended();
        };
        answer(handler, request).await
    };
    match tokio::time::timeout(patience, answered).await {
        Ok(response) => response,
        Err(_) => status::deadline_exceeded().into_http(),
    }
}

fn ended() -> Response<Body> {
    status::unavailable("SERVICE_UNAVAILABLE", "the service in this process has ended").into_http()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tonic::{Code, Status};
    use tower::service_fn;

    fn request(patience: &str) -> Request<Body> {
        Request::post("/a.B/C").header(timeout::HEADER, patience).body(Body::empty()).unwrap()
    }

    async fn code(channel: &InProcess, request: Request<Body>) -> Code {
        let response = channel.call(request).await;
        Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
    }

    fn handler() -> Handler {
        BoxCloneSyncService::new(service_fn(|_: Request<Body>| async { Ok(Response::new(Body::empty())) }))
    }

    #[tokio::test]
    async fn a_call_waits_for_its_server_and_is_refused_after_its_end() {
        let (channel, serving) = ends();
        assert_eq!(code(&channel, request("1m")).await, Code::DeadlineExceeded);
        let (answered, ()) = tokio::join!(code(&channel, request("60S")), async { serving.begin(handler()) });
        assert_eq!(answered, Code::Ok);
        assert_eq!(code(&channel, request("60S")).await, Code::Ok);
        drop(serving);
        assert_eq!(code(&channel, request("60S")).await, Code::Unavailable);
    }

    #[tokio::test]
    async fn a_call_that_waits_is_told_when_there_will_be_no_server() {
        let (channel, serving) = ends();
        let (told, ()) = tokio::join!(code(&channel, request("60S")), async { drop(serving) });
        assert_eq!(told, Code::Unavailable);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_ends_the_handler() {
        let alive = std::sync::Arc::new(());
        let kept = alive.clone();
        let hangs = service_fn(move |_: Request<Body>| {
            let kept = kept.clone();
            async move {
                std::future::pending::<()>().await;
                drop(kept);
                Ok(Response::new(Body::empty()))
            }
        });
        let (channel, serving) = ends();
        serving.begin(BoxCloneSyncService::new(hangs));
        let call = channel.call(request("60S"));
        assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
        drop((channel, serving));
        assert_eq!(std::sync::Arc::strong_count(&alive), 1);
    }
}
