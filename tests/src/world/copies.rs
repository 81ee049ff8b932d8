//! Copies of machines, and machines with a defect.

use msap_agent::replica::{NoCredentials, Replica};
use msap_shared::document::DocId;
use msap_shared::time::Day;

use super::machine::{Power, fresh_from};
use super::oracle::BAD_KEY;
use super::{Check, World, disk};

impl World {
    /// The machine is suspended and copied with its memory, to a second one.
    pub(super) fn copy_memory(&mut self, n: usize) -> Check {
        self.audit()?;
        let Power::On(core) = &self.machines[n].power else { return Ok(()) };
        let (image, writer) = (disk::image(core.connection()), core.writer());
        let copy = self.second(n, &image);
        self.seen.memory_copies += 1;
        // Either the clock shows it, and the copy draws its own writer, or nothing does.
        let shown = self.fault.is_none_or(|fault| !fault.wants_forks()) && self.chance(0.5);
        let writer = if shown { None } else { Some(writer) };
        self.copied_writers.extend(writer);
        let Self { machines, rng, now_ms, .. } = self;
        machines[copy].start(rng, *now_ms, writer);
        Ok(())
    }

    /// A machine with the same identity and this disk.
    pub(super) fn second(&mut self, n: usize, image: &[u8]) -> usize {
        let site = self.machines[n].site.clone();
        self.new_machine(site);
        let copy = self.machines.len() - 1;
        let (fingerprint, holds) = (self.machines[n].fingerprint, self.machines[n].holds.clone());
        let (welcomed, revoked) = (self.machines[n].welcomed, self.machines[n].revoked);
        let clone = &mut self.machines[copy];
        (clone.fingerprint, clone.holds, clone.welcomed, clone.revoked) = (fingerprint, holds, welcomed, revoked);
        clone.power = Power::Off(disk::from_image(image));
        copy
    }

    /// An agent with a defect writes a change that no hub can accept, between good ones.
    pub(super) fn write_bad_change(&mut self, n: usize) {
        let document = DocId::visits(
            self.machines[n].site.clone(),
            Day::at(self.wall(), &"Europe/Paris".parse().expect("a zone")).month(),
        );
        self.bad_taps += 1;
        let key = format!("01|{BAD_KEY}-{}|0", self.bad_taps);
        let mut fresh = fresh_from(&mut self.rng, None);
        let Power::On(core) = &mut self.machines[n].power else { return };
        let mut writer = core.writer();
        let tx = core.connection().unchecked_transaction().expect("no other transaction");
        let mut replica =
            Replica { conn: &tx, writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
        // A full disk may refuse; then the defect did not happen.
        if replica.enter(&document, &key, "1|CNAF|online|25-39|1").is_ok() {
            tx.commit().ok();
        }
    }
}
