use proptest::prelude::*;

use super::*;
use crate::chain::{OpId, Refusal};
use crate::document::DocId;
use crate::id::{ChangeHash, Digest32, Epoch, SessionToken, WriterId};
use crate::reference::REFERENCES_MAX;
use crate::register::{Edit, Setting};

fn decoded(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    let (head, body) = bytes.split_first_chunk().unwrap();
    let header = header(*head)?;
    assert_eq!(header.body_len, body.len());
    decode(header, body)
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    encode(frame, &mut out).unwrap();
    out
}

fn document() -> DocId {
    "site/275/visits/2026-11".parse().unwrap()
}

/// One frame of each type.
fn samples() -> Vec<Frame> {
    let writer = WriterId::new([1; 16]);
    let version = Version { writer, seq: 3, hash: ChangeHash::new([3; 32]) };
    let epoch = Epoch::new([2; 16]);
    let mark = Mark { commit: 7, tag: 0xfeed };
    vec![
        Frame::Hello(Hello {
            protocol_min: 1,
            protocol_max: 1,
            app: "0.1.0".to_owned(),
            token_prev: None,
            token_next: SessionToken::new([4; 16]),
            clock_ms: 1_795_000_000_000,
            epoch: Some(epoch),
            seen: Some(mark),
            digest: Digest32::new([5; 32]),
            offers: true,
            references: None,
            tried: None,
            waiting: None,
            oldest_waiting_day: None,
        }),
        Frame::Welcome(Welcome {
            epoch,
            mark,
            protocol: 1,
            clock_ms: 1_795_000_000_001,
            in_sync: false,
            standing: DeviceStanding::Active,
        }),
        Frame::Offered,
        Frame::Push(Push {
            document: document(),
            writer,
            first_seq: 3,
            changes: vec![vec![("17|AAAAAAAAAAA|0".to_owned(), "1|CNAF|online|25-39|1".to_owned())]],
            last_hash: version.hash,
            mark: None,
        }),
        Frame::Digests(Digests { epoch, documents: vec![(document(), Digest32::new([6; 32]))], mark }),
        Frame::Have(Have { document: document(), versions: vec![version], held: None }),
        Frame::Ack(Ack { epoch, mark, held: vec![(document(), version)], in_sync: true }),
        Frame::Need(Need { document: document(), writer, from: 2 }),
        Frame::Refused(Refused::new(document(), version, 3, Refusal::Hash)),
        Frame::Busy(Busy { retry_after_ms: 60_000 }),
        Frame::Bye(Bye { code: 5 }),
        Frame::Hello(Hello {
            protocol_min: 1,
            protocol_max: 1,
            app: "0.2.0".to_owned(),
            token_prev: None,
            token_next: SessionToken::new([4; 16]),
            clock_ms: 1_795_000_000_000,
            epoch: None,
            seen: None,
            digest: Digest32::new([5; 32]),
            offers: false,
            references: Some(vec![(1, Digest32::new([7; 32]))]),
            tried: None,
            waiting: None,
            oldest_waiting_day: None,
        }),
        Frame::Reference(Reference {
            kind: 2,
            epoch: Some(epoch),
            n: 7,
            hash: Digest32::new([8; 32]),
            value: vec![1, 2],
        }),
        Frame::Edits(Edits {
            document: "site/275/schedule".parse().unwrap(),
            edits: vec![Edit {
                writer,
                seq: 3,
                op_start: 9,
                deps: vec![version.hash],
                settings: vec![Setting {
                    key: "week|mon".to_owned(),
                    value: "closed".to_owned(),
                    replaces: vec![OpId { counter: 8, writer }],
                }],
                hash: ChangeHash::new([9; 32]),
            }],
            mark: Some(mark),
        }),
        Frame::Hello(Hello {
            protocol_min: 1,
            protocol_max: 1,
            app: "0.3.0".to_owned(),
            token_prev: None,
            token_next: SessionToken::new([4; 16]),
            clock_ms: 1_795_000_000_000,
            epoch: None,
            seen: None,
            digest: Digest32::new([5; 32]),
            offers: true,
            references: None,
            tried: Some("quic silent".to_owned()),
            waiting: Some(12),
            oldest_waiting_day: Some(9_820),
        }),
    ]
}

