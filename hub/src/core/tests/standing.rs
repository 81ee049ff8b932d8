//! Claims about devices: when they were last in sync, how much waits for them, who replaced them.

use msap_shared::document::DocKind;
use msap_shared::frame::{Have, Version};

use super::*;
use crate::core::edit::{SiteEdit, SiteEdited};
use crate::store::devices::Device;
use crate::store::pending;

fn device(core: &Core, n: u8) -> Device {
    devices::find(core.connection(), &Fingerprint::new([n; 32])).unwrap().unwrap()
}

fn say_hello(core: &mut Core, n: u64, digest: Digest32, offers: bool) -> Vec<Output> {
    let conn = ConnId::new(n);
    let fingerprint = Fingerprint::new([1; 32]);
    let opened = Input::Opened { conn, fingerprint, site: "275".parse().unwrap(), transport: "quic" };
    let Frame::Hello(hello) = hello() else { panic!() };
    core.turn(vec![opened, Input::Frame(conn, Frame::Hello(Hello { digest, offers, ..hello }))], now()).unwrap()
}

#[test]
fn a_device_is_noted_as_in_sync_when_it_is_told_so() {
    let mut core = greeted();
    assert_eq!(device(&core, 1).contact.in_sync, None);
    // By Welcome: both hold nothing.
    core.turn(vec![Input::Closed(ConnId::new(1))], now()).unwrap();
    let outputs = say_hello(&mut core, 2, Digest32::new([0; 32]), false);
    assert!(matches!(&outputs[..], [Output::Send(_, Frame::Welcome(welcome))] if welcome.in_sync), "{outputs:?}");
    assert_eq!(device(&core, 1).contact.in_sync, Some(now().as_second()));
    // By Ack, after what was offered.
    core.connection().execute("UPDATE device SET last_in_sync = NULL", []).unwrap();
    let push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    let conn = ConnId::new(2);
    core.turn(vec![Input::Drained(conn), Input::Frame(conn, Frame::Push(push))], now()).unwrap();
    let digest = chains_digest(&core);
    say_hello(&mut core, 3, digest, true);
    assert_eq!(device(&core, 1).contact.in_sync, Some(now().as_second()));
    // Something differs: nothing is noted.
    core.connection().execute("UPDATE device SET last_in_sync = NULL", []).unwrap();
    say_hello(&mut core, 4, Digest32::new([3; 32]), true);
    core.turn(vec![Input::Frame(ConnId::new(4), Frame::Offered)], now()).unwrap();
    assert_eq!(device(&core, 1).contact.in_sync, None);
}

#[test]
fn a_first_session_in_which_a_device_learns_something_shows_that_it_owes_nothing() {
    let mut core = greeted();
    core.turn(vec![Input::Closed(ConnId::new(1))], now()).unwrap();
    let facts = vec![("week|mon".to_owned(), "open".to_owned())];
    let edit = SiteEdit { site: "275".parse().unwrap(), kind: DocKind::Schedule, facts, detail: String::new() };
    assert_eq!(core.edit(&edit, now()).unwrap(), SiteEdited::Kept);
    core.drain_outputs();
    let nothing = |name: &str| Frame::Have(Have { document: name.parse().unwrap(), versions: Vec::new(), held: None });
    let noted = |core: &mut Core, n: u64, frame: Frame| {
        core.turn(vec![Input::Drained(ConnId::new(n)), Input::Frame(ConnId::new(n), frame)], now()).unwrap();
        device(core, 1).contact.in_sync.is_some()
    };
    // It holds nothing, is told of the hours, and says that it lacks them.
    say_hello(&mut core, 2, Digest32::new([0; 32]), false);
    assert_eq!(device(&core, 1).contact.in_sync, None);
    assert!(noted(&mut core, 2, nothing("site/275/schedule")));
    core.turn(vec![Input::Closed(ConnId::new(2))], now()).unwrap();

    // It holds a visit that the hub lacks: not before that is here.
    core.connection().execute("UPDATE device SET last_in_sync = NULL", []).unwrap();
    let push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    let version = Version { writer: push.writer, seq: 1, hash: push.last_hash };
    let tip = msap_shared::chain::Tip { seq: 1, hash: push.last_hash, op_max: 0 };
    let digest = msap_shared::chain::tip_digest(&push.document.to_string(), &push.writer, &tip);
    say_hello(&mut core, 3, digest, false);
    assert!(!noted(&mut core, 3, nothing("site/275/schedule")), "not all of its answers have come");
    let visits = Have { document: push.document.clone(), versions: vec![version], held: None };
    assert!(!noted(&mut core, 3, Frame::Have(visits)), "one is lacking");
    assert!(noted(&mut core, 3, Frame::Push(push)));
}

