//! A hub: the real program, its data directory, its addresses.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::process::Running;
use super::{Answer, Output, Program, arguments, request, wait_for};
use crate::generator::SiteList;

/// Covers everything that can be counted.
const ALWAYS: &str = "from=2000-01-01&to=2099-12-31";

/// A hub, running or not.
#[derive(Debug)]
pub struct Hub {
    program: Program,
    data: PathBuf,
    log: PathBuf,
    /// Bound once and bound again after a restart: agents know it.
    sync: Option<String>,
    http: Option<String>,
    metrics: Option<String>,
    running: Option<Running>,
    env: Vec<(String, String)>,
    /// The secret of a token that reads everything; made when it is first needed.
    token: RefCell<Option<String>>,
}

impl Hub {
    pub(super) fn new(program: Program, data: PathBuf) -> Self {
        let log = data.with_extension("log");
        Self {
            program,
            data,
            log,
            sync: None,
            http: None,
            metrics: None,
            running: None,
            env: Vec::new(),
            token: RefCell::default(),
        }
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Sets a variable of its environment, from its next start or command on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Where agents connect.
    ///
    /// # Errors
    /// When it never ran.
    pub fn sync(&self) -> Result<&str> {
        self.sync.as_deref().context("a hub that never ran has no address")
    }

    /// Where programs connect.
    ///
    /// # Errors
    /// When it never ran.
    pub fn http(&self) -> Result<&str> {
        self.http.as_deref().context("a hub that never ran has no address")
    }

    /// Where metrics are to be had.
    ///
    /// # Errors
    /// When it never ran, or was not told to have any.
    pub fn metrics(&self) -> Result<&str> {
        self.metrics.as_deref().context("this hub has no metrics")
    }

    /// Starts it, and waits until it is ready. It keeps its address across restarts.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn start(&mut self) -> Result<()> {
        let addresses = self.data.join(msap_hub::app::ADDRESSES);
        let sync = self.sync.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let args = self.arguments(&["serve", "--sync", &sync, "--http", "127.0.0.1:0"]);
        let (program, log) = (self.program.clone(), self.log.clone());
        // What a hub that was killed left behind says nothing of this one.
        std::fs::remove_file(&addresses).ok();
        let mut running = None;
        let found: Value = wait_for("the hub is ready", || {
            let process: &mut Running = match &mut running {
                Some(process) => process,
                none => none.insert(program.start(&args, &self.env, &log)?),
            };
            if let Some(code) = process.ended()? {
                let words = std::fs::read_to_string(&log).unwrap_or_default();
                // Meanwhile another program may have been given the port for a moment.
                if words.lines().last().is_some_and(|line| line.contains("déjà prise")) {
                    running = None;
                    return Ok(None);
                }
                bail!("the hub ended with {code} instead of running");
            }
            Ok(std::fs::read(&addresses).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        })?;
        let address = |name: &str| found[name].as_str().map(str::to_owned);
        (self.sync, self.http, self.metrics) = (address("sync"), address("http"), address("metrics"));
        self.running = running;
        Ok(())
    }

    /// Starts it for the first time, at this address.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn start_at(&mut self, sync: &str) -> Result<()> {
        self.sync = Some(sync.to_owned());
        self.start()
    }

