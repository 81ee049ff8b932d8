//! Claims about what devices say of themselves, and about those that are turned away.

use super::*;
use crate::accept::ConnId;
use crate::almanac::Pages;
use crate::fleet::stands;
use crate::store::devices::Device;
use crate::store::sites;

fn device(core: &Core) -> Device {
    devices::find(core.connection(), &Fingerprint::new([1; 32])).unwrap().unwrap()
}

fn opened(conn: u64) -> Input {
    let (conn, fingerprint) = (ConnId::new(conn), Fingerprint::new([1; 32]));
    Input::Opened { conn, fingerprint, site: "275".parse().unwrap(), transport: "quic" }
}

fn says(core: &mut Core, conn: u64, waiting: Option<u64>, oldest_waiting_day: Option<i32>, digest: Digest32) {
    let Frame::Hello(hello) = hello() else { panic!() };
    let hello = Hello { waiting, oldest_waiting_day, digest, offers: false, ..hello };
    core.turn(vec![opened(conn), Input::Frame(ConnId::new(conn), Frame::Hello(hello))], now()).unwrap();
}

#[test]
fn what_waits_at_a_device_is_known_until_it_is_in_sync_and_no_number_is_believed_without_bounds() {
    let mut core = greeted();
    let other = Digest32::new([9; 32]);
    let noted = |core: &Core| {
        let contact = device(core).contact;
        (contact.waiting, contact.oldest_waiting_day.map(|day| day.to_string()))
    };
    assert_eq!(noted(&core), (None, None), "a device that does not tell");
    let day = "2026-11-18".parse::<Day>().unwrap().number();
    for (conn, waiting, oldest, expected) in [
        (2, Some(12), Some(day), (Some(12), Some("2026-11-18".to_owned()))),
        (3, Some(u64::MAX), Some(i32::MAX), (Some(u32::MAX), None)),
        (4, Some(3), Some(i32::MIN), (Some(3), None)),
        // A day of nothing.
        (5, None, Some(day), (None, None)),
        (6, Some(7), Some(day), (Some(7), Some("2026-11-18".to_owned()))),
    ] {
        says(&mut core, conn, waiting, oldest, other);
        assert_eq!(noted(&core), expected);
    }
    // Welcome says that both hold the same.
    says(&mut core, 7, Some(7), Some(day), Digest32::new([0; 32]));
    assert_eq!(noted(&core), (Some(0), None));
}

#[test]
fn a_site_is_refused_while_each_of_its_devices_was_turned_away_when_it_came() {
    let mut core = greeted();
    let site = |core: &Core| {
        let (site, contact) = sites::find(core.connection(), &"275".parse().unwrap()).unwrap().unwrap();
        stands(&site, &contact, &Pages::default(), now()).to_owned()
    };
    core.revoke(device(&core).id, "volé", now()).unwrap();
    assert_ne!(site(&core), "refused", "it has not come since");
    let outputs = core.turn(vec![opened(2)], now()).unwrap();
    assert!(matches!(outputs[..], [Output::Close(_, CloseCode::Revoked)]), "{outputs:?}");
    assert_eq!((device(&core).contact.turned_away, site(&core).as_str()), (Some(now().as_second()), "refused"));
    // Another machine of the site is let in.
    let other = Input::Opened {
        conn: ConnId::new(3),
        fingerprint: Fingerprint::new([2; 32]),
        site: "275".parse().unwrap(),
        transport: "tcp",
    };
    core.turn(vec![other, Input::Frame(ConnId::new(3), hello())], now()).unwrap();
    assert_eq!(site(&core), "up_to_date", "the best machine counts");
}

#[test]
fn pushes_are_counted_by_what_became_of_them() {
    let mut core = greeted();
    assert_eq!(core.pushes(), Pushes::default());
    let mut chain = pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")], vec![fact(2, 0, "x")]]);
    let (bad, good) = (chain.remove(1), chain.remove(0));
    give(&mut core, Frame::Push(good.clone()));
    assert_eq!(core.pushes(), Pushes { accepted: 1, refused: 0 });
    give(&mut core, Frame::Push(good));
    assert_eq!(core.pushes(), Pushes { accepted: 1, refused: 0 }, "it brings nothing new");
    give(&mut core, Frame::Push(bad));
    assert_eq!(core.pushes(), Pushes { accepted: 1, refused: 1 });
}
