//! TCP on the relay.
//!
//! The relay ends the machine's connection and begins one of its own to the hub; what is lost on
//! such a line is late and not missing. A keep-alive of the system's is answered by the relay and
//! not by the hub: what only the systems of both ends notice is tested in namespaces.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::weather::Weather;
use super::{Gate, Shared, Way};

/// Content of a full segment on Ethernet.
const SEGMENT_LEN: usize = 1_448;
/// Segments on their way; whoever sends more waits.
const UNDER_WAY_MAX: usize = 64;

type Gates = watch::Receiver<Gate>;

/// Passes connections on, for ever.
pub(super) async fn pass(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // Out of descriptors, most likely: the next one may come through.
        let Ok((machine, _)) = listener.accept().await else { continue };
        let (shared, gates) = (shared.clone(), shared.tcp.gate.subscribe());
        tokio::spawn(async move {
            // Whatever ends it, both sides have been told as the gate says.
            connection(machine, &shared, gates).await.ok();
        });
    }
}

async fn connection(mut machine: TcpStream, shared: &Shared, mut gates: Gates) -> io::Result<()> {
    let gate = wait_for(&mut gates, |gate| matches!(gate, Gate::Open(_) | Gate::Reset)).await?;
    if gate == Gate::Reset {
        return machine.set_zero_linger();
    }
    // A hub that is not there refuses; so does the relay then.
    let Ok(mut hub) = connect(shared.to).await else { return machine.set_zero_linger() };
    machine.set_nodelay(true)?;
    let ended = {
        let ((from_machine, to_machine), (from_hub, to_hub)) = (machine.split(), hub.split());
        let up = copy(from_machine, to_hub, Way::Up, shared, gates.clone());
        let down = copy(from_hub, to_machine, Way::Down, shared, gates.clone());
        tokio::select! {
            both = async { tokio::try_join!(up, down) } => Some(both),
            _ = wait_for(&mut gates, |gate| matches!(gate, Gate::Reset | Gate::HalfOpen)) => None,
        }
    };
    if let Some(Ok(_)) = ended {
        return Ok(());
    }
    hub.set_zero_linger()?;
    drop(hub);
    if ended.is_none() {
        shared.cuts.fetch_add(1, Ordering::SeqCst);
    }
    if *gates.borrow() == Gate::HalfOpen {
        // Whatever the machine sends is dropped, until somebody on the way tells it.
        let leaving = async {
            let mut bytes = [0; SEGMENT_LEN];
            while let Ok(1..) = machine.read(&mut bytes).await {}
        };
        tokio::select! {
            () = leaving => {}
            _ = wait_for(&mut gates, |gate| !matches!(gate, Gate::HalfOpen | Gate::Silent)) => {}
        }
    }
    machine.set_zero_linger()
}

async fn connect(hub: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(hub).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The gate, once it is as wanted.
async fn wait_for(gates: &mut Gates, wanted: impl FnMut(&Gate) -> bool) -> io::Result<Gate> {
    gates.wait_for(wanted).await.map(|gate| *gate).map_err(|_| io::ErrorKind::NotConnected.into())
}

/// The weather, as soon as there is one in which something passes.
async fn open(gates: &mut Gates) -> io::Result<Weather> {
    loop {
        if let Gate::Open(weather) = wait_for(gates, |gate| matches!(gate, Gate::Open(_))).await? {
            return Ok(weather);
        }
    }
}

/// Passes one direction on to its end.
async fn copy(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    shared: &Shared,
    mut gates: Gates,
) -> io::Result<()> {
    let (post, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY_MAX);
    let mut gates_there = gates.clone();
    let reading = async move {
        let mut bytes = [0; SEGMENT_LEN];
        loop {
            let weather = open(&mut gates).await?;
            let len = from.read(&mut bytes).await?;
            let at = shared.tcp.on(way, |line| line.segment(&weather, shared.now(), len));
            // The end is late like everything else.
            let sent = post.send((shared.begun + at, bytes[..len].to_vec())).await;
            if len == 0 || sent.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let writing = async move {
        while let Some((at, bytes)) = arriving.recv().await {
            sleep_until(at).await;
            open(&mut gates_there).await?;
            match bytes.as_slice() {
                [] => to.shutdown().await?,
                bytes => to.write_all(bytes).await?,
            }
        }
        io::Result::Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
