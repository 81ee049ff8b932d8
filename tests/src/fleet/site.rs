//! One simulated site: the agent's own store, session and dial, in this process.
//!
//! Only the page and the command line of an agent are left out. The data directory should lie in
//! memory: a thousand sites that share one disk would measure that disk.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use msap_agent::command::{Command, Count, Reply};
use msap_agent::service::{self, Desk};
use msap_agent::{config, join};
use msap_shared::id::TapId;
use msap_shared::time::Day;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Transport;
use super::totals::Sums;
use super::wire::Wire;
use crate::cluster::history::{self, Entered};
use crate::generator::Tap;

/// The longest wait for one site to be confirmed.
const CONFIRMED_MAX: Duration = Duration::from_secs(300);
/// A site is asked how it stands when something came from the hub, and this often besides.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A site's machine.
pub(super) struct Site {
    /// The site's id.
    pub(super) id: String,
    data: PathBuf,
    /// What its desk has counted.
    pub(super) counted: Sums,
    online: Option<Online>,
}

struct Online {
    line: Line,
    stop: CancellationToken,
    session: JoinHandle<Result<()>>,
}

/// How a running site is asked.
#[derive(Clone)]
pub(super) struct Line {
    id: String,
    wire: Arc<Wire>,
    desk: Desk,
}

/// A site about to connect: its store is open.
pub(super) struct Prepared<'a> {
    site: &'a mut Site,
    line: Line,
    stop: CancellationToken,
    session: Pin<Box<dyn Future<Output = Result<()>> + Send>>,
}

impl Site {
    /// A machine that joins by `code`.
    pub(super) async fn join(id: String, data: PathBuf, code: String) -> Result<Self> {
        join::join(&data, &code, "fleet").await.with_context(|| format!("site {id} joins"))?;
        Ok(Self { id, data, counted: Sums::default(), online: None })
    }

    /// Counts visits while nothing runs.
    pub(super) fn count_offline(&mut self, visits: Vec<(Day, Vec<Tap>)>, seed: u64) -> Result<()> {
        let Entered { visits, requests } = history::enter(&self.data, visits, seed)?;
        self.counted += Sums { visits, requests };
        Ok(())
    }

    /// Opens the store and lays a line to the hub; nothing is sent yet.
    pub(super) async fn prepare(&mut self, hub: SocketAddr, transport: Transport) -> Result<Prepared<'_>> {
        let wire = Arc::new(Wire::lay(hub).await.context("a line to the hub")?);
        let variables = vec![
            ("MSAP_AGENT_SYNC__HUB".to_owned(), wire.address().to_string()),
            ("MSAP_AGENT_SYNC__TRANSPORT".to_owned(), transport.as_str().to_owned()),
        ];
        let settings = config::load(None, variables)?.settings;
        let stop = CancellationToken::new();
        let (desk, session) = service::start(&self.data, &settings, stop.clone())?;
        let line = Line { id: self.id.clone(), wire, desk };
        Ok(Prepared { site: self, line, stop, session: Box::pin(session) })
    }

    /// How it is asked while it runs.
    pub(super) fn line(&self) -> Result<&Line> {
        let online = self.online.as_ref().with_context(|| format!("site {} is not connected", self.id))?;
        Ok(&online.line)
    }

    /// Its line to the hub.
    pub(super) fn wire(&self) -> Result<&Wire> {
        Ok(&self.line()?.wire)
    }

    /// Done when the hub is known to hold everything; says when that was.
    pub(super) fn confirmed(&self) -> Result<impl Future<Output = Result<Instant>> + Send + use<>> {
        let line = self.line()?.clone();
        Ok(async move {
            let until = Instant::now() + CONFIRMED_MAX;
            while !line.is_confirmed().await? {
                if Instant::now() >= until {
                    bail!("site {} was not confirmed within {} s", line.id, CONFIRMED_MAX.as_secs());
                }
                // Whether in time or not, it is asked again.
                tokio::time::timeout(LOOK_EVERY, line.wire.heard()).await.ok();
            }
            Ok(Instant::now())
        })
    }

    /// Counts one visit now, and says how long it took until it was confirmed.
    pub(super) async fn tap(&mut self, tap: Tap, id: TapId) -> Result<Duration> {
        let people = tap.people;
        let line = self.line()?;
        let begun = Instant::now();
        line.count(tap, id).await?;
        // Asked without a pause: a millisecond is what is measured.
        while !line.is_confirmed().await? {
            if begun.elapsed() >= CONFIRMED_MAX {
                bail!("site {}: a visit was not confirmed within {} s", self.id, CONFIRMED_MAX.as_secs());
            }
            tokio::task::yield_now().await;
        }
        let took = begun.elapsed();
        self.counted += Sums { visits: people.into(), requests: people.into() };
        Ok(took)
    }

    /// Stops the machine in good order: done when it has.
    pub(super) fn disconnect(&mut self) -> impl Future<Output = Result<()>> + Send + use<> {
        let online = self.online.take();
        async move {
            let Some(Online { line, stop, session }) = online else { return Ok(()) };
            stop.cancel();
            // Nobody can ask any more; the line stays until the last word has passed.
            let Line { wire, desk, .. } = line;
            drop(desk);
            session.await.context("a session panicked")??;
            drop(wire);
            Ok(())
        }
    }

    /// Cuts the line: from here on nothing reaches the hub. The machine stops by itself.
    pub(super) fn cut(&mut self) {
        if let Some(Online { line, stop, .. }) = self.online.take() {
            line.wire.cut();
            stop.cancel();
        }
    }
}

impl Line {
    /// The site's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Counts one visit; it is kept when this returns.
    pub(super) async fn count(&self, tap: Tap, id: TapId) -> Result<()> {
        let Tap { operator, help, age, people, same_visit } = tap;
        let count = Count { id, operator, help, age, people, day: None, same_visit, reason: None };
        match self.desk.ask(Command::Count(count)).await {
            Ok(Reply::Tap(_)) => Ok(()),
            other => bail!("site {}: {other:?}", self.id),
        }
    }

    /// Whether the hub is known to hold everything.
    pub(super) async fn is_confirmed(&self) -> Result<bool> {
        match self.desk.ask(Command::Status).await {
            Ok(Reply::Status(status)) => Ok(status.waiting == 0 && status.state == "connected"),
            other => bail!("site {}: {other:?}", self.id),
        }
    }
}

impl Prepared<'_> {
    /// Connects, after `wait`.
    pub(super) fn go(self, wait: Duration) {
        let Self { site, line, stop, session } = self;
        let session = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            session.await
        });
        site.online = Some(Online { line, stop, session });
    }
}
