//! Years of history cost a live session nothing: counted in SQLite's own steps, rows and bytes,
//! which are the same on every machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use msap_shared::document::DocId;
use msap_shared::document::visits::Key;
use msap_shared::frame::encode;
use msap_shared::time::Month;

use super::*;
use crate::replica::{NoCredentials, Replica};
use crate::store::taps::{self, Tap};

const MONTHS: u16 = 60;
const TAPS_PER_MONTH: u16 = 2_000;
/// A start of the agent, and so another chain, every so many taps: about one a working day.
const TAPS_PER_LOAD: u16 = 100;
/// What one month more may cost, in steps of SQLite's machine: looking a tap's name up in it,
/// reading its digest.
const STEPS_PER_MONTH: u64 = 200;

/// Five years up to the present month, in one transaction, with the tap log of a year.
fn five_years(conn: &Connection) {
    let tx = conn.unchecked_transaction().unwrap();
    let (mut writer, mut fresh) = (WriterId::new([9; 16]), fresh(9));
    let mut replica = Replica { conn: &tx, writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
    let mut month: Month = "2021-12".parse().unwrap();
    for m in 0..MONTHS {
        let document = DocId::visits("275".parse().unwrap(), month);
        for n in 0..TAPS_PER_MONTH {
            if n % TAPS_PER_LOAD == 0 {
                replica.renew_writer();
            }
            let mut bytes = [3; 16];
            bytes[..2].copy_from_slice(&m.to_be_bytes());
            bytes[2..4].copy_from_slice(&n.to_be_bytes());
            let (id, day) = (TapId::new(bytes), month.day((n % 19 + 1) as u8).unwrap());
            let value = "1|CNAF|online|unknown|1";
            let place = replica.enter(&document, &Key::tap(day, id.name(), 0).to_string(), value).unwrap();
            if m + 13 > MONTHS {
                let tap =
                    Tap { id, name: id.name(), at: 1_790_000_000, day, place, visit: value.into(), part_of: None };
                taps::insert(&tx, &tap, "").unwrap();
            }
        }
        month = month.next();
    }
    tx.commit().unwrap();
}

/// What a turn took.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    steps: u64,
    rows: u64,
    frames: usize,
    bytes: usize,
}

fn cost(core: &mut Core, inputs: Vec<Input>) -> Cost {
    let steps = Arc::new(AtomicU64::new(0));
    let counting = steps.clone();
    let count = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    core.connection().progress_handler(1, Some(count)).unwrap();
    let before = core.connection().total_changes();
    let outputs = core.turn(inputs, at(NOON)).unwrap();
    core.connection().progress_handler(0, None::<fn() -> bool>).unwrap();
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Send(frame) => Some(frame),
        Output::Reply(_, Ok(_)) => None,
        other => panic!("{other:?}"),
    });
    let mut wire = Vec::new();
    let frames = frames.map(|frame| encode(frame, &mut wire).unwrap()).count();
    let rows = core.connection().total_changes() - before;
    Cost { steps: steps.load(Ordering::Relaxed), rows, frames, bytes: wire.len() }
}

fn reconnect(core: &mut Core) -> Vec<Cost> {
    let hub = welcome(NOON);
    vec![
        cost(core, vec![Input::Connected { transport: "quic" }]),
        cost(core, vec![Input::Drained, Input::Frame(Frame::Welcome(hub))]),
    ]
}

/// A quiet reconnect, then a tap in the live session.
fn costs(conn: Connection) -> Vec<Cost> {
    let mut core = Core::new(conn, fresh(1)).unwrap();
    // The first session of an epoch confirms everything once.
    reconnect(&mut core);
    core.turn(vec![Input::Disconnected { state: "offline", why: None, attempt: None }], at(NOON)).unwrap();
    let mut costs = reconnect(&mut core);
    costs.push(cost(&mut core, vec![Input::Drained, Input::Command(1, Command::Count(visit(200)))]));
    costs.push(cost(&mut core, vec![Input::Drained, Input::Command(1, Command::Count(visit(201)))]));
    costs
}

#[test]
fn five_years_of_history_cost_a_live_session_nothing() {
    let full = disk("Europe/Paris");
    five_years(&full);
    let kept: i64 = full.query_row("SELECT count(*) FROM change", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, i64::from(MONTHS) * i64::from(TAPS_PER_MONTH));
    let (empty, full) = (costs(disk("Europe/Paris")), costs(full));
    for (what, (empty, full)) in ["hello", "welcome", "tap", "next tap"].iter().zip(empty.iter().zip(&full)) {
        assert!(full.steps <= empty.steps + u64::from(MONTHS) * STEPS_PER_MONTH, "{what}: {empty:?} {full:?}");
        assert!(full.rows <= empty.rows + 4, "{what}: {empty:?} {full:?}");
        // Numbers of more digits, and a digest where there was none.
        assert_eq!(full.frames, empty.frames, "{what}: {empty:?} {full:?}");
        assert!(full.bytes <= empty.bytes + 48, "{what}: {empty:?} {full:?}");
    }
}
