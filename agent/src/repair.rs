//! Making a damaged database anew, from what of it still proves itself.
//!
//! Called by `doctor --repair`, under the agent's lock. The old files are moved aside and never
//! deleted. Chains are kept up to the first damage; what stands behind it, and taps of which only
//! the log is left, are entered again by a fresh writer: under their own names, so that nothing
//! counts twice. So are values of registers whose edit is gone. What the hub holds comes back with the next session.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use msap_shared::chain::{Built, Digest, Tip, decode_edit};
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Subject, Value, parse_fact};
use msap_shared::id::{ChangeHash, Digest32, TapId, TapName, WriterId};
use msap_shared::io::{file, store::verify};
use msap_shared::reference;
use msap_shared::register::Edit;
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use crate::exchange::{self, ExchangeError, SIDES, with};
use crate::identity::Identity;
use crate::replica::{Fresh, NoCredentials, Replica};
use crate::store::chains::{self, Doc};
use crate::store::taps::{self, Place, Tap};
use crate::store::{self, Profile, StoreError, facts, meta, references, retire};

use self::pages::{Field, Record};
use self::registers::Standing;

mod pages;
mod registers;

/// What was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Where the old files are.
    pub aside: PathBuf,
    /// Changes taken over as they were.
    pub changes: u64,
    /// Facts entered again.
    pub again: u64,
}

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// Neither the database nor the copy beside it says whom this machine counts for.
    #[error("nothing here says which site this machine counts for")]
    Nameless,
    /// A file cannot be read, written or renamed.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The new database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ExchangeError> for RepairError {
    fn from(error: ExchangeError) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}

/// Makes the database of `dir` anew. The caller holds the agent's lock.
///
/// # Errors
/// Nothing is changed then.
pub fn repair(dir: &Path, fresh: &mut Fresh, now: Timestamp) -> Result<Repaired, RepairError> {
    let path = dir.join(store::FILE_NAME);
    let site = Identity::load(dir).ok().map(|identity| identity.site().clone());
    let known = [store::profile_beside(dir), store::profile(dir)].into_iter().flatten();
    let profile = known.into_iter().find(|profile| site.as_ref().is_none_or(|site| profile.site == *site));
    let profile = profile.ok_or(RepairError::Nameless)?;
    let old = Old::read(&path)?;
    let part = dir.join("agent.db.part");
    remove(&part)?;
    let mut conn = store::create_at(&part, &profile)?;
    let done = old.enter_into(&mut conn, &profile, fresh)?;
    if let Some(tokens) = store::tokens(dir) {
        meta::set_tokens(&conn, tokens)?;
    }
    conn.close().map_err(|(_, error)| StoreError::sqlite("closing the new database")(error))?;
    let aside = exchange::replace(dir, &part, now)?;
    Ok(Repaired { aside, ..done })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RepairError + '_ {
    move |source| RepairError::Io { path: path.to_owned(), source }
}

