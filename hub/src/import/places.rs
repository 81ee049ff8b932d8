//! Provisional ids, and the places that they stand for.
//!
//! The national list names a new site `temp_12` until it has its own id. When the same place —
//! commune, name and address — appears under that, the provisional id becomes another name of one
//! site. A site without machines takes its own id; one with machines keeps the provisional one,
//! which its visits are kept under, and its own id becomes the other name. Either is understood
//! everywhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::id::SiteId;
use rusqlite::Connection;

use super::report::{ImportReport, NewAlias};
use super::{Candidate, defect};
use crate::site::Site;
use crate::store::{StoreError, journal, sites};

/// One place in the world, as lists write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    insee: String,
    name: String,
    street: String,
}

impl Address {
    fn of(site: &Site) -> Option<Self> {
        // What follows the street, a floor or a hamlet, is told on one list and not on the next.
        let street = site.address.split(", ").next().unwrap_or_default();
        let (name, street) = (plain(&site.name), plain(street));
        let told = !site.insee.is_empty() && !name.is_empty() && !street.is_empty();
        told.then(|| Self { insee: site.insee.clone(), name, street })
    }
}

/// What becomes of a provisional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// The site takes its own id; the provisional one is its alias.
    Rename { from: SiteId, to: SiteId },
    /// The name is an alias of this site.
    Alias { alias: SiteId, site: SiteId },
    /// A second, empty site of this place makes way; its id is an alias.
    Drop { from: SiteId, to: SiteId },
}

impl Merge {
    /// The id that is no site's own afterwards.
    pub(super) fn gone(&self) -> SiteId {
        match self {
            Self::Rename { from, .. } | Self::Drop { from, .. } => from.clone(),
            Self::Alias { alias, .. } => alias.clone(),
        }
    }

    pub(super) fn carry_out(&self, conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let (alias, site) = match self {
            Self::Rename { from, to } => {
                sites::rename(conn, from, to)?;
                (from, to)
            }
            Self::Drop { from, to } => {
                sites::lead(conn, from, to)?;
                sites::remove(conn, from)?;
                (from, to)
            }
            Self::Alias { alias, site } => (alias, site),
        };
        sites::add_alias(conn, alias.as_str(), site)?;
        journal::record(conn, now, "site.alias", site.as_str(), alias.as_str())
    }
}

/// The places of the sites that are known.
pub(super) struct Places {
    provisional: BTreeMap<Address, SiteId>,
    own: BTreeMap<Address, SiteId>,
}

impl Places {
    pub(super) fn of(known: Vec<Site>) -> Self {
        let (mut provisional, mut own) = (BTreeMap::new(), BTreeMap::new());
        for site in known {
            if let Some(address) = Address::of(&site) {
                let side = if is_provisional(site.id.as_str()) { &mut provisional } else { &mut own };
                side.entry(address).or_insert(site.id);
            }
        }
        Self { provisional, own }
    }

    /// Finds the rows that stand for one place, and makes one site of them.
    pub(super) fn merge(
        mut self,
        conn: &Connection,
        rows: &mut Vec<Candidate>,
        report: &mut ImportReport,
    ) -> Result<Vec<Merge>, StoreError> {
        let mut merges = Vec::new();
        // Rows under an id of their own first: a provisional row of the same file follows them.
        for row in rows.iter_mut().filter(|row| !is_provisional(row.site.id.as_str())) {
            let Some(address) = Address::of(&row.site) else { continue };
            if let Some(temp) = self.provisional.get(&address).cloned() {
                let bare = sites::is_bare(conn, &temp)?;
                let own = row.site.id.clone();
                match (row.before.is_some(), bare) {
                    (false, true) => {
                        merges.push(Merge::Rename { from: temp.clone(), to: own });
                        row.before =
                            sites::find(conn, &temp)?.map(|(before, _)| Site { id: row.site.id.clone(), ..before });
                    }
                    (false, false) => {
                        row.before = sites::find(conn, &temp)?.map(|(before, _)| before);
                        row.site.id = temp.clone();
                        merges.push(Merge::Alias { alias: own, site: temp.clone() });
                    }
                    (true, true) => merges.push(Merge::Drop { from: temp.clone(), to: own }),
                    (true, false) => {
                        let problem = row.place.problem(row.id_column.clone(), temp.as_str(), defect::TWO_SITES);
                        row.problems.push(problem);
                        continue;
                    }
                }
                self.provisional.remove(&address);
            }
            self.own.insert(address, row.site.id.clone());
        }
        rows.retain_mut(|row| {
            if !is_provisional(row.site.id.as_str()) || merges.iter().any(|merge| is_of(merge, &row.site.id)) {
                return true;
            }
            let Some(address) = Address::of(&row.site) else { return true };
            match self.own.get(&address) {
                Some(own) if row.before.is_none() => {
                    merges.push(Merge::Alias { alias: row.site.id.clone(), site: own.clone() });
                    report.unchanged += 1;
                    false
                }
                _ => {
                    let alike = |known: &&Address| known.insee == address.insee && known.name == address.name;
                    if let Some(own) = self.own.keys().find(alike).and_then(|known| self.own.get(known)) {
                        let problem = row.place.problem(row.id_column.clone(), own.as_str(), defect::SAME_PLACE);
                        row.problems.push(problem);
                    }
                    true
                }
            }
        });
        report.aliases = merges.iter().map(new_alias).collect();
        Ok(merges)
    }
}

/// Whether a row under this id already stands for the site that a merge keeps under it.
fn is_of(merge: &Merge, id: &SiteId) -> bool {
    matches!(merge, Merge::Alias { site, .. } if site == id)
}

fn new_alias(merge: &Merge) -> NewAlias {
    let (alias, site) = match merge {
        Merge::Rename { from, to } | Merge::Drop { from, to } => (from, to),
        Merge::Alias { alias, site } => (alias, site),
    };
    NewAlias { alias: alias.to_string(), site: site.to_string() }
}

/// Whether the list will give this site another id.
pub(super) fn is_provisional(id: &str) -> bool {
    id.starts_with("temp_")
}

/// Says so among the doubts about its data.
pub(super) fn mark(site: &mut Site) {
    let flags = site.quality.split(',').filter(|flag| !flag.is_empty() && *flag != defect::PROVISIONAL.code);
    site.quality = flags.chain([defect::PROVISIONAL.code]).collect::<Vec<_>>().join(",");
}

/// A text without accents, case, punctuation or doubled spaces: how two lists agree on a name.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'â' | 'ä' | 'á' => plain.push('a'),
            'ç' => plain.push('c'),
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'î' | 'ï' | 'í' => plain.push('i'),
            'ô' | 'ö' | 'ó' => plain.push('o'),
            'ù' | 'û' | 'ü' | 'ú' => plain.push('u'),
            'ÿ' => plain.push('y'),
            'ñ' => plain.push('n'),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            c if c.is_alphanumeric() => plain.push(c),
            _ if !plain.ends_with(' ') => plain.push(' '),
            _ => {}
        }
    }
    plain.trim().to_owned()
}
