//! The rows that can still be read from the pages of a damaged database, one page at a time.
//!
//! Called by the repair. No tree is followed: a page that is damaged costs the rows of which it
//! holds a part and no others, be it the first page or a root. What is read here is not yet believed: changes prove
//! themselves by their hash, the rest by its form. Any bytes are taken, none panic.

use std::collections::BTreeMap;

/// Pages of our databases: SQLite's default, which nothing here changes.
const PAGE_LEN: usize = 4096;
/// What a page of a row that goes on in other pages begins with: the number of the next one.
const NEXT_LEN: usize = 4;
/// Most bytes of a row that stand in its own page, in a table with row ids and in an index; and
/// fewest of one that goes on in other pages. From the file format's description.
const LOCAL_TABLE_MAX: usize = PAGE_LEN - 35;
const LOCAL_INDEX_MAX: usize = (PAGE_LEN - 12) * 64 / 255 - 23;
const LOCAL_MIN: usize = (PAGE_LEN - 12) * 32 / 255 - 23;
/// Longest row that is read: the longest change, and room for what stands beside it.
const ROW_LEN_MAX: usize = 128 * 1024;
const WAL_HEADER_LEN: usize = 32;
const FRAME_HEADER_LEN: usize = 24;
/// The first page begins with the file's header.
const FILE_HEADER_LEN: usize = 100;
/// Kinds of page that hold rows: interior and leaf of an index (a table without row ids is one),
/// leaf of a table.
const INTERIOR_INDEX: u8 = 2;
const LEAF_INDEX: u8 = 10;
const LEAF_TABLE: u8 = 13;

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Null,
    Int(i64),
    Blob(Vec<u8>),
    Text(String),
}

/// A row: its row id where the table has them, and its values.
pub(super) type Record = (Option<i64>, Vec<Field>);

/// The pages as they were after one commit: the log's so far, over the file's.
struct View<'a> {
    database: &'a [u8],
    log: BTreeMap<u32, &'a [u8]>,
}

impl<'a> View<'a> {
    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let in_file = || self.database.chunks(PAGE_LEN).nth(usize::try_from(number.checked_sub(1)?).ok()?);
        self.log.get(&number).copied().or_else(in_file)
    }
}

/// Every row of a database's file and of what its log has committed.
pub(super) fn records(database: &[u8], log: &[u8]) -> Vec<Record> {
    let mut view = View { database, log: BTreeMap::new() };
    let mut found = Vec::new();
    for (n, page) in database.chunks(PAGE_LEN).enumerate() {
        found.extend(of_page(page, n == 0, &view).unwrap_or_default());
    }
    for commit in committed(log) {
        // A row is read together with the pages that were written with it.
        view.log.extend(commit.iter().copied());
        for (number, page) in commit {
            found.extend(of_page(page, number == 1, &view).unwrap_or_default());
        }
    }
    found
}

/// The numbered pages of each commit of the log; what follows the last was told to nobody.
fn committed(log: &[u8]) -> Vec<Vec<(u32, &[u8])>> {
    let Some((header, frames)) = log.split_at_checked(WAL_HEADER_LEN) else { return Vec::new() };
    let frames = frames.chunks_exact(FRAME_HEADER_LEN + PAGE_LEN);
    let round = &header[16..24];
    // A header that no frame agrees with is damaged itself.
    let first = frames.clone().next().map(|frame| &frame[8..16]);
    let round = if frames.clone().any(|frame| &frame[8..16] == round) { Some(round) } else { first };
    let (mut commits, mut pages) = (Vec::new(), Vec::new());
    for frame in frames {
        let (about, page) = frame.split_at(FRAME_HEADER_LEN);
        if Some(&about[8..16]) != round {
            // Left by an earlier round of the log, or damaged: what is behind it proves itself.
            continue;
        }
        pages.push((u32::from_be_bytes([about[0], about[1], about[2], about[3]]), page));
        if about[4..8] != [0; 4] {
            commits.push(std::mem::take(&mut pages));
        }
    }
    commits
}

