//! The rows that can still be read from the pages of a damaged database, one page at a time.
//!
//! Called by the repair. No tree is followed: a page that is damaged costs its own rows and no
//! others, be it the first page or a root. What is read here is not yet believed: changes prove
//! themselves by their hash, the rest by its form. Any bytes are taken, none panic.

/// Pages of our databases: SQLite's default, which nothing here changes.
const PAGE_LEN: usize = 4096;
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

/// Every row of a database's file and of what its log has committed.
pub(super) fn records(database: &[u8], log: &[u8]) -> Vec<Record> {
    let pages = database.chunks(PAGE_LEN).enumerate().map(|(n, page)| (page, n == 0));
    let mut found = Vec::new();
    for (page, is_first) in pages.chain(committed(log)) {
        found.extend(of_page(page, if is_first { FILE_HEADER_LEN } else { 0 }).unwrap_or_default());
    }
    found
}

/// The pages of the log, up to its last commit; what follows was told to nobody.
fn committed(log: &[u8]) -> Vec<(&[u8], bool)> {
    let Some((header, frames)) = log.split_at_checked(WAL_HEADER_LEN) else { return Vec::new() };
    let frames = frames.chunks_exact(FRAME_HEADER_LEN + PAGE_LEN);
    let round = &header[16..24];
    // A header that no frame agrees with is damaged itself.
    let first = frames.clone().next().map(|frame| &frame[8..16]);
    let round = if frames.clone().any(|frame| &frame[8..16] == round) { Some(round) } else { first };
    let mut pages = Vec::new();
    let mut whole = 0;
    for frame in frames {
        let (about, page) = frame.split_at(FRAME_HEADER_LEN);
        if Some(&about[8..16]) != round {
            // Left by an earlier round of the log, or damaged: what is behind it proves itself.
            continue;
        }
        pages.push((page, about[..4] == [0, 0, 0, 1]));
        if about[4..8] != [0; 4] {
            whole = pages.len();
        }
    }
    pages.truncate(whole);
    pages
}

/// The rows of one page; `None` when it is of another kind.
fn of_page(page: &[u8], header: usize) -> Option<Vec<Record>> {
    let kind = *page.get(header)?;
    let (pointers, child_len) = match kind {
        INTERIOR_INDEX => (header + 12, 4),
        LEAF_INDEX | LEAF_TABLE => (header + 8, 0),
        _ => return None,
    };
    let count = usize::from(u16::from_be_bytes(page.get(header + 3..header + 5)?.try_into().ok()?));
    let pointers = page.get(pointers..)?.chunks_exact(2).take(count);
    let cells = pointers.map(|at| usize::from(u16::from_be_bytes([at[0], at[1]])) + child_len);
    Some(cells.filter_map(|at| of_cell(page.get(at..)?, kind == LEAF_TABLE)).collect())
}

/// The row of one cell; `None` for one that is damaged, or that goes on in other pages, as no
/// row of ours does that is worth it.
fn of_cell(mut cell: &[u8], has_row_id: bool) -> Option<Record> {
    let len = usize::try_from(varint(&mut cell)?).ok()?;
    let row_id = if has_row_id { Some(varint(&mut cell)?) } else { None };
    let payload = cell.get(..len)?;
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
