//! The figures of the whole path: `cargo bench -p msap-tests --bench figures`, after
//! `cargo build --release --bins`; one JSON object a line with `-- --json`. The views of the whole
//! network take minutes and are measured when they are named: `-- views`.
//!
//! Medians over many repetitions. The machine's disk and load are in the first ones; bytes and
//! worlds per second vary little.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use msap_agent::command::{Command, Count, Reply};
use msap_agent::core::{Core, Input, Now};
use msap_agent::service::{self, Desk};
use msap_agent::{config, store};
use msap_hub::accept::ConnId;
use msap_hub::core as hub;
use msap_shared::chain::{Facts, extend};
use msap_shared::code::{Age, Help};
use msap_shared::document::DocId;
use msap_shared::frame::{Frame, Hello, Push};
use msap_shared::id::{Digest32, Fingerprint, SessionToken, TapId, WriterId};
use msap_tests::cluster::{Cluster, Programs};
use msap_tests::relay::{Relay, Traffic};
use msap_tests::world::World;
use tokio_util::sync::CancellationToken;

#[path = "figures/edits.rs"]
mod edits;
#[path = "figures/schedules.rs"]
mod schedules;
#[path = "figures/views.rs"]
mod views;

fn main() -> Result<()> {
    // `cargo test --benches` runs this to see that it starts.
    if std::env::args().any(|arg| arg == "--test") {
        return Ok(());
    }
    if std::env::args().any(|arg| arg == "views") {
        return views::measure(Programs::beside_this_test()?);
    }
    tell("one tap durable at the agent (commit and fsync), median", &tap_durable()?);
    tell("hub CPU per change accepted, runs of 50, median", &change_accepted()?);
    schedules::measure()?;
    let programs = Programs::beside_this_test()?;
    edits::measure(programs.clone())?;
    for (name, path) in [("msap-agent", &programs.agent), ("msap-hub", &programs.hub)] {
        let size = std::fs::metadata(&path.path)?.len();
        tell(&format!("size of {name}"), &format!("{} kB", size / 1_000));
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(on_the_wire(programs))?;
    tell("simulated worlds per second on one core", &format!("{:.0}", worlds_per_second()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn tell(what: &str, figure: &str) {
    if std::env::args().any(|arg| arg == "--json") {
        println!("{}", serde_json::json!({ "what": what, "figure": figure }));
    } else {
        println!("{what:<58} {figure:>14}");
    }
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Result<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied().context("no measurement")
}

/// The value that 95 of 100 do not exceed.
fn p95<T: Ord + Copy>(mut values: Vec<T>) -> Result<T> {
    values.sort_unstable();
    values.get((values.len() * 95).div_ceil(100).saturating_sub(1)).copied().context("no measurement")
}

fn micros(duration: Duration) -> String {
    format!("{:.0} µs", duration.as_secs_f64() * 1e6)
}

fn tap(operator: &str) -> Result<Count> {
    Ok(Count {
        id: TapId::new(rand::random()),
        operator: operator.parse()?,
        help: Help::Online.code(),
        age: Age::UNKNOWN.code(),
        people: 1,
        day: None,
        same_visit: false,
        reason: None,
    })
}

fn profile(dir: &Path) -> Result<()> {
    let profile = store::Profile {
        site: "275".parse()?,
        site_name: "Chemillé-en-Anjou".to_owned(),
        timezone: "Europe/Paris".parse()?,
        device: Fingerprint::new([1; 32]).device(),
        label: "mesure".to_owned(),
        hub: "127.0.0.1:1".to_owned(),
    };
    Ok(store::create(dir, &profile)?)
}

fn tap_durable() -> Result<String> {
    let dir = tempfile::tempdir()?;
    profile(dir.path())?;
    let mut core = Core::new(store::open(dir.path())?, Box::new(rand::random::<[u8; 16]>))?;
    let mut times = Vec::new();
    for n in 0..1_000 {
        let count = tap("CNAF")?;
        let began = Instant::now();
        core.turn(vec![Input::Command(n, Command::Count(count))], Now { wall: Timestamp::now(), monotonic_ms: n })?;
        times.push(began.elapsed());
    }
    Ok(micros(median(times)?))
}

/// Nanoseconds that this thread has spent on a processor.
fn thread_cpu() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().context("no first field")?.parse()?)
}

fn change_accepted() -> Result<String> {
    const RUN: usize = 50;
    let dir = tempfile::tempdir()?;
    let store = msap_hub::store::Store::open(dir.path(), None, Box::new(rand::random::<[u8; 16]>))?;
    let revocations = hub::Revocations { intact: true, ..hub::Revocations::default() };
    let mut core = hub::Core::new(store, "Europe/Paris".parse()?, revocations);
    let (document, conn): (DocId, _) = ("site/275/visits/2026-11".parse()?, ConnId::new(1));
    let now: Timestamp = "2026-11-30T12:00:00Z".parse()?;
    let hello = Hello {
        protocol_min: 1,
        protocol_max: 1,
        app: "mesure".to_owned(),
        token_prev: None,
        token_next: SessionToken::new([1; 16]),
        clock_ms: 0,
        epoch: None,
        seen: None,
        digest: Digest32::new([0; 32]),
        offers: true,
        references: None,
        tried: None,
        waiting: None,
        oldest_waiting_day: None,
    };
    let opened =
        hub::Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse()?, transport: "quic" };
    core.turn(vec![opened, hub::Input::Frame(conn, Frame::Hello(hello))], now)?;
    let operators = ["CNAF", "CNAM", "DGFIP", "FRANCE_TITRES", "FRANCE_TRAVAIL"];
    let mut times = Vec::new();
    for _ in 0..200 {
        let writer = WriterId::new(rand::random());
        let mut tip = None;
        let changes: Vec<Facts> = (0..RUN)
            .map(|n| {
                let name = TapId::new(rand::random()).name();
                let value = format!("1|{}|online|25-39|1", operators[n % operators.len()]);
                let facts = vec![(format!("{:02}|{name}|0", 1 + n % 30), value)];
                tip = Some(extend(&writer, tip.as_ref(), &facts).tip);
                facts
            })
            .collect();
        let last_hash = tip.context("a chain")?.hash;
        let push = Push { document: document.clone(), writer, first_seq: 1, changes, last_hash, mark: None };
        let before = thread_cpu()?;
        core.turn(vec![hub::Input::Frame(conn, Frame::Push(push)), hub::Input::Drained(conn)], now)?;
        times.push(thread_cpu()? - before);
    }
    Ok(format!("{:.1} µs", median(times)? as f64 / RUN as f64 / 1e3))
}

/// Asks until everything is confirmed.
async fn confirmed(desk: &Desk) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        match desk.ask(Command::Status).await? {
            Reply::Status(status) if status.waiting == 0 && status.state == "connected" => return Ok(()),
            _ => tokio::task::yield_now().await,
        }
    }
    bail!("not confirmed within 30 s")
}

