//! The store’s thread, asked through its handles.

use msap_shared::id::DeviceId;

use super::*;
use crate::config;
use crate::store::Profile;

#[test]
fn a_hub_that_refuses_is_told_apart_from_a_server_that_is_not_the_hub() {
    for why in [CloseReason::Theirs(CloseCode::Unknown), CloseReason::Rejected] {
        assert_eq!(spoken(why).0, "refused");
    }
    assert_eq!(spoken(CloseReason::Untrusted).0, "untrusted");
    assert_eq!(spoken(CloseReason::Theirs(CloseCode::Revoked)).0, "revoked");
    assert_eq!(spoken(CloseReason::Ours(CloseCode::Timeout)).0, "offline");
}

#[tokio::test]
async fn joining_anew_beside_the_running_agent_takes_effect() {
    let dir = tempfile::tempdir().unwrap();
    let mut profile = Profile {
        site: "275".parse().unwrap(),
        site_name: "Chemillé".into(),
        timezone: "Europe/Paris".parse().unwrap(),
        device: DeviceId::new([7; 8]),
        label: "Accueil 1".into(),
        hub: "hub.exemple.fr:4433".into(),
    };
    store::create(dir.path(), &profile).unwrap();
    let settings = config::load(None, Vec::new()).unwrap().settings;
    let (desk, _session) = start(dir.path(), &settings, CancellationToken::new()).unwrap();
    assert_eq!(desk.hub().await.as_deref(), Some("hub.exemple.fr:4433"));

    profile.hub = "nouveau.exemple.fr:4433".into();
    store::create(dir.path(), &profile).unwrap();
    assert_eq!(desk.hub().await.as_deref(), Some("nouveau.exemple.fr:4433"));
    match desk.ask(Command::Status).await {
        Ok(Reply::Status(status)) => assert_eq!(status.hub, "nouveau.exemple.fr:4433"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_that_was_never_reached_is_tried_in_turn_with_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let old = Profile {
        site: "275".parse().unwrap(),
        site_name: "Chemillé".into(),
        timezone: "Europe/Paris".parse().unwrap(),
        device: DeviceId::new([7; 8]),
        label: "Accueil 1".into(),
        hub: "hub.exemple.fr:4433".into(),
    };
    store::create(dir.path(), &old).unwrap();
    let new = Profile { hub: "nouveau.exemple.fr:4433".into(), ..old.clone() };
    meta::replace_profile(&store::open(dir.path()).unwrap(), &old, &new).unwrap();
    let settings = config::load(None, Vec::new()).unwrap().settings;
    let (desk, _session) = start(dir.path(), &settings, CancellationToken::new()).unwrap();
    for address in [&new.hub, &old.hub, &new.hub, &old.hub] {
        assert_eq!(desk.hub().await.as_ref(), Some(address));
    }
    // The old one serving says nothing of the new one.
    desk.open(Transport::Quic).await;
    assert_eq!(desk.hub().await.as_ref(), Some(&new.hub));
    desk.open(Transport::Quic).await;
    for _ in 0..2 {
        assert_eq!(desk.hub().await.as_ref(), Some(&new.hub));
    }
}
