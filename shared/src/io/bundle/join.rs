//! Joining by file: what a new machine without a network asks, and what the hub answers.
//!
//! Written and read by the agent's `join` and the hub's `enrol`. The code's secret is in no file:
//! whoever finds the stick learns nothing to join with. Instead the request proves that its maker
//! knows the secret, by an HMAC over all of it. The hub keeps only SHA-256 of a secret, so that
//! hash is the HMAC's key. That is enough here: the secret is 128 random bits, so neither it nor
//! its hash can be guessed from a proof; and who could read the hashes in the hub's database
//! could not join by them unnoticed, since a request counts only when an operator imports it and
//! the code serves one key. A copied request is worth nothing without the private key, which
//! never leaves the machine.

use minicbor::{Decode, Encode};
use ring::hmac;

use super::BundleError;
use crate::io::enrol::Enrolled;

const PURPOSE: &[u8] = b"msap join by file 1\n";

/// New machine → hub.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct JoinRequest {
    /// The signing request, DER.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub signing_request: Vec<u8>,
    /// What people call this machine.
    #[n(1)]
    pub label: String,
    /// The agent's version.
    #[n(2)]
    pub app: String,
    /// The site whose visits are kept on this machine already.
    #[n(3)]
    pub site: Option<String>,
    /// See [`JoinRequest::prove`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub proof: [u8; 32],
    /// The device that this machine was until now.
    #[n(5)]
    pub previous: Option<String>,
}

/// Hub → new machine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct JoinAnswer {
    /// As over the network.
    #[n(0)]
    pub enrolled: Enrolled,
    /// What the request called the machine.
    #[n(1)]
    pub label: String,
}

impl JoinRequest {
    /// Proves that whoever makes the request knows the secret with this hash.
    #[must_use]
    pub fn prove(self, secret_hash: &[u8; 32]) -> Self {
        let tag = hmac::sign(&key(secret_hash), &self.proved());
        let mut proof = [0; 32];
        proof.copy_from_slice(tag.as_ref());
        Self { proof, ..self }
    }

    /// Whether it was made with the secret of this hash.
    pub fn is_proved(&self, secret_hash: &[u8; 32]) -> bool {
        hmac::verify(&key(secret_hash), &self.proved(), &self.proof).is_ok()
    }

    /// What the proof is over: everything but itself.
    fn proved(&self) -> Vec<u8> {
        [PURPOSE, &bytes_of(&Self { proof: [0; 32], ..self.clone() })].concat()
    }
}

fn key(secret_hash: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret_hash)
}

/// A message as the body of a file.
pub fn bytes_of<T: Encode<()>>(message: &T) -> Vec<u8> {
    let mut out = Vec::new();
    // A vector takes every byte, and no field's encoder refuses a value.
    minicbor::encode(message, &mut out).ok();
    out
}

/// The message that is the body of a file.
///
/// # Errors
/// [`BundleError::Damaged`].
pub fn read<'b, T: Decode<'b, ()>>(body: &'b [u8]) -> Result<T, BundleError> {
    minicbor::decode(body).map_err(|_| BundleError::Damaged)
}