    /// Asks it to stop, and waits for it.
    ///
    /// # Errors
    /// When it does not stop cleanly.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().context("this hub does not run")?.stop()
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().context("this hub does not run")?.kill()
    }

    /// Its process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running.as_ref().context("this hub does not run")?.pid())
    }

    /// Its exit code, if it has ended by itself.
    ///
    /// # Errors
    /// When it does not run.
    pub fn ended(&mut self) -> Result<Option<i32>> {
        self.running.as_mut().context("this hub does not run")?.ended()
    }

    /// What it has logged.
    ///
    /// # Errors
    /// When there is no log.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).with_context(|| self.log.display().to_string())
    }

    fn arguments(&self, args: &[&str]) -> Vec<std::ffi::OsString> {
        let mut all = arguments(["--data"]);
        all.push(self.data.clone().into());
        all.extend(arguments(args));
        all
    }

    /// Runs a management command.
    ///
    /// # Errors
    /// When it cannot run at all.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        self.cli_fed(args, Stdio::null())
    }

    /// Runs a management command with this as its standard input.
    ///
    /// # Errors
    /// When it cannot run at all.
    pub fn cli_fed(&self, args: &[&str], input: Stdio) -> Result<Output> {
        // A hub that never ran listens nowhere; one that did is to be invited to at the same place.
        let sync = self.sync.as_ref().map(|sync| ("MSAP_HUB_SYNC__ADVERTISE".to_owned(), sync.clone()));
        let env: Vec<_> = self.env.iter().cloned().chain(sync).collect();
        self.program.run_fed(&self.arguments(args), &env, input)
    }

    /// Runs a management command that must succeed, and reads its JSON.
    ///
    /// # Errors
    /// When it fails.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        self.cli(&[args, &["--json"]].concat())?.json()
    }

    /// Imports these sites of the national list.
    ///
    /// # Errors
    /// When one is unknown or not taken.
    pub fn add_sites(&self, ids: &[&str]) -> Result<()> {
        self.import(&SiteList::load()?.csv_without_hours(ids)?)
    }

    /// The same with the hours of the list.
    ///
    /// # Errors
    /// As [`Hub::add_sites`].
    pub fn add_open_sites(&self, ids: &[&str]) -> Result<()> {
        self.import(&SiteList::load()?.csv(ids)?)
    }

    fn import(&self, list: &str) -> Result<()> {
        if list.lines().count() < 2 {
            return Ok(());
        }
        let path = self.data.with_extension("csv");
        std::fs::write(&path, list)?;
        let path = path.to_str().context("the directory's name is no text")?;
        let report = self.json(&["site", "import", path])?;
        if report["rejected"] != 0 {
            bail!("the import left rows out: {report}");
        }
        Ok(())
    }

    /// A join code for a site.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn invite(&self, site: &str) -> Result<String> {
        Ok(self.cli(&["site", "invite", site])?.expect_code(0)?.out.trim().to_owned())
    }

    /// All devices.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub fn devices(&self) -> Result<Vec<Value>> {
        let listed = self.json(&["device", "list"])?;
        Ok(listed.as_array().context("a list of devices")?.clone())
    }

    /// One device.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn device(&self, id: &str) -> Result<Value> {
        self.json(&["device", "show", id])
    }

    /// Makes a token and gives its secret.
    ///
    /// # Errors
    /// When the hub does not make it.
    pub fn make_token(&self, scope: &str, role: &str) -> Result<String> {
        let made = self.cli(&["token", "create", "--label", "test", "--scope", scope, "--role", role])?;
        Ok(made.expect_code(0)?.out.trim().to_owned())
    }

    /// Asks the HTTP interface with a token, or without one.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn get(&self, target: &str, token: Option<&str>) -> Result<Answer> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        request(self.http()?, "GET", target, &headers, "")
    }

    /// Asks with a token that reads everything.
    ///
    /// # Errors
    /// When it does not answer with success.
    pub fn view(&self, target: &str) -> Result<Value> {
        for _ in 0..2 {
            let token = self.token.borrow().clone();
            let token = match token {
                Some(token) => token,
                None => self.make_token("national", "admin")?,
            };
            let answer = self.get(target, Some(&token))?;
            // A database that was replaced does not know the token.
            if answer.status == 401 {
                self.token.replace(None);
                continue;
            }
            self.token.replace(Some(token));
            if answer.status != 200 {
                bail!("{target}: {} {}", answer.status, answer.text());
            }
            return answer.json();
        }
        bail!("{target}: a new token is not accepted")
    }

    /// Visits and requests counted under this filter, of all time.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub fn total(&self, filter: &str) -> Result<(i64, i64)> {
        let separator = if filter.is_empty() { "" } else { "&" };
        let figures = self.view(&format!("/v1/visits?{ALWAYS}{separator}{filter}"))?;
        let number = |name: &str| figures["total"][name].as_i64().with_context(|| format!("{name} in {figures}"));
        Ok((number("visits")?, number("requests")?))
    }
}
