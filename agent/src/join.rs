//! STUB of the rim's author: replace.

use std::path::Path;

use msap_shared::id::{DeviceId, SiteId};
use msap_shared::time::SiteZone;

/// Stub.
pub struct Joined {
    /// Stub.
    pub site: SiteId,
    /// Stub.
    pub name: String,
    /// Stub.
    pub timezone: SiteZone,
    /// Stub.
    pub device: DeviceId,
}

/// Stub.
#[derive(Debug, thiserror::Error)]
#[error("join is not built yet")]
pub struct JoinError;

impl JoinError {
    /// Stub.
    pub fn exit_code(&self) -> u8 {
        1
    }
}

/// Stub.
pub async fn join(_dir: &Path, _code: &str, _label: &str) -> Result<Joined, JoinError> {
    Err(JoinError)
}
