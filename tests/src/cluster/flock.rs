//! Many agents in this process: the real library, store thread, connection and all, without a
//! process each.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use msap_agent::command::{Command, Count, Reply, Status};
use msap_agent::config;
use msap_agent::service::{self, Desk};
use msap_shared::id::TapId;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Hub, PATIENCE};

/// Between two looks at a member.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);

/// Agents that run as long as this value lives.
pub struct Flock {
    runtime: Runtime,
    dir: PathBuf,
    members: Vec<Member>,
    stop: CancellationToken,
}

struct Member {
    desk: Desk,
    session: JoinHandle<Result<()>>,
}

impl Flock {
    /// A flock without members, in this directory.
    ///
    /// # Errors
    /// When no runtime can be made.
    pub fn new(dir: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { runtime, dir: dir.into(), members: Vec::new(), stop: CancellationToken::new() })
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A member more: enrolled by a new invitation to `site`, and running.
    ///
    /// # Errors
    /// When the hub does not invite, or it does not join.
    pub fn enrol(&mut self, hub: &Hub, site: &str) -> Result<()> {
        let name = format!("flock-{}", self.members.len());
        let data = self.dir.join(&name);
        let code = hub.invite(site)?;
        let _inside = self.runtime.enter();
        self.runtime.block_on(msap_agent::join::join(&data, &code, &name))?;
        let eager = ["INTERVAL", "MAX_BACKOFF"].map(|name| (format!("MSAP_AGENT_SYNC__{name}"), "500ms".to_owned()));
        let settings = config::load(None, eager.to_vec())?.settings;
        let (desk, session) = service::start(&data, &settings, self.stop.clone())?;
        self.members.push(Member { desk, session: self.runtime.spawn(session) });
        Ok(())
    }

    /// Every member from `first` on counts so many visits.
    ///
    /// # Errors
    /// When one is not taken.
    pub fn count(&self, first: usize, visits: usize) -> Result<()> {
        for member in &self.members[first..] {
            for _ in 0..visits {
                let count = Count {
                    id: TapId::new(*uuid::Uuid::new_v4().as_bytes()),
                    operator: "CNAF".parse()?,
                    help: "online".parse()?,
                    age: "25-39".parse()?,
                    people: 1,
                    day: None,
                    same_visit: false,
                    reason: None,
                };
                match self.runtime.block_on(member.desk.ask(Command::Count(count))) {
                    Ok(Reply::Tap(_)) => {}
                    other => bail!("a tap was answered by {other:?}"),
                }
            }
        }
        Ok(())
    }

    fn status(&self, member: &Member) -> Result<Status> {
        match self.runtime.block_on(member.desk.ask(Command::Status)) {
            Ok(Reply::Status(status)) => Ok(*status),
            other => bail!("status was answered by {other:?}"),
        }
    }

    /// Waits until the hub has confirmed everything that every member keeps.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn wait_confirmed(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        for (n, member) in self.members.iter().enumerate() {
            loop {
                let status = self.status(member).with_context(|| format!("member {n}"))?;
                if status.waiting == 0 && status.kept > 0 {
                    break;
                }
                if Instant::now() >= until {
                    bail!("member {n} still waits: {status:?}");
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        Ok(())
    }

    /// Stops every member.
    ///
    /// # Errors
    /// When one did not end well.
    pub fn stop(self) -> Result<()> {
        let Self { runtime, members, stop, .. } = self;
        stop.cancel();
        for Member { desk, session } in members {
            drop(desk);
            runtime.block_on(session)??;
        }
        Ok(())
    }
}
