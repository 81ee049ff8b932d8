//! QUIC endpoints and connections of both programs.
//!
//! Called by `listen`, `reach` and the link that runs over them. All limits of QUIC stand here. Invariant: a connection that ends says why, as a [`CloseReason`].

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, TransportConfig,
    VarInt,
};
use quinn_proto::{HashedConnectionIdGenerator, RandomConnectionIdGenerator};
use ring::hmac;
use socket2::{Domain, Protocol, Socket, Type};
use tracing::info;

use super::certificate::HUB_NAME;
use super::link::{CloseCode, CloseReason};

/// How long a connection lives without a word from the peer. With [`KEEP_ALIVE`], which may have
/// begun it anew, this is how fast a dead network is noticed: in time for TCP to take over within
/// half a minute.
pub const IDLE_MAX: Duration = Duration::from_secs(14);
/// How often the agent says that it lives; below what home routers remember a flow for.
pub const KEEP_ALIVE: Duration = Duration::from_secs(7);
/// What every network must carry, IPv6 ones of 1,280 bytes included. Nothing larger is tried: a
/// session is short, and looking for more costs more than it saves.
const MTU: u16 = 1_200;

const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What the hub's socket buffers should hold: the first packets of every site at nine.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Least time between two resets. Each answers a larger packet: they are no amplifier.
const RESET_INTERVAL: Duration = Duration::from_millis(1);

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
        .initial_mtu(MTU)
        .mtu_discovery_config(None)
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

/// The hub's side: listens on `address`, with buffers as large as the system allows. The same
/// `secret` after a restart lets devices of before learn at once that their connection is gone.
///
/// # Errors
/// When the address is not to be had.
pub fn listen(address: SocketAddr, tls: rustls::ServerConfig, secret: &[u8; 32]) -> Result<Endpoint, QuicError> {
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport(2)));
    let failed = |source| QuicError::Listen { address, source };
    let socket = bind(address).map_err(failed)?;
    Endpoint::new(endpoint_config(secret), Some(config), socket, Arc::new(TokioRuntime)).map_err(failed)
}

/// Whoever knows the key of resets can end any connection, hence a key of its own; connection
/// ids must be known again, or no reset is sent for them.
fn endpoint_config(secret: &[u8; 32]) -> EndpointConfig {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let reset = hmac::sign(&secret, b"msap quic reset 1");
    let ids = hmac::sign(&secret, b"msap quic connection ids 1");
    let ids = ids.as_ref().iter().take(8).fold(0, |key: u64, byte| key << 8 | u64::from(*byte));
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, reset.as_ref())));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    config.min_reset_interval(RESET_INTERVAL);
    config
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

/// Connects to the hub at this address. The endpoint is new, so that a changed network or a
/// router's stale memory does not matter; it must live as long as the connection.
///
/// # Errors
/// Why not.
pub async fn connect(address: SocketAddr, config: &ClientConfig) -> Result<(Endpoint, Connection), CloseReason> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let mut endpoint_config = EndpointConfig::default();
    // One connection: its port tells it from others, and no packet to it needs to say which it is.
    endpoint_config.cid_generator(|| Box::new(RandomConnectionIdGenerator::new(0)));
    let socket = UdpSocket::bind(any).map_err(|_| CloseReason::Lost)?;
    let endpoint = Endpoint::new(endpoint_config, None, socket, Arc::new(TokioRuntime));
    let endpoint = endpoint.map_err(|_| CloseReason::Lost)?;
    let connecting = endpoint.connect_with(config.clone(), address, HUB_NAME).map_err(|_| CloseReason::Lost)?;
    let connection = connecting.await.map_err(|error| reason(&error))?;
    Ok((endpoint, connection))
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

#[cfg(test)]
mod tests;
