//! The hub's promises, asked of a core over a database in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use msap_shared::chain::{Facts, Tip, extend};
use msap_shared::frame::{Hello, PROTOCOL, Push};
use msap_shared::id::{Digest32, Fingerprint, SessionToken, TapName, WriterId};
use proptest::prelude::*;

use super::*;
use crate::store::Fresh;

mod contact;
mod edits;
mod settling;
mod standing;

const DOCUMENT: &str = "site/275/visits/2026-11";

fn fresh() -> Fresh {
    let mut n = 0u64;
    Box::new(move || {
        n += 1;
        let mut bytes = [7; 16];
        bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        bytes
    })
}

fn core() -> Core {
    let store = Store::over(Connection::open_in_memory().unwrap(), PathBuf::from("memory"), None, fresh()).unwrap();
    Core::new(store, "Europe/Paris".parse().unwrap(), Revocations { intact: true, ..Revocations::default() })
}

fn now() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn hello() -> Frame {
    hello_of(*PROTOCOL.end(), Digest32::new([9; 32]))
}

/// The Hello of a device that speaks up to this version.
fn hello_of(protocol_max: u32, digest: Digest32) -> Frame {
    Frame::Hello(Hello {
        protocol_min: 1,
        protocol_max,
        app: "test".to_owned(),
        token_prev: None,
        token_next: SessionToken::new([1; 16]),
        clock_ms: 0,
        epoch: None,
        seen: None,
        digest,
        offers: true,
        references: None,
        tried: None,
        waiting: None,
        oldest_waiting_day: None,
    })
}

/// A device of site 275 has said Hello on connection 1.
fn greeted() -> Core {
    let mut core = core();
    let conn = ConnId::new(1);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap();
    core
}

fn give(core: &mut Core, frame: Frame) -> Vec<Output> {
    let conn = ConnId::new(1);
    core.turn(vec![Input::Drained(conn), Input::Frame(conn, frame)], now()).unwrap()
}

fn fact(tap: u8, rev: u8, value: &str) -> (String, String) {
    (format!("17|{}|{rev}", TapName::new([tap; 8])), value.to_owned())
}

/// The whole chain of a writer as pushes of one change each.
fn pushes(writer: u8, changes: &[Facts]) -> Vec<Push> {
    let writer = WriterId::new([writer; 16]);
    let mut tip: Option<Tip> = None;
    changes
        .iter()
        .map(|facts| {
            let next = extend(&writer, tip.as_ref(), facts).tip;
            tip = Some(next);
            Push {
                document: DOCUMENT.parse().unwrap(),
                writer,
                first_seq: next.seq,
                changes: vec![facts.clone()],
                last_hash: next.hash,
                mark: None,
            }
        })
        .collect()
}

