//! Before all else: requests that are no calls (a browser's preflight, a method or a content type that no call has) are
//! answered before the gate, and are counted here, by the address that they come from.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use tonic::Status;
use tonic::body::Body;

use crate::gate::Rules;
use crate::middleware::{InnerService, Middleware, ResponseFuture, answered};
use crate::{status, wire};

/// Counts what is no call.
#[derive(Clone)]
pub(crate) struct NonCallCounter(pub(crate) Arc<Rules>);

impl Middleware for NonCallCounter {
    fn call(&self, behind: &mut impl InnerService, request: Request<Body>) -> ResponseFuture {
        if !wire::is_call(&request)
            && let Err(status) = self.0.count_by_address(&request)
        {
            return answered(too_many(&status));
        }
        Box::pin(behind.call(request))
    }
}

fn too_many(status: &Status) -> Response<Body> {
    let mut response = wire::told(status, StatusCode::TOO_MANY_REQUESTS);
    let seconds = status::retry_after(status).map_or(1, |wait| wait.max(Duration::from_secs(1)).as_secs());
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    // It never came to where these are added to an answer; without them a page is told of a fault of the network.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = HeaderValue::from_static("retry-after,grpc-status,grpc-message,grpc-status-details-bin");
    response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}
