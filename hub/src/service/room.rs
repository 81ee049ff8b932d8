//! What the writer does about a disk that is full.
//!
//! Called by the writer between turns. As long as there is no room nothing is taken in and
//! nothing acknowledged; figures are read, and operators can act in the room that the ballast
//! gives up. Devices come back by themselves.

use std::path::Path;

use msap_shared::io::ballast::Ballast;

use crate::core::Core;

/// The ballast, and whether it is needed.
pub(super) struct Room {
    ballast: Ballast,
}

impl Room {
    /// Takes the room that is to be kept, beside the database.
    pub(super) fn beside(database: &Path) -> Self {
        let ballast = Ballast::of(database.parent().unwrap_or(Path::new(".")));
        if let Err(error) = ballast.hold() {
            tracing::warn!(%error, "the disk has hardly any room left: make some");
        }
        Self { ballast }
    }

    /// After a turn: gives the ballast up when the disk was full.
    pub(super) fn give_up(&self, core: &Core) {
        if !core.is_full() {
            return;
        }
        match self.ballast.release() {
            Ok(true) => tracing::error!("the disk is full: nothing is taken in until there is room"),
            Ok(false) => return,
            Err(error) => tracing::error!(%error, "the disk is full, and the ballast could not be given up"),
        }
        // What the log holds goes where it belongs, and its room comes free.
        let carried = core.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = carried {
            tracing::warn!(%error, "the log could not be carried over");
        }
    }

    /// Now and then: once the ballast can be had again, there is room.
    pub(super) fn look(&self, core: &mut Core) {
        if self.ballast.is_held() && !core.is_full() {
            return;
        }
        if self.ballast.hold().is_ok() && core.is_full() {
            tracing::info!("the disk has room again: devices are served");
            core.has_room();
        }
    }
}
