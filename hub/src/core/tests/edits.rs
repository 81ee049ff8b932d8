//! Edits of documents of registers, by machines and by coordinators.

use msap_shared::chain::Refusal;
use msap_shared::document::{DocId, DocKind};
use msap_shared::frame::{Edits, Need};
use msap_shared::io::bundle::Frames;
use msap_shared::register::{Edit, Registers, Verdict};

use super::*;
use crate::core::edit::{SiteEdit, SiteEdited};
use crate::core::file::FromDevice;
use crate::export;
use crate::store::{chains, documents, registers};

fn document() -> DocId {
    "site/275/schedule".parse().unwrap()
}

fn of_coordinator(site: &str, key: &str, value: &str) -> SiteEdit {
    let facts = vec![(key.to_owned(), value.to_owned())];
    SiteEdit { site: site.parse().unwrap(), kind: DocKind::Schedule, facts, detail: "référent 49".to_owned() }
}

fn edits_in(outputs: &[Output]) -> Vec<Edit> {
    let edits = outputs.iter().filter_map(|output| match output {
        Output::Send(_, Frame::Edits(edits)) => Some(edits.edits.clone()),
        _ => None,
    });
    edits.flatten().collect()
}

fn refusals(outputs: &[Output]) -> Vec<u8> {
    let refused = outputs.iter().filter_map(|output| match output {
        Output::Send(_, Frame::Refused(refused)) => Some(refused.reason),
        _ => None,
    });
    refused.collect()
}

/// A device's edits of one key, one after the other.
fn of_device(writer: u8, key: &str, values: &[&str]) -> Vec<Edit> {
    let mut registers = Registers::default();
    let mut edits = Vec::new();
    for value in values {
        let fact = (key.to_owned(), (*value).to_owned());
        let edit = registers.author(WriterId::new([writer; 16]), &[fact]).unwrap().unwrap();
        registers.add(&edit);
        edits.push(edit);
    }
    edits
}

fn frame(edits: &[Edit]) -> Frame {
    Frame::Edits(Edits { document: document(), edits: edits.to_vec(), mark: None })
}

fn shown(core: &Core, key: &str) -> Vec<String> {
    let values = registers::values(core.connection(), &document()).unwrap();
    values.into_iter().find(|(found, _)| found == key).map(|(_, values)| values).unwrap_or_default()
}

#[test]
fn a_coordinators_edit_reaches_a_live_machine_after_its_commit() {
    let mut core = greeted();
    core.turn(vec![Input::Drained(ConnId::new(1))], now()).unwrap();
    assert_eq!(core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap(), SiteEdited::Kept);
    let sent = edits_in(&core.drain_outputs());
    assert_eq!(sent.len(), 1);
    assert!(matches!(Registers::default().judge(&sent[0]), Verdict::Follows(_)));
    assert_eq!(core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap(), SiteEdited::Nothing);
    assert_eq!(core.edit(&of_coordinator("nobody", "week|mon", "open"), now()).unwrap(), SiteEdited::NoSite);
    let refused = SiteEdited::Refused(Refusal::Setting);
    assert_eq!(core.edit(&of_coordinator("275", "", "open"), now()).unwrap(), refused);
}

/// Whether a frame names a document of registers: a device of version 1 takes it for damaged.
fn names_registers(frame: &Frame) -> bool {
    let documents: Vec<&DocId> = match frame {
        Frame::Digests(digests) => digests.documents.iter().map(|(document, _)| document).collect(),
        Frame::Ack(ack) => ack.held.iter().map(|(document, _)| document).collect(),
        Frame::Have(have) => vec![&have.document],
        Frame::Need(need) => vec![&need.document],
        Frame::Refused(refused) => vec![&refused.document],
        Frame::Push(push) => vec![&push.document],
        Frame::Edits(edits) => vec![&edits.document],
        _ => Vec::new(),
    };
    documents.iter().any(|document| document.kind().is_registers())
}

