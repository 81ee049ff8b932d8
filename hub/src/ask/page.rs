//! One page of a list, and the cursor that leads to the next one.
//!
//! Used by every list of the API. A list is told in the order of a key that no row ever changes and
//! that no other row takes over; a cursor holds the key of the last row that was told. So, whatever
//! is written between two pages, a row that stays is told once: none is skipped, none repeated. The
//! journal and the refused changes are told by their number in the order of commits.
//!
//! A cursor also holds by what it is known again, of its question and of its key: with another list or
//! other filters it is refused, and so is one that was not copied whole.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::{AskError, Given, wrong};
use crate::lang::Phrase;

/// Rows on one page, unless asked otherwise.
pub const PAGE: u32 = 500;
/// Most rows on one page.
pub const PAGE_MAX: u32 = 1_000;
/// Bytes by which a cursor is known again.
const MARK_LEN: usize = 6;

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows after this key.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
    question: [u8; 32],
}

impl Page {
    /// The page of a list that is asked for.
    ///
    /// # Errors
    /// When the cursor is none of this question's, or the limit is out of bounds.
    pub fn read(given: &Given, list: &str) -> Result<Self, AskError> {
        let question = question(given, list);
        let after = given.one("cursor").map(|text| place(text, &question).ok_or(AskError::Cursor)).transpose()?;
        let limit = match given.one("limit") {
            None => PAGE,
            Some(text) => (text.parse().ok())
                .filter(|limit| (1..=PAGE_MAX).contains(limit))
                .ok_or_else(|| wrong("limit", text, Phrase::new("un nombre de 1 à 1000", "a number from 1 to 1000")))?,
        };
        Ok(Self { after, limit, question })
    }

    /// Rows to look for: one more than shown tells whether there is a next page.
    pub fn wanted(&self) -> u32 {
        self.limit + 1
    }

    /// Leaves the rows of this page, and has the cursor of the next one, if there is one.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        rows.last().filter(|_| more).map(|row| self.cursor(&key(row)))
    }

    /// The cursor of what comes after this key. It is opaque, so that what it holds may change.
    pub fn cursor(&self, key: &str) -> String {
        BASE64URL_NOPAD.encode(&[&mark(&self.question, key.as_bytes()), key.as_bytes()].concat())
    }
}

/// By what a question is known again: the list and everything that was given but for the page and
/// its form.
fn question(given: &Given, list: &str) -> [u8; 32] {
    let of_page = |name: &str| matches!(name, "cursor" | "limit" | "format");
    let mut pairs: Vec<_> = given.pairs.iter().filter(|(name, _)| !of_page(name)).collect();
    pairs.sort();
    let mut hash = Sha256::new().chain_update(list);
    for (name, value) in pairs {
        hash = hash.chain_update([0]).chain_update(name).chain_update([0]).chain_update(value);
    }
    hash.finalize().into()
}

/// By what a cursor is known again.
fn mark(question: &[u8; 32], key: &[u8]) -> [u8; MARK_LEN] {
    let mut mark = [0; MARK_LEN];
    mark.copy_from_slice(&Sha256::new().chain_update(question).chain_update(key).finalize()[..MARK_LEN]);
    mark
}

fn place(text: &str, question: &[u8; 32]) -> Option<String> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (known, key) = bytes.split_first_chunk::<MARK_LEN>()?;
    (*known == mark(question, key)).then(|| String::from_utf8(key.to_vec()).ok())?
}

#[cfg(test)]
mod tests {
    use super::super::parameter::{CURSOR, DEPARTMENT, FORMAT, LIMIT};
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Given::check(&pairs, &[DEPARTMENT, LIMIT, CURSOR, FORMAT]).unwrap()
    }

    #[test]
    fn a_cursor_leads_on_within_its_own_question_only() {
        let page = Page::read(&given(&[("department", "49"), ("limit", "2")]), "sites").unwrap();
        let mut rows = vec!["a", "é|b", "c"];
        let next = page.cut(&mut rows, |row| (*row).to_owned()).unwrap();
        assert_eq!(rows, ["a", "é|b"]);
        assert_eq!(page.cut(&mut rows, |row| (*row).to_owned()), None);
        let read = |pairs: &[(&str, &str)], list| Page::read(&given(pairs), list);
        let same = [("limit", "9"), ("format", "csv"), ("cursor", &next), ("department", "49")];
        assert_eq!(read(&same, "sites").unwrap().after.as_deref(), Some("é|b"));
        for (pairs, list) in [
            (vec![("cursor", next.as_str())], "sites"),
            (vec![("cursor", &next), ("department", "61")], "sites"),
            (vec![("cursor", &next), ("department", "49")], "documents"),
            (vec![("cursor", "!"), ("department", "49")], "sites"),
            (vec![("cursor", &format!("{next}A")), ("department", "49")], "sites"),
            (vec![("cursor", &format!("{next}AA")), ("department", "49")], "sites"),
            (vec![("cursor", &format!("{next}AAAA")), ("department", "49")], "sites"),
            (vec![("cursor", &next[..next.len() - 2]), ("department", "49")], "sites"),
            (vec![("cursor", ""), ("department", "49")], "sites"),
        ] {
            assert!(matches!(read(&pairs, list), Err(AskError::Cursor)), "{pairs:?}");
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let limit = |text: &str| Page::read(&given(&[("limit", text)]), "x").map(|page| page.limit).ok();
        assert_eq!(
            [limit("1"), limit("1000"), limit("0"), limit("1001"), limit("x")],
            [Some(1), Some(1_000), None, None, None]
        );
    }
}
