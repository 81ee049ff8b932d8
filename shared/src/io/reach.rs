//! The agent's way to the hub: by name, over one transport or the other.
//!
//! Called by the agent's `dial` and `join`, which choose the transport. Invariant: an attempt ends
//! within the time it is given, and says why it failed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::ClientConfig;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tracing::debug;

use super::link::{CloseReason, Link, Transport};
use super::quic::QuicError;
use super::tls::Conversation;
use super::{quic, tcp};

/// Time for a name to become addresses.
const RESOLVE_MAX: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// A name's next address is tried beside the ones before after this time: a family that leads
/// nowhere must not use up the attempt.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

/// What is needed to talk to the hub, over either transport.
#[derive(Clone)]
pub struct Client {
    quic: ClientConfig,
    tcp: TlsConnector,
    conversation: Conversation,
}

impl Client {
    /// With these TLS settings, which are of this conversation.
    ///
    /// # Errors
    /// When they do not serve QUIC.
    pub fn new(tls: rustls::ClientConfig, conversation: Conversation) -> Result<Self, QuicError> {
        let tcp = TlsConnector::from(Arc::new(tls.clone()));
        Ok(Self { quic: quic::client(tls)?, tcp, conversation })
    }

    /// Connects to whichever of `addresses` answers first, within `limit`.
    ///
    /// # Errors
    /// Why not, as the most telling of the addresses says.
    pub async fn connect(
        &self,
        addresses: &[SocketAddr],
        transport: Transport,
        limit: Duration,
    ) -> Result<Link, CloseReason> {
        let mut attempts = JoinSet::new();
        let mut wait = Duration::ZERO;
        for &address in addresses.iter().take(ADDRESSES_MAX) {
            let client = self.clone();
            attempts.spawn(async move {
                sleep(wait).await;
                let connected = client.connect_one(address, transport).await;
                connected.inspect_err(|why| debug!(%address, why = why.as_str(), "no connection"))
            });
            wait += NEXT_ADDRESS_AFTER;
        }
        let mut telling = CloseReason::Unresolved;
        let first = async {
            while let Some(Ok(ended)) = attempts.join_next().await {
                match ended {
                    Ok(link) => return Some(link),
                    Err(why) if weight(why) >= weight(telling) => telling = why,
                    Err(_) => {}
                }
            }
            None
        };
        match timeout(limit, first).await {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(telling),
            Err(_) if weight(telling) > weight(CloseReason::Silent) => Err(telling),
            Err(_) => Err(CloseReason::Silent),
        }
    }

    async fn connect_one(&self, address: SocketAddr, transport: Transport) -> Result<Link, CloseReason> {
        match transport {
            Transport::Quic => {
                let (endpoint, connection) = quic::connect(address, &self.quic).await?;
                let streams = connection.open_bi().await.map_err(|error| quic::reason(&error))?;
                Ok(Link::over_quic(connection, Some(endpoint), streams, self.conversation))
            }
            Transport::Tcp => Ok(Link::over_tcp(tcp::connect(address, &self.tcp).await?, self.conversation)),
        }
    }
}

/// How much an attempt's end tells: a hub that answered «no» more than an address that is mute.
fn weight(why: CloseReason) -> u8 {
    match why {
        CloseReason::Unresolved => 0,
        CloseReason::Lost => 1,
        CloseReason::Silent => 2,
        _ => 3,
    }
}

/// The addresses of `host:port`; none when the name is not to be found.
pub async fn resolve(name: &str) -> Vec<SocketAddr> {
    match timeout(RESOLVE_MAX, tokio::net::lookup_host(name)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// This machine's own address on the way to the first of `addresses` that there is a way to. No
/// packet is sent.
pub fn own_address(addresses: &[SocketAddr]) -> Option<IpAddr> {
    addresses.iter().find_map(|address| {
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(address).ok()?;
        Some(socket.local_addr().ok()?.ip().to_canonical())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_that_do_not_resolve_have_no_address() {
        assert!(resolve("no port").await.is_empty());
        assert_eq!(resolve("127.0.0.1:4433").await, ["127.0.0.1:4433".parse().unwrap()]);
    }

    #[test]
    fn the_way_to_this_machine_begins_at_it() {
        let there = ["127.0.0.1:4433".parse().unwrap()];
        assert_eq!(own_address(&there), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(own_address(&[]), None);
    }
}
