//! Completions, manual pages, the description of the API, version.

use std::io;
use std::path::Path;

use clap_complete::Shell;

use super::command;
use crate::http::openapi;
use crate::out;

/// Writes the completions for a shell.
pub(crate) fn completions(shell: Shell) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "msap-hub", &mut text);
    out::bytes(&text)
}

/// Writes the manual pages, one per command.
pub(crate) fn man(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command(), dir)
}

/// Writes the description of the API.
pub(crate) fn openapi() -> io::Result<()> {
    out::bytes(openapi::text().as_bytes())
}

/// Writes the version.
pub(crate) fn version(json: bool) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    match json {
        true => {
            out::json(&serde_json::json!({ "name": "msap-hub", "version": version, "sqlite": rusqlite::version() }))
        }
        false => out::line(&format!("msap-hub {version}")),
    }
}
