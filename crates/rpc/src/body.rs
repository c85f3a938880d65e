//! Two bodies around a call: one refuses a request's message that is too large before it is read, one ends a
//! streaming answer when the server drains.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::status;

/// A gRPC message begins with a flag and its length in four bytes.
const PREFIX_BYTES: usize = 5;

/// Where in the sequence of messages a body is.
enum Place {
    Prefix { bytes: [u8; PREFIX_BYTES], filled: usize },
    Message { left: usize },
}

/// A request body whose messages are bounded. tonic's own bound is set per generated server, where one could be
/// forgotten, and its default is four times ours.
pub(crate) struct Bounded {
    inner: Body,
    place: Place,
    message_bytes_max: usize,
}

impl Bounded {
    pub(crate) fn new(inner: Body, message_bytes_max: usize) -> Self {
        Self { inner, place: Self::start(), message_bytes_max }
    }

    fn start() -> Place {
        Place::Prefix { bytes: [0; PREFIX_BYTES], filled: 0 }
    }

    fn check(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            match &mut self.place {
                Place::Message { left } => {
                    let taken = data.len().min(*left);
                    *left -= taken;
                    data = &data[taken..];
                    if *left == 0 {
                        self.place = Self::start();
                    }
                }
                Place::Prefix { bytes, filled } => {
                    bytes[*filled] = data[0];
                    *filled += 1;
                    data = &data[1..];
                    if *filled == PREFIX_BYTES {
                        let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
                        let left = usize::try_from(length).unwrap_or(usize::MAX);
                        if left > self.message_bytes_max {
                            return Err(too_large(self.message_bytes_max));
                        }
                        self.place = if left == 0 { Self::start() } else { Place::Message { left } };
                    }
                }
            }
        }
        Ok(())
    }
}

fn too_large(message_bytes_max: usize) -> Status {
    let message = format!("a message may have {message_bytes_max} bytes; stream or page what is larger");
    status::reject(Code::OutOfRange, "MESSAGE_TOO_LARGE", message, &[])
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(status) = self.check(data)
        {
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of a streaming answer: when it waits while the server drains, it ends with UNAVAILABLE.
pub(crate) struct Draining {
    inner: Body,
    begun: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl Draining {
    pub(crate) fn new(inner: Body, begun: WaitForCancellationFutureOwned) -> Self {
        Self { inner, begun: Box::pin(begun), ended: false }
    }
}

impl http_body::Body for Draining {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        std::task::ready!(self.begun.as_mut().poll(cx));
        self.ended = true;
        let mut trailers = HeaderMap::new();
        status::draining().add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.extend(std::iter::repeat_n(7, length));
        bytes
    }

    proptest::proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_first_message_over_the_bound_is_refused(
            lengths in proptest::collection::vec(0usize..40, 1..8),
            cut in 1usize..9,
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| framed(*length)).collect();
            let mut body = Bounded::new(Body::empty(), 30);
            let refused = bytes.chunks(cut).any(|chunk| body.check(chunk).is_err());
            proptest::prop_assert_eq!(refused, lengths.iter().any(|length| *length > 30));
        }
    }
}
