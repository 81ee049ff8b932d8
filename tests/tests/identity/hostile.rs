//! A machine with a good key and bad intentions, or a bad disk.

use anyhow::{Context as _, Result};
use msap_shared::frame::{BODY_LEN_MAX, Frame};
use msap_shared::id::ChangeHash;
use msap_shared::io::link::{CloseCode, CloseReason};
use msap_tests::cluster::{Agent, Cluster, Hub, run, wait_equal};

use super::hand::{Sent, converse, hello, visit};
use crate::hub_with;

/// The numbers of refusals.
const HASH: u8 = 1;
const GRANT: u8 = 8;

/// A hub, the machine that misbehaves, and another site's machine, which counts and is confirmed.
fn scene(cluster: &Cluster) -> Result<(Hub, Agent, Agent)> {
    let hub = hub_with(cluster, &["361", "275"])?;
    let rogue = cluster.enrol(&hub, "361", "rogue")?;
    let mut witness = cluster.enrol(&hub, "275", "témoin")?;
    witness.start()?;
    witness.count("CNAF", 2)?;
    witness.wait_confirmed()?;
    Ok((hub, rogue, witness))
}

#[test]
fn a_machine_that_writes_another_sites_document_is_refused_and_changes_nothing() {
    run(|cluster| {
        let (hub, rogue, witness) = scene(cluster)?;
        // Its own first: the acknowledgement of that stands before the refusal.
        let pushes = [visit("site/361/visits/2024-10")?, visit("site/275/visits/2024-11")?];
        let hello_first = std::iter::once(Frame::Hello(hello()));
        let sent = hello_first.chain(pushes.map(Frame::Push)).map(Sent::Frame).collect();
        let (frames, _) = converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Refused(_)))?;
        let acknowledged: Vec<String> = frames
            .iter()
            .filter_map(|frame| if let Frame::Ack(ack) = frame { Some(&ack.held) } else { None })
            .flatten()
            .map(|(document, _)| document.to_string())
            .collect();
        assert_eq!(acknowledged, ["site/361/visits/2024-10"]);
        let Some(Frame::Refused(refused)) = frames.last() else { anyhow::bail!("{frames:?}") };
        assert_eq!((refused.document.to_string().as_str(), refused.reason), ("site/275/visits/2024-11", GRANT));
        assert_eq!(hub.total("site=275")?, (2, 2));
        assert_eq!(hub.total("site=361")?, (1, 1));
        assert_eq!(witness.this_month()?, (2, 2));

        // Nor does it learn what another site has: its document answers like one that is not there.
        let asked =
            msap_shared::frame::Have { document: "site/275/visits/2024-11".parse()?, versions: Vec::new(), held: None };
        let sent = vec![Sent::Frame(Frame::Hello(hello())), Sent::Frame(Frame::Have(asked))];
        let (frames, _) = converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Have(_)))?;
        let answered = frames.iter().find_map(|frame| match frame {
            Frame::Have(have) => Some(have.versions.len()),
            _ => None,
        });
        assert_eq!(answered, Some(0));
        Ok(())
    });
}

#[test]
fn a_refused_document_is_told_as_refused() {
    run(|cluster| {
        let (hub, rogue, _witness) = scene(cluster)?;
        let sent =
            vec![Sent::Frame(Frame::Hello(hello())), Sent::Frame(Frame::Push(visit("site/275/visits/2024-11")?))];
        let (frames, _) = converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Refused(_)))?;
        assert!(matches!(frames.last(), Some(Frame::Refused(refused)) if refused.reason == GRANT), "{frames:?}");
        // An unknown site answers like a forbidden one.
        let sent =
            vec![Sent::Frame(Frame::Hello(hello())), Sent::Frame(Frame::Push(visit("site/nowhere/visits/2024-11")?))];
        let (frames, _) = converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Refused(_)))?;
        assert!(matches!(frames.last(), Some(Frame::Refused(refused)) if refused.reason == GRANT), "{frames:?}");
        Ok(())
    });
}

