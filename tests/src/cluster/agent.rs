//! An agent: the real program, its data directory, its page.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::process::Running;
use super::{Answer, Output, PATIENCE, Program, arguments, copy_directory, request, wait_for};

/// Tests do not wait for a network's sake.
const EAGER: [(&str, &str); 2] = [("MSAP_AGENT_SYNC__INTERVAL", "500ms"), ("MSAP_AGENT_SYNC__MAX_BACKOFF", "500ms")];

/// Commands on an agent's data directory, from as many threads as there are shells.
#[derive(Clone, Debug)]
pub struct Shell {
    program: Program,
    data: PathBuf,
    env: Vec<(String, String)>,
}

impl Shell {
    /// Runs a command.
    ///
    /// # Errors
    /// When it cannot run at all.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        self.program.run(&self.arguments(args), &self.env)
    }

    fn arguments(&self, args: &[&str]) -> Vec<std::ffi::OsString> {
        let mut all = arguments(["--data"]);
        all.push(self.data.clone().into());
        all.extend(arguments(args));
        all
    }
}

/// An agent, running or not.
#[derive(Debug)]
pub struct Agent {
    shell: Shell,
    log: PathBuf,
    page: Option<String>,
    running: Option<Running>,
}

impl Agent {
    pub(super) fn new(program: Program, data: PathBuf) -> Self {
        let log = data.with_extension("log");
        let env = EAGER.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { shell: Shell { program, data, env }, log, page: None, running: None }
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.shell.data
    }

    /// Commands on its directory, from another thread.
    pub fn shell(&self) -> Shell {
        self.shell.clone()
    }

    /// Sets a variable of its environment, from its next start on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.unset_env(name);
        self.shell.env.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable away.
    pub fn unset_env(&mut self, name: &str) {
        self.shell.env.retain(|(known, _)| known != name);
    }

    /// Joins by a code.
    ///
    /// # Errors
    /// When the command cannot run at all.
    pub fn join(&self, code: &str, label: &str) -> Result<Output> {
        self.cli(&["join", code, "--label", label])
    }

    /// Another agent on a copy of this one's directory. This one must not run.
    ///
    /// # Errors
    /// When it runs, or its files cannot be copied.
    pub fn cloned(&self, name: &str) -> Result<Self> {
        if self.running.is_some() {
            bail!("a database that is written to is not copied");
        }
        let data = self.data().with_file_name(name);
        copy_directory(self.data(), &data)?;
        let mut clone = Self::new(self.shell.program.clone(), data);
        clone.shell.env.clone_from(&self.shell.env);
        Ok(clone)
    }

    /// Starts it, and waits until its page stands.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn start(&mut self) -> Result<()> {
        let endpoint = self.data().join(msap_agent::client::ENDPOINT_FILE);
        // What an agent that was killed left behind says nothing of this one.
        std::fs::remove_file(&endpoint).ok();
        let args = self.shell.arguments(&["run", "--listen", "127.0.0.1:0"]);
        let mut running = self.shell.program.start(&args, &self.shell.env, &self.log)?;
        let page = wait_for("the agent's page stands", || {
            if let Some(code) = running.ended()? {
                bail!("the agent ended with {code} instead of running");
            }
            Ok(std::fs::read_to_string(&endpoint).ok().map(|text| text.trim().to_owned()))
        })?;
        (self.page, self.running) = (Some(page), Some(running));
        Ok(())
    }

    /// Asks it to stop, and waits for it.
    ///
    /// # Errors
    /// When it does not stop cleanly.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().context("this agent does not run")?.stop()
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().context("this agent does not run")?.kill()
    }

    /// The address of its page, `host:port`.
    ///
    /// # Errors
    /// When it never ran.
    pub fn page(&self) -> Result<&str> {
        self.page.as_deref().context("an agent that never ran has no page")
    }

    /// Runs a command on its directory.
    ///
    /// # Errors
    /// When it cannot run at all.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        self.shell.cli(args)
    }

    /// Runs a command that must succeed, and reads its JSON.
    ///
    /// # Errors
    /// When it fails.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        self.cli(&[args, &["--json"]].concat())?.json()
    }

    /// Asks its page's interface.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn api(&self, method: &str, target: &str, body: &str) -> Result<Answer> {
        request(self.page()?, method, target, &[("Content-Type", "application/json")], body)
    }

    /// Counts so many visits, one tap each, as the page does.
    ///
    /// # Errors
    /// When one is not taken.
    pub fn count(&self, operator: &str, visits: usize) -> Result<()> {
        for _ in 0..visits {
            let id = uuid::Uuid::new_v4();
            let body = serde_json::json!({ "id": id.to_string(), "operator": operator });
            let answer = self.api("POST", "/api/visits", &body.to_string())?;
            if answer.status != 201 {
                bail!("a tap was answered by {} {}", answer.status, answer.text());
            }
        }
        Ok(())
    }

    /// How it stands with the hub.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> Result<Value> {
        self.api("GET", "/api/status", "")?.json()
    }

    /// Its own figures for a month, `yyyy-mm`: visits and requests.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn tally(&self, month: &str) -> Result<(i64, i64)> {
        let tally = self.api("GET", &format!("/api/tally?month={month}"), "")?.json()?;
        let number = |name: &str| tally[name].as_i64().with_context(|| format!("{name} in {tally}"));
        Ok((number("visits")?, number("requests")?))
    }

    /// Its own figures for the current month.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn this_month(&self) -> Result<(i64, i64)> {
        let status = self.status()?;
        let today = status["today"].as_str().context("the site's today")?;
        self.tally(today.get(..7).context("a day has a month")?)
    }

    /// Waits until the hub has confirmed everything kept here.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn wait_confirmed(&self) -> Result<Value> {
        let timeout = format!("{}s", PATIENCE.as_secs());
        self.json(&["status", "--wait", "confirmed", "--timeout", &timeout])
    }

    /// Waits until its status has this value under this name.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn wait_status(&self, name: &str, value: &str) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_for(&format!("{name} is {value}"), || {
            last = self.status()?;
            Ok((last[name] == value).then(|| last.clone()))
        });
        found.with_context(|| format!("last seen {last}"))
    }
}