fn chains_digest(core: &Core) -> Digest32 {
    let documents = crate::store::chains::of_site(core.connection(), &"275".parse().unwrap()).unwrap();
    crate::store::chains::digest_of(&documents)
}

/// A hub that lost its database and its list, with a device in session that waits for approval.
fn with_a_pending_device() -> Core {
    let store = Store::over(Connection::open_in_memory().unwrap(), PathBuf::from("memory"), None, fresh()).unwrap();
    let mut core = Core::new(store, "Europe/Paris".parse().unwrap(), Revocations::default());
    let conn = ConnId::new(1);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap();
    core
}

#[test]
fn what_a_pending_device_cannot_bring_is_asked_for_once_and_not_when_there_is_no_room() {
    let mut core = with_a_pending_device();
    let facts: Vec<Facts> = (1..=4).map(|n| vec![fact(n, 0, "1|CNAF|online|25-39|1")]).collect();
    let all = pushes(1, &facts);
    let needs = |core: &mut Core, push: &Push| {
        let outputs = give(core, Frame::Push(push.clone()));
        core.turn(vec![Input::Drained(ConnId::new(1))], now()).unwrap();
        outputs.iter().filter(|output| matches!(output, Output::Send(_, Frame::Need(_)))).count()
    };
    assert_eq!(needs(&mut core, &all[1]), 1);
    // Answered by all of the chain each time, a Need for each of these would never come to rest.
    assert_eq!([needs(&mut core, &all[2]), needs(&mut core, &all[3])], [0, 0]);
    needs(&mut core, &all[0]);
    core.connection().execute("UPDATE pending_sum SET changes = ?1", [pending::CHANGES_MAX]).unwrap();
    assert_eq!([needs(&mut core, &all[2]), needs(&mut core, &all[3])], [0, 0]);
}

#[test]
fn what_waits_for_a_pending_device_has_a_bound() {
    let mut core = with_a_pending_device();
    let waits = |core: &Core| -> (u64, u64) {
        let count = |sql| core.connection().query_row(sql, [], |row| row.get(0)).unwrap();
        (count("SELECT count(*) FROM pending_change"), count("SELECT coalesce(sum(changes), 0) FROM pending_sum"))
    };
    let all = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")], vec![fact(2, 0, "1|CNAF|online|25-39|1")]]);
    let [first, second] = all.try_into().unwrap();
    give(&mut core, Frame::Push(first.clone()));
    assert_eq!(waits(&core), (1, 1));
    // What it has brought before counts, repeats do not.
    core.connection().execute("UPDATE pending_sum SET changes = ?1", [pending::CHANGES_MAX]).unwrap();
    for push in [first, second.clone()] {
        assert!(acks(&give(&mut core, Frame::Push(push))).is_empty(), "a pending device is acknowledged nothing");
        assert_eq!(waits(&core), (1, pending::CHANGES_MAX));
    }
    core.connection().execute("UPDATE pending_sum SET changes = ?1", [pending::CHANGES_MAX - 1]).unwrap();
    give(&mut core, Frame::Push(second));
    assert_eq!(waits(&core), (2, pending::CHANGES_MAX));
    let approved = core.approve(None, now()).unwrap();
    assert_eq!((approved.changes, waits(&core)), (2, (0, 0)));
}

