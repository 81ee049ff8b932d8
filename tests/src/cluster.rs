//! Real hubs and agents in a directory of their own.
//!
//! Called by the tests across programs and by the demonstration. Each [`Hub`] and [`Agent`] is the
//! real program with a data directory, its log and its address; nothing listens on a fixed port.
//! Invariants: every wait has an end and says what it waited for; no process outlives the value
//! that started it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use msap_shared::io::join_code::JoinCode;
use tempfile::TempDir;

mod agent;
pub mod flock;
pub mod history;
mod http;
mod hub;
mod process;

pub use agent::{Agent, Shell};
pub use http::{Answer, request};
pub use hub::Hub;
pub use process::{Output, Program};

/// The longest wait for something that should be a matter of a second.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of each log shown after a failure.
const LOG_LINES_SHOWN: usize = 40;

/// The two programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `msap-hub`.
    pub hub: Program,
    /// `msap-agent`.
    pub agent: Program,
}

impl Programs {
    /// The programs that cargo built beside this test.
    ///
    /// # Errors
    /// When they are not there, with the command that builds them.
    pub fn beside_this_test() -> Result<Self> {
        let test = std::env::current_exe().context("this test's own path")?;
        // target/<profile>/deps/main-…: the programs stand one level up.
        let directory = test.parent().and_then(Path::parent).context("a test lies in target/<profile>/deps")?;
        let program = |name: &str| {
            let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if !path.exists() {
                bail!(
                    "{} is missing: build the programs first, with the profile of this test: cargo build --bins \
                     (or cargo build --bins --profile …)",
                    path.display()
                );
            }
            Ok(Program { path, first: None, namespace: None })
        };
        Ok(Self { hub: program("msap-hub")?, agent: program("msap-agent")? })
    }

    /// This program itself, which starts as a hub or an agent when its first argument is `hub` or
    /// `agent`.
    ///
    /// # Errors
    /// When this program's path cannot be told.
    pub fn of_this_program(hub: &'static str, agent: &'static str) -> Result<Self> {
        let path = std::env::current_exe().context("this program's own path")?;
        let program = |first| Program { path: path.clone(), first: Some(first), namespace: None };
        Ok(Self { hub: program(hub), agent: program(agent) })
    }
}

/// A directory in which hubs and agents live.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    dir: Directory,
}

#[derive(Debug)]
enum Directory {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Cluster {
    /// In a directory that goes away with the cluster.
    ///
    /// # Errors
    /// When there is no room for one.
    pub fn new(programs: Programs) -> Result<Self> {
        let dir = TempDir::with_prefix("msap-").context("a temporary directory")?;
        Ok(Self { programs, dir: Directory::Temporary(dir) })
    }

    /// In this directory, which stays.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn in_directory(programs: Programs, dir: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(Self { programs, dir: Directory::Kept(dir) })
    }

    /// Where everything lies.
    pub fn path(&self) -> &Path {
        match &self.dir {
            Directory::Temporary(dir) => dir.path(),
            Directory::Kept(dir) => dir,
        }
    }

    /// A hub that does not run yet.
    pub fn hub(&self, name: &str) -> Hub {
        Hub::new(self.programs.hub.clone(), self.path().join(name))
    }

