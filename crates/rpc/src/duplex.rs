//! A channel between two services of one process: the same HTTP/2 and the same gate as over TCP, without a port.
//!
//! [`pair`] makes the client's channel before its server exists: services are built one after another and each
//! holds the channels of all. A call before the server serves waits, up to its deadline.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Uri};

/// Bytes that one direction holds before its writer waits.
const PIPE_BYTES: usize = 256 * 1024;
/// Connections that wait to be accepted; a channel has one.
const BACKLOG: usize = 16;

/// The server's end: connections as they are opened. Give it to [`crate::Server::in_process`].
#[derive(Debug)]
pub struct Incoming(mpsc::Receiver<DuplexStream>);

impl Stream for Incoming {
    type Item = Result<DuplexStream, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|stream| stream.map(Ok))
    }
}

/// A channel and the end that its server accepts from. Call it within a tokio runtime.
pub fn pair() -> (Channel, Incoming) {
    let (sender, receiver) = mpsc::channel::<DuplexStream>(BACKLOG);
    let connector = tower::service_fn(move |_: Uri| {
        let sender = sender.clone();
        async move {
            let (client, server) = tokio::io::duplex(PIPE_BYTES);
            let gone =
                |_| io::Error::new(io::ErrorKind::ConnectionRefused, "the service in this process has ended");
            sender.send(server).await.map_err(gone)?;
            Ok::<_, io::Error>(TokioIo::new(client))
        }
    });
    let channel = Endpoint::from_static("http://in.process").connect_with_connector_lazy(connector);
    (channel, Incoming(receiver))
}

/// A channel to `routes`, served by a task of this process until the channel is dropped. Without gate: for
/// tests of one handler, and for routes that carry a gate of their own.
pub fn duplex(routes: Routes) -> Channel {
    let (channel, incoming) = pair();
    tokio::spawn(async move {
        let served =
            tonic::transport::Server::builder().add_routes(routes).serve_with_incoming(incoming).await;
        if let Err(error) = served {
            tracing::warn!(%error, "an in-process channel ended");
        }
    });
    channel
}
