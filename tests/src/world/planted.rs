//! What hosts do to frames on their way: planted faults, and a hub that is stricter than ours.

use msap_agent::store::chains::{self, Doc};
use msap_agent::store::retire::{self, Cause};
use msap_hub::accept::ConnId;
use msap_shared::document::DocId;
use msap_shared::frame::{Ack, Edits, Frame, Mark, Push, Refused, Version};
use msap_shared::id::{ChangeHash, WriterId};
use msap_shared::register::Edit;
use rusqlite::Connection;

use super::machine::Power;
use super::oracle::BAD_KEY;
use super::{Fault, World, disk};

impl World {
    /// What a planted fault, or a stricter hub, does to a frame before the hub's core sees it.
    pub(super) fn on_the_way_up(&mut self, conn: ConnId, frame: Frame) -> Option<Frame> {
        match frame {
            Frame::Hello(mut hello) => {
                if matches!(self.fault, Some(Fault::NoCommitTag)) {
                    // The host compares numbers alone: whatever the tag was, it is the right one.
                    hello.seen = hello.seen.map(|seen| self.same_number(seen));
                }
                if matches!(self.fault, Some(Fault::EpochUnchangedOnRestore)) {
                    hello.seen = None;
                }
                Some(Frame::Hello(hello))
            }
            Frame::Push(push) => {
                if let Some(from) = self.cursed.get(&push.writer).copied()
                    && push.last_seq().is_some_and(|last| last >= from)
                {
                    let seq = from.max(push.first_seq);
                    let (document, writer) = (push.document.clone(), push.writer);
                    let refused = Refused { document, writer, seq, reason: 4, last_hash: push.last_hash };
                    self.host_answers.push((conn, Frame::Refused(refused)));
                    return None;
                }
                if self.fault == Some(Fault::PendingDeviceAcknowledged) && self.is_pending(conn) {
                    self.acknowledge(conn, &push);
                }
                if self.fault == Some(Fault::ForkAccepted) && self.is_fork(&push) {
                    self.acknowledge(conn, &push);
                    return None;
                }
                Some(Frame::Push(push))
            }
            Frame::Edits(edits) => self.edits_on_the_way_up(conn, edits).map(Frame::Edits),
            other => Some(other),
        }
    }

    fn edits_on_the_way_up(&mut self, conn: ConnId, edits: Edits) -> Option<Edits> {
        let Edits { document, edits, mark } = edits;
        if self.fault == Some(Fault::EditsAcknowledgedOnTheWay) {
            edits.iter().for_each(|edit| self.acknowledge_version(conn, &document, Version::of_edit(edit)));
            return None;
        }
        if self.fault == Some(Fault::PendingDeviceAcknowledged) && self.is_pending(conn) {
            edits.iter().for_each(|edit| self.acknowledge_version(conn, &document, Version::of_edit(edit)));
        }
        let (cursed, edits): (Vec<Edit>, Vec<Edit>) =
            edits.into_iter().partition(|edit| self.cursed.get(&edit.writer).is_some_and(|from| edit.seq >= *from));
        for edit in cursed {
            let Edit { writer, seq, hash, .. } = edit;
            let refused = Refused { document: document.clone(), writer, seq, reason: 4, last_hash: hash };
            self.host_answers.push((conn, Frame::Refused(refused)));
        }
        (!edits.is_empty()).then_some(Edits { document, edits, mark })
    }

    /// A planted acknowledgement of whatever was pushed.
    fn acknowledge(&mut self, conn: ConnId, push: &Push) {
        let seq = push.last_seq().unwrap_or(push.first_seq);
        let version = Version { writer: push.writer, seq, hash: push.last_hash };
        self.acknowledge_version(conn, &push.document, version);
    }

    fn acknowledge_version(&mut self, conn: ConnId, document: &DocId, version: Version) {
        let Some(now) = self.hub.core().map(|core| core.now()) else { return };
        let held = vec![(document.clone(), version)];
        let ack = Ack { epoch: now.epoch, mark: now.mark, held, in_sync: false };
        self.host_answers.push((conn, Frame::Ack(ack)));
    }

    fn is_pending(&self, conn: ConnId) -> bool {
        let Some(line) = self.lines.get(&conn) else { return false };
        let fingerprint = self.machines[line.machine].fingerprint;
        let device = msap_hub::store::devices::find(self.hub.disk(), &fingerprint).expect("a row or none");
        device.is_some_and(|device| device.standing == msap_hub::store::devices::Standing::Pending)
    }

    fn is_fork(&self, push: &Push) -> bool {
        let Some(seq) = push.last_seq() else { return false };
        let held = hash_held(self.hub.disk(), &push.document, &push.writer, seq);
        held.is_some_and(|held| held != *push.last_hash.as_bytes())
    }

    /// The mark of this database with the same number.
    fn same_number(&self, seen: Mark) -> Mark {
        let sql = "SELECT tag FROM mark WHERE n = ?1";
        let tag: Result<i64, _> = self.hub.disk().query_row(sql, [seen.commit], |row| row.get(0));
        tag.map_or(seen, |tag| Mark { commit: seen.commit, tag: u64::from_be_bytes(tag.to_be_bytes()) })
    }

