use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ROOT, ReadDoc};
use proptest::prelude::*;

use super::*;
use crate::chain::decode_edit;
use crate::id::WriterId;

mod hostile;

fn writer(n: u8) -> WriterId {
    WriterId::new([n; 16])
}

fn fact(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// One machine that edits: its registers, and the document as Automerge keeps it.
#[derive(Clone)]
struct Machine {
    registers: Registers,
    edits: Vec<Edit>,
    own: AutoCommit,
}

impl Machine {
    fn new(n: u8) -> Self {
        let own = AutoCommit::new().with_actor(ActorId::from([n; 16]));
        Self { registers: Registers::default(), edits: Vec::new(), own }
    }

    /// Sets keys here and in Automerge, and compares the bytes.
    fn set(&mut self, n: u8, facts: &[(String, String)]) {
        let Some(edit) = self.registers.author(writer(n), facts).unwrap() else { return };
        let Verdict::Follows(built) = self.registers.judge(&edit) else { panic!("{:?}", self.registers.judge(&edit)) };
        let stands =
            |setting: &Setting| self.registers.entries(&setting.key).iter().any(|entry| entry.value == setting.value);
        if edit.settings.iter().any(stands) {
            // To choose one of several values Automerge would delete the others and leave that one
            // where it is; here it is set anew.
            self.own.apply_changes([Change::from_bytes(built.bytes.clone()).unwrap()]).unwrap();
        } else {
            for Setting { key, value, .. } in &edit.settings {
                self.own.put(ROOT, key, value.as_str()).unwrap();
            }
            self.own.commit_with(CommitOptions::default().with_time(0));
            let written = self.own.get_last_local_change().unwrap();
            let (ours, theirs) = (&built.bytes, written.raw_bytes());
            assert_eq!(data_encoding::HEXLOWER.encode(ours), data_encoding::HEXLOWER.encode(theirs));
        }
        assert_eq!(Edit::decode(&built.bytes).unwrap(), edit);
        self.registers.add(&edit);
        self.edits.push(edit);
    }

    /// Takes over what the other has.
    fn meet(&mut self, other: &Self) {
        for edit in &other.edits {
            match self.registers.judge(edit) {
                Verdict::Known => {}
                Verdict::Follows(built) => {
                    self.own.apply_changes([Change::from_bytes(built.bytes).unwrap()]).unwrap();
                    self.registers.add(edit);
                    self.edits.push(edit.clone());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// What Automerge reads is what the registers say, also after saving and loading.
    fn check(&mut self) {
        let bytes = self.own.save();
        let loaded = AutoCommit::load(&bytes).unwrap();
        let mut heads: Vec<[u8; 32]> = self.own.get_heads().iter().map(|head| head.0).collect();
        let mut again: Vec<[u8; 32]> = loaded.clone().get_heads().iter().map(|head| head.0).collect();
        let mut ours: Vec<[u8; 32]> = self.registers.heads().map(|head| *head.as_bytes()).collect();
        [&mut heads, &mut again, &mut ours].into_iter().for_each(|heads| heads.sort_unstable());
        assert_eq!((&heads, &again), (&ours, &ours));
        agree(&self.registers, &self.own);
        agree(&self.registers, &loaded);
    }
}

/// Each key has the same values in both, in the same order.
fn agree(registers: &Registers, doc: &AutoCommit) {
    let keys: Vec<String> = doc.keys(ROOT).collect();
    assert_eq!(keys, registers.all().map(|(key, _)| key.to_owned()).collect::<Vec<_>>());
    for key in keys {
        let theirs: Vec<String> =
            doc.get_all(ROOT, &key).unwrap().iter().map(|(value, _)| value.as_str().unwrap().to_owned()).collect();
        let ours: Vec<String> = registers.entries(&key).into_iter().map(|entry| entry.value).collect();
        assert_eq!(ours, theirs, "{key}");
    }
}

/// What happens in a history: a machine sets keys, meets another, or begins as another writer.
#[derive(Clone, Debug)]
enum Step {
    Set(u8, Vec<(u8, u8)>),
    Meet(u8, u8),
    Again(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..4, prop::collection::vec((0u8..6, 0u8..8), 1..5)).prop_map(|(n, facts)| Step::Set(n, facts)),
        3 => (0u8..4, 0u8..4).prop_map(|(from, to)| Step::Meet(from, to)),
        1 => (0u8..4).prop_map(Step::Again),
    ]
}

/// Runs a history on four machines.
fn run(steps: &[Step]) -> Vec<Machine> {
    let mut machines: Vec<Machine> = (0..4).map(|n| Machine::new(10 * n + 1)).collect();
    let mut writers: Vec<u8> = (0..4).map(|n| 10 * n + 1).collect();
    for step in steps {
        match step {
            Step::Set(n, facts) => {
                let facts: std::collections::BTreeMap<String, String> = facts
                    .iter()
                    .map(|(key, value)| (format!("week|{key}"), "é".repeat(usize::from(*value) * 7)))
                    .collect();
                machines[usize::from(*n)].set(writers[usize::from(*n)], &facts.into_iter().collect::<Vec<_>>());
            }
            Step::Meet(from, to) => {
                let other = machines[usize::from(*from)].clone();
                machines[usize::from(*to)].meet(&other);
            }
            Step::Again(n) => {
                let at = usize::from(*n);
                // A writer is one load: the next one has another id.
                writers[at] = writers[at].wrapping_mul(7).wrapping_add(n * 31 + 3);
                if machines.iter().any(|m| m.registers.chains.contains_key(&writer(writers[at]))) {
                    writers[at] = machines.iter().map(|m| m.edits.len()).sum::<usize>() as u8 | 0x80;
                }
                if machines.iter().all(|m| !m.registers.chains.contains_key(&writer(writers[at]))) {
                    machines[at].own.set_actor(ActorId::from([writers[at]; 16]));
                } else {
                    writers[at] = machines[at].own.get_actor().to_bytes()[0];
                }
            }
        }
    }
    machines
}

proptest! {
    #[test]
    fn edits_are_automerges_own_and_every_value_stays_visible(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut machines = run(&steps);
        for machine in &mut machines {
            machine.check();
        }
        let all = machines.clone();
        for machine in &mut machines {
            all.iter().for_each(|other| machine.meet(other));
            machine.check();
        }
        for machine in &machines {
            for (key, entries) in machine.registers.all() {
                prop_assert_eq!(Some(entries), machines[0].registers.keys.get(key));
            }
        }
    }

    #[test]
    fn decoding_undoes_encoding_and_damage_never_decodes(
        steps in prop::collection::vec(any_step(), 1..20), at in any::<prop::sample::Index>(), flip in 1u8..=255,
    ) {
        for edit in run(&steps).iter().flat_map(|machine| &machine.edits) {
            let built = edit.build();
            let decoded = decode_edit(&built.bytes).unwrap();
            prop_assert_eq!((&decoded.0, &decoded.1), (edit, &built));
            let mut damaged = built.bytes.clone();
            let at = at.index(damaged.len());
            damaged[at] ^= flip;
            prop_assert!(decode_edit(&damaged).is_err());
            prop_assert!(decode_edit(&built.bytes[..at]).is_err());
        }
    }
}

#[test]
fn the_canonical_bytes_are_pinned() {
    let mut here = Machine::new(1);
    let mut there = Machine::new(2);
    here.set(1, &[fact("a", "1"), fact("b", "2")]);
    there.meet(&here);
    here.set(1, &[fact("a", "3")]);
    there.set(2, &[fact("a", "4")]);
    there.meet(&here);
    there.set(2, &[fact("a", "5"), fact("b", "5")]);
    let hex = data_encoding::HEXLOWER.encode(&there.edits.last().unwrap().build().bytes);
    assert_eq!(hex, GOLDEN);
}

const GOLDEN: &str = concat!(
    "856f4a83694aa6fe0190010243f2370a91fad74d2e1ee0c29cfe2874361a500f762c47d6d816655fb63f6fbf84b7732577fb",
    "3724fb54e06911910c8aa4c4b1e118fd413041dc2db412a19d3c100202020202020202020202020202020202040000011001",
    "01010101010101010101010101010108150534014202560257027003710473047e01610162020201021635357e02017d0100",
    "017d03007f",
);

#[test]
fn what_stands_already_is_not_written_again() {
    let mut here = Machine::new(1);
    here.set(1, &[fact("a", "1")]);
    assert_eq!(here.registers.author(writer(1), &[fact("a", "1")]), Ok(None));
    let mut there = Machine::new(2);
    there.set(2, &[fact("a", "1")]);
    here.meet(&there);
    // Two equal values are one conflict less to settle, but still two values: settled by setting it.
    assert!(here.registers.author(writer(1), &[fact("a", "1")]).unwrap().is_some());
    here.set(1, &[fact("a", "1")]);
    assert_eq!(here.registers.entries("a").len(), 1);
}

#[test]
fn more_ends_than_an_edit_may_follow_wedge_nobody() {
    let mut here = Machine::new(1);
    for n in 2..40 {
        let mut there = Machine::new(n);
        there.set(n, &[fact("a", &n.to_string())]);
        here.meet(&there);
    }
    let registers = &mut here.registers;
    assert_eq!(registers.heads().count(), 38);
    for _ in 0..5 {
        let edit = registers.author(writer(1), &[fact("a", "x")]).unwrap().unwrap();
        assert!(edit.deps.len() <= DEPS_MAX);
        assert!(matches!(registers.judge(&edit), Verdict::Follows(_)), "{:?}", registers.judge(&edit));
        registers.add(&edit);
        if registers.heads().count() == 1 {
            break;
        }
    }
    assert_eq!(registers.entries("a").len(), 1);
}
