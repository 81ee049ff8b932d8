//! Whether all that a device kept when it said Hello is held here, where the two differ.
//!
//! A device that lacks something is never told that nothing differs. But the hub has told its
//! documents' digests, and the device says what it has of each that differs: once all of its answers
//! have come, both together are the digest of its Hello. If all that it has is held then, it owes
//! nothing, whatever it still lacks.

use std::collections::BTreeMap;

use super::{HubReplica, HubSession};
use crate::chain::{Digest, Tip, tip_digest};
use crate::document::DocId;
use crate::frame::Version;
use crate::id::{Digest32, WriterId};
use crate::session::CHAINS_ASKED_MAX;

impl HubSession {
    /// Whether all that the device kept when it said Hello is known to be held, although it lacked
    /// something and is therefore not told so.
    pub fn has_all(&self) -> bool {
        self.hello_digest.is_some_and(|hello| self.handover.is_whole(hello))
    }

    /// The device has said which versions of a document it has.
    pub(super) fn follow<R: HubReplica>(
        &mut self,
        document: &DocId,
        versions: &[Version],
        replica: &mut R,
    ) -> Result<(), R::Error> {
        if self.handover.told.is_none() {
            return Ok(());
        }
        let mut lacking = Vec::new();
        for version in versions {
            if !replica.holds(document, version)? {
                lacking.push(*version);
            }
        }
        self.handover.answer(document, versions, &lacking);
        Ok(())
    }
}

/// What is known of a device's documents.
#[derive(Debug, Default)]
pub(super) struct Handover {
    /// What was told of each document, until the device answers; none before, and where it answers
    /// more than is kept in mind.
    told: Option<BTreeMap<DocId, Digest32>>,
    /// What the device has, as far as it was heard: what was told where it did not answer.
    device: Digest,
    /// What it has that is not held here.
    lacking: BTreeMap<(DocId, WriterId), u64>,
}

impl Handover {
    /// The device is told what is held.
    pub(super) fn tell(&mut self, documents: &[(DocId, Digest32)]) {
        *self = Self { told: Some(documents.iter().cloned().collect()), ..Self::default() };
        documents.iter().for_each(|(_, digest)| self.device.toggle(digest));
    }

    /// The device has these versions of a document; `lacking` of them are not held here.
    fn answer(&mut self, document: &DocId, versions: &[Version], lacking: &[Version]) {
        let Some(told) = &mut self.told else { return };
        if let Some(digest) = told.remove(document) {
            self.device.toggle(&digest);
        }
        let name = document.to_string();
        for Version { writer, seq, hash } in versions {
            // A digest is of the number and the hash.
            let tip = Tip { seq: *seq, hash: *hash, op_max: 0 };
            self.device.toggle(&tip_digest(&name, writer, &tip));
        }
        self.lacking.extend(lacking.iter().map(|version| ((document.clone(), version.writer), version.seq)));
        if self.lacking.len() > CHAINS_ASKED_MAX {
            *self = Self::default();
        }
    }

    /// These versions are held now.
    pub(super) fn hold(&mut self, held: &[(DocId, Version)]) {
        if self.lacking.is_empty() {
            return;
        }
        for (document, version) in held {
            let chain = (document.clone(), version.writer);
            if self.lacking.get(&chain).is_some_and(|seq| *seq <= version.seq) {
                self.lacking.remove(&chain);
            }
        }
    }

    /// Whether everything is held that was kept by a device whose Hello had this digest.
    fn is_whole(&self, hello: Digest32) -> bool {
        self.told.is_some() && self.lacking.is_empty() && self.device.id() == hello
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ChangeHash;

    fn version(n: usize, seq: u64) -> Version {
        let mut writer = [0; 16];
        writer[..8].copy_from_slice(&(n as u64).to_be_bytes());
        Version { writer: WriterId::new(writer), seq, hash: ChangeHash::new([seq as u8; 32]) }
    }

    fn digest(name: &str, versions: &[Version]) -> Digest {
        let mut digest = Digest::default();
        for Version { writer, seq, hash } in versions {
            digest.toggle(&tip_digest(name, writer, &Tip { seq: *seq, hash: *hash, op_max: 0 }));
        }
        digest
    }

    fn document(name: &str) -> DocId {
        name.parse().unwrap()
    }

    #[test]
    fn a_device_owes_nothing_once_all_its_answers_came_and_all_it_has_is_held() {
        let names = ["site/275/visits/2026-10", "site/275/visits/2026-11", "site/275/schedule"];
        let [alike, differing, lacked] = names.map(document);
        let (here, there) = (version(1, 3), [version(1, 2), version(2, 5)]);
        let mut hello = digest(names[0], &[here]);
        hello.toggle(&digest(names[1], &there).id());
        let mut handover = Handover::default();
        assert!(!handover.is_whole(Digest32::new([0; 32])), "nobody was told anything");
        let told = [(&alike, names[0]), (&differing, names[1]), (&lacked, names[2])];
        handover.tell(&told.map(|(document, name)| (document.clone(), digest(name, &[here]).id())));
        assert!(!handover.is_whole(hello.id()));
        // In two frames, as a long one would come.
        handover.answer(&differing, &there[..1], &[]);
        handover.answer(&differing, &there[1..], &there[1..]);
        handover.answer(&lacked, &[], &[]);
        assert!(!handover.is_whole(hello.id()), "one is not held");
        handover.hold(&[(differing.clone(), version(2, 4))]);
        assert!(!handover.is_whole(hello.id()), "not up to its end");
        handover.hold(&[(differing, version(2, 5))]);
        assert!(handover.is_whole(hello.id()));
    }

    #[test]
    fn more_chains_than_are_kept_in_mind_are_not_followed() {
        let name = "site/275/visits/2026-11";
        for (count, whole) in [(CHAINS_ASKED_MAX, true), (CHAINS_ASKED_MAX + 1, false)] {
            let versions: Vec<Version> = (0..count).map(|n| version(n, 1)).collect();
            let mut handover = Handover::default();
            handover.tell(&[]);
            handover.answer(&document(name), &versions, &versions);
            assert_eq!(handover.told.is_some(), whole);
            handover.hold(&versions.iter().map(|version| (document(name), *version)).collect::<Vec<_>>());
            assert_eq!(handover.is_whole(digest(name, &versions).id()), whole);
        }
    }
}
