//! One process: a command that ends, or a daemon until it is told to.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::PATIENCE;

/// Between two looks whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// Time for a daemon to stop when it is asked to.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A program, and the argument that makes it the one that is meant.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Put before all other arguments.
    pub first: Option<&'static str>,
    /// The network namespace that it runs in; this test's own when there is none.
    pub namespace: Option<String>,
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Standard output, byte for byte.
    pub bytes: Vec<u8>,
}

impl Output {
    /// Itself, if the command ended with this code.
    ///
    /// # Errors
    /// With everything the command said, if not.
    pub fn expect_code(self, code: i32) -> Result<Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let Self { command, code: found, out, err, .. } = self;
        bail!("{command}\nended with {found:?} instead of {code}\n{out}\n{err}")
    }

    /// What a command with `--json` printed.
    ///
    /// # Errors
    /// When the command failed, or printed something else.
    pub fn json(self) -> Result<Value> {
        let done = self.expect_code(0)?;
        serde_json::from_str(&done.out).with_context(|| format!("{}\nprinted no JSON: {}", done.command, done.out))
    }
}

impl Program {
    fn command(&self, args: &[OsString], env: &[(String, String)]) -> Command {
        let mut command = match &self.namespace {
            None => Command::new(&self.path),
            Some(namespace) => {
                // It becomes the program: the process that is told to stop is the right one.
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(&self.path);
                command
            }
        };
        command.args(self.first).args(args);
        // What the machine at hand is set to must not decide a test.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("MSAP_") || text == "STATE_DIRECTORY" || text == "NOTIFY_SOCKET" {
                command.env_remove(&name);
            }
        }
        command.env("NO_COLOR", "1").envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot start, or does not end.
    pub fn run(&self, args: &[OsString], env: &[(String, String)]) -> Result<Output> {
        self.run_fed(args, env, Stdio::null())
    }

    /// Runs a command to its end, with this as its standard input.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn run_fed(&self, args: &[OsString], env: &[(String, String)], input: Stdio) -> Result<Output> {
        let mut command = self.command(args, env);
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| self.path.display().to_string())?;
        // Read beside each other: a full pipe would stop the command.
        let (out, err) = (drained(child.stdout.take()), drained(child.stderr.take()));
        let until = Instant::now() + PATIENCE * 2;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= until {
                child.kill()?;
                child.wait()?;
                bail!("{args:?} did not end");
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let bytes = out.join().unwrap_or_default();
        let err = err.join().unwrap_or_default();
        Ok(Output {
            command: format!("{} {args:?}", self.path.display()),
            code: status.code(),
            out: String::from_utf8_lossy(&bytes).into_owned(),
            err: String::from_utf8_lossy(&err).into_owned(),
            bytes,
        })
    }

    /// Starts a daemon whose words go to the end of `log`.
    pub(super) fn start(&self, args: &[OsString], env: &[(String, String)], log: &Path) -> Result<Running> {
        let open = || File::options().create(true).append(true).open(log).with_context(|| log.display().to_string());
        writeln!(open()?, "=== {args:?} {env:?}")?;
        let mut command = self.command(args, env);
        let child = command.stdout(open()?).stderr(open()?).spawn().with_context(|| self.path.display().to_string())?;
        Ok(Running { child })
    }
}

fn drained(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A pipe that breaks has said all it will say.
            pipe.read_to_end(&mut bytes).ok();
        }
        bytes
    })
}

/// A daemon; killed when dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

impl Running {
    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code, if it has ended by itself: −1 after a signal.
    pub(super) fn ended(&mut self) -> Result<Option<i32>> {
        Ok(self.child.try_wait()?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits for it.
    pub(super) fn stop(mut self) -> Result<()> {
        // The standard library sends no signal but the one that kills.
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\""]).arg(self.child.id().to_string()).status()?;
        if !asked.success() {
            bail!("process {} could not be asked to stop", self.child.id());
        }
        let until = Instant::now() + STOP_MAX;
        while Instant::now() < until {
            match self.ended()? {
                Some(0) => return Ok(()),
                Some(code) => bail!("a program that was asked to stop ended with {code}"),
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
        bail!("a program that was asked to stop did not")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and that is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
