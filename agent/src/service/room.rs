//! What the store's thread does about the room on the disk.
//!
//! Called before and after each turn. The desk is told while there is still room; when there is
//! none, the ballast is given up, so that the next taps and the hub's acknowledgements fit all
//! the same. It is taken again once there is room for it several times over.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use msap_shared::io::ballast::{BALLAST_LEN, Ballast};

use crate::core::Core;

/// Less than this is little: some weeks of updates and logs of an ordinary PC.
pub const FREE_LOW: u64 = 64 * 1024 * 1024;
/// With less than this the ballast is left where it is, or not taken: making it needs twice its
/// length for a moment.
const FREE_FOR_BALLAST: u64 = 4 * BALLAST_LEN as u64;
/// With less than this not even opening the database is sure to fit.
const FREE_TO_OPEN: u64 = 1024 * 1024;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The room on the disk of one data directory.
pub(super) struct Room {
    dir: PathBuf,
    ballast: Ballast,
    looked: Option<Instant>,
}

impl Room {
    /// The room in this directory; gives the ballast up when the database could not be opened.
    pub(super) fn in_directory(dir: &Path) -> Self {
        let room = Self { dir: dir.to_owned(), ballast: Ballast::of(dir), looked: None };
        if free(dir).is_some_and(|free| free < FREE_TO_OPEN) {
            room.release();
        }
        room
    }

    /// Now and then: how much room there is, and the ballast where there is enough.
    pub(super) fn look(&mut self, core: &mut Core) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        // A disk that does not say is no reason to alarm anybody.
        let Some(free) = free(&self.dir) else { return };
        core.note_room(free < FREE_LOW);
        if free >= FREE_FOR_BALLAST
            && !self.ballast.is_held()
            && let Err(error) = self.ballast.hold()
        {
            tracing::warn!(%error, "no room could be set aside for a full disk");
        }
    }

    /// After a turn: gives the ballast up when the disk was full.
    pub(super) fn give_up(&self, core: &Core) {
        if core.is_full() {
            self.release();
        }
    }

    fn release(&self) {
        match self.ballast.release() {
            Ok(true) => tracing::error!("the disk is full: the room set aside is used up now, make some"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the disk is full, and the room set aside cannot be used"),
        }
    }
}

/// Whether little room is left on the disk of this directory.
pub fn is_low(dir: &Path) -> bool {
    free(dir).is_some_and(|free| free < FREE_LOW)
}

fn free(dir: &Path) -> Option<u64> {
    fs4::available_space(dir).ok()
}