#[test]
fn a_replaced_machine_that_is_heard_again_exists_twice() {
    let mut core = greeted();
    core.connection().execute("UPDATE device SET replaced_by = x'0202020202020202'", []).unwrap();
    assert!(device(&core, 1).replaced_by.is_some());
    say_hello(&mut core, 2, Digest32::new([0; 32]), false);
    let device = device(&core, 1);
    assert_eq!((device.replaced_by, device.forked), (None, true));
}

fn says(core: &mut Core, n: u64, line: (Option<u8>, u8)) -> Vec<Output> {
    let conn = ConnId::new(n);
    let fingerprint = Fingerprint::new([1; 32]);
    let opened = Input::Opened { conn, fingerprint, site: "275".parse().unwrap(), transport: "quic" };
    let [token_prev, token_next] = [line.0, Some(line.1)].map(|n| n.map(|n| SessionToken::new([n; 16])));
    let Frame::Hello(hello) = hello() else { panic!() };
    let hello = Frame::Hello(Hello { token_prev, token_next: token_next.unwrap(), ..hello });
    core.turn(vec![opened, Input::Frame(conn, hello)], now()).unwrap()
}

fn replaced(outputs: &[Output]) -> Vec<ConnId> {
    let replaced = outputs.iter().filter_map(|output| match output {
        Output::Close(conn, CloseCode::Replaced) => Some(*conn),
        _ => None,
    });
    replaced.collect()
}

#[test]
fn a_running_copy_shows_while_both_are_connected() {
    let mut core = core();
    assert!(replaced(&says(&mut core, 1, (None, 1))).is_empty());
    // The copy was made while the machine ran: it continues the line as well as the machine would.
    let outputs = says(&mut core, 2, (Some(1), 2));
    assert_eq!(replaced(&outputs), [ConnId::new(1)]);
    assert!(!device(&core, 1).forked, "so far it may have been the machine, back before its loss was noticed");
    // The machine was there all the time: it comes back where it was.
    assert!(replaced(&says(&mut core, 3, (Some(1), 3))).is_empty(), "both stay");
    assert!(device(&core, 1).forked);
    assert!(replaced(&says(&mut core, 4, (Some(2), 4))).is_empty());
}

#[test]
fn a_machine_that_is_back_before_its_loss_was_noticed_is_no_copy() {
    let mut core = core();
    for n in 1..20 {
        let before = u8::try_from(n - 1).ok().filter(|before| *before > 0);
        let outputs = says(&mut core, n, (before, u8::try_from(n).unwrap()));
        assert_eq!(replaced(&outputs).len(), usize::from(n > 1));
        // Whatever ends late is not missed.
        core.turn(vec![Input::Closed(ConnId::new(n.saturating_sub(1)))], now()).unwrap();
    }
    assert!(!device(&core, 1).forked);
}

#[test]
fn last_contact_is_when_a_machine_was_last_heard() {
    let mut core = greeted();
    let second = |core: &Core| device(core, 1).contact.at.unwrap() - now().as_second();
    let after = |seconds: i64| now() + jiff::SignedDuration::from_secs(seconds);
    assert_eq!(second(&core), 0);
    let before = core.now();
    core.turn(vec![Input::Drained(ConnId::new(1))], after(30)).unwrap();
    assert_eq!(core.now(), before, "nothing is written for what is only sent");
    core.hear(after(60)).unwrap();
    assert_eq!(second(&core), 60);
    core.turn(vec![Input::Closed(ConnId::new(1))], after(75)).unwrap();
    assert_eq!(second(&core), 75);
    let before = core.now();
    core.hear(after(120)).unwrap();
    core.turn(vec![Input::Closed(ConnId::new(1))], after(130)).unwrap();
    assert_eq!((second(&core), core.now()), (75, before), "a machine that is gone is not heard");
}