    /// A hub that does not run yet and cannot write a file past this length, as if its disk failed
    /// there: the system says neither that it is full nor that all is well.
    ///
    /// # Errors
    /// When the script that starts it cannot be written.
    pub fn hub_on_failing_disk(&self, name: &str, len_max: u64) -> Result<Hub> {
        let path = self.path().join(format!("{name}.sh"));
        let hub = self.programs.hub.path.display();
        let text = format!("#!/bin/bash\ntrap '' XFSZ\nulimit -f {}\nexec '{hub}' \"$@\"\n", len_max / 1_024);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Hub::new(Program { path, first: None, namespace: None }, self.path().join(name)))
    }

    /// An agent that has not joined yet.
    pub fn agent(&self, name: &str) -> Agent {
        Agent::new(self.programs.agent.clone(), self.path().join(name))
    }

    /// A hub that does not run yet, in a network namespace.
    pub fn hub_within(&self, namespace: &str, name: &str) -> Hub {
        let program = Program { namespace: Some(namespace.to_owned()), ..self.programs.hub.clone() };
        Hub::new(program, self.path().join(name))
    }

    /// An agent that has not joined yet, in a network namespace. Nothing but commands reaches it.
    pub fn agent_within(&self, namespace: &str, name: &str) -> Agent {
        let program = Program { namespace: Some(namespace.to_owned()), ..self.programs.agent.clone() };
        Agent::new(program, self.path().join(name))
    }

    /// An agent joined to a site by a new invitation, not started.
    ///
    /// # Errors
    /// When the hub does not invite or the agent does not join.
    pub fn enrol(&self, hub: &Hub, site: &str, name: &str) -> Result<Agent> {
        let agent = self.agent(name);
        agent.join(&hub.invite(site)?, name)?.expect_code(0)?;
        Ok(agent)
    }

    /// The same by another way to the hub, which it keeps to.
    ///
    /// # Errors
    /// As [`Cluster::enrol`].
    pub fn enrol_over(&self, way: SocketAddr, hub: &Hub, site: &str, name: &str) -> Result<Agent> {
        let mut agent = self.agent(name);
        agent.join(&invitation_over(way, hub, site)?, name)?.expect_code(0)?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", &way.to_string());
        Ok(agent)
    }

    /// The end of every log.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let entries = std::fs::read_dir(self.path()).into_iter().flatten().filter_map(Result::ok);
        let mut logs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        for path in logs {
            let log = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let log = log.unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
            // Writing to a text does not fail.
            writeln!(text, "--- {}\n{}", path.display(), lines[shown..].join("\n")).ok();
        }
        text
    }
}

/// A join code for a site that leads to the hub by another way.
///
/// # Errors
/// When the hub does not invite.
pub fn invitation_over(way: SocketAddr, hub: &Hub, site: &str) -> Result<String> {
    let code: JoinCode = hub.invite(site)?.parse()?;
    Ok(JoinCode { address: way.to_string(), ..code }.to_string())
}

/// Runs a test on a cluster, and shows the logs when it fails.
///
/// # Panics
/// When the test fails.
pub fn run(test: impl FnOnce(&Cluster) -> Result<()>) {
    let cluster = match Programs::beside_this_test().and_then(Cluster::new) {
        Ok(cluster) => cluster,
        Err(error) => panic!("{error:#}"),
    };
    let shown = ShownOnPanic(&cluster);
    let outcome = test(&cluster);
    if let Err(error) = outcome {
        panic!("{error:?}");
    }
    drop(shown);
}

/// Failed assertions unwind past everything: the logs are shown on the way.
struct ShownOnPanic<'a>(&'a Cluster);

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.logs());
        }
    }
}

/// Looks again and again until `look` gives a value.
///
/// # Errors
/// When it has not after [`PATIENCE`], or when a look fails.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        if Instant::now() >= until {
            bail!("waited {} s in vain: {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Looks again and again until something holds.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    wait_for(what, || Ok(holds()?.then_some(())))
}

/// Looks until two values are equal; the error tells both.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: T,
    mut look: impl FnMut() -> Result<T>,
) -> Result<()> {
    let mut last = None;
    let waited = wait_until(what, || {
        let found = look()?;
        let equal = found == expected;
        last = Some(found);
        Ok(equal)
    });
    waited.with_context(|| format!("{what}: expected {expected:?}, last seen {last:?}"))
}

/// Copies a directory of a program that does not run.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() => copy_directory(&entry.path(), &target)?,
            kind if kind.is_file() => {
                std::fs::copy(entry.path(), &target).with_context(|| target.display().to_string())?;
            }
            // Sockets of a program that was killed.
            _ => {}
        }
    }
    Ok(())
}

/// Texts as arguments.
fn arguments<I: IntoIterator<Item = S>, S: Into<OsString>>(texts: I) -> Vec<OsString> {
    texts.into_iter().map(Into::into).collect()
}
