//! Several instances of a service behind one channel.
//!
//! tonic's balancing alone does not do: an endpoint that cannot be connected to counts as ready, and each call that
//! falls to it fails. So each instance's health is watched (`grpc.health.v1`), and calls go to those that serve. Where
//! none does, to those that answer at all, and where none answers, to all: then a call says at once what is wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use http::uri::{Scheme, Uri};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::transport::channel::Change;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::Error;

/// How long a connection may take to be made, and the first word of an instance's health.
const CONNECT_MAX: Duration = Duration::from_secs(2);
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// How long a connection may be silent before it is asked whether it lives, and how long it may take to say so.
const KEEPALIVE: Duration = Duration::from_secs(2);
const KEEPALIVE_ANSWER_MAX: Duration = Duration::from_secs(2);
/// How soon an instance that went away is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Changes that wait for the next call, which takes note of them. With too little room, the call that follows an
/// instance's end would not have heard of it.
const CHANGES_MAX: usize = 256;

/// What is known of an instance; calls go to the best there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InstanceHealth {
    /// It cannot be reached, or leaves.
    Unreachable,
    /// It answers, and says that it does not serve as it should.
    NotServing,
    Serving,
}

/// A channel to a service, wherever its instances are: `http://order-0:50052`. A dead one is left out within seconds.
/// It connects by itself; the watching ends with its last clone.
pub fn channel(service: &str, addresses: &[String]) -> Result<rpc::Channel, Error> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for address in addresses {
        let endpoint = endpoint(service, address)?;
        if endpoints.iter().any(|known| known.uri() == endpoint.uri()) {
            return Err(Error::PeerTwice { service: service.to_owned(), address: address.clone() });
        }
        endpoints.push(endpoint);
    }
    match endpoints.as_slice() {
        [] => Err(Error::PeerAddress { service: service.to_owned(), address: String::new() }),
        [one] => Ok(one.connect_lazy().into()),
        _ => {
            let (channel, changes) = Channel::balance_channel(CHANGES_MAX);
            tokio::spawn(balance(endpoints, changes));
            Ok(channel.into())
        }
    }
}

/// Whether a listener may be here: `http://order-0:50052`.
pub fn is_address(address: &str) -> bool {
    let is_fine =
        |uri: &Uri| uri.scheme() == Some(&Scheme::HTTP) && uri.port_u16().is_some() && uri.path() == "/";
    address.parse().is_ok_and(|uri| is_fine(&uri))
}

fn endpoint(service: &str, address: &str) -> Result<Endpoint, Error> {
    let wrong = || Error::PeerAddress { service: service.to_owned(), address: address.to_owned() };
    if !is_address(address) {
        return Err(wrong());
    }
    let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|_| wrong())?;
    Ok(endpoint
        .connect_timeout(CONNECT_MAX)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER_MAX)
        .keep_alive_while_idle(true))
}

/// Offers the best instances to the channel, until nobody has it any more.
async fn balance(endpoints: Vec<Endpoint>, changes: mpsc::Sender<Change<usize, Endpoint>>) {
    let (tell, mut told) = mpsc::channel(endpoints.len());
    let mut watchers = JoinSet::new();
    for (place, endpoint) in endpoints.iter().enumerate() {
        watchers.spawn(watch(place, endpoint.clone(), tell.clone()));
    }
    let mut known: Vec<Option<InstanceHealth>> = vec![None; endpoints.len()];
    let mut offered = BTreeSet::new();
    loop {
        let change = next_change(&offered, &best(&known));
        tokio::select! {
            () = changes.closed() => return,
            Some((place, state)) = told.recv() => known[place] = Some(state),
            Ok(room) = changes.reserve(), if change.is_some() => match change {
                Some((place, true)) => {
                    offered.insert(place);
                    room.send(Change::Insert(place, endpoints[place].clone()));
                }
                Some((place, false)) => {
                    offered.remove(&place);
                    room.send(Change::Remove(place));
                }
                None => {}
            },
        }
    }
}

/// Which instance is to be offered (`true`) or taken away next; those that are better come first.
fn next_change(offered: &BTreeSet<usize>, best: &BTreeSet<usize>) -> Option<(usize, bool)> {
    let new = best.difference(offered).next().map(|place| (*place, true));
    new.or_else(|| offered.difference(best).next().map(|place| (*place, false)))
}

/// The places of those in the best state. While some are not known yet, calls wait rather than go to one that is away.
fn best(known: &[Option<InstanceHealth>]) -> BTreeSet<usize> {
    let best = known.iter().max().copied().flatten();
    if best == Some(InstanceHealth::Unreachable) && known.contains(&None) {
        return BTreeSet::new();
    }
    let those = known.iter().enumerate().filter(|(_, state)| state.is_some() && **state == best);
    those.map(|(place, _)| place).collect()
}

/// Tells how an instance is, whenever that changes.
async fn watch(place: usize, endpoint: Endpoint, tell: mpsc::Sender<(usize, InstanceHealth)>) {
    let address = endpoint.uri().to_string();
    let mut health = HealthClient::new(endpoint.connect_lazy());
    let mut last = None;
    loop {
        let watched = follow(&mut health, |state| {
            let is_news = last.replace(state) != Some(state);
            let tell = tell.clone();
            async move { !is_news || tell.send((place, state)).await.is_ok() }
        });
        let Err(why) = watched.await else { return };
        if last.replace(InstanceHealth::Unreachable) != Some(InstanceHealth::Unreachable) {
            tracing::warn!(
                address,
                why,
                "an instance of a service cannot be reached: calls go to the others"
            );
            if tell.send((place, InstanceHealth::Unreachable)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Follows an instance's health until it cannot be reached: why not.
async fn follow<Fut: Future<Output = bool>>(
    health: &mut HealthClient<Channel>,
    mut tell: impl FnMut(InstanceHealth) -> Fut,
) -> Result<(), String> {
    let opening = async {
        let mut states = health.watch(HealthCheckRequest::default()).await?.into_inner();
        let first = states.message().await?;
        Ok((states, first))
    };
    let opened =
        tokio::time::timeout(ANSWER_MAX, opening).await.map_err(|_| "no answer in time".to_owned())?;
    let (mut states, mut next) = opened.map_err(|status: tonic::Status| status.message().to_owned())?;
    while let Some(answer) = next {
        let serves = answer.status() == ServingStatus::Serving;
        if !tell(if serves { InstanceHealth::Serving } else { InstanceHealth::NotServing }).await {
            return Ok(());
        }
        next = states.message().await.map_err(|status| status.message().to_owned())?;
    }
    Err("its health stream ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_to_the_best() {
        use InstanceHealth::{NotServing, Serving, Unreachable};
        let best = |known: &[Option<InstanceHealth>]| best(known).into_iter().collect::<Vec<_>>();
        assert_eq!(best(&[None, None]), [0_usize; 0]);
        assert_eq!(best(&[None, Some(Unreachable)]), [0_usize; 0]);
        assert_eq!(best(&[None, Some(NotServing)]), [1]);
        assert_eq!(best(&[Some(Unreachable), Some(Unreachable)]), [0, 1]);
        assert_eq!(best(&[Some(NotServing), Some(Unreachable), Some(NotServing)]), [0, 2]);
        assert_eq!(best(&[Some(NotServing), Some(Serving), Some(Unreachable)]), [1]);
    }
}
