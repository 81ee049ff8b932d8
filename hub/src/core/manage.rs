//! What operators and hosts do to the core: revoke, approve, check, tell devices of what changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::chain::Run;
use msap_shared::document::DocId;
use msap_shared::frame::Version;
use msap_shared::id::{DeviceId, SiteId};
use msap_shared::io::link::CloseCode;
use msap_shared::register::Edit;
use msap_shared::session::hub::{HubReplica as _, Taken, TakenEdits};
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{Core, Done, Output};
use crate::exit::with_causes;
use crate::label;
use crate::metrics::Pushes;
use crate::privacy::Release;
use crate::release;
use crate::replica::Replica;
use crate::store::check::{self, CheckReport};
use crate::store::check_runs::{self, CheckRun};
use crate::store::devices;
use crate::store::pending::PendingChange;
use crate::store::releases::Note;
use crate::store::small_reads::{self, SmallRead};
use crate::store::{StoreError, Turn, chains, findings, journal, label_history, pending, rebuild};

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
    /// What became of pushes since the start.
    pub fn pushes(&self) -> Pushes {
        self.pushes
    }

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
        let today = self.day(now);
        for live in self.live.values_mut() {
            let site = live.session.grant().site().clone();
            let mut replica = Replica::reading(self.store.connection(), &site, live.device).with(&self.sources, today);
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
        let greeted = self.live.values().filter(|live| live.greeted);
        let heard: BTreeMap<DeviceId, bool> = greeted.map(|live| (live.device, live.in_sync)).collect();
        if heard.is_empty() || self.full {
            return Ok(());
        }
        let at = now.as_second();
        let noted = self.store.write(|conn, _| {
            heard.iter().try_for_each(|(device, in_sync)| {
                devices::set_heard(conn, *device, at)?;
                if *in_sync { devices::set_in_sync(conn, *device, at) } else { Ok(()) }
            })
        });
        noted.or_else(|error| if error.is_passing() { Ok(()) } else { Err(error) })
    }

    /// A person has called the list of revocations whole: devices that it does not name come back
    /// from now on as after any lost database.
    pub fn trust_revocations(&mut self) {
        self.revocations.intact = true;
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
    /// change alone: site by site, so that a whole network's is never in memory at once. Their
    /// sessions end, so that they begin again as active ones.
    ///
    /// # Errors
    /// When the store fails; the sites before are approved then, and asked again the others are.
    pub fn approve(&mut self, only: Option<DeviceId>, now: Timestamp) -> Result<Approved, StoreError> {
        let mut sites: BTreeMap<SiteId, Vec<DeviceId>> = BTreeMap::new();
        for (site, device) in devices::pending(self.store.connection())? {
            if only.is_none_or(|only| only == device) {
                sites.entry(site).or_default().push(device);
            }
        }
        let mut all = Approved::default();
        for (site, devices) in sites {
            let approved = self.approve_at(&site, devices, now)?;
            self.end_sessions(&approved.devices, CloseCode::Replaced);
            all.devices.extend(approved.devices);
            all.changes += approved.changes;
            all.left.extend(approved.left);
        }
        Ok(all)
    }

    fn approve_at(&mut self, site: &SiteId, waiting: Vec<DeviceId>, now: Timestamp) -> Result<Approved, StoreError> {
        let today = self.day(now);
        self.store.write(|conn, turn| {
            for id in &waiting {
                devices::approve(conn, *id)?;
                journal::record(conn, now, "device.approve", &id.to_string(), "")?;
            }
            let mut approved = Approved { devices: waiting, ..Approved::default() };
            let changes = pending::of_approved(conn, site)?;
            let (edits, runs): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(|waiting| waiting.document.kind().is_registers());
            fold_edits(edits, conn, turn, (now, today), &mut approved)?;
            for waiting in runs {
                fold_run(&waiting, conn, turn, (now, today), &mut approved)?;
            }
            pending::sum_anew(conn)?;
            Ok(approved)
        })
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
        self.checked(&report, (now, now));
        if mend && report.is_mendable() && !report.differences.is_empty() {
            self.rebuild(now)?;
        }
        Ok(report)
    }

    /// Keeps what a check found. A database that is damaged, or whose disk is full, may not take it:
    /// whoever asked is told all the same.
    pub fn checked(&mut self, report: &CheckReport, times: (Timestamp, Timestamp)) {
        let run = CheckRun::of(report, times);
        if let Err(error) = self.store.write(|conn, _| check_runs::keep(conn, &run)) {
            tracing::error!(error = with_causes(&error), "what a check found could not be kept");
        }
    }

    /// Notes that a hub serves this database: from the first time on, a check is awaited. A disk that takes nothing loses
    /// nothing by it.
    ///
    /// # Errors
    /// When the store fails in a way that does not pass.
    pub fn await_check(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if check_runs::awaited_from(self.store.connection())?.is_some() {
            return Ok(());
        }
        let noted = self.store.write(|conn, _| check_runs::await_from(conn, now));
        noted.or_else(|error| if error.is_passing() { Ok(()) } else { Err(error) })
    }

    /// Folds the views anew from the changes, and keeps them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.store.write(|conn, _| {
            let differences = rebuild::rebuild(conn)?.len();
            check_runs::rebuilt(conn)?;
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

    /// Notes how labels stand from a day on, where that has changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_labels(&mut self, changes: &[label::Change], day: Day) -> Result<(), StoreError> {
        self.store.write(|conn, _| label_history::add(conn, changes, day))
    }
}

