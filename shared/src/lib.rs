//! What agent and hub must agree on.
//!
//! Everything outside the `io` module is plain computation: no clock, no randomness, no socket,
//! no file, no `async`. The time, random bytes and writer ids come in as arguments, so that both
//! programs run whole inside a simulation. The `io` module, behind the feature of that name,
//! holds what both programs need at the rim: framed streams over QUIC, TLS, join codes.

pub mod backoff;
pub mod chain;
pub mod code;
pub mod document;
pub mod frame;
pub mod grant;
pub mod id;
#[cfg(feature = "io")]
pub mod io;
pub mod lang;
pub mod reference;
pub mod register;
pub mod schedule;
pub mod session;
pub mod time;
pub mod wording;
