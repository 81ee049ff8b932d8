//! What the house says of its hours and partners, after any page was damaged.

use std::collections::BTreeMap;

use msap_shared::id::Digest32;
use msap_shared::reference::{CLOSURES, TERMS, Terms, to_bytes, value_hash};
use msap_shared::schedule::closures::Closures;

use super::*;
use crate::store::registers;

const KINDS: [&str; 2] = ["site/275/schedule", "site/275/partners"];

fn value(body: &str) -> String {
    format!("device:0707070707070707|2026-11-20|{body}")
}

/// Half a year of edits by three loads: whole weeks at once, long texts, partners, some replaced;
/// facts that the hub refused for good; what the hub sent.
fn house(dir: &Path) {
    begun(dir);
    let conn = store::open(dir).unwrap();
    let days = ["mo", "tu", "we", "th", "fr", "sa", "su"];
    for load in 1..=3u8 {
        let (mut writer, mut fresh, mut credentials) = (WriterId::new([load; 16]), fresh(load), NoCredentials);
        let mut replica =
            Replica { conn: &conn, writer: &mut writer, fresh: &mut fresh, credentials: &mut credentials };
        let mut set = |document: &str, facts: &[(String, String)]| {
            let document: DocId = document.parse().unwrap();
            let done = replica.edit(document.kind(), facts).unwrap();
            assert_eq!(done, crate::replica::Edited::Kept, "{facts:?}");
        };
        for month in 1..=6 {
            let hours = |variant: &str, slots: &str| {
                days.map(|day| (format!("hours|2026-{month:02}-01|{variant}|{day}|-"), value(slots)))
            };
            let slots = format!("0{load}:00-12:00,14:00-17:30");
            set(KINDS[0], &[hours("odd", &slots), hours("even", "09:00-12:00,13:00-18:30")].concat());
        }
        set(KINDS[0], &[("text".into(), value(&format!("{load} {}", "horaires illisibles ".repeat(40))))]);
        set(KINDS[0], &[("later".into(), "x".repeat(2_000 + usize::from(load)))]);
        for code in ["CNAF", "CNAM", "CNAV", "MSA", "DGFIP"] {
            set(KINDS[1], &[(format!("presence|{code}"), value(&format!("reachable|323{load}||2026-11-20")))]);
        }
    }
    for (n, key) in ["later", "hours|2026-11-01|every|mo|-"].iter().enumerate() {
        let fact = ((*key).to_owned(), value(&"refusé ".repeat(200 + n)));
        retire::was_refused(&conn, &KINDS[0].parse().unwrap(), &fact, retire::REFUSALS_MAX, 7).unwrap();
    }
    for (kind, value) in [(TERMS, to_bytes(&Terms::default())), (CLOSURES, to_bytes(&Closures::default()))] {
        references::keep(&conn, kind, &value_hash(&value), &value).unwrap();
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Said {
    values: BTreeMap<(String, String), BTreeSet<String>>,
    refused: BTreeSet<(String, String, String, u32)>,
    references: Vec<(u32, Digest32)>,
}

fn said(dir: &Path) -> Said {
    let conn = store::open(dir).unwrap();
    let mut values = BTreeMap::new();
    for document in KINDS {
        for (key, all) in registers::values(&conn, &document.parse().unwrap()).unwrap() {
            values.insert((document.to_owned(), key), all.into_iter().collect());
        }
    }
    let mut statement = conn.prepare("SELECT document, key, value, times FROM refusal").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    Said { values, refused: rows.collect::<Result<_, _>>().unwrap(), references: references::held(&conn).unwrap() }
}

/// Everything that was ever set.
fn ever(dir: &Path) -> BTreeSet<String> {
    let conn = store::open(dir).unwrap();
    let mut found = BTreeSet::new();
    for document in KINDS {
        let row = chains::document_row(&conn, &document.parse().unwrap()).unwrap().unwrap();
        let edits = registers::changes(&conn, row).unwrap().into_iter().map(|kept| kept.edit().unwrap());
        found.extend(edits.flat_map(|edit| edit.settings).map(|setting| setting.value));
    }
    found
}

/// The pages of a table, counted from 0.
fn pages_of(dir: &Path, table: &str) -> BTreeSet<usize> {
    let conn = store::open(dir).unwrap();
    let mut statement = conn.prepare("SELECT pageno - 1 FROM dbstat WHERE name = ?1").unwrap();
    let pages = statement.query_map([table], |row| row.get(0)).unwrap();
    pages.collect::<Result<_, _>>().unwrap()
}

#[test]
fn whichever_page_is_damaged_all_that_the_house_says_is_there_and_nothing_is_invented() {
    let whole = tempfile::tempdir().unwrap();
    house(whole.path());
    let (before, ever) = (said(whole.path()), ever(whole.path()));
    assert_eq!((before.refused.len(), before.references.len()), (2, 2));
    let of = |table: &str| pages_of(whole.path(), table);
    let (changes, values, refused, held) = (of("change"), of("register"), of("refusal"), of("reference"));
    let bytes = std::fs::read(whole.path().join("agent.db")).unwrap();
    let mut seed = 5u64;
    for page in 0..bytes.len() / 4096 {
        for way in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = page * 4096;
            let mut damaged = bytes.clone();
            match way {
                0 => damaged[at..at + 4096].fill(0x5a),
                1 => damaged[at..at + 4096].fill(0),
                _ => damaged[at + (seed >> 33) as usize % 4096] ^= 1 << (seed >> 60 & 7),
            }
            let dir = copied(whole.path());
            std::fs::write(dir.path().join("agent.db"), damaged).unwrap();
            let context = format!("page {page}, way {way}, seed {seed}");
            repair(dir.path(), &mut fresh(9), now()).unwrap_or_else(|error| panic!("{context}: {error}"));
            let after = said(dir.path());
            for (key, standing) in &before.values {
                let found = after.values.get(key).unwrap_or_else(|| panic!("{context}: {key:?} is gone"));
                assert!(standing.is_subset(found), "{context}: {key:?} says {found:?}");
                assert!(found.is_subset(&ever), "{context}: {key:?} says {found:?}");
            }
            assert_eq!(after.values.len(), before.values.len(), "{context}");
            // Where both copies are whole nothing differs: the page held something else.
            if !changes.contains(&page) && !values.contains(&page) {
                assert_eq!(after.values, before.values, "{context}");
            }
            if !refused.contains(&page) {
                assert_eq!(after.refused, before.refused, "{context}");
            }
            if !held.contains(&page) {
                assert_eq!(after.references, before.references, "{context}");
            }
        }
    }
}
