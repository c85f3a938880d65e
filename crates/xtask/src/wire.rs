//! A wire to the broker on which most connections are never ended by its side: as with a container that is moved, or a
//! machine that loses its power, a client learns only by silence that the broker has gone.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Every so many connections one ends with the broker's, as when its process alone dies.
const ENDS_EVERY: usize = 4;
/// How long the broker may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const CHUNK_BYTES: usize = 16 * 1_024;

/// Lays it between two ports of this machine, for as long as this process lives.
pub(crate) fn lay(from: u16, to: u16) -> Result<()> {
    let listener =
        TcpListener::bind(("127.0.0.1", from)).with_context(|| format!("listening on port {from}"))?;
    let to = SocketAddr::from(([127, 0, 0, 1], to));
    std::thread::spawn(move || {
        for (place, client) in listener.incoming().enumerate() {
            let ends = place % ENDS_EVERY == 0;
            if let Ok(client) = client {
                std::thread::spawn(move || carry(client, to, ends));
            }
        }
    });
    Ok(())
}

/// Carries what the two say, until the client has enough.
fn carry(mut client: TcpStream, to: SocketAddr, ends: bool) {
    let broker = TcpStream::connect_timeout(&to, CONNECT_MAX).ok();
    if let Some(mut answers) = broker.as_ref().and_then(|broker| broker.try_clone().ok()) {
        let Ok(mut hears) = client.try_clone() else { return };
        std::thread::spawn(move || {
            pass_on(&mut answers, &mut hears);
            if ends {
                let _ = hears.shutdown(Shutdown::Both);
            }
        });
    } else if ends {
        return;
    }
    let mut heard = [0; CHUNK_BYTES];
    while let Ok(length @ 1..) = client.read(&mut heard) {
        // Nobody is told that nobody listens.
        let _ = broker.as_ref().map(|mut broker| broker.write_all(&heard[..length]));
    }
    let _ = broker.map(|broker| broker.shutdown(Shutdown::Both));
}

fn pass_on(from: &mut TcpStream, to: &mut TcpStream) {
    let mut said = [0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut said) {
        if to.write_all(&said[..length]).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::free_port;

    #[test]
    fn a_connection_outlives_the_broker() {
        let broker = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free_port().unwrap();
        lay(port, broker.local_addr().unwrap().port()).unwrap();
        let silence = Duration::from_millis(100);
        let mut clients = Vec::new();
        for place in 0..2 {
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut accepted, _) = broker.accept().unwrap();
            client.write_all(&[place]).unwrap();
            let mut heard = [0];
            accepted.read_exact(&mut heard).unwrap();
            assert_eq!(heard, [place]);
            clients.push(client);
        }
        drop(broker);
        let mut heard = [0];
        assert_eq!(clients[0].read(&mut heard).unwrap_or(0), 0, "the first ends");
        clients[1].set_read_timeout(Some(silence)).unwrap();
        assert!(clients[1].read(&mut heard).is_err(), "the second is silent");
        clients[1].write_all(&[1]).unwrap();
    }
}