impl Core {
    /// Keeps what is released of a period.
    ///
    /// # Errors
    /// When the store fails, or has a release of that period.
    pub fn release(&mut self, releases: &[Release], note: &Note, now: Timestamp) -> Result<(), StoreError> {
        self.store.write(|conn, _| release::keep(conn, releases, note, now))
    }

    /// Notes in the journal that somebody is about to be shown small figures.
    ///
    /// # Errors
    /// When the store fails: the figures must not be shown then.
    pub fn note_small_read(&mut self, read: &SmallRead, now: Timestamp) -> Result<(), StoreError> {
        let today = self.day(now);
        self.store.write(|conn, _| small_reads::note(conn, read, today, now))
    }
}

/// Takes one waiting change of visits in.
fn fold_run(
    waiting: &PendingChange,
    conn: &Connection,
    turn: &mut Turn<'_>,
    (now, today): (Timestamp, Day),
    approved: &mut Approved,
) -> Result<(), StoreError> {
    let run = Run {
        writer: waiting.writer,
        first_seq: waiting.kept.seq,
        changes: vec![waiting.kept.facts()?],
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
            pending::remove(conn, waiting)?;
        }
        Taken::Refused { why, .. } => approved.left.push(format!("{what}: {why}")),
        Taken::Gap(from) => approved.left.push(format!("{what}: change {from} is missing before it")),
        Taken::Fork => approved.left.push(format!("{what}: another change is held under this number")),
    }
    Ok(())
}

/// Folds the edits of registers that waited, document by document, each after those that it follows.
fn fold_edits(
    waiting: Vec<PendingChange>,
    conn: &Connection,
    turn: &mut Turn<'_>,
    (now, today): (Timestamp, Day),
    approved: &mut Approved,
) -> Result<(), StoreError> {
    let mut documents: BTreeMap<DocId, Vec<(Edit, PendingChange)>> = BTreeMap::new();
    for change in waiting {
        let edit = change.kept.edit()?;
        documents.entry(change.document.clone()).or_default().push((edit, change));
    }
    for (document, mut waiting) in documents {
        waiting.sort_by_key(|(edit, _)| (edit.op_start, edit.writer));
        let site = document.site().clone();
        let mut replica = Replica::writing(conn, turn, &site, DeviceId::new([0; 8]), (now, today));
        let edits = waiting.iter().map(|(edit, _)| edit.clone()).collect();
        let TakenEdits { fresh, refused, .. } = replica.take_edits(&document, edits)?;
        for (edit, change) in waiting {
            let version = Version::of_edit(&edit);
            let what = format!("{document} {} {}", edit.writer, edit.seq);
            if replica.holds(&document, &version)? {
                approved.changes += u64::from(fresh.get(&edit.writer).is_some_and(|first| edit.seq >= *first));
                pending::remove(conn, &change)?;
            } else if let Some((_, why)) = refused.iter().find(|(refused, _)| *refused == version) {
                approved.left.push(format!("{what}: {why}"));
            } else {
                approved.left.push(format!("{what}: what it follows is not held, or another edit under its number is"));
            }
        }
    }
    Ok(())
}
