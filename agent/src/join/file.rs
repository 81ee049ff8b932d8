//! Joining without a network: a request that is carried to the hub, and its answer.
//!
//! Called by the command `join` with `--request` or `--answer`. The request proves that its maker
//! knows the code's secret and does not carry it; the answer is the hub's only if the authority
//! that the code names certified its signer. Either may be made, carried and read again.

use std::path::Path;

use msap_shared::io::bundle::join::{JoinAnswer, JoinRequest, bytes_of, read};
use msap_shared::io::bundle::{self, Bundle, Header, Kind};
use msap_shared::io::certificate::read_device;
use msap_shared::io::join_code::JoinCode;
use rustls::pki_types::CertificateDer;

use super::{JoinError, Joined, Started};
use crate::identity::{Identity, IdentityError};
use crate::store::{self, StoreError, meta};

/// Makes this machine's key, if need be, and the file to carry to the hub.
///
/// # Errors
/// [`JoinError`]; the same call may be made again.
pub fn request(dir: &Path, code: &str, label: &str) -> Result<Vec<u8>, JoinError> {
    let started = Started::new(dir, code)?;
    let key = &started.joining.key;
    let request = JoinRequest {
        signing_request: key.signing_request().map_err(IdentityError::Make)?,
        label: super::plain(label),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        site: started.counts_for.as_ref().map(ToString::to_string),
        previous: started.previous.as_ref().map(ToString::to_string),
        proof: [0; 32],
    };
    let request = request.prove(&JoinCode::secret_hash(&started.code.secret));
    let header = Header {
        kind: Kind::JoinRequest,
        site: String::new(),
        device: key.fingerprint().device().to_string(),
        created: String::new(),
        epoch: None,
        token: None,
        certificates: Vec::new(),
    };
    Ok(bundle::seal(&header, &bytes_of(&request), key)?)
}

/// Takes the hub's answer: the machine counts for its site from here on. Also gives the label
/// that it was requested with.
///
/// # Errors
/// [`JoinError`]; the machine is what it was before.
pub fn answer(dir: &Path, code: &str, bytes: &[u8]) -> Result<(Joined, String), JoinError> {
    let started = Started::new(dir, code)?;
    let bundle = Bundle::parse(bytes)?;
    if bundle.header.kind != Kind::JoinAnswer {
        return Err(JoinError::WrongFile);
    }
    bundle.check_named_hub(started.code.ca_hash)?;
    let JoinAnswer { enrolled, label } = read(bundle.body)?;
    let certificate = CertificateDer::from(enrolled.certificate.as_slice());
    let fingerprint = started.joining.key.fingerprint();
    if !read_device(&certificate).is_ok_and(|(found, _)| found == fingerprint) {
        return Err(JoinError::OtherAnswer);
    }
    // Read again after its sessions have begun, it must not put the machine back to before them.
    if Identity::load(dir).is_ok_and(|identity| identity.fingerprint() == fingerprint) {
        match store::open(dir).and_then(|conn| meta::profile(&conn)) {
            Ok(profile) if profile.device == fingerprint.device() => {
                return Ok((Joined::of(&profile), profile.label));
            }
            Ok(_) | Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((started.finish(enrolled, &label)?, label))
}
