//! Who a caller without a token is: its address, also where a proxy of ours stands between.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;

/// Where proxies write whom they speak for: each behind those before it.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// An internet provider gives one customer a network of this prefix length, who may use a new address of it for each
/// call.
const CUSTOMER_BITS: u8 = 64;

/// A network, such as `10.0.0.0/8`, or an address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that names no network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a network such as 10.0.0.0/8")]
pub struct UnknownNetwork(String);

impl FromStr for Network {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || UnknownNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl TryFrom<String> for Network {
    type Error = UnknownNetwork;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let host_bits = u32::from(32 - self.bits);
                shifted(network.to_bits().into(), host_bits) == shifted(address.to_bits().into(), host_bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let host_bits = u32::from(128 - self.bits);
                shifted(network.to_bits(), host_bits) == shifted(address.to_bits(), host_bits)
            }
            _ => false,
        }
    }
}

/// Without the bits of the host.
fn shifted(bits: u128, host_bits: u32) -> u128 {
    bits.checked_shr(host_bits).unwrap_or(0)
}

/// Whether a connection is a proxy's, which speaks for many.
pub(crate) fn is_proxy(proxies: &[Network], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    proxies.iter().any(|network| network.holds(peer))
}

/// Whose call it is that came over a connection from `peer`. What a stranger claims is not believed: from the last of
/// the proxies back, the first that is none of ours.
pub(crate) fn client(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_proxy(proxies, client) {
        return client;
    }
    let told = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = told.flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        client = hop.to_canonical();
        if !is_proxy(proxies, client) {
            break;
        }
    }
    client
}

/// The name under which an address is counted.
pub(crate) fn counted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> CUSTOMER_BITS << CUSTOMER_BITS;
            format!("{}/{CUSTOMER_BITS}", Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        counted(client(&proxies, peer.parse().unwrap(), &headers))
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("192.0.2.7", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("192.0.2.8", &["198.51.100.1"]), "192.0.2.8");
        // What the client itself has written stands before what our proxy saw.
        assert_eq!(seen("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(seen("10.1.2.3", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.1.2.3", &["nonsense"]), "10.1.2.3");
        assert_eq!(seen("10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(seen("10.1.2.3", &["10.4.4.4"]), "10.4.4.4");
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", &[]), seen("2001:db8:1:2:ffff::1", &[]));
        assert_ne!(seen("2001:db8:1:2::1", &[]), seen("2001:db8:1:3::1", &[]));
        assert_eq!(seen("fd00::1", &["2001:db8::1"]), "2001:db8::/64");
        assert_eq!(seen("::ffff:203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(seen("::ffff:10.1.1.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn networks_are_read() {
        for fine in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "10.1.2.3", "fd00::/8"] {
            assert!(fine.parse::<Network>().is_ok(), "{fine}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "edge", "10.0.0.0/x"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("203.0.113.9".parse().unwrap()));
    }
}