#[test]
fn a_device_of_an_older_version_is_never_told_of_documents_that_it_cannot_read() {
    let mut core = greeted();
    core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap();
    give(&mut core, Frame::Push(pushes(1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]).remove(0)));
    let of_visits = {
        let mut documents = chains::of_site(core.connection(), &"275".parse().unwrap()).unwrap();
        assert_eq!(documents.len(), 2);
        documents.retain(|(document, _)| document.kind().is_visits());
        chains::digest_of(&documents)
    };
    let mut open = |n: u64, protocol: u32, digest: Digest32| {
        let conn = ConnId::new(n);
        let device = Fingerprint::new([u8::try_from(n).unwrap(); 32]);
        let opened = Input::Opened { conn, fingerprint: device, site: "275".parse().unwrap(), transport: "quic" };
        let mut said = core.turn(vec![opened, Input::Frame(conn, hello_of(protocol, digest))], now()).unwrap();
        for frame in [Some(Frame::Offered), None, None] {
            let inputs = [Some(Input::Drained(conn)), frame.map(|frame| Input::Frame(conn, frame))];
            said.extend(core.turn(inputs.into_iter().flatten().collect(), now()).unwrap());
        }
        said
    };
    let welcome = |said: &[Output]| {
        let welcomes = said.iter().filter_map(|output| match output {
            Output::Send(_, Frame::Welcome(welcome)) => Some((welcome.protocol, welcome.in_sync)),
            _ => None,
        });
        welcomes.collect::<Vec<_>>()
    };
    let said = open(2, 1, Digest32::new([9; 32]));
    assert_eq!(welcome(&said), [(1, false)]);
    let digests = said.iter().find_map(|output| match output {
        Output::Send(_, Frame::Digests(digests)) => Some(digests.documents.len()),
        _ => None,
    });
    assert_eq!(digests, Some(1));
    let names = |output: &Output| matches!(output, Output::Send(_, frame) if names_registers(frame));
    assert!(!said.iter().any(names), "{said:?}");
    assert_eq!(welcome(&open(3, 1, of_visits)), [(1, true)], "it holds all that it knows of");
    let newer = open(4, 2, of_visits);
    assert_eq!(welcome(&newer), [(2, false)]);
    assert!(newer.iter().any(names), "{newer:?}");

    // Nor when somebody changes one while it is in session.
    core.edit(&of_coordinator("275", "week|mon", "shut"), now()).unwrap();
    let told: Vec<u64> = core
        .drain_outputs()
        .iter()
        .filter_map(|output| match output {
            Output::Send(conn, frame) if names_registers(frame) => (2..=4).find(|n| *conn == ConnId::new(*n)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [4]);
}

#[test]
fn an_answer_by_file_is_of_the_version_that_the_devices_file_was_made_in() {
    for (protocol, named) in [(1, false), (2, true)] {
        let mut core = greeted();
        core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap();
        let (device, site) = (Fingerprint::new([1; 32]), "275".parse().unwrap());
        let mut frames = Frames::default();
        assert!(frames.push(&hello_of(protocol, Digest32::new([9; 32]))).unwrap());
        let file = FromDevice { fingerprint: device, site: &site, spki: &[], token: None, frames: &frames };
        core.take_in(file, now()).unwrap();
        let answer = core.answer(device.device(), None, now()).unwrap().unwrap();
        let said: Vec<Frame> = answer.frames.iter().collect();
        assert!(matches!(&said[0], Frame::Welcome(welcome) if welcome.protocol == protocol), "{said:?}");
        assert_eq!(said.iter().any(names_registers), named, "{said:?}");
    }
}

#[test]
fn a_documents_commit_number_moves_with_it_and_only_then() {
    let mut core = greeted();
    let at = |core: &Core| chains::accepted_at(core.connection(), &document()).unwrap();
    assert_eq!(at(&core), 0);
    core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap();
    let first = at(&core);
    assert_eq!(first, core.now().mark.commit);
    core.edit(&of_coordinator("275", "week|mon", "open"), now()).unwrap();
    assert_eq!(at(&core), first);
    give(&mut core, frame(&of_device(5, "week|tue", &["1"])));
    assert_eq!(at(&core), core.now().mark.commit);
}

#[test]
fn edits_are_acknowledged_and_every_value_stands() {
    let mut core = greeted();
    core.edit(&of_coordinator("275", "week|mon", "hub"), now()).unwrap();
    core.drain_outputs();
    let edits = of_device(5, "week|mon", &["1", "2"]);
    assert_eq!(acks(&give(&mut core, frame(&edits))), [2]);
    assert_eq!(acks(&give(&mut core, frame(&edits))), [2]);
    let mut values = shown(&core, "week|mon");
    values.sort();
    assert_eq!(values, ["2", "hub"]);
    let report = core.check(false, now()).unwrap();
    assert_eq!((report.problems, report.differences), (Vec::new(), Vec::new()));
    let chunks = documents::chunks(core.connection(), "site/275/schedule").unwrap();
    assert!(chunks.len() == 3 && export::saved(&chunks).is_ok());
}

#[test]
fn an_edit_whose_past_is_missing_is_asked_for_once_and_then_refused() {
    let mut core = greeted();
    let edits = of_device(5, "week|mon", &["1", "2"]);
    let told = give(&mut core, frame(&edits[1..]));
    let tells =
        told.iter().any(|output| matches!(output, Output::Send(_, Frame::Have(have)) if have.versions.is_empty()));
    assert!(tells && refusals(&told).is_empty() && acks(&told).is_empty(), "{told:?}");
    assert_eq!(refusals(&give(&mut core, frame(&edits[1..]))), [Refusal::Dependencies.code()]);
    assert!(shown(&core, "week|mon").is_empty());
}

#[test]
fn what_follows_a_refused_edit_is_not_kept_and_its_neighbours_are() {
    let mut core = greeted();
    let mut bad = of_device(5, "week|mon", &["1", "2"]);
    bad[0].settings[0].key = "week|\u{7}".to_owned();
    bad[0] = bad[0].clone().named();
    bad[1].deps = vec![bad[0].hash];
    bad[1] = bad[1].clone().named();
    let good = of_device(6, "week|tue", &["1"]);
    let outputs = give(&mut core, frame(&[bad, good].concat()));
    assert_eq!((refusals(&outputs), acks(&outputs)), (vec![Refusal::Setting.code()], vec![1]));
    assert_eq!((shown(&core, "week|mon").len(), shown(&core, "week|tue").len()), (0, 1));
}

#[test]
fn another_edit_under_a_number_is_answered_by_the_one_that_is_held() {
    let mut core = greeted();
    let held = of_device(5, "week|mon", &["held"]);
    give(&mut core, frame(&held));
    let outputs = give(&mut core, frame(&of_device(5, "week|mon", &["other"])));
    assert!(acks(&outputs).is_empty());
    assert_eq!(edits_in(&outputs), held);
    let again = give(&mut core, Frame::Need(Need { document: document(), writer: held[0].writer, from: 1 }));
    assert_eq!(edits_in(&again), held);
}

#[test]
fn edits_that_waited_are_folded_in_their_order_when_the_device_is_approved() {
    let mut core = core();
    core.revocations.intact = false;
    let conn = ConnId::new(1);
    let opened =
        Input::Opened { conn, fingerprint: Fingerprint::new([1; 32]), site: "275".parse().unwrap(), transport: "quic" };
    core.turn(vec![opened, Input::Frame(conn, hello())], now()).unwrap();
    let (mut registers, mut edits) = (Registers::default(), Vec::new());
    for (writer, value) in [(9, "1"), (2, "2"), (9, "3")] {
        let fact = ("week|mon".to_owned(), value.to_owned());
        let edit = registers.author(WriterId::new([writer; 16]), &[fact]).unwrap().unwrap();
        registers.add(&edit);
        edits.push(edit);
    }
    assert!(acks(&give(&mut core, frame(&edits))).is_empty());
    assert!(shown(&core, "week|mon").is_empty());
    let approved = core.approve(None, now()).unwrap();
    assert_eq!((approved.changes, approved.left), (3, Vec::new()));
    assert_eq!(shown(&core, "week|mon"), ["3"]);
}

#[test]
fn registers_that_do_not_follow_from_the_edits_are_found_and_folded_anew() {
    let mut core = greeted();
    give(&mut core, frame(&of_device(5, "week|mon", &["1"])));
    core.connection().execute("UPDATE register SET value = 'x'", []).unwrap();
    let report = core.check(true, now()).unwrap();
    assert!(!report.problems.is_empty(), "Automerge reads something else");
    core.connection().execute("DELETE FROM register", []).unwrap();
    core.connection().execute("DELETE FROM edit", []).unwrap();
    core.store().write(|conn, _| crate::store::rebuild::rebuild(conn)).unwrap();
    assert_eq!(shown(&core, "week|mon"), ["1"]);
}