/// The rows of one page; `None` when it is of another kind.
fn of_page(page: &[u8], is_first: bool, view: &View<'_>) -> Option<Vec<Record>> {
    let header = if is_first { FILE_HEADER_LEN } else { 0 };
    let kind = *page.get(header)?;
    let (pointers, child_len) = match kind {
        INTERIOR_INDEX => (header + 12, 4),
        LEAF_INDEX | LEAF_TABLE => (header + 8, 0),
        _ => return None,
    };
    let count = usize::from(u16::from_be_bytes(page.get(header + 3..header + 5)?.try_into().ok()?));
    let pointers = page.get(pointers..)?.chunks_exact(2).take(count);
    let cells = pointers.map(|at| usize::from(u16::from_be_bytes([at[0], at[1]])) + child_len);
    Some(cells.filter_map(|at| of_cell(page.get(at..)?, kind == LEAF_TABLE, view)).collect())
}

/// The row of one cell; `None` for one that is damaged, here or in the pages in which it goes on.
fn of_cell(mut cell: &[u8], has_row_id: bool, view: &View<'_>) -> Option<Record> {
    let len = usize::try_from(varint(&mut cell)?).ok()?;
    let row_id = if has_row_id { Some(varint(&mut cell)?) } else { None };
    let whole;
    let payload = match local_len(len, has_row_id) {
        local if local == len => cell.get(..len)?,
        local => {
            whole = spilled(cell, len, local, view)?;
            whole.as_slice()
        }
    };
    let mut header = payload;
    let header_len = usize::try_from(varint(&mut header)?).ok()?;
    let mut values = payload.get(header_len..)?;
    let mut header = payload.get(payload.len() - header.len()..header_len)?;
    let mut fields = Vec::new();
    while !header.is_empty() {
        fields.push(value(varint(&mut header)?, &mut values)?);
    }
    values.is_empty().then_some((row_id, fields))
}

/// How many bytes of a row stand in its own page.
fn local_len(len: usize, has_row_id: bool) -> usize {
    let max = if has_row_id { LOCAL_TABLE_MAX } else { LOCAL_INDEX_MAX };
    if len <= max {
        return len;
    }
    let fitting = LOCAL_MIN + (len - LOCAL_MIN) % (PAGE_LEN - NEXT_LEN);
    if fitting <= max { fitting } else { LOCAL_MIN }
}

/// A row that goes on in other pages, the last of which names no next one.
fn spilled(cell: &[u8], len: usize, local: usize, view: &View<'_>) -> Option<Vec<u8>> {
    if len > ROW_LEN_MAX {
        return None;
    }
    let (here, mut rest) = cell.split_at_checked(local)?;
    let mut whole = here.to_vec();
    while whole.len() < len {
        let (next, _) = rest.split_first_chunk::<NEXT_LEN>()?;
        let page = view.page(u32::from_be_bytes(*next))?;
        let content = page.get(NEXT_LEN..PAGE_LEN)?;
        whole.extend_from_slice(&content[..content.len().min(len - whole.len())]);
        rest = page;
    }
    rest.starts_with(&[0; NEXT_LEN]).then_some(whole)
}

fn value(kind: i64, values: &mut &[u8]) -> Option<Field> {
    let mut take = |len: usize| {
        let (taken, rest) = values.split_at_checked(len)?;
        *values = rest;
        Some(taken)
    };
    let mut integer = |len: usize| {
        let bytes = take(len)?;
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        Some(Field::Int(bytes.iter().fold(sign, |n: i64, byte| n << 8 | i64::from(*byte))))
    };
    match kind {
        0 => Some(Field::Null),
        1..=4 => integer(usize::try_from(kind).ok()?),
        5 => integer(6),
        6 => integer(8),
        8 => Some(Field::Int(0)),
        9 => Some(Field::Int(1)),
        12.. if kind % 2 == 0 => Some(Field::Blob(take(usize::try_from((kind - 12) / 2).ok()?)?.to_vec())),
        13.. => String::from_utf8(take(usize::try_from((kind - 13) / 2).ok()?)?.to_vec()).ok().map(Field::Text),
        _ => None,
    }
}

