//! A list before anything in it is looked at.

use serde::{Deserialize, Serialize};

use super::text;

/// A list, as a person hands it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFile {
    /// The file's name, which may hold its date.
    pub name: String,
    /// Its text.
    pub text: String,
    /// How it was written.
    pub encoding: String,
    /// Its date, as typed.
    pub date: Option<String>,
    /// Whether sites that it does not name are retired.
    pub retire_missing: bool,
    /// Also when those are many.
    pub even_most: bool,
}

impl ListFile {
    /// Reads the bytes of a file.
    pub fn read(bytes: &[u8], name: String) -> Self {
        let (text, encoding) = text::decode(bytes);
        Self { name, text, encoding: encoding.to_owned(), ..Self::default() }
    }
}
