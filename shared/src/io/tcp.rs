//! TLS over TCP, for networks where UDP does not pass.
//!
//! Called by `listen`, `reach` and the link that runs over it. Invariant: a peer that is gone
//! without a word is noticed by the system, whether anything is being sent or not.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::certificate::HUB_NAME;
use super::link::CloseReason;

/// Quiet time after which the system asks whether the peer is there.
const PROBE_AFTER: Duration = Duration::from_secs(10);
/// Between two such questions.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// Questions without an answer after which the peer is gone.
#[cfg(unix)]
const PROBES: u32 = 3;
/// How long something sent may wait for the peer's system to have it.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(25);
/// Connections that the system holds for the hub to accept: every site at nine.
const BACKLOG: i32 = 1_024;

/// Listens on `address`, for both families where it means all addresses.
///
/// # Errors
/// When the address is not to be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)) {
        Ok(socket) => socket,
        // A system without IPv6 that is asked for all addresses: all of IPv4 then.
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            return listen((Ipv4Addr::UNSPECIFIED, address.port()).into());
        }
        Err(error) => return Err(error),
    };
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        socket.set_only_v6(false)?;
    }
    // A hub that restarts finds connections of before still closing.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Connects to the hub at this address. When this returns, the hub's certificate is verified; the
/// hub may not have looked at this side's yet.
///
/// # Errors
/// Why not.
pub async fn connect(address: SocketAddr, tls: &TlsConnector) -> Result<TlsStream<TcpStream>, CloseReason> {
    let stream = TcpStream::connect(address).await.map_err(|error| reason(&error))?;
    prepare(&stream).map_err(|error| reason(&error))?;
    let name = ServerName::try_from(HUB_NAME).map_err(|_| CloseReason::Untrusted)?;
    tls.connect(name, stream).await.map(TlsStream::Client).map_err(|error| reason(&error))
}

/// The hub's side of the handshake.
///
/// # Errors
/// Why it failed.
pub async fn accept(stream: TcpStream, tls: &TlsAcceptor) -> Result<TlsStream<TcpStream>, CloseReason> {
    prepare(&stream).map_err(|error| reason(&error))?;
    tls.accept(stream).await.map(TlsStream::Server).map_err(|error| reason(&error))
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
    #[cfg(unix)]
    let keep_alive = keep_alive.with_retries(PROBES);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&keep_alive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

/// What the failure of a stream means.
pub fn reason(error: &io::Error) -> CloseReason {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::AlertReceived(_)), _) => CloseReason::Rejected,
        // Not TLS at all: something on the way answers in the hub's place.
        (Some(rustls::Error::InvalidMessage(_)), _) => CloseReason::Lost,
        (Some(_), _) => CloseReason::Untrusted,
        (None, io::ErrorKind::TimedOut) => CloseReason::Silent,
        (None, _) => CloseReason::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_watches_over_a_quiet_connection() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), PROBE_AFTER);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), PROBE_EVERY);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED_MAX));
        }
        // Half a minute until the next attempt, as with UDP that is cut.
        assert!(PROBE_AFTER + PROBE_EVERY * 3 <= Duration::from_secs(25));
    }

    #[test]
    fn failures_are_told_apart() {
        let tls = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (error, why) in [
            (tls(rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA)), CloseReason::Rejected),
            (tls(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)), CloseReason::Untrusted),
            (tls(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)), CloseReason::Lost),
            (io::ErrorKind::TimedOut.into(), CloseReason::Silent),
            (io::ErrorKind::ConnectionReset.into(), CloseReason::Lost),
        ] {
            assert_eq!(reason(&error), why);
        }
    }
}
