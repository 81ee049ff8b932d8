//! What operators and hosts do to the core: revoke, approve, check, tell devices of what changed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use msap_shared::chain::Run;
use msap_shared::id::DeviceId;
use msap_shared::io::link::CloseCode;
use msap_shared::session::hub::{HubReplica as _, Taken};

use super::{Core, Done, Output};
use crate::replica::Replica;
use crate::store::check::{self, CheckReport};
use crate::store::devices;
use crate::store::{StoreError, chains, findings, journal, pending, rebuild};

/// What an approval did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// The devices.
    pub devices: Vec<DeviceId>,
    /// Changes that waited and now count.
    pub changes: u64,
    /// Changes that could not be folded, in plain words.
    pub left: Vec<String>,
}

impl Core {
    /// Whether the disk is full: nothing is taken in then.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The disk has room again.
    pub fn has_room(&mut self) {
        self.full = false;
    }

    /// Sends to whoever is in session the references that an operator has just changed; let out
    /// with the next [`Core::drain_outputs`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn refer(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for live in self.live.values_mut() {
            let site = live.session.grant().site().clone();
            let mut replica = Replica::reading(self.store.connection(), &site, live.device).with(&self.sources);
            live.session.refer(&mut replica)?;
        }
        let done = Done { touched: self.live.keys().copied().collect(), ..Done::default() };
        let outputs = self.after(done, now)?;
        self.outputs.extend(outputs);
        Ok(())
    }

    /// Notes that everybody in session is heard now: whoever has fallen silent has no session for
    /// long. A disk that takes nothing loses nothing by it.
    ///
    /// # Errors
    /// When the store fails in a way that does not pass.
    pub fn hear(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let heard: BTreeSet<DeviceId> =
            self.live.values().filter(|live| live.greeted).map(|live| live.device).collect();
        if heard.is_empty() || self.full {
            return Ok(());
        }
        let noted = self
            .store
            .write(|conn, _| heard.iter().try_for_each(|device| devices::set_heard(conn, *device, now.as_second())));
        noted.or_else(|error| if error.is_passing() { Ok(()) } else { Err(error) })
    }

    /// Turns a device away for good and ends its sessions. The list beside the keys must name
    /// it before. `false` when the database does not know it: whoever comes as this device is turned
    /// away all the same.
    ///
    /// # Errors
    /// When the store fails; the device is turned away all the same, by the list.
    pub fn revoke(&mut self, id: DeviceId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        // Before the row: a disk that is full must not keep a stolen device in session.
        let news = self.revocations.devices.insert(id);
        self.end_sessions(&[id], CloseCode::Revoked);
        self.store.write(|conn, _| {
            let known = devices::show(conn, id)?.is_some();
            if devices::revoke(conn, id, reason)? || (news && !known) {
                journal::record(conn, now, "device.revoke", &id.to_string(), reason)?;
            }
            Ok::<_, StoreError>(known)
        })
    }

    /// Approves pending devices — one, or all — and folds the union of what waits for them, each
    /// change alone. Their sessions end, so that they begin again as active ones.
    ///
    /// # Errors
    /// When the store fails.
    pub fn approve(&mut self, only: Option<DeviceId>, now: Timestamp) -> Result<Approved, StoreError> {
        let today = self.day(now);
        let approved = self.store.write(|conn, turn| {
            let devices = match only {
                Some(id) => devices::approve(conn, id)?.then_some(id).into_iter().collect(),
                None => devices::approve_all_certified(conn)?,
            };
            let mut approved = Approved { devices, ..Approved::default() };
            for waiting in pending::of_approved(conn)? {
                let run = Run {
                    writer: waiting.writer,
                    first_seq: waiting.kept.seq,
                    changes: vec![waiting.facts.clone()],
                    last_hash: waiting.kept.hash,
                };
                let site = waiting.document.site().clone();
                // Authorship is by grant: any device of the site may have brought it.
                let nobody = DeviceId::new([0; 8]);
                let mut replica = Replica::writing(conn, turn, &site, nobody, (now, today));
                let what = format!("{} {} {}", waiting.document, waiting.writer, waiting.kept.seq);
                match replica.take(&waiting.document, run)? {
                    Taken::Held { fresh, .. } => {
                        approved.changes += u64::from(fresh.is_some());
                        pending::remove(conn, &waiting)?;
                    }
                    Taken::Refused { why, .. } => approved.left.push(format!("{what}: {why}")),
                    Taken::Gap(from) => approved.left.push(format!("{what}: change {from} is missing before it")),
                    Taken::Fork => approved.left.push(format!("{what}: another change is held under this number")),
                }
            }
            pending::sum_anew(conn)?;
            for id in &approved.devices {
                journal::record(conn, now, "device.approve", &id.to_string(), "")?;
            }
            Ok::<_, StoreError>(approved)
        })?;
        self.end_sessions(&approved.devices, CloseCode::Replaced);
        Ok(approved)
    }

    fn end_sessions(&mut self, devices: &[DeviceId], code: CloseCode) {
        let Self { live, outputs, .. } = self;
        live.retain(|conn, live| {
            let theirs = devices.contains(&live.device);
            outputs.extend(theirs.then_some(Output::Close(*conn, code)));
            !theirs
        });
    }

    /// Reads everything back and reports what does not hold. With `mend`, views that differ from
    /// the changes are folded anew and kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn check(&mut self, mend: bool, now: Timestamp) -> Result<CheckReport, StoreError> {
        let report = check::look::<StoreError>(self.store.connection(), &mut |_, _| Ok(()))?;
        if mend && report.is_mendable() && !report.differences.is_empty() {
            self.rebuild(now)?;
        }
        Ok(report)
    }

    /// Folds the views anew from the changes, and keeps them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.store.write(|conn, _| {
            let differences = rebuild::rebuild(conn)?.len();
            journal::record(conn, now, "check.rebuild", "", &format!("{differences} differences"))
        })
    }

    /// Takes note of what the verifier found when it opened documents. A document that changed
    /// meanwhile stays marked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verified(&mut self, found: &[crate::verify::Opened], now: Timestamp) -> Result<(), StoreError> {
        let today = self.day(now);
        self.store.write(|conn, _| {
            for opened in found {
                chains::set_verified(conn, opened.row, &opened.digest)?;
                findings::set_findings(conn, &opened.document, &opened.problems, today)?;
            }
            Ok(())
        })
    }
}
