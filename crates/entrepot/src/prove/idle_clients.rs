//! Clients that connect, begin to say something and never go on. The hub has to live with them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// How often an idle connection is opened, and how many are open at once.
const EVERY: Duration = Duration::from_millis(250);
const AT_ONCE: usize = 40;
/// The beginning of what an HTTP/2 client says first.
const HALF_A_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nS";

/// Keeps them coming, for ever, to each of these in turn.
pub(super) async fn come(addresses: Vec<SocketAddr>) {
    let mut standing = VecDeque::new();
    for address in addresses.iter().cycle() {
        // Nobody is there while a process is dead.
        if let Ok(mut client) = TcpStream::connect(address).await {
            let _ = client.write_all(HALF_A_PREFACE).await;
            standing.push_back(client);
        }
        if standing.len() > AT_ONCE {
            standing.pop_front();
        }
        tokio::time::sleep(EVERY).await;
    }
}
