//! The rules of the source that a compiler does not know.
//!
//! Each failure names every place at once, so that one run is enough to mend them.

use std::path::{Path, PathBuf};

/// Longest source file, its tests included.
const LINES_MAX: usize = 400;
/// Names that say nothing of what a file is about.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "helpers", "helper", "common", "types", "misc"];
/// Kept by tools or made by them: not ours to tidy.
const NOT_OURS: [&str; 5] = ["target", ".git", "node_modules", "corpus", "artifacts"];

struct Source {
    /// Relative to the workspace, with slashes.
    name: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.name.starts_with("tests/") || self.name.ends_with("/tests.rs") || self.name.contains("/tests/")
    }

    /// What comes before the file's own test module, if it has one.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package of the tests lies in the workspace")
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory of the workspace can be listed") {
        let entry = entry.expect("and every entry of it read");
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// Every text of the workspace whose name ends with one of these.
fn sources(endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root()).expect("the walk began there").to_string_lossy().replace('\\', "/");
        if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            sources.push(Source { name, text });
        }
    }
    assert!(!sources.is_empty(), "no file ends with {endings:?}");
    sources
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Every line that contains one of these, as `file:line: what`.
fn lines_with<'a>(source: &'a Source, text: &'a str, unwanted: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    text.lines().enumerate().flat_map(move |(at, line)| {
        let found = unwanted.iter().filter(move |word| line.contains(**word));
        found.map(move |word| format!("{}:{}: {word}", source.name, at + 1))
    })
}

#[test]
fn rust_files_are_short_and_named_for_their_subject() {
    let mut broken = Vec::new();
    for source in sources(&[".rs"]) {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{}: {lines} lines, at most {LINES_MAX}", source.name));
        }
        let stem = source.name.rsplit('/').next().and_then(|file| file.strip_suffix(".rs")).unwrap_or_default();
        if EMPTY_NAMES.contains(&stem) || stem == "mod" {
            broken.push(format!("{}: not the name of a subject, or not beside its directory", source.name));
        }
    }
    none(broken);
}

#[test]
fn rust_files_begin_by_saying_what_they_are() {
    let undocumented = |source: &Source| !source.text.starts_with("//! ") && !source.name.ends_with("/tests.rs");
    none(sources(&[".rs"]).iter().filter(|source| undocumented(source)).map(|source| source.name.clone()).collect());
}

#[test]
fn lints_are_silenced_only_with_a_reason_and_tests_never() {
    // Written in pieces, or this file would find itself.
    let unwanted = [concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "ignore"), concat!("dbg", "!(")];
    none(sources(&[".rs"]).iter().flat_map(|source| lines_with(source, &source.text, &unwanted)).collect());
}

#[test]
fn the_pure_part_has_no_clock_chance_socket_or_file() {
    let unwanted = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::env",
        "std::io",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "rand::",
        "getrandom",
        "new_v4",
        "tokio::",
        "async fn",
        "HashMap",
        "HashSet",
    ];
    let pure = |source: &Source| {
        source.name.starts_with("shared/src/")
            && !source.name.starts_with("shared/src/io/")
            && source.name != "shared/src/io.rs"
            && !source.is_test()
    };
    let pure: Vec<Source> = sources(&[".rs"]).into_iter().filter(pure).collect();
    none(pure.iter().flat_map(|source| lines_with(source, source.code(), &unwanted)).collect());
}

#[test]
fn sql_stands_in_the_stores() {
    let unwanted = ["SELECT ", "INSERT INTO", "INSERT OR", "UPDATE SET", "DELETE FROM", "CREATE TABLE"];
    let outside = |source: &Source| !source.is_test() && !source.name.contains("/store");
    let outside: Vec<Source> = sources(&[".rs"]).into_iter().filter(outside).collect();
    none(outside.iter().flat_map(|source| lines_with(source, source.code(), &unwanted)).collect());
}

#[test]
fn migrations_are_numbered_without_a_gap() {
    for store in ["agent/src/store", "hub/src/store"] {
        let mut numbers: Vec<u32> = sources(&[".sql"])
            .iter()
            .filter_map(|source| source.name.strip_prefix(store)?.strip_prefix("/migration_")?.strip_suffix(".sql"))
            .map(|number| number.parse().unwrap())
            .collect();
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(1..=u32::try_from(numbers.len()).unwrap()), "{store}: {numbers:?}");
        assert!(!numbers.is_empty(), "{store}");
    }
}

#[test]
fn dependencies_are_listed_once_in_the_workspace() {
    let mut broken = Vec::new();
    for source in sources(&["/Cargo.toml"]) {
        let mut section = "";
        for (at, line) in source.text.lines().enumerate() {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            } else if section.ends_with("dependencies") && line.contains('=') && !line.starts_with('#') {
                let shared = line.contains("workspace = true") || line.contains(".workspace = true");
                if !shared {
                    broken.push(format!("{}:{}: {line}", source.name, at + 1));
                }
            }
        }
        if !source.text.contains("[lints]\nworkspace = true") {
            broken.push(format!("{}: does not take the workspace's lints", source.name));
        }
    }
    none(broken);
}

#[test]
fn no_file_names_one_persons_machine_or_a_registry_host() {
    let unwanted = [
        concat!("/work", "/"),
        concat!("/home", "/"),
        concat!("/root", "/"),
        concat!("/Us", "ers/"),
        concat!("registry", ".npmjs"),
        concat!("index.", "crates.io"),
        concat!("\"reso", "lved\""),
    ];
    let texts = sources(&[".rs", ".toml", ".md", ".json", ".mjs", ".js", ".css", ".html", ".service", ".conf", "/run"]);
    none(texts.iter().flat_map(|source| lines_with(source, &source.text, &unwanted)).collect());
}

#[test]
fn text_is_plain_and_ends_with_one_line_end() {
    let mut broken = Vec::new();
    for source in sources(&[".rs", ".toml", ".md", ".mjs", ".js", ".css", ".html", ".sql", ".service", ".conf", "/run"])
    {
        let blank = |line: &str| line.ends_with(' ') || line.contains('\t') || line.contains('\r');
        if let Some(at) = source.text.lines().position(blank) {
            broken.push(format!("{}:{}: trailing space, tab or carriage return", source.name, at + 1));
        }
        if !source.text.ends_with('\n') || source.text.ends_with("\n\n") {
            broken.push(format!("{}: does not end with one line end", source.name));
        }
    }
    none(broken);
}

#[test]
fn work_left_to_do_is_not_left_in_the_source() {
    let unwanted = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ];
    let texts = sources(&[".rs", ".toml", ".mjs", ".js", ".css", ".html", ".sql"]);
    none(texts.iter().flat_map(|source| lines_with(source, &source.text, &unwanted)).collect());
}
