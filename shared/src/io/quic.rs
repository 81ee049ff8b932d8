//! QUIC endpoints and connections of both programs.
//!
//! Called by the hub's `app` and `accept` and the agent's `dial` and `join`. All limits of the
//! transport stand here. Invariant: a connection that ends says why, as a [`CloseReason`].

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, SendStream, ServerConfig, TokioRuntime,
    TransportConfig, VarInt,
};
use socket2::{Domain, Protocol, Socket, Type};
use tracing::{debug, info};

use super::certificate::HUB_NAME;
use super::link::{CloseCode, CloseReason};
use super::pump::End;

/// How long a connection lives without a word from the peer: how fast a machine that fell
/// asleep, or a dead network, is noticed.
pub const IDLE_MAX: Duration = Duration::from_secs(40);
/// How often the agent says that it lives; below what home routers remember a flow for.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Time for a handshake.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What the hub's socket buffers should hold: the first packets of every site at nine.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Time for the peer to have what was written last.
const FINISH_MAX: Duration = Duration::from_secs(2);
/// Time for the peer, which has finished, to say with what code it closes.
const FAREWELL_MAX: Duration = Duration::from_secs(3);

/// Why QUIC cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum QuicError {
    /// TLS settings without QUIC's initial cipher suite.
    #[error("these TLS settings do not serve QUIC")]
    CipherSuite(#[from] NoInitialCipherSuite),
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

fn transport(bidi_streams: u32) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = VarInt::from_u32(IDLE_MAX.as_millis() as u32);
    transport
        .max_idle_timeout(Some(idle.into()))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(u64::from(CONNECTION_WINDOW))
        .max_concurrent_bidi_streams(VarInt::from_u32(bidi_streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        // Some network drivers on Windows corrupt what they segment themselves.
        .enable_segmentation_offload(!cfg!(windows));
    transport
}

/// The client's side of QUIC with these TLS settings.
///
/// # Errors
/// [`QuicError::CipherSuite`].
pub fn client(tls: rustls::ClientConfig) -> Result<ClientConfig, QuicError> {
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let mut transport = transport(1);
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// The hub's side: listens on `address`, with buffers as large as the system allows.
///
/// # Errors
/// When the address is not to be had.
pub fn listen(address: SocketAddr, tls: rustls::ServerConfig) -> Result<Endpoint, QuicError> {
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport(2)));
    let failed = |source| QuicError::Listen { address, source };
    let socket = bind(address).map_err(failed)?;
    Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime)).map_err(failed)
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = match Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)) {
        Ok(socket) => socket,
        // A system without IPv6 that is asked for all addresses: all of IPv4 then.
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => return bind((Ipv4Addr::UNSPECIFIED, address.port()).into()),
        Err(error) => return Err(error),
    };
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        // All addresses means both families, also where the system's default says otherwise.
        socket.set_only_v6(false)?;
    }
    let buffers = socket.set_recv_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_send_buffer_size(SOCKET_BUFFER));
    let receive_bytes = socket.recv_buffer_size()?;
    // Linux holds the size at net.core.rmem_max without a word, and tells twice what counts.
    if buffers.is_err() || receive_bytes < SOCKET_BUFFER {
        info!(receive_bytes, wanted = SOCKET_BUFFER, "the system keeps the UDP buffers small: raise net.core.rmem_max");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Connects to the hub at `host:port`, by each address that the name has, in turn. The endpoint
/// is new, so that a changed network or a router's stale memory does not matter; it must live as
/// long as the connection.
///
/// # Errors
/// Why not, as the most telling of the attempts says.
pub async fn connect(address: &str, config: &ClientConfig) -> Result<(Endpoint, Connection), CloseReason> {
    let resolved = tokio::time::timeout(HANDSHAKE_MAX, tokio::net::lookup_host(address)).await;
    let Ok(Ok(addresses)) = resolved else { return Err(CloseReason::Unresolved) };
    let mut telling = CloseReason::Unresolved;
    for address in addresses.take(ADDRESSES_MAX) {
        match connect_one(address, config).await {
            Ok(connected) => return Ok(connected),
            Err(why) => {
                debug!(%address, why = why.as_str(), "no connection");
                if weight(why) >= weight(telling) {
                    telling = why;
                }
            }
        }
    }
    Err(telling)
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

async fn connect_one(address: SocketAddr, config: &ClientConfig) -> Result<(Endpoint, Connection), CloseReason> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::client(any).map_err(|_| CloseReason::Lost)?;
    let connecting = endpoint.connect_with(config.clone(), address, HUB_NAME).map_err(|_| CloseReason::Lost)?;
    match tokio::time::timeout(HANDSHAKE_MAX, connecting).await {
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err(CloseReason::Silent),
    }
}

/// What a connection's error means.
pub fn reason(error: &ConnectionError) -> CloseReason {
    /// TLS alerts travel as transport errors 0x100 to 0x1ff.
    fn is_tls(code: quinn::TransportErrorCode) -> bool {
        (0x100..0x200).contains(&u64::from(code))
    }
    match error {
        ConnectionError::ApplicationClosed(close) => {
            CloseReason::Theirs(CloseCode::from_number(close.error_code.into_inner()))
        }
        ConnectionError::TransportError(error) if is_tls(error.code) => CloseReason::Untrusted,
        ConnectionError::ConnectionClosed(close) if is_tls(close.error_code) => CloseReason::Rejected,
        ConnectionError::ConnectionClosed(close)
            if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
        {
            CloseReason::Theirs(CloseCode::Busy)
        }
        ConnectionError::TimedOut => CloseReason::Silent,
        ConnectionError::LocallyClosed => CloseReason::Ours(CloseCode::Normal),
        _ => CloseReason::Lost,
    }
}

/// Closes at once with a code.
pub fn close(connection: &Connection, code: CloseCode) -> CloseReason {
    // The first word counts: a peer that closed before is the one that ended it.
    if let Some(error) = connection.close_reason() {
        return reason(&error);
    }
    connection.close(VarInt::from_u32(code.number()), code.as_str().as_bytes());
    CloseReason::Ours(code)
}

/// Ends a conversation so that nothing written is lost and both sides know why: whoever wrote
/// last waits until the peer has it all, whoever read last waits for the other's code.
pub async fn end(connection: &Connection, stream: &mut SendStream, end: End) -> CloseReason {
    match end {
        End::Ours(code) => {
            if code.is_orderly() && stream.finish().is_ok() {
                // Late or lost, the connection is closed all the same.
                drop(tokio::time::timeout(FINISH_MAX, stream.stopped()).await);
            }
            close(connection, code)
        }
        End::Finished => match tokio::time::timeout(FAREWELL_MAX, connection.closed()).await {
            Ok(error) => reason(&error),
            Err(_) => {
                close(connection, CloseCode::Normal);
                CloseReason::Theirs(CloseCode::Normal)
            }
        },
        End::Broken => match connection.close_reason() {
            Some(error) => reason(&error),
            // The stream was reset and the connection was not: no version of this protocol does.
            None => close(connection, CloseCode::Protocol),
        },
    }
}

#[cfg(test)]
mod tests;
