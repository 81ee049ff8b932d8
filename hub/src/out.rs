//! What goes to standard output: data, and nothing else.
//!
//! Tables are drawn for a terminal only; a pipe gets one line per row, separated by tabs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Rows under a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Names of the columns.
    pub header: Vec<String>,
    /// One text per column.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    /// The grid as lines of fields separated by tabs. A tab or line break inside a field becomes
    /// a space, so that a line stays a row.
    pub fn tabs(&self) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let fields: Vec<_> = row.iter().map(|field| field.replace(['\t', '\n', '\r'], " ")).collect();
            text.push_str(&fields.join("\t"));
            text.push('\n');
        }
        text
    }
}

/// Writes bytes.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // A reader that has seen enough, such as `head`, is no failure.
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Writes one line of text.
pub fn line(text: &str) -> io::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes a value as JSON, indented on a terminal.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    let text = match io::stdout().is_terminal() {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    };
    line(&text.map_err(io::Error::other)?)
}

/// Writes a grid, drawn or plain.
pub fn grid(grid: &Grid) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return bytes(grid.tabs().as_bytes());
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(&grid.header);
    for row in &grid.rows {
        table.add_row(row);
    }
    line(&table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_row_is_one_line_whatever_its_fields_hold() {
        let mut grid = Grid { header: vec!["id".to_owned(), "comment".to_owned()], rows: Vec::new() };
        grid.push(["1".to_owned(), "a\tb\r\nc".to_owned()]);
        assert_eq!(grid.tabs(), "id\tcomment\n1\ta b  c\n");
    }
}
