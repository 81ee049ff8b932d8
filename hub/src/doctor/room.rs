//! What the doctor says of the room on the disk, whether the hub runs or not.

use std::path::Path;

use msap_shared::io::ballast::{BALLAST_LEN, Ballast};

use super::{Doctor, State};

/// Below this the hub gives its ballast up, or cannot have it again.
const ROOM_MIN: u64 = 2 * BALLAST_LEN as u64;
const MIB: u64 = 1 << 20;

impl Doctor {
    /// The room that is left, and whether a hub that runs has given its ballast up.
    pub(super) fn room(&mut self, data: &Path, runs: bool) {
        let lang = self.lang;
        let left = match rustix::fs::statvfs(data) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
            Err(error) => {
                return self.note("disk", State::Bad, format!("{} : {error}", data.display()), self.writable());
            }
        };
        let told = lang.of(format!("{} Mio libres", left / MIB), format!("{} MiB left", left / MIB));
        if left >= ROOM_MIN && (!runs || Ballast::of(data).is_held()) {
            return self.good("disk", told);
        }
        let text = lang.of("le disque est plein, ou presque", "the disk is full, or nearly");
        let next = lang.of(
            "faites de la place : le hub reprendra de lui-même, les postes gardent tout",
            "make room: the hub will go on by itself, the sites keep everything",
        );
        self.note("disk", State::Bad, format!("{text} : {told}"), next);
    }
}
