//! The canonical bytes of a change: exactly what Automerge writes for the same content.
//!
//! A change chunk is `magic, checksum, type, length, contents`; the contents are the
//! dependencies, actor, sequence number, first operation, time, message, other actors, the
//! columns' directory and the columns. Every operation here is `put(ROOT, key, string)`, with time 0
//! and no message, so eight columns suffice, in this order:
//!
//! | column | specification | content |
//! |---|---|---|
//! | key, string | `0x15` | run-length encoded strings |
//! | insert | `0x34` | booleans: one run of false |
//! | action | `0x42` | run-length encoded: 1 (put) |
//! | value, metadata | `0x56` | run-length encoded: length × 16 + 6 (UTF-8) |
//! | value, raw | `0x57` | the values' bytes, joined |
//! | predecessors, number | `0x70` | run-length encoded |
//! | predecessors, actor | `0x71` | run-length encoded: 0 the author, 1… the other actors in order |
//! | predecessors, counter | `0x73` | run-length encoded differences |
//!
//! A visits fact has no predecessors, its change at most one dependency: then the last two columns
//! and the other actors are not there.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::OpId;
use crate::id::{ChangeHash, WriterId};

pub(super) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(super) const CHUNK_CHANGE: u8 = 1;
pub(super) const COLUMN_KEY: u8 = 0x15;
pub(super) const COLUMN_INSERT: u8 = 0x34;
pub(super) const COLUMN_ACTION: u8 = 0x42;
pub(super) const COLUMN_VALUE_META: u8 = 0x56;
pub(super) const COLUMN_VALUE: u8 = 0x57;
pub(super) const COLUMN_PRED: u8 = 0x70;
pub(super) const COLUMN_PRED_ACTOR: u8 = 0x71;
pub(super) const COLUMN_PRED_COUNTER: u8 = 0x73;
pub(super) const ACTION_PUT: u64 = 1;
pub(super) const VALUE_UTF8: u64 = 6;

