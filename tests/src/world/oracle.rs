//! What must hold, asked of the disks themselves.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Subject, Visit};
use msap_shared::id::{ChangeHash, TapName, WriterId};
use rusqlite::{Connection, OptionalExtension as _};

use super::disk::{self, Fact, Place};
use super::{Check, Fault, World};

/// A fact that was made to be refused.
pub(super) const BAD_KEY: &str = "not.a.tap";

fn facts_on(conn: &Connection, forks: &mut BTreeMap<Place, ChangeHash>, forked: &mut Vec<Place>) -> BTreeSet<Fact> {
    let mut facts = BTreeSet::new();
    for (place, hash, content) in disk::changes(conn) {
        if *forks.entry(place.clone()).or_insert(hash) != hash {
            forked.push(place.clone());
        }
        if !place.0.contains("/visits/") {
            // What registers hold is replaced: see `edits`.
            continue;
        }
        facts.extend(content.into_iter().map(|(key, value)| (place.0.clone(), key, value)));
    }
    facts
}

impl World {
    /// Nothing is called confirmed on this machine that the hub does not hold. Asked of machines
    /// that the hub's present database has welcomed: others cannot know better yet.
    pub(super) fn check_confirmed(&self, machine: usize) -> Check {
        let host = &self.machines[machine];
        let (Some(disk), true) = (host.disk(), host.welcomed == self.hub.generation) else { return Ok(()) };
        let sql = "SELECT d.name, c.writer, c.acked, h.hash FROM chain c JOIN document d ON d.id = c.document
                   LEFT JOIN change h ON h.chain = c.id AND h.seq = c.acked WHERE c.acked > 0";
        let mut statement = disk.prepare_cached(sql).expect("the agent's tables");
        let rows = statement.query_map([], |row| {
            let place: (String, [u8; 16], u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((place, row.get::<_, Option<[u8; 32]>>(3)?))
        });
        let acked: Vec<_> = rows.and_then(Iterator::collect).expect("columns of these types");
        let sql = "SELECT h.hash FROM change h JOIN chain c ON c.id = h.chain JOIN document d ON d.id = c.document
                   WHERE d.name = ?1 AND c.writer = ?2 AND h.seq = ?3";
        let mut held = self.hub.disk().prepare_cached(sql).expect("the hub's tables");
        for ((document, writer, seq), hash) in acked {
            let holds: Option<[u8; 32]> =
                held.query_row((&document, writer, seq), |row| row.get(0)).optional().expect("one column");
            if hash.is_none() || holds != hash {
                return Err(format!("machine {machine} calls {document} {seq} confirmed, the hub does not hold it"));
            }
        }
        Ok(())
    }

    /// No disk has lost a fact, and nobody has written twice under one number. Asked before
    /// disks are copied, swapped or lost, and at the end.
    pub(super) fn audit(&mut self) -> Check {
        let (mut places, mut forked) = (BTreeMap::new(), Vec::new());
        for (n, machine) in self.machines.iter_mut().enumerate() {
            let Some(conn) = machine.disk() else { continue };
            let found = facts_on(conn, &mut places, &mut forked);
            // Refused three times by itself, a fact is set aside: out of the document, and listed.
            let aside = set_aside(conn);
            if let Some(lost) = machine.holds.difference(&found).find(|fact| !aside.contains(fact)) {
                return Err(format!("machine {n} has lost {lost:?}"));
            }
            machine.holds = found.into_iter().filter(|(_, key, _)| !key.contains(BAD_KEY)).collect();
        }
        let found = facts_on(self.hub.disk(), &mut places, &mut forked);
        if let Some(lost) = self.hub.holds.difference(&found).next() {
            return Err(format!("the hub has lost {lost:?}"));
        }
        self.hub.holds = found;
        match forked.iter().find(|(_, writer, _)| !self.copied_writers.contains(writer)) {
            Some((document, writer, seq)) => Err(format!("{document} {writer} {seq} was written twice")),
            None => Ok(()),
        }
    }

    /// The hub's totals are what the taps amount to that it holds, each once.
    pub(super) fn check_totals(&mut self) -> Check {
        let mut by_tap: BTreeMap<TapName, Vec<(u8, u8, String)>> = BTreeMap::new();
        for (document, key, value) in &self.hub.holds {
            let key = Key::parse(key).map_err(|error| format!("the hub took {key:?}: {error}"))?;
            if let Subject::Tap(name) = key.subject {
                if !self.by_name.contains_key(&name) {
                    return Err(format!("the hub holds a tap in {document} that nobody made"));
                }
                by_tap.entry(name).or_default().push((key.rev, key.day, value.clone()));
            }
        }
        let says = |name: &TapName| {
            let (.., value) = by_tap.get(name)?.iter().max()?;
            Visit::parse(value).ok()
        };
        let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for intent in &self.intents {
            let counted = intent.names.iter().find_map(says);
            let undone = intent.undone_by.iter().any(|name| by_tap.contains_key(name));
            if let (Some(visit), false) = (counted, undone) {
                let total = expected.entry(intent.site.to_string()).or_default();
                *total = (total.0 + i64::from(visit.people), total.1 + i64::from(visit.requests));
            }
        }
        let totals =
            if self.fault == Some(Fault::FoldIgnoresRevisions) { self.every_revision() } else { self.hub.totals() };
        let found: BTreeMap<String, (i64, i64)> =
            totals.into_iter().map(|(site, people, requests)| (site, (people, requests))).collect();
        let nonzero = |map: BTreeMap<String, (i64, i64)>| -> BTreeMap<_, _> {
            map.into_iter().filter(|(_, total)| *total != (0, 0)).collect()
        };
        let (expected, found) = (nonzero(expected), nonzero(found));
        if expected == found {
            Ok(())
        } else {
            Err(format!("the desks' taps amount to {expected:?}, the hub says {found:?}"))
        }
    }

    /// What a fold that ignores revisions would say.
    fn every_revision(&self) -> Vec<(String, i64, i64)> {
        let mut totals: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (document, _, value) in &self.hub.holds {
            let (Ok(document), Ok(visit)) = (document.parse::<DocId>(), Visit::parse(value)) else { continue };
            let total = totals.entry(document.site().to_string()).or_default();
            *total = (total.0 + i64::from(visit.people), total.1 + i64::from(visit.requests));
        }
        totals.into_iter().map(|(site, (people, requests))| (site, people, requests)).collect()
    }

    /// All connected machines of a site hold the same documents as the hub, all confirmed.
    pub(super) fn check_converged(&self) -> Check {
        let digests = |conn: &Connection, site: &str| -> BTreeMap<String, [u8; 32]> {
            let sql = "SELECT name, digest FROM document WHERE name LIKE ?1 AND digest <> zeroblob(32)";
            let mut statement = conn.prepare_cached(sql).expect("both programs' tables");
            let rows = statement.query_map([format!("site/{site}/%")], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.and_then(Iterator::collect).expect("two columns")
        };
        for (n, machine) in self.machines.iter().enumerate() {
            let (Some(disk), false) = (machine.disk(), machine.revoked) else { continue };
            let site = machine.site.as_str();
            let (here, there) = (ends(disk, site), ends(self.hub.disk(), site));
            if digests(disk, site) != digests(self.hub.disk(), site) {
                let differing: Vec<_> = here.symmetric_difference(&there).collect();
                return Err(format!("machine {n} and the hub hold different documents: {differing:?}"));
            }
            let waiting: i64 = disk
                .query_row("SELECT coalesce(sum(seq - acked), 0) FROM chain", [], |row| row.get(0))
                .expect("one column");
            if waiting > 0 {
                return Err(format!("machine {n} still waits for {waiting} changes"));
            }
        }
        Ok(())
    }
}

/// The facts that a machine has set aside.
fn set_aside(conn: &Connection) -> BTreeSet<Fact> {
    let mut statement =
        conn.prepare_cached("SELECT document, key, value FROM refusal WHERE times >= 3").expect("the agent's tables");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.and_then(Iterator::collect).expect("three columns")
}

/// The ends of all chains of a site: document, writer, sequence number, the hash's first bytes.
fn ends(conn: &Connection, site: &str) -> BTreeSet<(String, WriterId, u64, String)> {
    let sql = "SELECT d.name, c.writer, c.seq, lower(hex(substr(c.hash, 1, 4))) FROM chain c
               JOIN document d ON d.id = c.document WHERE d.name LIKE ?1";
    let mut statement = conn.prepare_cached(sql).expect("both programs' tables");
    let rows = statement.query_map([format!("site/{site}/%")], |row| {
        Ok((row.get(0)?, WriterId::new(row.get(1)?), row.get(2)?, row.get(3)?))
    });
    rows.and_then(Iterator::collect).expect("four columns")
}