#[test]
fn frame_bytes_are_pinned() {
    let lines: Vec<String> = samples().iter().map(|frame| data_encoding::HEXLOWER.encode(&encoded(frame))).collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(lines, golden, "a change of these bytes is a change of the protocol");
}

#[test]
fn every_frame_round_trips() {
    for frame in samples() {
        assert_eq!(decoded(&encoded(&frame)).unwrap(), Some(frame));
    }
}

#[test]
fn unknown_types_are_skipped_and_unknown_fields_ignored() {
    assert_eq!(decoded(&[0, 0, 1, 100, 0xf6]).unwrap(), None);
    // A Need with a fifth and sixth field from the future.
    let mut body = Vec::new();
    let mut e = minicbor::Encoder::new(&mut body);
    let stray = e.array(5).unwrap().str(&document().to_string()).unwrap().bytes(&[1; 16]).unwrap().u64(2).unwrap();
    stray.str("later").unwrap().array(1).unwrap().u8(1).unwrap();
    let mut bytes = vec![0, 0, u8::try_from(body.len()).unwrap(), 8];
    bytes.extend(body);
    let need = Need { document: document(), writer: WriterId::new([1; 16]), from: 2 };
    assert_eq!(decoded(&bytes).unwrap(), Some(Frame::Need(need)));
}

#[test]
fn bodies_are_bounded_at_the_bound_and_one_past_it() {
    let [_, a, b, c] = (BODY_LEN_MAX as u32).to_be_bytes();
    assert_eq!(header([a, b, c, 4]).unwrap().body_len, BODY_LEN_MAX);
    let [_, a, b, c] = (BODY_LEN_MAX as u32 + 1).to_be_bytes();
    assert!(matches!(header([a, b, c, 4]), Err(FrameError::TooLong)));
    // What expands beyond the bound is refused without being expanded.
    let bomb = zstd::bulk::compress(&vec![0; BODY_LEN_MAX * 64], 1).unwrap();
    let header = Header { body_len: bomb.len(), kind: 4, compressed: true };
    assert!(decode(header, &bomb).is_err());
}

#[test]
fn a_hello_names_references_up_to_the_bound_and_not_one_more() {
    let Frame::Hello(hello) = samples().remove(0) else { panic!() };
    for (count, reads) in [(0, true), (REFERENCES_MAX, true), (REFERENCES_MAX + 1, false)] {
        let references = Some(vec![(1, Digest32::new([0; 32])); count]);
        let bytes = encoded(&Frame::Hello(Hello { references, ..hello.clone() }));
        assert_eq!(decoded(&bytes).is_ok(), reads, "{count}");
    }
}

#[test]
fn long_bodies_travel_compressed() {
    let Frame::Push(mut push) = samples().remove(3) else { panic!() };
    push.changes = vec![push.changes[0].clone(); 50];
    let frame = Frame::Push(push);
    let bytes = encoded(&frame);
    assert!(bytes.len() < 400, "{} bytes", bytes.len());
    assert_eq!(decoded(&bytes).unwrap(), Some(frame));
}

proptest! {
    #[test]
    fn no_body_panics(kind in 0u8..=255, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        if let Ok(header) = header([a, b, c, kind]) {
            let _outcome = decode(header, &body);
        }
    }

    #[test]
    fn damaged_frames_never_panic(which in 0usize..11, at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encoded(&samples()[which]);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let (head, body) = bytes.split_first_chunk().unwrap();
        if let Ok(header) = header(*head) {
            let _outcome = decode(header, body);
            let _outcome = decode(header, &body[..at.saturating_sub(4).min(body.len())]);
        }
    }
}