    /// What a planted fault does to a frame before the agent's core sees it.
    pub(super) fn on_the_way_down(&mut self, n: usize, frame: Frame) -> Result<Option<Frame>, String> {
        let Some(disk) = self.machines[n].disk() else { return Ok(Some(frame)) };
        let known_epoch = msap_agent::store::meta::epoch(disk).expect("an epoch or none");
        Ok(match (self.fault, frame) {
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Welcome(mut welcome)) => {
                welcome.epoch = known_epoch.unwrap_or(welcome.epoch);
                Some(Frame::Welcome(welcome))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Ack(mut ack)) => {
                ack.epoch = known_epoch.unwrap_or(ack.epoch);
                Some(Frame::Ack(ack))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Digests(mut digests)) => {
                digests.epoch = known_epoch.unwrap_or(digests.epoch);
                Some(Frame::Digests(digests))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Have(mut have)) => {
                have.held = have.held.map(|(epoch, mark)| (known_epoch.unwrap_or(epoch), mark));
                Some(Frame::Have(have))
            }
            (Some(Fault::NoHashInAcknowledgement), Frame::Ack(mut ack)) => {
                for (document, version) in &mut ack.held {
                    believe(disk, document, version);
                }
                Some(Frame::Ack(ack))
            }
            (Some(Fault::NoHashInAcknowledgement), Frame::Have(mut have)) => {
                for version in &mut have.versions {
                    believe(disk, &have.document, version);
                }
                Some(Frame::Have(have))
            }
            (
                Some(fault @ (Fault::RefusedTailNotEnteredAgain | Fault::RelayDropsRefusedTail)),
                Frame::Refused(refused),
            ) => {
                let own = self.was_written_here(n, &refused);
                if own == (fault == Fault::RefusedTailNotEnteredAgain) {
                    self.drop_tail(n, &refused);
                    None
                } else {
                    Some(Frame::Refused(refused))
                }
            }
            (_, frame) => Some(frame),
        })
    }

    /// Whether the tail was tapped on this machine: then its taps are in the machine's own log.
    fn was_written_here(&self, n: usize, refused: &Refused) -> bool {
        let Some(disk) = self.machines[n].disk() else { return false };
        let sql = "SELECT count(*) FROM tap t JOIN chain c ON c.id = t.chain WHERE c.writer = ?1";
        disk.query_row(sql, [refused.writer.as_bytes()], |row| row.get::<_, i64>(0)).expect("one column") > 0
    }

    /// Planted: the tail goes, and nothing of it is entered again.
    fn drop_tail(&mut self, n: usize, refused: &Refused) {
        let Power::On(core) = &mut self.machines[n].power else { return };
        let conn = core.connection();
        let Refused { document, writer, seq, reason, .. } = refused;
        let row = chains::document_row(conn, document).expect("a lookup");
        let Some(doc) = row.map(|row| Doc { row, name: document }) else { return };
        if let Some(chain) = chains::chain(conn, doc.row, writer).expect("a lookup")
            && chain.tip.seq >= *seq
        {
            if document.kind().is_registers() {
                retire::take_out_edits(conn, doc, writer, *seq, Cause::Refused(*reason)).expect("a tail");
            } else {
                retire::take_out(conn, doc, writer, &chain, *seq, Cause::Refused(*reason)).expect("a tail");
            }
        }
        core.reload().expect("a machine that has joined");
        self.hang_up(n);
    }

    /// From here on the hub's host refuses one chain from a number on that the hub does not
    /// hold: as a stricter hub would, for author and relay alike.
    pub(super) fn curse_a_chain(&mut self) {
        let mut tails: Vec<(WriterId, u64)> = Vec::new();
        for machine in &self.machines {
            let Some(conn) = machine.disk() else { continue };
            for ((document, writer, seq), _, facts) in disk::changes(conn) {
                let document: DocId = document.parse().expect("a document's name");
                let bad = facts.iter().any(|(key, _)| key.contains(BAD_KEY));
                if !bad && hash_held(self.hub.disk(), &document, &writer, seq).is_none() {
                    tails.push((writer, seq));
                }
            }
        }
        if let Some((writer, seq)) = self.pick(&tails) {
            self.cursed.entry(writer).or_insert(seq);
        }
    }
}

/// The hash that a hub's database holds for one change.
fn hash_held(conn: &Connection, document: &DocId, writer: &WriterId, seq: u64) -> Option<[u8; 32]> {
    let sql = "SELECT h.hash FROM change h JOIN chain c ON c.id = h.chain JOIN document d ON d.id = c.document
               WHERE d.name = ?1 AND c.writer = ?2 AND h.seq = ?3";
    conn.query_row(sql, (document.to_string(), writer.as_bytes(), seq), |row| row.get(0)).ok()
}

/// Planted: whatever is kept here under that number is taken for what the hub holds.
fn believe(disk: &Connection, document: &DocId, version: &mut Version) {
    if let Some(hash) = hash_held(disk, document, &version.writer, version.seq) {
        version.hash = ChangeHash::new(hash);
    }
}
