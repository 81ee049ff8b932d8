//! The hub's door: one address, for QUIC and for TCP.
//!
//! Opened by the hub's `app`, watched by its `accept`. Each knock is taken on or refused before it
//! costs much; one that is taken on becomes an arrival once the handshake is over, and a link once
//! the conversation begins. Invariant: both transports have the same port, certificates and
//! protocols.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, Incoming, VarInt};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::link::{CloseCode, CloseReason, Link};
use super::pump::End;
use super::quic::QuicError;
use super::tls::Conversation;
use super::{quic, tcp};

/// Ports tried when any will do and only one of the two transports gets it.
const PORTS_TRIED_MAX: usize = 16;

/// Both transports at one address.
pub struct Listener {
    endpoint: Endpoint,
    tcp: TcpListener,
    tls: TlsAcceptor,
}

/// Somebody at the door. Nothing is known but an address.
pub enum Knock {
    /// A first packet.
    Quic(Box<Incoming>),
    /// A connection of the system's.
    Tcp(TcpStream, SocketAddr, TlsAcceptor),
}

/// Somebody whose handshake is over.
pub struct Arrival {
    /// What for.
    pub conversation: Conversation,
    /// The certificate that was shown, verified.
    pub certificate: Option<CertificateDer<'static>>,
    /// From where.
    pub remote: SocketAddr,
    way: Way,
}

enum Way {
    Quic(Connection),
    Tcp(Box<TlsStream<TcpStream>>),
}

impl Listener {
    /// Listens on `address`. `secret` is the hub's own, the same after a restart.
    ///
    /// # Errors
    /// When the address is not to be had for both transports.
    pub fn bind(address: SocketAddr, tls: ServerConfig, secret: &[u8; 32]) -> Result<Self, QuicError> {
        let acceptor = TlsAcceptor::from(Arc::new(tls.clone()));
        let mut tried = 1;
        loop {
            let endpoint = quic::listen(address, tls.clone(), secret)?;
            let failed = |source| QuicError::Listen { address, source };
            let bound = endpoint.local_addr().map_err(failed)?;
            match tcp::listen(bound) {
                Ok(tcp) => return Ok(Self { endpoint, tcp, tls: acceptor }),
                Err(_) if address.port() == 0 && tried < PORTS_TRIED_MAX => tried += 1,
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The address of both.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The next knock; `None` when the door is closed for good. May be dropped and called again.
    ///
    /// # Errors
    /// When the system cannot hand a connection over: out of descriptors, most likely.
    pub async fn next(&self) -> std::io::Result<Option<Knock>> {
        tokio::select! {
            incoming = self.endpoint.accept() => Ok(incoming.map(|incoming| Knock::Quic(Box::new(incoming)))),
            accepted = self.tcp.accept() => {
                accepted.map(|(stream, remote)| Some(Knock::Tcp(stream, remote, self.tls.clone())))
            }
        }
    }

    /// Takes on nobody new over QUIC; whoever knocks over TCP is in the system's hands.
    pub fn shut(&self) {
        self.endpoint.set_server_config(None);
    }

    /// Closes what is left of QUIC, and waits until it is gone.
    pub async fn close(self, code: CloseCode) {
        drop(self.tcp);
        self.endpoint.close(VarInt::from_u32(code.number()), code.as_str().as_bytes());
        self.endpoint.wait_idle().await;
    }
}

impl Knock {
    /// Where it says that it comes from.
    pub fn remote(&self) -> SocketAddr {
        match self {
            Self::Quic(incoming) => incoming.remote_address(),
            Self::Tcp(_, remote, _) => *remote,
        }
    }

    /// Has whoever knocks show first that the address is its own; `None` when it was asked to, and
    /// will knock again.
    pub fn proved(self) -> Option<Self> {
        match self {
            Self::Quic(incoming) if !incoming.remote_address_validated() && incoming.may_retry() => {
                if let Err(error) = incoming.retry() {
                    error.into_incoming().refuse();
                }
                None
            }
            proved => Some(proved),
        }
    }

    /// Turns it away without a handshake.
    pub fn refuse(self) {
        match self {
            Self::Quic(incoming) => incoming.refuse(),
            Self::Tcp(stream, ..) => drop(stream),
        }
    }

    /// The handshake. It has no end of its own.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn accept(self) -> Result<Arrival, CloseReason> {
        match self {
            Self::Quic(incoming) => {
                let connecting = incoming.accept().map_err(|error| quic::reason(&error))?;
                let connection = connecting.await.map_err(|error| quic::reason(&error))?;
                let data = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
                let protocol = data.and_then(|data| data.protocol).unwrap_or_default();
                let shown = connection.peer_identity();
                let shown = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
                let certificate = shown.and_then(|shown| shown.into_iter().next());
                let Some(conversation) = Conversation::of_alpn(&protocol) else {
                    return Err(quic::close(&connection, CloseCode::Protocol));
                };
                Ok(Arrival {
                    conversation,
                    certificate,
                    remote: connection.remote_address(),
                    way: Way::Quic(connection),
                })
            }
            Self::Tcp(stream, remote, tls) => {
                let stream = tcp::accept(stream, &tls).await?;
                let (_, session) = stream.get_ref();
                let certificate = session.peer_certificates().and_then(|shown| shown.first()).cloned();
                let certificate = certificate.map(CertificateDer::into_owned);
                let conversation = Conversation::of_alpn(session.alpn_protocol().unwrap_or_default());
                // A client of TLS may go without naming a protocol; none of ours does.
                let conversation = conversation.ok_or(CloseReason::Ours(CloseCode::Protocol))?;
                Ok(Arrival { conversation, certificate, remote, way: Way::Tcp(Box::new(stream)) })
            }
        }
    }
}

impl Arrival {
    /// Waits for the conversation to begin, or closes with the code that `give_up` comes to.
    ///
    /// # Errors
    /// Why the connection ended instead.
    pub async fn open(self, give_up: impl Future<Output = CloseCode>) -> Result<Link, CloseReason> {
        match self.way {
            Way::Quic(connection) => {
                let streams = tokio::select! {
                    streams = connection.accept_bi() => streams.map_err(|error| quic::reason(&error))?,
                    code = give_up => return Err(quic::close(&connection, code)),
                };
                Ok(Link::over_quic(connection, None, streams, self.conversation))
            }
            Way::Tcp(stream) => Ok(Link::over_tcp(*stream, self.conversation)),
        }
    }

    /// Closes instead.
    pub async fn close(self, code: CloseCode) -> CloseReason {
        match self.way {
            Way::Quic(connection) => quic::close(&connection, code),
            Way::Tcp(stream) => Link::over_tcp(*stream, self.conversation).end(End::Ours(code)).await,
        }
    }
}
