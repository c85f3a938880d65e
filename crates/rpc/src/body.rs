//! The body of a request: whatever is wrong with it is told by the hub, in its own words, before tonic or a handler has
//! read it; and what is read of it is counted.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::budget::HeldBytes;
use crate::fields::Fields;
use crate::status;

/// A gRPC message begins with a flag and its length in four bytes.
const PREFIX_BYTES: usize = 5;

/// A check of each message of a request, such as whether its sender's rate allows it.
pub(crate) type MessageCheck = Box<dyn Fn() -> Result<(), Status> + Send>;

/// What a request may bring.
pub(crate) struct Bounds {
    pub(crate) message_bytes_max: usize,
    /// Whether there may be other than one message.
    pub(crate) streams: bool,
    /// Where the bytes are counted: of a stream, those of the message that is coming in; else all, until it is answered.
    pub(crate) held: Option<Arc<HeldBytes>>,
    pub(crate) each: Option<MessageCheck>,
    /// Counts the fields of each message; those from within the hub are not counted.
    pub(crate) fields: Option<Fields>,
    /// Where it is noted why the request was refused, should its handler keep silent about it.
    pub(crate) refused: Refused,
}

/// Why a request was refused while it was read.
pub(crate) type Refused = Arc<OnceLock<Status>>;

/// Where in the sequence of messages a body is.
enum BodyPosition {
    Prefix { bytes: [u8; PREFIX_BYTES], filled: usize },
    Message { left: usize },
}

/// A request body within its bounds.
pub(crate) struct Bounded {
    inner: Body,
    place: BodyPosition,
    bounds: Bounds,
    messages: usize,
    /// Bytes of messages that have come in whole since the body was last asked.
    whole_bytes: usize,
    coming_bytes: usize,
    ended: bool,
}

impl Bounded {
    pub(crate) fn new(inner: Body, bounds: Bounds) -> Self {
        Self {
            inner,
            place: Self::start(),
            bounds,
            messages: 0,
            whole_bytes: 0,
            coming_bytes: 0,
            ended: false,
        }
    }

    fn start() -> BodyPosition {
        BodyPosition::Prefix { bytes: [0; PREFIX_BYTES], filled: 0 }
    }

