//! The body of an answer: it is handed over in parts and counted until it was read; a streaming one ends when the server
//! drains, when its caller's token expires, and when it is old; and its end is told in the hub's words.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::body::Refused;
use crate::budget::HeldBytes;
use crate::connection::{Call, Writing};
use crate::keyed_counter::CountGuard;
use crate::status;

/// Where a status stands.
const STATUS_HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
/// What is handed over at once.
const PART_BYTES: usize = 16 * 1024;

/// Why a streaming answer ends though there may be more.
pub(crate) struct StreamEnd {
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// When, and with which word.
    at: Pin<Box<Sleep>>,
    status: Status,
    /// What was wrong with the request, which its handler may have taken for its end.
    refused: Refused,
}

impl StreamEnd {
    pub(crate) fn new(
        drain: WaitForCancellationFutureOwned,
        (at, status): (Instant, Status),
        refused: Refused,
    ) -> Self {
        Self { drain: Box::pin(drain), at: Box::pin(tokio::time::sleep_until(at)), status, refused }
    }

    /// Its time is over, whatever there is to tell.
    fn is_over(&mut self, cx: &mut Context<'_>) -> Option<Status> {
        self.at.as_mut().poll(cx).is_ready().then(|| self.status.clone())
    }

    /// The server leaves: told when there is nothing else to tell.
    fn leaves(&mut self, cx: &mut Context<'_>) -> Option<Status> {
        self.drain.as_mut().poll(cx).is_ready().then(status::draining)
    }
}

/// An answer of a connection from outside, on its way.
pub(crate) struct InFlightResponse {
    pub(crate) held: HeldBytes,
    pub(crate) writing: Writing,
    /// Open for as long as its answer is.
    pub(crate) _call: Call,
}

/// The body of an answer.
pub(crate) struct ResponseBody {
    inner: Body,
    until: Option<StreamEnd>,
    way: Option<InFlightResponse>,
    /// That it is one of its principal's streams.
    _stream: Option<CountGuard>,
    /// What was taken from `inner` and is still to be handed over.
    waiting: Option<Frame<Bytes>>,
    /// Bytes of the part that was handed over last.
    handed_bytes: usize,
    ended: bool,
}

impl ResponseBody {
    pub(crate) fn new(
        inner: Body,
        until: Option<StreamEnd>,
        way: Option<InFlightResponse>,
        stream: Option<CountGuard>,
    ) -> Self {
        Self { inner, until, way, _stream: stream, waiting: None, handed_bytes: 0, ended: false }
    }

    /// Takes the first part of an answer that is there already, so that it is counted before its client reads it.
    pub(crate) async fn begin(&mut self) -> Result<(), Status> {
        let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut self.inner).poll_frame(cx)).await
        else {
            return Ok(());
        };
        if let (Some(way), Some(data)) = (&self.way, frame.data_ref()) {
            way.held.take(data.len())?;
        }
        self.waiting = Some(frame);
        Ok(())
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(frame) = self.waiting.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(status) = self.until.as_mut().and_then(|until| until.is_over(cx)) {
            return Poll::Ready(Some(Err(status)));
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let taken = match (&self.way, frame.data_ref()) {
                    (Some(way), Some(data)) => way.held.take(data.len()),
                    _ => Ok(()),
                };
                Poll::Ready(Some(taken.map(|()| frame)))
            }
            Poll::Pending => match self.until.as_mut().and_then(|until| until.leaves(cx)) {
                Some(status) => Poll::Ready(Some(Err(status))),
                None => Poll::Pending,
            },
            end => end,
        }
    }

    /// Hands over no more than a part of it; the rest waits.
    fn hand_over(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let mut data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => {
                let refused = self.until.as_ref().and_then(|until| until.refused.get());
                return trailers_in_our_words(trailers, refused);
            }
        };
        if self.way.is_some() && data.len() > PART_BYTES {
            let part = data.split_to(PART_BYTES);
            self.waiting = Some(Frame::data(std::mem::replace(&mut data, part)));
        }
        self.handed_bytes = data.len();
        Frame::data(data)
    }
}

fn trailers_in_our_words(frame: Frame<Bytes>, refused: Option<&Status>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            let is_fine = Status::from_header_map(&trailers).is_some_and(|told| told.code() == Code::Ok);
            match refused {
                Some(refused) if is_fine => put(refused, &mut trailers),
                _ => told_anew(&mut trailers),
            }
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // It is asked on: the part before has left.
        let left = std::mem::take(&mut self.handed_bytes);
        if let Some(way) = &self.way {
            way.held.give_back(left);
        }
        let Poll::Ready(frame) = self.poll_inner(cx) else {
            if let Some(way) = &self.way {
                way.writing.waits();
            }
            return Poll::Pending;
        };
        if let Some(way) = &self.way {
            way.writing.handed_over();
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(self.hand_over(frame))),
            Some(Err(status)) => {
                self.ended = true;
                let mut trailers = HeaderMap::new();
                status::in_our_words(&status).unwrap_or(status).add_header(&mut trailers)?;
                Some(Ok(Frame::trailers(trailers)))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.waiting.is_none() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The headers of an answer that is an error, in the hub's words.
pub(crate) fn in_our_words(mut response: Response<Body>) -> Response<Body> {
    told_anew(response.headers_mut());
    response
}

fn told_anew(headers: &mut HeaderMap) {
    let told = Status::from_header_map(headers);
    if let Some(anew) = told.as_ref().and_then(status::in_our_words) {
        put(&anew, headers);
    }
}

/// Puts a status in the place of another.
fn put(status: &Status, headers: &mut HeaderMap) {
    for name in STATUS_HEADERS {
        headers.remove(name);
    }
    // What the hub says always fits into headers.
    status.add_header(headers).unwrap_or_default();
}