#[test]
fn changes_that_do_not_hash_to_what_they_say_are_refused() {
    run(|cluster| {
        let (hub, rogue, _witness) = scene(cluster)?;
        let mut push = visit("site/361/visits/2024-11")?;
        push.last_hash = ChangeHash::new([1; 32]);
        let sent = vec![Sent::Frame(Frame::Hello(hello())), Sent::Frame(Frame::Push(push))];
        let (frames, _) = converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Refused(_)))?;
        assert!(matches!(frames.last(), Some(Frame::Refused(refused)) if refused.reason == HASH), "{frames:?}");
        assert_eq!(hub.total("site=361")?, (0, 0));
        let refused = hub.json(&["refused", "list"])?;
        assert_eq!(refused.as_array().context("a list")?.len(), 1, "{refused}");
        Ok(())
    });
}

/// Bytes that are no session, and how the hub ends the connection.
fn bad_sessions() -> Result<Vec<(&'static str, Vec<Sent>, CloseCode)>> {
    let frame = |frame: Frame| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        msap_shared::frame::encode(&frame, &mut bytes)?;
        Ok(bytes)
    };
    let greeting = frame(Frame::Hello(hello()))?;
    let [_, a, b, c] = u32::try_from(BODY_LEN_MAX + 1)?.to_be_bytes();
    let mut expanding = vec![0, 0, 16, 0x84];
    expanding.extend([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let welcome_first = Frame::Offered;
    let far = {
        let mut push = visit("site/361/visits/2024-11")?;
        push.first_seq = u64::MAX;
        Frame::Push(push)
    };
    Ok(vec![
        ("garbage", vec![Sent::Bytes(vec![0xff; 4_096])], CloseCode::TooLarge),
        ("a body that is no CBOR", vec![Sent::Bytes(vec![0, 0, 2, 1, 0xff, 0xff])], CloseCode::Protocol),
        ("an oversized frame", vec![Sent::Bytes(vec![a, b, c, 4])], CloseCode::TooLarge),
        ("a bad compression", vec![Sent::Bytes(expanding)], CloseCode::Protocol),
        ("a frame before Hello", vec![Sent::Frame(welcome_first)], CloseCode::Protocol),
        ("Hello twice", vec![Sent::Bytes(greeting.repeat(2))], CloseCode::Protocol),
        ("garbage after Hello", vec![Sent::Bytes(greeting.clone()), Sent::Bytes(vec![0xff; 64])], CloseCode::TooLarge),
        ("a number out of bounds", vec![Sent::Bytes(greeting), Sent::Frame(far)], CloseCode::Protocol),
    ])
}

#[test]
fn whatever_a_machine_sends_ends_its_own_session_only() {
    run(|cluster| {
        let (hub, rogue, witness) = scene(cluster)?;
        for (what, sent, code) in bad_sessions()? {
            let (_, end) = converse(rogue.data(), hub.sync()?, sent, |_| false).context(what)?;
            assert_eq!(end, Some(CloseReason::Theirs(code)), "{what}");
            assert_eq!(witness.status()?["state"], "connected", "{what}");
        }
        witness.count("MSA", 1)?;
        witness.wait_confirmed()?;
        wait_equal("the other machine counts on", (3, 3), || hub.total(""))?;
        // And the same machine may come back with better manners.
        let mut rogue = rogue;
        rogue.start()?;
        rogue.count("CNAF", 1)?;
        rogue.wait_confirmed()?;
        wait_equal("the machine itself counts on", (4, 4), || hub.total(""))?;
        Ok(())
    });
}

#[test]
fn a_frame_cut_off_in_the_middle_is_nothing() {
    run(|cluster| {
        let (hub, rogue, witness) = scene(cluster)?;
        let mut push = Vec::new();
        msap_shared::frame::encode(&Frame::Push(visit("site/361/visits/2024-11")?), &mut push)?;
        push.truncate(push.len() / 2);
        let sent = vec![Sent::Frame(Frame::Hello(hello())), Sent::Bytes(push)];
        // The connection ends with the frame half sent, as a machine that loses power does.
        converse(rogue.data(), hub.sync()?, sent, |frame| matches!(frame, Frame::Welcome(_)))?;
        assert_eq!(hub.total("site=361")?, (0, 0));
        assert_eq!(witness.status()?["state"], "connected");
        Ok(())
    });
}
