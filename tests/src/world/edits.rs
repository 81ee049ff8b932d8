//! People who edit the schedule and the partners, at machines and at the hub, and what must become
//! of what they said.
//!
//! Every value is said once in a world, so that it tells who said it. Whoever says a value has seen
//! those that stood where he was: it takes their place, and no other's.

use std::collections::{BTreeMap, BTreeSet};

use msap_agent::replica::{Edited, NoCredentials, Replica};
use msap_agent::store::chains::{self, Doc};
use msap_agent::store::registers;
use msap_hub::core::edit::{SiteEdit, SiteEdited};
use msap_shared::chain::decode_edit;
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::SiteId;
use msap_shared::register::{Setting, Verdict};
use rand::RngExt as _;
use rusqlite::Connection;

use super::machine::{Power, fresh_from};
use super::oracle::BAD_KEY;
use super::{Check, Fault, World};

const KINDS: [DocKind; 2] = [DocKind::Schedule, DocKind::Partners];
/// Few keys: people get in each other's way.
const KEYS: [&str; 3] = ["week|mon", "week|tue", "day|2026-12-24"];

/// What somebody said.
pub(super) struct Said {
    document: String,
    key: String,
    /// The values that he saw and replaced.
    saw: BTreeSet<String>,
}

/// All that was said in a world, by value.
pub(super) type AllSaid = BTreeMap<String, Said>;

/// The values that stand under each key.
type Standing = BTreeMap<String, Vec<String>>;

fn standing(conn: &Connection, document: &DocId) -> Standing {
    registers::values(conn, document).expect("the tables of both programs").into_iter().collect()
}

fn document_of(site: &SiteId, kind: DocKind) -> DocId {
    DocId::registers(site.clone(), kind).expect("a kind of registers")
}

/// Every value that a disk has: in its documents, or retired from them.
fn values_on(conn: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = conn.prepare_cached(sql).expect("the tables of both programs");
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("a query without parameters");
    let edits = rows.map(|bytes| decode_edit(&bytes.expect("a column of bytes")).expect("an edit that was kept").0);
    let settings = edits.flat_map(|edit| edit.settings);
    settings.filter(|setting| !setting.key.contains(BAD_KEY)).map(|setting| setting.value).collect()
}

const KEPT: &str = "SELECT h.bytes FROM change h JOIN chain c ON c.id = h.chain JOIN document d ON d.id = c.document
                    WHERE d.name NOT LIKE '%/visits/%'";
const RETIRED: &str = "SELECT bytes FROM retired WHERE document NOT LIKE '%/visits/%'";

