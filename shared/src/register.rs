//! Documents of registers: keys that hold one value, or several until a person settles them.
//!
//! Unlike visits, a value replaces the ones that its author saw. A change, here an [`Edit`],
//! therefore says what it follows and which values it takes the place of; it travels as that
//! content, and whoever receives it rebuilds the bytes that Automerge would have written.
//! [`Registers`] is what the edits of a document amount to, in any order that puts each after
//! those that it follows; it makes the site's and the hub's own edits ([`Registers::author`]) and
//! judges those of others ([`Registers::judge`]).
//!
//! Called by both programs' stores. What stays true: what was judged to follow loads in any
//! Automerge, also saved and loaded again, and a key there has exactly the values it has here.

mod edit;
mod fold;
mod judge;
mod part;

pub use edit::{Edit, Setting};
pub use fold::{Entry, Registers};
pub use judge::Verdict;
pub use part::{Parted, part};

/// The most settings one edit may carry.
pub const SETTINGS_MAX: usize = 256;
/// The most bytes of keys and values one edit may carry.
pub const EDIT_BYTES_MAX: usize = 64 * 1024;
/// The most changes an edit may follow directly.
pub const DEPS_MAX: usize = 16;
/// The most values one edit may replace.
pub const REPLACED_MAX: usize = 4_096;
/// The most edits one document may have.
pub const EDITS_MAX: usize = 16_384;
/// The most values that may stand under one key.
pub const VALUES_MAX: usize = 64;
/// The most keys one document may have.
pub const KEYS_MAX: usize = 4_096;

#[cfg(test)]
mod tests;