fn figures(core: &Core) -> Vec<(String, i64, i64, bool)> {
    let sql = "SELECT operator, sum(people), sum(requests), apart FROM visits GROUP BY operator, apart ORDER BY 1";
    let mut statement = core.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn acks(outputs: &[Output]) -> Vec<u64> {
    let held = outputs.iter().filter_map(|output| match output {
        Output::Send(_, Frame::Ack(ack)) => Some(ack.held.iter().map(|(_, version)| version.seq)),
        _ => None,
    });
    held.flatten().collect()
}

#[test]
fn a_change_is_acknowledged_after_its_commit_and_again_when_it_comes_again() {
    let mut core = greeted();
    let push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    for _ in 0..3 {
        let before = core.now().mark.commit;
        let outputs = give(&mut core, Frame::Push(push.clone()));
        assert_eq!(acks(&outputs), [1]);
        let Some(Output::Send(_, Frame::Ack(ack))) = outputs.last() else { panic!("{outputs:?}") };
        assert_eq!((ack.epoch, ack.mark), (core.now().epoch, core.now().mark));
        assert!(ack.mark.commit > before);
    }
    assert_eq!(figures(&core), [("CNAF".to_owned(), 1, 1, false)]);
}

#[test]
fn what_looks_wrong_is_taken_counted_apart_and_listed() {
    let mut core = greeted();
    let changes = [
        vec![fact(1, 0, "1|CNAF|online|25-39|1")],
        vec![fact(2, 0, "1|NEWCOMER|online|25-39|1")],
        vec![fact(3, 0, "500|MSA|online|25-39|1")],
    ];
    for push in pushes(1, &changes) {
        assert_eq!(acks(&give(&mut core, Frame::Push(push))).len(), 1);
    }
    let expected = [("CNAF", 1, 1, false), ("MSA", 500, 1, true), ("NEWCOMER", 1, 1, true)];
    assert_eq!(figures(&core), expected.map(|(operator, p, r, apart)| (operator.to_owned(), p, r, apart)));
    let flagged: i64 = core.connection().query_row("SELECT count(*) FROM flagged", [], |row| row.get(0)).unwrap();
    assert_eq!(flagged, 2);
    // An undo of what was counted apart takes it away from there.
    let undo = pushes(2, &[vec![fact(2, 1, "0|NEWCOMER|online|25-39|0")]]).remove(0);
    give(&mut core, Frame::Push(undo));
    assert_eq!(figures(&core).len(), 2);
}

#[test]
fn a_refused_change_is_named_listed_and_what_came_before_it_held() {
    let mut core = greeted();
    let mut all =
        pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")], vec![fact(2, 0, "many")], vec![fact(3, 0, "x")]]);
    let last = all.pop().unwrap();
    let changes: Vec<Facts> = all.iter().flat_map(|push| push.changes.clone()).chain(last.changes.clone()).collect();
    let whole = Push { first_seq: 1, changes, ..last };
    let outputs = give(&mut core, Frame::Push(whole));
    assert_eq!(acks(&outputs), [1]);
    let refused = outputs.iter().find_map(|output| match output {
        Output::Send(_, Frame::Refused(refused)) => Some((refused.seq, refused.reason)),
        _ => None,
    });
    assert_eq!(refused, Some((2, 4)));
    let listed: i64 = core.connection().query_row("SELECT count(*) FROM refusal", [], |row| row.get(0)).unwrap();
    assert_eq!((listed, figures(&core).len()), (1, 1));
}

#[test]
fn another_sites_document_is_refused_and_untouched() {
    let mut core = greeted();
    let mut push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    push.document = "site/361/visits/2026-11".parse().unwrap();
    let outputs = give(&mut core, Frame::Push(push));
    assert!(matches!(outputs.as_slice(), [Output::Send(_, Frame::Refused(refused))] if refused.reason == 8));
    let documents: i64 = core.connection().query_row("SELECT count(*) FROM document", [], |row| row.get(0)).unwrap();
    assert_eq!(documents, 0);
}

#[test]
fn a_frame_out_of_order_ends_its_own_session_only() {
    let mut core = greeted();
    let conn = ConnId::new(2);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([2; 32]), site: "361".parse().unwrap(), transport: "quic" };
    let outputs = core.turn(vec![opened, Input::Frame(conn, Frame::Offered)], now()).unwrap();
    assert!(matches!(outputs.as_slice(), [Output::Close(closed, CloseCode::Protocol)] if *closed == conn));
    let push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    assert_eq!(acks(&give(&mut core, Frame::Push(push))), [1]);
}

#[test]
fn a_revoked_device_is_cut_off_and_not_let_in_again() {
    let mut core = greeted();
    let fingerprint = Fingerprint::new([1; 32]);
    assert!(core.revoke(fingerprint.device(), "volé", now()).unwrap());
    assert!(matches!(core.drain_outputs().as_slice(), [Output::Close(_, CloseCode::Revoked)]));
    let conn = ConnId::new(3);
    let opened = Input::Opened { conn, fingerprint, site: "275".parse().unwrap(), transport: "quic" };
    let outputs = core.turn(vec![opened], now()).unwrap();
    assert!(matches!(outputs.as_slice(), [Output::Close(_, CloseCode::Revoked)]));
    assert!(!core.revoke(Fingerprint::new([9; 32]).device(), "inconnu", now()).unwrap());
}

