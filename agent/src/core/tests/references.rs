//! What the hub alone decides, taken up by a machine.

use super::*;

/// A core in session, and what it answers to a reference.
pub(super) fn referred(core: &mut Core, kind: u32, value: Vec<u8>) -> Option<Reference> {
    let hash = reference::value_hash(&value);
    let frame = Frame::Reference(Reference { kind, epoch: None, n: 0, hash, value });
    let outputs = core.turn(vec![Input::Drained, Input::Frame(frame)], at(NOON)).unwrap();
    outputs.into_iter().find_map(|output| match output {
        Output::Send(Frame::Reference(answer)) => Some(answer),
        _ => None,
    })
}

/// A session that the hub has welcomed.
pub(super) fn welcomed(core: &mut Core) {
    core.turn(vec![Input::Connected { transport: "quic" }], at(NOON)).unwrap();
    let welcome = Frame::Welcome(msap_shared::frame::Welcome {
        epoch: msap_shared::id::Epoch::new([1; 16]),
        mark: msap_shared::frame::Mark { commit: 1, tag: 1 },
        protocol: 1,
        clock_ms: at(NOON).wall.as_millisecond(),
        in_sync: true,
        standing: msap_shared::frame::DeviceStanding::Active,
    });
    core.turn(vec![Input::Drained, Input::Frame(welcome)], at(NOON)).unwrap();
}

#[test]
fn a_profile_is_taken_up_whole_or_not_at_all() {
    let mut core = core();
    welcomed(&mut core);
    let profile = |site: &str, timezone: &str, address: &str| {
        let site = reference::SiteProfile {
            site: site.to_owned(),
            name: "Maison neuve".to_owned(),
            kind: "house".to_owned(),
            timezone: timezone.to_owned(),
            commune: String::new(),
            department: String::new(),
        };
        reference::to_bytes(&reference::Profile { site, address: address.to_owned() })
    };
    let before = core.profile().clone();
    let none = msap_shared::id::Digest32::new([0; 32]);
    for wrong in [profile("361", "Europe/Paris", ""), profile("275", "Europe/Nulle", ""), b"nonsense".to_vec()] {
        let answer = referred(&mut core, reference::PROFILE, wrong).unwrap();
        assert_eq!((answer.hash, core.profile()), (none, &before));
    }
    assert!(referred(&mut core, 77, Vec::new()).is_none(), "a kind of the future");
    let right = profile("275", "Indian/Reunion", "0.0.0.0:4433");
    let answer = referred(&mut core, reference::PROFILE, right.clone()).unwrap();
    assert_eq!((answer.hash, answer.value.len()), (reference::value_hash(&right), 0));
    let Profile { site_name, timezone, hub, .. } = core.profile();
    // An address that nobody can reach is not taken over.
    assert_eq!((site_name.as_str(), timezone.name(), hub), ("Maison neuve", "Indian/Reunion", &before.hub));
    assert_eq!(meta::hub_before(core.connection()).unwrap(), None);
    referred(&mut core, reference::PROFILE, profile("275", "Europe/Paris", "autre.exemple.fr:4433"));
    assert_eq!(core.profile().hub, "autre.exemple.fr:4433");
    assert_eq!(meta::hub_before(core.connection()).unwrap(), Some(before.hub));
}