    fn check(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            match &mut self.place {
                BodyPosition::Message { left } => {
                    let taken = data.len().min(*left);
                    *left -= taken;
                    let is_whole = *left == 0;
                    if let Some(fields) = &mut self.bounds.fields {
                        fields.read(&data[..taken])?;
                    }
                    data = &data[taken..];
                    self.coming_bytes += taken;
                    if is_whole {
                        self.end_message()?;
                    }
                }
                BodyPosition::Prefix { bytes, filled } => {
                    bytes[*filled] = data[0];
                    *filled += 1;
                    data = &data[1..];
                    self.coming_bytes += 1;
                    if *filled == PREFIX_BYTES {
                        let prefix = *bytes;
                        self.begin_message(prefix)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn begin_message(&mut self, [flag, length @ ..]: [u8; PREFIX_BYTES]) -> Result<(), Status> {
        if flag != 0 {
            return Err(malformed("a message is marked as compressed, which is not supported here"));
        }
        if self.messages > 0 && !self.bounds.streams {
            return Err(malformed("a second message came where one is expected"));
        }
        let left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if left > self.bounds.message_bytes_max {
            return Err(too_large(self.bounds.message_bytes_max));
        }
        if let Some(each) = &self.bounds.each {
            each()?;
        }
        self.messages += 1;
        self.place = BodyPosition::Message { left };
        if let Some(fields) = &mut self.bounds.fields {
            fields.begin(left);
        }
        if left == 0 {
            self.end_message()?;
        }
        Ok(())
    }

    /// The whole message is about to be decoded, and takes more than its bytes.
    fn end_message(&mut self) -> Result<(), Status> {
        let decoded = self.bounds.fields.as_ref().map_or(0, Fields::bytes);
        self.take(decoded)?;
        self.place = Self::start();
        self.whole_bytes += std::mem::take(&mut self.coming_bytes) + decoded;
        Ok(())
    }

    fn take(&self, bytes: usize) -> Result<(), Status> {
        self.bounds.held.as_ref().map_or(Ok(()), |held| held.take(bytes))
    }

    /// tonic asks on once it has given what came to the handler.
    fn asked_on(&mut self) {
        let whole = std::mem::take(&mut self.whole_bytes);
        if self.bounds.streams
            && let Some(held) = &self.bounds.held
        {
            held.give_back(whole);
        }
    }

    fn end(&mut self) -> Result<(), Status> {
        let is_whole = matches!(self.place, BodyPosition::Prefix { filled: 0, .. });
        if !is_whole {
            return Err(malformed("the request ends in the middle of a message"));
        }
        if self.messages == 0 && !self.bounds.streams {
            return Err(malformed("the request has no message"));
        }
        Ok(())
    }
}

fn malformed(problem: &str) -> Status {
    status::reject(Code::InvalidArgument, "MALFORMED_MESSAGE", problem, &[])
}

fn too_large(message_bytes_max: usize) -> Status {
    let message =
        format!("a message may have at most {message_bytes_max} bytes here; stream or page larger ones");
    let most = message_bytes_max.to_string();
    status::reject(Code::OutOfRange, "MESSAGE_TOO_LARGE", message, &[("bytes_max", &most)])
}

/// A body that cannot be read is its sender's fault, or its sender is gone.
fn unreadable(status: Status) -> Status {
    if status.code() == Code::Cancelled || status::reason(&status).is_some() {
        return status;
    }
    tracing::debug!(%status, "a request could not be read");
    status::reject(Code::InvalidArgument, "BODY_UNREADABLE", "the request's body cannot be read", &[])
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.asked_on();
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let checked = match frame {
            Some(Ok(frame)) => {
                let data = frame.data_ref().cloned().unwrap_or_default();
                let taken = self.take(data.len()).and_then(|()| self.check(&data));
                taken.map(|()| Some(frame))
            }
            Some(Err(status)) => Err(unreadable(status)),
            None => self.end().map(|()| None),
        };
        self.ended = !matches!(checked, Ok(Some(_)));
        if let Err(status) = &checked {
            // The first word stands.
            self.bounds.refused.get_or_init(|| status.clone());
        }
        Poll::Ready(checked.transpose())
    }

    /// Not before it was looked at: an empty body may be one that lacks its message.
    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::Limits;
    use crate::budget::{Budgets, ByteBudget};

    fn framed(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.extend(std::iter::repeat_n(7, length));
        bytes
    }

    fn bounds(message_bytes_max: usize, streams: bool) -> Bounds {
        Bounds {
            message_bytes_max,
            streams,
            held: None,
            each: None,
            fields: None,
            refused: Refused::default(),
        }
    }

    async fn read(bytes: Vec<u8>, streams: bool) -> Result<usize, Status> {
        let inner = Body::new(http_body_util::Full::new(Bytes::from(bytes)));
        let read = Body::new(Bounded::new(inner, bounds(30, streams))).collect().await;
        Ok(read?.to_bytes().len())
    }

    proptest::proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_first_message_over_the_bound_is_refused(
            lengths in proptest::collection::vec(0usize..40, 1..8),
            cut in 1usize..9,
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| framed(*length)).collect();
            let mut body = Bounded::new(Body::empty(), bounds(30, true));
            let refused = bytes.chunks(cut).any(|chunk| body.check(chunk).is_err());
            proptest::prop_assert_eq!(refused, lengths.iter().any(|length| *length > 30));
        }
    }

    #[tokio::test]
    async fn what_is_no_message_is_told() {
        assert_eq!(read(framed(3), false).await.unwrap(), 8);
        assert_eq!(read(Vec::new(), true).await.unwrap(), 0);
        let two = [framed(3), framed(3)].concat();
        assert_eq!(read(two.clone(), true).await.unwrap(), 16);
        let compressed = [vec![1], framed(3)[1..].to_vec()].concat();
        let cut = framed(3)[..7].to_vec();
        for wrong in [Vec::new(), two, compressed, cut, vec![0, 0], vec![0x80, 0, 0, 0, 0]] {
            let refused = read(wrong.clone(), false).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{wrong:?}");
            assert_eq!(status::reason(&refused).as_deref(), Some("MALFORMED_MESSAGE"), "{wrong:?}");
        }
        let refused = read(framed(31), false).await.unwrap_err();
        assert_eq!(status::metadata(&refused, "bytes_max").as_deref(), Some("30"));
    }

    #[tokio::test]
    async fn the_fields_of_each_message_are_bounded_and_held_as_long_as_it_is() {
        let files = <prost_types::FileDescriptorSet as prost::Message>::decode(proto::FILE_DESCRIPTOR_SET);
        let schema = Arc::new(crate::fields::Schema::of(&files.unwrap()));
        let framed = |parts: usize| {
            let length = u32::try_from(2 * parts).unwrap().to_be_bytes();
            [&[0], &length[..], &[0x1a, 0].repeat(parts)].concat()
        };
        let budgets = Budgets::new(&Limits::default());
        let held = Arc::new(budgets.hold("a", false, &ByteBudget::new("connection", 8 << 20)));
        let bytes = [framed(100), framed(100), framed(5_001)].concat();
        let frames = bytes.chunks(205).map(|piece| Ok::<_, Status>(Frame::data(piece.to_vec().into())));
        let frames: Vec<_> = frames.collect();
        let inner = Body::new(http_body_util::StreamBody::new(tokio_stream::iter(frames)));
        let fields = schema.fields("/entrepot.catalog.v1.ProductService/ImportProducts");
        let mut body =
            Bounded::new(inner, Bounds { held: Some(held.clone()), fields, ..bounds(1 << 20, true) });
        for _ in 0..2 {
            body.frame().await.unwrap().unwrap();
            assert_eq!(budgets.held(), 205 + 100 * 544);
        }
        let refused = loop {
            if let Err(refused) = body.frame().await.unwrap() {
                break refused;
            }
        };
        assert_eq!(status::reason(&refused).as_deref(), Some("TOO_MANY_FIELDS"));
    }

    #[tokio::test]
    async fn a_stream_holds_the_message_that_is_coming_and_a_single_one_is_held_until_its_answer() {
        let budgets = Budgets::new(&Limits::default());
        let connection = ByteBudget::new("connection", 100);
        for streams in [false, true] {
            let held = Arc::new(budgets.hold("a", true, &connection));
            let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
            let frames = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver);
            let inner = Body::new(http_body_util::StreamBody::new(frames));
            let bounds = Bounds { held: Some(held.clone()), ..bounds(90, streams) };
            let mut body = Bounded::new(inner, bounds);
            let send = |bytes: Vec<u8>| sender.send(Ok::<_, Status>(Frame::data(bytes.into()))).unwrap();
            send(framed(50));
            body.frame().await.unwrap().unwrap();
            assert_eq!(budgets.held(), 55);
            send(framed(80)[..30].to_vec());
            let next = body.frame().await.unwrap();
            // A second message of one that does not stream is refused.
            assert_eq!((next.is_ok(), budgets.held()), if streams { (true, 30) } else { (false, 85) });
            drop(body);
            drop(held);
            assert_eq!(budgets.held(), 0);
        }
    }
}