impl World {
    /// What somebody sets: some keys, each to a value of its own.
    fn facts(&mut self, keys: &[&str]) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        for key in keys {
            self.values += 1;
            facts.push(((*key).to_owned(), format!("v{}", self.values)));
        }
        facts
    }

    fn some_keys(&mut self) -> Vec<&'static str> {
        let mut keys = KEYS.to_vec();
        while keys.len() > 1 && self.chance(0.6) {
            keys.remove(self.rng.random_range(0..keys.len()));
        }
        keys
    }

    fn say(&mut self, document: &DocId, facts: Vec<(String, String)>, before: &Standing) {
        for (key, value) in facts {
            let mut saw: Vec<String> = before.get(&key).cloned().unwrap_or_default();
            self.seen.conflicts += u64::from(saw.len() > 1);
            if self.fault == Some(Fault::OneOfSeveralValuesShown) && saw.len() > 1 {
                // The host shows one value only; whoever replaces it has not seen the others.
                saw.truncate(1);
            }
            let said = Said { document: document.to_string(), key, saw: saw.into_iter().collect() };
            self.said.insert(value, said);
        }
    }

    /// Somebody edits at a machine.
    pub(super) fn edit_at(&mut self, n: usize, keys: &[&'static str], kind: DocKind) -> Check {
        let facts = self.facts(keys);
        let document = document_of(&self.machines[n].site, kind);
        let mut fresh = fresh_from(&mut self.rng, None);
        let Power::On(core) = &self.machines[n].power else { return Ok(()) };
        let before = standing(core.connection(), &document);
        let mut writer = core.writer();
        let (edited, kept) = {
            let tx = core.connection().unchecked_transaction().expect("no other transaction");
            let mut replica =
                Replica { conn: &tx, writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
            let edited = replica.edit(kind, &facts);
            // A full disk may refuse; then nothing was said.
            let kept = matches!(edited, Ok(Edited::Kept)) && tx.commit().is_ok();
            (edited, kept)
        };
        match edited {
            Ok(Edited::Kept) => {}
            Ok(other) => return Err(format!("an edit at machine {n} was answered by {other:?}")),
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(format!("an edit at machine {n} failed: {error}")),
        }
        if kept {
            self.tell(|| format!("machine {n} edits {document}: {facts:?}, having seen {before:?}"));
            self.seen.edits += 1;
            self.say(&document, facts, &before);
            // Sent with whatever happens next.
            self.turn(n, Vec::new())?;
        }
        Ok(())
    }

    pub(super) fn edit_somewhere(&mut self, n: usize) -> Check {
        let kind = KINDS[self.rng.random_range(0..KINDS.len())];
        let keys = self.some_keys();
        self.edit_at(n, &keys, kind)
    }

    /// A coordinator edits at the hub.
    pub(super) fn edit_at_the_hub(&mut self) -> Check {
        let sites: BTreeSet<SiteId> = self.machines.iter().map(|machine| machine.site.clone()).collect();
        let Some(site) = self.pick(&sites.into_iter().collect::<Vec<_>>()) else { return Ok(()) };
        let kind = KINDS[self.rng.random_range(0..KINDS.len())];
        let keys = self.some_keys();
        let (document, wall, facts) = (document_of(&site, kind), self.wall(), self.facts(&keys));
        let before = standing(self.hub.disk(), &document);
        let Some(core) = self.hub.core() else { return Ok(()) };
        let edit = SiteEdit { site, kind, facts, detail: "un essai".to_owned() };
        let edited = core.edit(&edit, wall);
        let outputs = core.drain_outputs();
        match edited {
            Ok(SiteEdited::Kept) => {
                self.tell(|| format!("the hub edits {document}: {:?}, having seen {before:?}", edit.facts));
                self.seen.hub_edits += 1;
                self.say(&document, edit.facts, &before);
                self.hub_says(outputs);
                Ok(())
            }
            Ok(SiteEdited::NoSite) => Ok(()),
            Ok(other) => Err(format!("an edit at the hub was answered by {other:?}")),
            Err(error) if error.is_passing() => Ok(()),
            Err(error) => Err(format!("an edit at the hub failed: {error}")),
        }
    }

    /// An agent with a defect writes an edit that no hub takes; what follows it is good.
    pub(super) fn write_bad_edit(&mut self, n: usize) {
        self.bad_taps += 1;
        let setting =
            Setting { key: format!("{BAD_KEY}\n{}", self.bad_taps), value: "x".to_owned(), replaces: Vec::new() };
        let document = document_of(&self.machines[n].site, DocKind::Schedule);
        let Power::On(core) = &self.machines[n].power else { return };
        let writer = core.writer();
        let tx = core.connection().unchecked_transaction().expect("no other transaction");
        // A full disk may refuse; then the defect did not happen.
        let kept = || {
            let doc = Doc { row: chains::document_row_or_new(&tx, &document)?, name: &document };
            let known = registers::load(&tx, doc.row)?;
            let edit = known.author_of(writer, vec![setting]).expect("a small edit");
            if let Verdict::Follows(built) = known.judge(&edit) {
                chains::append(&tx, doc, &writer, &built)?;
                registers::fold(&tx, doc.row, &edit)?;
            }
            Ok::<_, msap_agent::store::StoreError>(())
        };
        if kept().is_ok() {
            tx.commit().ok();
        }
    }

    /// The values that must not be lost: on a disk that is going to be connected, or at the hub.
    pub(super) fn surviving_values(&self) -> BTreeSet<String> {
        let mut values = values_on(self.hub.disk(), KEPT);
        for disk in self.machines.iter().filter(|machine| !machine.revoked).filter_map(|machine| machine.disk()) {
            values.extend(values_on(disk, KEPT));
            values.extend(values_on(disk, RETIRED));
        }
        values
    }

    /// Everything said that survived stands, or somebody who saw it replaced it; nothing else stands
    /// anywhere; and it is the same everywhere.
    pub(super) fn check_values(&mut self, survived: &BTreeSet<String>) -> Check {
        let aside: BTreeSet<String> = self.values_set_aside();
        let mut stands: BTreeSet<String> = BTreeSet::new();
        let sites: BTreeSet<SiteId> = self.machines.iter().map(|machine| machine.site.clone()).collect();
        for (site, kind) in sites.iter().flat_map(|site| KINDS.map(|kind| (site, kind))) {
            let document = document_of(site, kind);
            let here = standing(self.hub.disk(), &document);
            for (key, value) in here.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value))) {
                let said = self.said.get(value);
                if !said.is_some_and(|said| said.document == document.to_string() && said.key == *key) {
                    return Err(format!("{value} stands in {document} {key}, and nobody said it"));
                }
                stands.insert(value.clone());
            }
            for (n, machine) in self.machines.iter().enumerate() {
                let (Some(disk), false) = (machine.disk(), machine.revoked || machine.site != *site) else { continue };
                let there = standing(disk, &document);
                if here != there {
                    return Err(format!("in {document} the hub shows {here:?}, machine {n} {there:?}"));
                }
            }
        }
        // Also what was under way when the faults stopped has been said.
        let now = self.surviving_values();
        let replaced = self.replaced_by(survived.iter().chain(&now));
        let lost = |value: &&String| !stands.contains(*value) && !replaced.contains(value) && !aside.contains(*value);
        match survived.iter().find(lost) {
            Some(value) => Err(format!("{value} is gone, and nobody who saw it replaced it")),
            None => Ok(()),
        }
    }

    /// What these values took the place of, and what that had taken the place of: one in between may
    /// be on no disk any more, as when it was refused and its machine entered only the last one again.
    fn replaced_by<'a>(&'a self, values: impl Iterator<Item = &'a String>) -> BTreeSet<&'a String> {
        let saw = |value: &String| self.said.get(value).map(|said| &said.saw).into_iter().flatten();
        let mut replaced: BTreeSet<&String> = BTreeSet::new();
        let mut to_follow: Vec<&String> = values.flat_map(saw).collect();
        while let Some(value) = to_follow.pop() {
            if replaced.insert(value) {
                to_follow.extend(saw(value));
            }
        }
        replaced
    }

    fn values_set_aside(&self) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for disk in self.machines.iter().filter_map(|machine| machine.disk()) {
            let sql = "SELECT value FROM refusal WHERE times >= 3";
            let mut statement = disk.prepare_cached(sql).expect("the agent's tables");
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("a query without parameters");
            values.extend(rows.map(|row| row.expect("a column of text")));
        }
        values
    }

    /// Somebody at each site settles what has several values: that ends it everywhere.
    pub(super) fn settle_conflicts(&mut self) -> Check {
        for n in 0..self.machines.len() {
            if self.machines[n].line.is_none() || self.machines[n].revoked {
                continue;
            }
            for kind in KINDS {
                let document = document_of(&self.machines[n].site, kind);
                let Some(disk) = self.machines[n].disk() else { continue };
                let several = standing(disk, &document).into_iter().filter(|(_, values)| values.len() > 1);
                let several: BTreeSet<String> = several.map(|(key, _)| key).collect();
                let keys: Vec<&'static str> = KEYS.into_iter().filter(|key| several.contains(*key)).collect();
                if keys.is_empty() {
                    continue;
                }
                self.seen.settled += 1;
                self.edit_at(n, &keys, kind)?;
                self.settle()?;
                let left = standing(self.hub.disk(), &document).into_values().filter(|values| values.len() > 1).count();
                if left > 0 {
                    return Err(format!("{document} has {left} conflicts after they were settled"));
                }
            }
        }
        Ok(())
    }
}