/// Waits until nothing passes any more, acknowledgements of packets included.
async fn quiet(relay: &Relay) -> Traffic {
    let mut seen = relay.traffic();
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let now = relay.traffic();
        if now == seen {
            return now;
        }
        seen = now;
    }
}

async fn on_the_wire(programs: Programs) -> Result<()> {
    let cluster = Cluster::new(programs)?;
    let mut hub = cluster.hub("hub");
    hub.start()?;
    hub.add_sites(&["275"])?;
    let agent = cluster.enrol(&hub, "275", "poste")?;
    let to: SocketAddr = hub.sync()?.parse()?;
    let relay = Relay::start(to)?;
    let through_relay = ("MSAP_AGENT_SYNC__HUB".to_owned(), relay.address().to_string());
    let settings = config::load(None, vec![through_relay])?.settings;

    let stop = CancellationToken::new();
    let (desk, session) = service::start(agent.data(), &settings, stop.clone())?;
    let running = tokio::spawn(session);
    desk.ask(Command::Count(tap("CNAF")?)).await?;
    confirmed(&desk).await?;
    let mut times = Vec::new();
    for _ in 0..300 {
        let count = tap("CNAF")?;
        let began = Instant::now();
        desk.ask(Command::Count(count)).await?;
        confirmed(&desk).await?;
        times.push(began.elapsed());
    }
    tell("one visit → confirmed on a live session, median", &micros(median(times)?));
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let mut before = quiet(&relay).await;
    for _ in 0..21 {
        desk.ask(Command::Count(tap("CNAF")?)).await?;
        confirmed(&desk).await?;
        let after = quiet(&relay).await;
        let passed = after.since(before);
        before = after;
        up.push(passed.up);
        down.push(passed.down);
    }
    let figure = format!("{} / {} B", median(up)?, median(down)?);
    tell("one visit on the wire, up / down, IP and UDP included", &figure);
    stop.cancel();
    drop(desk);
    running.await??;

    let (mut up, mut down) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        let before = quiet(&relay).await;
        let stop = CancellationToken::new();
        let (desk, session) = service::start(agent.data(), &settings, stop.clone())?;
        let running = tokio::spawn(session);
        confirmed(&desk).await?;
        let passed = quiet(&relay).await.since(before);
        up.push(passed.up);
        down.push(passed.down);
        stop.cancel();
        drop(desk);
        running.await??;
    }
    let figure = format!("{} / {} B", median(up)?, median(down)?);
    tell("a quiet reconnect, handshake included, up / down", &figure);
    hub.stop()
}

fn worlds_per_second() -> f64 {
    const WORLDS: u64 = 200;
    let began = Instant::now();
    for seed in 0..WORLDS {
        if let Err(broken) = World::new(seed, None).run() {
            eprintln!("{broken}");
        }
    }
    WORLDS as f64 / began.elapsed().as_secs_f64()
}
