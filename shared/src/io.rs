//! What both programs need at the rim: keys, certificates, TLS, QUIC, TCP, framed streams, files,
//! and hours in the notations of others.
//!
//! Called by the hub's `accept`, `enrol` and `bundle` and the agent's `dial`, `join` and `bundle`. Only this module
//! of the crate has sockets, a clock and `async`. Bytes that come from a peer never panic the
//! process; they end the connection they came on.

pub mod ballast;
pub mod bundle;
pub mod certificate;
pub mod enrol;
pub mod file;
pub mod hours;
pub mod join_code;
pub mod link;
pub mod listen;
pub mod pump;
pub mod quic;
pub mod reach;
pub mod serving;
pub mod store;
pub mod tcp;
pub mod tls;

use rustls::crypto::SecureRandom;

/// The system refused to give random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandom;

/// Bytes from the system's generator, through the one cryptographic provider.
///
/// # Errors
/// When the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    let source: &dyn SecureRandom = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}