#[test]
fn a_check_finds_a_view_that_drifted_and_rebuild_mends_it() {
    let mut core = greeted();
    for push in pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")], vec![fact(1, 1, "1|MSA|online|25-39|1")]]) {
        give(&mut core, Frame::Push(push));
    }
    assert_eq!(core.check(false, now()).unwrap().differences, Vec::<String>::new());
    core.connection().execute("UPDATE visits SET people = people + 1 WHERE operator = 'MSA'", []).unwrap();
    let differences = core.check(false, now()).unwrap().differences;
    let rows: Vec<_> =
        [2, 1].map(|people| format!("visits (275, 2026-11-17, MSA, online, 25-39, 2026-11-20, 0, {people}, 1)")).into();
    assert!(differences.iter().zip(&rows).all(|(told, row)| told.starts_with(row)), "{differences:?}");
    assert_eq!(differences.len(), 2);
    // Only looking leaves it as it was.
    assert_eq!(core.check(true, now()).unwrap().differences.len(), 2);
    assert_eq!(core.check(false, now()).unwrap().differences, Vec::<String>::new());
    assert_eq!(figures(&core), [("MSA".to_owned(), 1, 1, false)]);
}

#[test]
fn a_damaged_change_is_a_problem_and_never_a_panic() {
    let mut core = greeted();
    give(&mut core, Frame::Push(pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0)));
    for at in [0, 9, 40, 60] {
        let mut bytes: Vec<u8> = core.connection().query_row("SELECT bytes FROM change", [], |row| row.get(0)).unwrap();
        bytes[at] ^= 0xff;
        core.connection().execute("UPDATE change SET bytes = ?1", [&bytes]).unwrap();
        assert!(!core.check(true, now()).unwrap().problems.is_empty());
        bytes[at] ^= 0xff;
        core.connection().execute("UPDATE change SET bytes = ?1", [&bytes]).unwrap();
    }
    assert!(core.check(false, now()).unwrap().problems.is_empty());
}

#[test]
fn the_verifier_opens_what_changed_once() {
    let mut core = greeted();
    give(&mut core, Frame::Push(pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0)));
    let opened = crate::verify::open_touched(core.connection()).unwrap();
    assert_eq!(opened.len(), 1);
    assert!(opened[0].problems.is_empty());
    core.verified(&opened, now()).unwrap();
    assert!(crate::verify::open_touched(core.connection()).unwrap().is_empty());
    core.connection().execute("UPDATE fact SET value = '9|CNAF|online|25-39|1'", []).unwrap();
    give(&mut core, Frame::Push(pushes(2, &[vec![fact(2, 0, "1|CNAF|online|25-39|1")]]).remove(0)));
    assert_eq!(crate::verify::open_touched(core.connection()).unwrap()[0].problems.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Runs of several writers about the same few taps, in any order with any repetition.
    #[test]
    fn any_order_of_arrival_with_any_repetition_gives_the_same_figures(
        revisions in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 1..16),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let mut chains: BTreeMap<u8, Vec<Facts>> = BTreeMap::new();
        for (n, (tap, rev, people)) in revisions.iter().enumerate() {
            let chain = chains.entry(n as u8 % 3).or_default();
            let new = fact(*tap, *rev, &format!("{people}|CNAF|online|25-39|{people}"));
            if !chain.iter().flatten().any(|(key, _)| *key == new.0) {
                chain.push(vec![new]);
            }
        }
        let all: Vec<Push> = chains.iter().flat_map(|(writer, changes)| pushes(*writer, changes)).collect();
        let mut forwards = greeted();
        for push in &all {
            give(&mut forwards, Frame::Push(push.clone()));
        }
        let mut shuffled = greeted();
        for index in order {
            give(&mut shuffled, Frame::Push(index.get(&all).clone()));
        }
        // What was missing in between was asked for: now all of it comes, last chain first.
        for push in all.iter().rev().chain(&all) {
            give(&mut shuffled, Frame::Push(push.clone()));
        }
        prop_assert_eq!(figures(&forwards), figures(&shuffled));
        prop_assert!(shuffled.check(false, now()).unwrap().differences.is_empty());
    }
}