/// SQLite's variable-length integer.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut n = 0u64;
    for at in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if at == 8 {
            n = n << 8 | u64::from(*byte);
        } else {
            n = n << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    Some(n as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_from_the_file_and_from_the_committed_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let conn = rusqlite::Connection::open(&path).unwrap();
        let script = "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER PRIMARY KEY, b, c) ;
                      CREATE TABLE w (a, b, PRIMARY KEY (a)) WITHOUT ROWID;";
        conn.execute_batch(script).unwrap();
        for n in 0..500i64 {
            conn.execute("INSERT INTO t VALUES (?1, ?2, 'é')", (n + 1, -n * 7_000_000)).unwrap();
            conn.execute("INSERT INTO w VALUES (?1, ?2)", (n, vec![5u8; 40])).unwrap();
            if n == 250 {
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            }
        }
        let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        let found = records(&read("x.db"), &read("x.db-wal"));
        for n in 0..500i64 {
            let with_id = (Some(n + 1), vec![Field::Null, Field::Int(-n * 7_000_000), Field::Text("é".into())]);
            let without = (None, vec![Field::Int(n), Field::Blob(vec![5; 40])]);
            assert!(found.contains(&with_id) && found.contains(&without), "{n}");
        }
        // Neither a damaged header of the log nor one of a frame takes the frames behind it along.
        let last = |log: &[u8]| records(&read("x.db"), log).iter().any(|(row, _)| *row == Some(500));
        for at in [16, WAL_HEADER_LEN + 8] {
            let mut log = read("x.db-wal");
            log[at] ^= 1;
            assert!(last(&log), "{at}");
        }
    }

    #[test]
    fn rows_that_go_on_in_other_pages_are_read_whole_whatever_their_length() {
        let dir = tempfile::tempdir().unwrap();
        let conn = rusqlite::Connection::open(dir.path().join("x.db")).unwrap();
        let script =
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a INTEGER PRIMARY KEY, b);
                      CREATE TABLE w (a, b, PRIMARY KEY (a)) WITHOUT ROWID;";
        conn.execute_batch(script).unwrap();
        let bytes = |n: i64| vec![n as u8; usize::try_from(n).unwrap()];
        let bounds = [LOCAL_INDEX_MAX, LOCAL_TABLE_MAX, LOCAL_MIN + PAGE_LEN, 4 * PAGE_LEN];
        let lengths: Vec<i64> = bounds.iter().flat_map(|at| (*at as i64 - 20)..(*at as i64 + 20)).collect();
        for n in &lengths {
            conn.execute("INSERT INTO t VALUES (?1, ?2)", (n, bytes(*n))).unwrap();
            conn.execute("INSERT INTO w VALUES (?1, ?2)", (n, bytes(*n))).unwrap();
        }
        // From the log alone, then from the file alone.
        for fold in [false, true] {
            if fold {
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            }
            let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
            let found = records(&read("x.db"), &read("x.db-wal"));
            for n in &lengths {
                assert!(found.contains(&(Some(*n), vec![Field::Null, Field::Blob(bytes(*n))])), "{n} {fold}");
                assert!(found.contains(&(None, vec![Field::Int(*n), Field::Blob(bytes(*n))])), "{n} {fold}");
            }
        }
    }

    #[test]
    fn no_bytes_panic() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for kind in [INTERIOR_INDEX, LEAF_INDEX, LEAF_TABLE] {
            for _ in 0..200 {
                let mut page: Vec<u8> = (0..2 * PAGE_LEN + 17).map(|_| noise()).collect();
                (page[FILE_HEADER_LEN], page[PAGE_LEN]) = (kind, kind);
                records(&page, &page);
            }
        }
    }
}