fn remove(part: &Path) -> Result<(), RepairError> {
    for path in [part.to_owned(), with(part, SIDES[0]), with(part, SIDES[1])] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

type Fact = (String, String);

/// A change as it was read: itself, and what it says.
type Read = (Built, Edit);

/// A line of the tap log.
struct Line {
    n: i64,
    tap: Tap,
    reason: String,
}

/// What the old files still say.
#[derive(Default)]
struct Old {
    /// By row id, with the digest of the chains.
    documents: BTreeMap<i64, (DocId, [u8; 32])>,
    /// By row id and writer: which document a chain is of, and its end.
    chains: BTreeMap<(i64, WriterId), (i64, Tip)>,
    /// By row id of their chain.
    changes: BTreeMap<(i64, WriterId), BTreeMap<u64, Read>>,
    /// Facts of visits in changes that were taken out of a chain, or set aside.
    loose: Vec<(DocId, Fact)>,
    /// Facts of registers that the hub refused, with how often and why.
    refused: Vec<(DocId, Fact, u32, u8)>,
    /// What the hub sent besides changes, by kind; proved by its hash.
    references: BTreeMap<u32, (Digest32, Vec<u8>)>,
    /// Values of registers: what is left of edits that are gone.
    standing: Standing,
    taps: BTreeMap<TapId, Line>,
    /// The month of a chain, by what the tap log says is in it.
    months: BTreeMap<i64, BTreeSet<Month>>,
}

impl Old {
    fn read(path: &Path) -> Result<Self, RepairError> {
        let log = with(path, SIDES[0]);
        let read = |path: &Path| file::read_optional(path).map(Option::unwrap_or_default).map_err(at(path));
        let mut old = Self::default();
        for record in pages::records(&read(path)?, &read(&log)?) {
            old.take(record);
        }
        Ok(old)
    }

    /// A row proves by its form which table it is of.
    fn take(&mut self, (row_id, fields): Record) {
        use Field::{Blob, Int, Null, Text};
        match (row_id, fields.as_slice()) {
            (None, [Int(chain), Int(_), Blob(hash), Blob(bytes), Int(_)]) => {
                let Ok((edit, built)) = decode_edit(bytes) else { return };
                if edit.hash.as_bytes().as_slice() != hash {
                    return;
                }
                let of_chain = self.changes.entry((*chain, edit.writer)).or_default();
                of_chain.insert(edit.seq, (built, edit));
            }
            (Some(row), [Null, Text(name), Blob(digest)]) => {
                if let (Ok(document), Ok(digest)) = (name.parse(), digest.as_slice().try_into()) {
                    self.documents.insert(row, (document, digest));
                }
            }
            (Some(row), [Null, Int(document), Blob(writer), Int(seq), Blob(hash), Int(op_max), Int(_)]) => {
                let (seq, op_max) = (u64::try_from(*seq), u64::try_from(*op_max));
                let bytes = (writer.as_slice().try_into(), hash.as_slice().try_into());
                if let ((Ok(writer), Ok(hash)), (Ok(seq), Ok(op_max))) = (bytes, (seq, op_max)) {
                    self.chains.insert((row, writer), (*document, Tip { seq, hash, op_max }));
                }
            }
            (None, [Blob(_), Text(document), Blob(_), Int(_), Blob(bytes), Int(_)]) => {
                // Of registers it was entered again when it was taken out.
                let document = document.parse::<DocId>().ok().filter(|document| document.kind().is_visits());
                if let (Some(document), Ok((edit, _))) = (document, decode_edit(bytes)) {
                    self.loose.extend(facts_of(edit).map(|fact| (document.clone(), fact)));
                }
            }
            (None, [Text(document), Text(key), Text(value), Int(times), Int(reason)]) => {
                let fact = (key.clone(), value.clone());
                match (document.parse::<DocId>(), u32::try_from(*times), u8::try_from(*reason)) {
                    (Ok(document), ..) if document.kind().is_visits() => self.loose.push((document, fact)),
                    (Ok(document), Ok(times), Ok(reason)) => self.refused.push((document, fact, times, reason)),
                    _ => {}
                }
            }
            (Some(kind), [Null, Blob(hash), Blob(value)]) => {
                let hash = hash.as_slice().try_into().map(Digest32::new);
                if let (Ok(kind), Ok(hash)) = (u32::try_from(kind), hash)
                    && reference::value_hash(value) == hash
                    && references::is_kept(kind, value)
                {
                    self.references.insert(kind, (hash, value.clone()));
                }
            }
            (None, [Int(_), Text(_), Int(_), Blob(_), Text(_)]) => self.standing.take(&fields),
            (None, fields) => {
                if let Some(line) = line(fields) {
                    if let Place::Change { chain, .. } = line.tap.place {
                        self.months.entry(chain).or_default().insert(line.tap.day.month());
                    }
                    self.taps.insert(line.tap.id, line);
                }
            }
            _ => {}
        }
    }

    /// The document of a chain: as its row says where the document's digest bears it out, or the
    /// only month that the tap log has for it. A fact in the wrong month would count twice:
    /// better left to the hub than guessed.
    fn document_of(&self, chain: (i64, WriterId), profile: &Profile) -> Option<DocId> {
        if let Some((row, _)) = self.chains.get(&chain)
            && let Some((document, digest)) = self.documents.get(row)
        {
            let name = document.to_string();
            let mut found = Digest::default();
            for ((_, writer), (_, tip)) in self.chains.iter().filter(|(_, (of, _))| of == row) {
                found.advance(&name, writer, None, Some(tip));
            }
            if found.id().as_bytes() == digest {
                return Some(document.clone());
            }
        }
        let months = self.months.get(&chain.0).filter(|months| months.len() == 1)?;
        months.first().map(|month| DocId::visits(profile.site.clone(), *month))
    }

    /// Enters all of it into a new database, in one transaction.
    fn enter_into(
        mut self,
        conn: &mut Connection,
        profile: &Profile,
        fresh: &mut Fresh,
    ) -> Result<Repaired, StoreError> {
        let tx = conn.transaction().map_err(StoreError::sqlite("beginning a repair"))?;
        let mut entered = Entered::default();
        let mut again = std::mem::take(&mut self.loose);
        let mut edits: BTreeMap<DocId, Vec<Edit>> = BTreeMap::new();
        for (id, changes) in std::mem::take(&mut self.changes) {
            let named = self.document_of(id, profile);
            let document = named.or_else(|| registers::document_of(changes.values(), &profile.site));
            let Some(document) = document.filter(|document| *document.site() == profile.site) else { continue };
            if document.kind().is_registers() {
                edits.entry(document).or_default().extend(changes.into_values().map(|(_, edit)| edit));
                continue;
            }
            let doc = Doc { row: chains::document_row_or_new(&tx, &document)?, name: &document };
            let mut end: Option<(u64, ChangeHash)> = None;
            let known = chains::chain(&tx, doc.row, &id.1)?.is_some();
            for (seq, (built, edit)) in changes {
                let deps = edit.deps.as_slice();
                let follows =
                    !known && end.map_or(seq == 1 && deps.is_empty(), |(last, hash)| seq == last + 1 && deps == [hash]);
                if !follows {
                    end = Some((u64::MAX - 1, ChangeHash::new([0; 32])));
                    again.extend(facts_of(edit).map(|fact| (document.clone(), fact)));
                    continue;
                }
                end = Some((seq, built.tip.hash));
                let chain = chains::append(&tx, doc, &id.1, &built)?;
                for fact in facts_of(edit) {
                    facts::fold(&tx, doc, &fact.0, &fact.1)?;
                    entered.note(&document, fact, Place::Change { chain, seq });
                }
                entered.changes += 1;
            }
        }
        let mut writer = WriterId::new(fresh());
        let mut replica = Replica { conn: &tx, writer: &mut writer, fresh, credentials: &mut NoCredentials };
        for (document, fact) in again {
            entered.again(&mut replica, document, fact)?;
        }
        entered.taps(&mut replica, self.taps, profile)?;
        let mut standing = self.standing.by_document(&profile.site, |row| Some(self.documents.get(&row)?.0.clone()));
        for document in standing.keys() {
            edits.entry(document.clone()).or_default();
        }
        for (document, edits) in edits {
            let left = standing.remove(&document).unwrap_or_default();
            let (changes, anew) = replica.enter_edits(&document, edits, left)?;
            (entered.changes, entered.anew) = (entered.changes + changes, entered.anew + anew);
        }
        for (document, fact, times, reason) in self.refused {
            retire::was_refused(&tx, &document, &fact, times, reason)?;
        }
        for (kind, (hash, value)) in self.references {
            references::keep(&tx, kind, &hash, &value)?;
        }
        for (name, _) in chains::documents(&tx)? {
            let Some(row) = chains::document_row(&tx, &name)? else { continue };
            let found = verify::verify(&tx, Doc { row, name: &name })?;
            if let Some(problem) = found.problems.into_iter().next() {
                return Err(StoreError::corrupt(format!("what was made anew does not hold: {problem}")));
            }
        }
        tx.commit().map_err(StoreError::sqlite("committing a repair"))?;
        Ok(Repaired { aside: PathBuf::new(), changes: entered.changes, again: entered.anew })
    }
}

fn facts_of(edit: Edit) -> impl Iterator<Item = Fact> {
    edit.settings.into_iter().map(|setting| (setting.key, setting.value))
}

/// A line of the tap log, if these are its fields.
fn line(fields: &[Field]) -> Option<Line> {
    use Field::{Blob, Int, Text};
    let [Blob(id), Int(n), Blob(name), Int(at), Int(day), Int(chain), Int(seq), Text(visit), Text(reason), rest @ ..] =
        fields
    else {
        return None;
    };
    let id = TapId::new(id.as_slice().try_into().ok()?);
    // The name is a hash of the id: a row that was hit there does not pass.
    if id.name().as_bytes().as_slice() != name {
        return None;
    }
    let day = Day::from_number(i32::try_from(*day).ok()?)?;
    let place = match u64::try_from(*seq) {
        Ok(seq) if *chain >= 0 => Place::Change { chain: *chain, seq },
        _ => Place::Aside,
    };
    let part_of = match rest {
        [Blob(visit)] => visit.as_slice().try_into().ok().map(TapName::new),
        _ => None,
    };
    let tap = Tap { id, name: id.name(), at: *at, day, place, visit: visit.clone(), part_of };
    Some(Line { n: *n, tap, reason: reason.clone() })
}

/// What stands in the new database.
#[derive(Default)]
struct Entered {
    facts: BTreeSet<(DocId, Fact)>,
    /// Where each tap's highest revision is.
    places: BTreeMap<TapName, (u8, Place)>,
    changes: u64,
    anew: u64,
}

impl Entered {
    fn note(&mut self, document: &DocId, fact: Fact, place: Place) {
        if let Ok(Key { subject: Subject::Tap(name), rev, .. }) = Key::parse(&fact.0)
            && self.places.get(&name).is_none_or(|(known, _)| *known <= rev)
        {
            self.places.insert(name, (rev, place));
        }
        self.facts.insert((document.clone(), fact));
    }

    /// Enters a fact again, unless it stands.
    fn again(&mut self, replica: &mut Replica<'_>, document: DocId, fact: Fact) -> Result<(), StoreError> {
        let entry = (document, fact);
        if self.facts.contains(&entry)
            || entry.0.month().is_none_or(|month| parse_fact(month, &entry.1.0, &entry.1.1).is_err())
        {
            return Ok(());
        }
        let (document, fact) = entry;
        let place = replica.enter(&document, &fact.0, &fact.1)?;
        self.anew += 1;
        self.note(&document, fact, place);
        Ok(())
    }

    /// Takes the tap log over. A tap of which no fact is left is entered again from its line.
    fn taps(
        &mut self,
        replica: &mut Replica<'_>,
        lines: BTreeMap<TapId, Line>,
        profile: &Profile,
    ) -> Result<(), StoreError> {
        let mut lines: Vec<Line> = lines.into_values().collect();
        lines.sort_by_key(|line| line.n);
        for Line { mut tap, reason, .. } in lines {
            if !self.places.contains_key(&tap.name) && tap.place != Place::Aside {
                let document = DocId::visits(profile.site.clone(), tap.day.month());
                let fact = (Key::tap(tap.day, tap.name, 0).to_string(), tap.visit.clone());
                if matches!(parse_fact(tap.day.month(), &fact.0, &fact.1), Ok((_, Value::Visit(_)))) {
                    self.again(replica, document, fact)?;
                }
            }
            tap.place = self.places.get(&tap.name).map_or(Place::Aside, |(_, place)| *place);
            taps::insert(replica.conn, &tap, &reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