#[test]
fn a_device_can_begin_an_epoch_once_and_a_pending_one_never() {
    let mut core = greeted();
    let first = core.now().epoch;
    let doubt = |core: &mut Core, n: u64| {
        let conn = ConnId::new(n);
        let opened = Input::Opened {
            conn,
            fingerprint: Fingerprint::new([1; 32]),
            site: "275".parse().unwrap(),
            transport: "quic",
        };
        let Frame::Hello(mut hello) = hello() else { panic!() };
        (hello.epoch, hello.seen) =
            (Some(core.now().epoch), Some(msap_shared::frame::Mark { commit: u64::MAX, tag: 1 }));
        core.turn(vec![opened, Input::Frame(conn, Frame::Hello(hello))], now()).unwrap();
        core.now().epoch
    };
    let second = doubt(&mut core, 2);
    assert_ne!(second, first);
    assert_eq!(doubt(&mut core, 3), second);
    core.connection().execute("UPDATE device SET standing = 'pending'", []).unwrap();
    core.doubted = false;
    assert_eq!(doubt(&mut core, 4), second);
}

#[test]
fn a_frame_of_a_connection_that_is_not_known_closes_it() {
    let mut core = core();
    let conn = ConnId::new(5);
    let outputs = core.turn(vec![Input::Frame(conn, Frame::Offered)], now()).unwrap();
    assert!(matches!(outputs.as_slice(), [Output::Close(closed, CloseCode::Internal)] if *closed == conn));
}

#[test]
fn a_full_disk_keeps_nothing_and_answers_nothing_until_there_is_room() {
    let mut core = greeted();
    let pages = |core: &Core, max: i64| {
        core.connection().query_row(&format!("PRAGMA max_page_count = {max}"), [], |_| Ok(())).unwrap();
    };
    pages(&core, 1);
    let push = pushes(250, &[vec![fact(250, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    let mut outputs = Vec::new();
    // What is left of the last pages may take some.
    for n in 0..200 {
        if core.is_full() {
            break;
        }
        let more = pushes(n, &[vec![fact(n, 0, "1|CNAF|online|25-39|1")]]).remove(0);
        outputs = give(&mut core, Frame::Push(more));
    }
    assert!(core.is_full());
    assert!(matches!(outputs.as_slice(), [Output::Close(_, CloseCode::Busy)]), "{outputs:?}");
    let before = core.now();
    let conn = ConnId::new(7);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    let outputs = core.turn(vec![opened], now()).unwrap();
    assert!(matches!(outputs.as_slice(), [Output::Close(closed, CloseCode::Busy)] if *closed == conn));
    assert_eq!(core.now(), before);
    assert!(core.check(false, now()).unwrap().problems.is_empty(), "reading goes on");

    pages(&core, 1_000_000);
    core.has_room();
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap();
    let outputs = core.turn(vec![Input::Drained(conn), Input::Frame(conn, Frame::Push(push))], now()).unwrap();
    assert_eq!(acks(&outputs), [1]);
}

#[test]
fn a_disk_that_fails_ends_the_hub_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), None, fresh()).unwrap();
    let mut core = Core::new(store, "Europe/Paris".parse().unwrap(), Revocations::default());
    core.connection().execute_batch("PRAGMA query_only = ON").unwrap();
    let conn = ConnId::new(1);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    let error = core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap_err();
    assert!(!error.is_passing(), "{error}");
}
