//! Claims about devices: when they were last in sync, how much waits for them, who replaced them.

use super::*;
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
    let outputs = say_hello(&mut core, 2, Digest32::new([0; 32]), false);
    assert!(matches!(&outputs[..], [Output::Send(_, Frame::Welcome(welcome))] if welcome.in_sync), "{outputs:?}");
    assert_eq!(device(&core, 1).contact.in_sync, Some(now().as_second()));
    // By Ack, after what was offered.
    core.connection().execute("UPDATE device SET last_in_sync = NULL", []).unwrap();
    let push = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0);
    give(&mut core, Frame::Push(push));
    let digest = chains_digest(&core);
    say_hello(&mut core, 3, digest, true);
    assert_eq!(device(&core, 1).contact.in_sync, Some(now().as_second()));
    // Something differs: nothing is noted.
    core.connection().execute("UPDATE device SET last_in_sync = NULL", []).unwrap();
    say_hello(&mut core, 4, Digest32::new([3; 32]), true);
    core.turn(vec![Input::Frame(ConnId::new(4), Frame::Offered)], now()).unwrap();
    assert_eq!(device(&core, 1).contact.in_sync, None);
}

fn chains_digest(core: &Core) -> Digest32 {
    let documents = crate::store::chains::of_site(core.connection(), &"275".parse().unwrap()).unwrap();
    crate::store::chains::digest_of(&documents)
}

#[test]
fn what_waits_for_a_pending_device_has_a_bound() {
    let store = Store::over(Connection::open_in_memory().unwrap(), PathBuf::from("memory"), None, fresh()).unwrap();
    let mut core = Core::new(store, "Europe/Paris".parse().unwrap(), Revocations::default());
    let conn = ConnId::new(1);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap();
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