/// One operation of a change, `put(ROOT, key, value)`, as a visits fact or a register's setting
/// stands for it.
pub trait Put {
    /// The root key.
    fn key(&self) -> &str;
    /// The string that it gets.
    fn value(&self) -> &str;
    /// The operations that it takes the place of, in ascending order.
    fn replaces(&self) -> &[OpId] {
        &[]
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Put for (K, V) {
    fn key(&self) -> &str {
        self.0.as_ref()
    }

    fn value(&self) -> &str {
        self.1.as_ref()
    }
}

/// Encodes one change and returns it with its hash.
///
/// `op_start` is the counter of the first operation; `deps` are the changes that it follows, in
/// the order in which they are written.
pub fn encode<P: Put>(
    writer: &WriterId,
    seq: u64,
    op_start: u64,
    deps: &[ChangeHash],
    puts: &[P],
) -> (Vec<u8>, ChangeHash) {
    let contents = contents(writer, seq, op_start, deps, puts);
    let mut hashed = Vec::with_capacity(contents.len() + 4);
    hashed.push(CHUNK_CHANGE);
    unsigned(&mut hashed, contents.len() as u64);
    hashed.extend_from_slice(&contents);
    let hash: [u8; 32] = Sha256::digest(&hashed).into();
    let mut bytes = Vec::with_capacity(hashed.len() + 8);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&hash[..4]);
    bytes.extend_from_slice(&hashed);
    (bytes, ChangeHash::new(hash))
}

fn contents<P: Put>(writer: &WriterId, seq: u64, op_start: u64, deps: &[ChangeHash], puts: &[P]) -> Vec<u8> {
    let keys = runs(puts.iter().map(Put::key), |out, key| {
        unsigned(out, key.len() as u64);
        out.extend_from_slice(key.as_bytes());
    });
    let mut insert = Vec::new();
    unsigned(&mut insert, puts.len() as u64);
    let action = runs(puts.iter().map(|_| ACTION_PUT), |out, n| unsigned(out, *n));
    let value_meta = runs(puts.iter().map(|put| (put.value().len() as u64) << 4 | VALUE_UTF8), |out, n| {
        unsigned(out, *n);
    });
    let value: Vec<u8> = puts.iter().flat_map(|put| put.value().bytes()).collect();
    let pred = runs(puts.iter().map(|put| put.replaces().len() as u64), |out, n| unsigned(out, *n));
    let replaced = || puts.iter().flat_map(Put::replaces);
    let others: BTreeSet<&WriterId> = replaced().map(|op| &op.writer).filter(|other| *other != writer).collect();
    // The author is number 0, the others follow in their order.
    let number = |of: &WriterId| {
        if of == writer { 0 } else { 1 + others.iter().take_while(|other| **other < of).count() as u64 }
    };
    let pred_actor = runs(replaced().map(|op| number(&op.writer)), |out, n| unsigned(out, *n));
    let mut before = 0;
    let pred_counter = runs(
        replaced().map(|op| {
            let counter = op.counter as i64;
            counter.wrapping_sub(std::mem::replace(&mut before, counter))
        }),
        |out, n| signed(out, *n),
    );
    let columns = [
        (COLUMN_KEY, keys),
        (COLUMN_INSERT, insert),
        (COLUMN_ACTION, action),
        (COLUMN_VALUE_META, value_meta),
        (COLUMN_VALUE, value),
        (COLUMN_PRED, pred),
        (COLUMN_PRED_ACTOR, pred_actor),
        (COLUMN_PRED_COUNTER, pred_counter),
    ];

    let mut out = Vec::with_capacity(96 + columns.iter().map(|(_, data)| data.len()).sum::<usize>());
    unsigned(&mut out, deps.len() as u64);
    for hash in deps {
        out.extend_from_slice(hash.as_bytes());
    }
    length_prefixed(&mut out, writer);
    unsigned(&mut out, seq);
    unsigned(&mut out, op_start);
    out.push(0); // time
    out.push(0); // message
    unsigned(&mut out, others.len() as u64);
    for other in others {
        length_prefixed(&mut out, other);
    }
    let present = columns.iter().filter(|(_, data)| !data.is_empty());
    unsigned(&mut out, present.clone().count() as u64);
    for (specification, data) in present {
        out.push(*specification);
        unsigned(&mut out, data.len() as u64);
    }
    for (_, data) in &columns {
        out.extend_from_slice(data);
    }
    out
}

fn length_prefixed(out: &mut Vec<u8>, writer: &WriterId) {
    unsigned(out, writer.as_bytes().len() as u64);
    out.extend_from_slice(writer.as_bytes());
}

/// Unsigned LEB128.
pub(super) fn unsigned(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 & 0x7f | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Signed LEB128.
fn signed(out: &mut Vec<u8>, mut n: i64) {
    loop {
        let byte = (n & 0x7f) as u8;
        n >>= 7;
        if (n == 0 && byte & 0x40 == 0) || (n == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Run-length encoding: `+n value` for n ≥ 2 equal values, `-n values…` for n lone ones.
fn runs<T: PartialEq>(values: impl Iterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, &T)) -> Vec<u8> {
    let mut groups: Vec<(T, i64)> = Vec::new();
    for value in values {
        match groups.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => groups.push((value, 1)),
        }
    }
    let mut out = Vec::new();
    let mut rest = groups.as_slice();
    while let Some((value, count)) = rest.first() {
        if *count > 1 {
            signed(&mut out, *count);
            write(&mut out, value);
            rest = &rest[1..];
        } else {
            let lone = rest.iter().take_while(|(_, count)| *count == 1).count();
            signed(&mut out, -(lone as i64));
            for (value, _) in &rest[..lone] {
                write(&mut out, value);
            }
            rest = &rest[lone..];
        }
    }
    out
}
