//! What people and scripts read: data on standard output, everything else on standard error.
//!
//! The only module that writes to either. A closed pipe is not an error: whoever stopped reading
//! has seen enough. Data that could not be written for another reason makes the command fail.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
pub use msap_shared::lang::Lang;
use serde_json::Value;

/// Why data was not written, the first time.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// The form in which a command prints its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One line of JSON.
    Json,
}

/// Writes one line of data.
pub fn data(line: &str) {
    written(writeln!(io::stdout().lock(), "{line}"));
}

/// Ends the data. Called once, when the command is done.
///
/// # Errors
/// Why some of the data was not written.
pub fn finish() -> io::Result<()> {
    written(io::stdout().flush());
    LOST.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

/// Writes one value as a line of JSON.
pub fn json(value: &Value) {
    data(&value.to_string());
}

/// Writes one line for the person at the terminal.
pub fn note(line: &str) {
    // Nobody is left to be told when the stream itself is gone.
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Writes rows: aligned under a header on a terminal, bare and separated by tabs elsewhere.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) {
    if io::stdout().is_terminal() {
        let mut table = Table::new();
        table.load_preset(NOTHING).add_rows(rows);
        if !header.is_empty() {
            table.set_header(header);
        }
        data(&table.to_string());
    } else {
        for row in rows {
            // A tab or a line break inside a cell would be read as one more cell or row.
            let cells: Vec<String> = row.iter().map(|cell| cell.replace(['\t', '\n', '\r'], " ")).collect();
            data(&cells.join("\t"));
        }
    }
}

fn written(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}
