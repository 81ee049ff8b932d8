//! Edits that no agent of ours writes: each is refused with its reason, or else does no harm.

use automerge::{AutoCommit, Change};
use proptest::prelude::*;

use super::{Edit, Registers, Setting, Step, Verdict, agree, any_step, fact, run, writer};
use crate::chain::{OpId, Refusal};
use crate::frame::{self, Edits, Frame, FrameError};
use crate::id::ChangeHash;
use crate::register::{DEPS_MAX, EDIT_BYTES_MAX, EDITS_MAX, KEYS_MAX, REPLACED_MAX, SETTINGS_MAX, VALUES_MAX};

/// Two writers: 1 has set a and b, 2 has set a beside it, then 1 again b.
fn ground() -> (Registers, Vec<Edit>) {
    let mut registers = Registers::default();
    let mut edits = Vec::new();
    let mut add = |registers: &mut Registers, edit: Edit| {
        assert!(matches!(registers.judge(&edit), Verdict::Follows(_)));
        registers.add(&edit);
        edits.push(edit);
    };
    let beside = registers.author(writer(2), &[fact("a", "2")]).unwrap().unwrap();
    let first = registers.author(writer(1), &[fact("a", "1"), fact("b", "1")]).unwrap().unwrap();
    add(&mut registers, first);
    add(&mut registers, beside);
    let second = registers.author(writer(1), &[fact("b", "3")]).unwrap().unwrap();
    add(&mut registers, second);
    (registers, edits)
}

/// An edit that follows, changed by `change`, under the hash of its new content.
fn changed(registers: &Registers, change: impl FnOnce(&mut Edit)) -> Edit {
    let mut edit = registers.author(writer(2), &[fact("a", "4"), fact("c", "4")]).unwrap().unwrap();
    change(&mut edit);
    edit.named()
}

fn setting(key: &str, replaces: &[(u64, u8)]) -> Setting {
    let op = |(counter, by): &(u64, u8)| OpId { counter: *counter, writer: writer(*by) };
    Setting { key: key.to_owned(), value: "x".to_owned(), replaces: replaces.iter().map(op).collect() }
}

#[test]
fn each_hostile_edit_is_refused_with_its_reason() {
    let (registers, edits) = ground();
    let stranger = ChangeHash::new([9; 32]);
    let refused = |name: &str, why: Refusal, change: &dyn Fn(&mut Edit)| {
        assert_eq!(registers.judge(&changed(&registers, change)), Verdict::Refused(why), "{name}");
    };
    assert!(matches!(registers.judge(&changed(&registers, |_| {})), Verdict::Follows(_)));
    refused("start too low", Refusal::Start, &|edit| edit.op_start -= 1);
    refused("start too high", Refusal::Start, &|edit| edit.op_start += 1);
    refused("start at nothing", Refusal::Start, &|edit| edit.op_start = 0);
    refused("start at the end of numbers", Refusal::Start, &|edit| edit.op_start = u64::MAX);
    refused("start beyond what Automerge counts", Refusal::Start, &|edit| edit.op_start = 1 << 32);
    refused("a foreign value replaced", Refusal::Replaces, &|edit| edit.settings[0] = setting("a", &[(2, 1)]));
    refused("an unknown value replaced", Refusal::Replaces, &|edit| edit.settings[0] = setting("a", &[(1, 7)]));
    refused("a value of the future replaced", Refusal::Replaces, &|edit| edit.settings[0] = setting("a", &[(5, 2)]));
    refused("the end of numbers replaced", Refusal::Replaces, &|edit| {
        edit.settings[0] = setting("a", &[(u64::MAX, 1)]);
    });
    refused("a value replaced twice", Refusal::Replaces, &|edit| edit.settings[0] = setting("a", &[(1, 1), (1, 1)]));
    refused("values replaced in disorder", Refusal::Replaces, &|edit| {
        edit.settings[0] = setting("a", &[(1, 2), (1, 1)]);
    });
    refused("a dependency twice", Refusal::Dependencies, &|edit| edit.deps.insert(0, edit.deps[0]));
    refused("dependencies in disorder", Refusal::Dependencies, &|edit| {
        edit.deps = vec![edits[0].hash, edits[1].hash];
        edit.deps.sort_unstable();
        edit.deps.reverse();
    });
    refused("without the author's own last", Refusal::Dependencies, &|edit| edit.deps = vec![edits[0].hash]);
    refused("too many dependencies", Refusal::Size, &|edit| {
        edit.deps = (0..=DEPS_MAX as u8).map(|n| ChangeHash::new([n; 32])).collect();
    });
    refused("nothing in it", Refusal::Size, &|edit| edit.settings.clear());
    refused("number nothing", Refusal::Size, &|edit| edit.seq = 0);
    refused("a key twice", Refusal::Repeated, &|edit| edit.settings = vec![setting("a", &[]), setting("a", &[])]);
    refused("more settings than there may be", Refusal::Size, &|edit| {
        edit.settings = (0..=SETTINGS_MAX).map(|n| setting(&n.to_string(), &[])).collect();
    });
    refused("a hundred thousand settings", Refusal::Size, &|edit| {
        edit.settings = (0..100_000).map(|n| setting(&n.to_string(), &[])).collect();
    });
    refused("longer than an edit may be", Refusal::Size, &|edit| {
        edit.settings[0].value = "x".repeat(EDIT_BYTES_MAX);
    });
    refused("more values replaced than there may be", Refusal::Size, &|edit| {
        edit.settings[0] = Setting {
            replaces: (0..=REPLACED_MAX as u64).map(|counter| OpId { counter, writer: writer(1) }).collect(),
            ..setting("a", &[])
        };
    });
    let missing = |name: &str, change: &dyn Fn(&mut Edit)| {
        assert_eq!(registers.judge(&changed(&registers, change)), Verdict::Missing, "{name}");
    };
    missing("an unknown dependency", &|edit| edit.deps = vec![stranger]);
    missing("a number left out", &|edit| edit.seq += 1);
    missing("the last number there is", &|edit| edit.seq = u64::MAX);
    let taken = changed(&registers, |edit| edit.seq = 1);
    assert_eq!(registers.judge(&taken), Verdict::Fork, "another's number");
    let mut lying = changed(&registers, |_| {});
    lying.hash = stranger;
    assert_eq!(registers.judge(&lying), Verdict::Refused(Refusal::Hash), "another hash");
    lying.deps = vec![stranger];
    assert_eq!(registers.judge(&lying), Verdict::Refused(Refusal::Hash), "itself as a dependency");
    assert_eq!(registers.judge(&edits[0]), Verdict::Known);
}

#[test]
fn a_document_is_bounded_at_the_bound() {
    let crowd = |count: usize| {
        let mut registers = Registers::default();
        // Each knows of nothing: their values all stand.
        let beside = |n: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
            let writer = crate::id::WriterId::new(id);
            Registers::default().author(writer, &[fact("a", "x")]).unwrap().unwrap()
        };
        (0..count).for_each(|n| registers.add(&beside(n)));
        registers.judge(&beside(count))
    };
    assert!(matches!(crowd(VALUES_MAX - 1), Verdict::Follows(_)));
    assert_eq!(crowd(VALUES_MAX), Verdict::Refused(Refusal::Full));

    let mut registers = Registers::default();
    for _ in 0..EDITS_MAX {
        let facts = [fact(&format!("{}", registers.len() % KEYS_MAX), &registers.len().to_string())];
        let edit = registers.author_of(writer(1), vec![Setting { replaces: Vec::new(), ..set(&facts[0]) }]).unwrap();
        assert!(registers.len() != KEYS_MAX || is_full(&registers, "one more"));
        registers.add(&edit);
    }
    assert!(is_full(&registers, "1"));
}

fn set((key, value): &(String, String)) -> Setting {
    Setting { key: key.clone(), value: value.clone(), replaces: Vec::new() }
}

fn is_full(registers: &Registers, key: &str) -> bool {
    let edit = registers.author(writer(2), &[fact(key, "new")]).unwrap().unwrap();
    registers.judge(&edit) == Verdict::Refused(Refusal::Full)
}

#[test]
fn frames_of_edits_are_bounded_before_memory_is_taken() {
    let (_, edits) = ground();
    let encoded = |edits: Vec<Edit>| {
        let mut bytes = Vec::new();
        let document = "site/275/schedule".parse().unwrap();
        frame::encode(&Frame::Edits(Edits { document, edits, mark: None }), &mut bytes).map(|()| bytes)
    };
    let decoded = |bytes: &[u8]| {
        let (head, body) = bytes.split_first_chunk().unwrap();
        frame::decode(frame::header(*head)?, body)
    };
    assert!(decoded(&encoded(edits.clone()).unwrap()).is_ok());
    let mut many = edits[0].clone();
    many.settings = vec![setting("a", &[]); 2 * SETTINGS_MAX + 1];
    assert!(matches!(decoded(&encoded(vec![many]).unwrap()), Err(FrameError::Malformed { .. })));
    // A few hundred bytes that expand to more than a frame may have.
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
    let len = (bomb.len() as u32).to_be_bytes();
    let head = [len[1], len[2], len[3], 0x80 | 13];
    assert!(frame::decode(frame::header(head).unwrap(), &bomb).is_err());
}

/// What somebody may do to an edit.
#[derive(Clone, Debug)]
enum Twist {
    Seq(u64),
    Start(i64),
    Drop(prop::sample::Index),
    Follow(prop::sample::Index),
    Replace(prop::sample::Index, prop::sample::Index),
    Leave(prop::sample::Index),
    Key(prop::sample::Index, u8),
    Twice(prop::sample::Index),
    Writer(u8),
}

fn any_twist() -> impl Strategy<Value = Twist> {
    use prop::sample::Index;
    prop_oneof![
        (0u64..5).prop_map(Twist::Seq),
        (-3i64..4).prop_map(Twist::Start),
        any::<Index>().prop_map(Twist::Drop),
        any::<Index>().prop_map(Twist::Follow),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Twist::Replace(a, b)),
        any::<Index>().prop_map(Twist::Leave),
        (any::<Index>(), 0u8..6).prop_map(|(at, key)| Twist::Key(at, key)),
        any::<Index>().prop_map(Twist::Twice),
        (0u8..4).prop_map(|n| Twist::Writer(10 * n + 1)),
    ]
}

fn twist(edit: &mut Edit, twist: &Twist, all: &[Edit]) {
    let settings = edit.settings.len().max(1);
    match twist {
        Twist::Seq(seq) => edit.seq = *seq,
        Twist::Start(by) => edit.op_start = edit.op_start.wrapping_add_signed(*by),
        Twist::Drop(at) if !edit.deps.is_empty() => drop(edit.deps.remove(at.index(edit.deps.len()))),
        Twist::Follow(at) => {
            edit.deps.push(all[at.index(all.len())].hash);
            edit.deps.sort_unstable();
        }
        Twist::Replace(at, whom) => {
            let ops: Vec<OpId> = all.iter().flat_map(|edit| edit.ops().map(|(op, _)| op)).collect();
            if let Some(setting) = edit.settings.get_mut(at.index(settings)) {
                setting.replaces.push(ops[whom.index(ops.len())]);
                setting.replaces.sort_unstable();
            }
        }
        Twist::Leave(at) => {
            if let Some(setting) = edit.settings.get_mut(at.index(settings)) {
                setting.replaces.pop();
            }
        }
        Twist::Key(at, key) => {
            if let Some(setting) = edit.settings.get_mut(at.index(settings)) {
                setting.key = format!("week|{key}");
            }
        }
        Twist::Twice(at) => edit.settings.extend(edit.settings.get(at.index(settings)).cloned()),
        Twist::Writer(n) => edit.writer = writer(*n),
        Twist::Drop(_) => {}
    }
}

proptest! {
    /// The guard's promise: what is let through loads in Automerge, is saved and loaded again, and
    /// each key has the same values all along.
    #[test]
    fn whatever_is_let_through_loads_and_reads_the_same(
        steps in prop::collection::vec(any_step(), 1..25),
        twists in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any_twist(), 0..3)), 1..12),
    ) {
        let mut machines = run(&steps);
        let all = machines.clone();
        all.iter().for_each(|other| machines[0].meet(other));
        let honest = machines[0].edits.clone();
        prop_assume!(!honest.is_empty());
        let (mut registers, mut kept) = (Registers::default(), Vec::new());
        let mut hostile: Vec<Edit> = honest.clone();
        for (n, (at, twists)) in twists.iter().enumerate() {
            let mut edit = honest[at.index(honest.len())].clone();
            twists.iter().for_each(|one| twist(&mut edit, one, &honest));
            edit.settings.iter_mut().for_each(|setting| setting.value = format!("hostile {n}"));
            hostile.insert(at.index(hostile.len()), edit.named());
        }
        // Several rounds: what is missing at first may be there later.
        for _ in 0..3 {
            for edit in &hostile {
                if let Verdict::Follows(built) = registers.judge(edit) {
                    prop_assert_eq!(&Edit::decode(&built.bytes).unwrap(), edit);
                    registers.add(edit);
                    kept.push(built.bytes);
                }
            }
        }
        let mut doc = AutoCommit::new();
        doc.apply_changes(kept.iter().map(|bytes| Change::from_bytes(bytes.clone()).unwrap())).unwrap();
        prop_assert_eq!(doc.get_changes(&[]).len(), kept.len());
        agree(&registers, &doc);
        let mut again = AutoCommit::load(&doc.save()).unwrap();
        agree(&registers, &again);
        prop_assert_eq!(again.get_heads().len(), registers.heads().count());
        agree(&registers, &AutoCommit::load(&kept.concat()).unwrap());
    }
}

#[test]
fn the_steps_of_histories_do_concur() {
    // A guard on the tests above: without concurrent values they would say little.
    let steps = [Step::Set(0, vec![(1, 1)]), Step::Set(1, vec![(1, 2)]), Step::Meet(0, 1)];
    assert_eq!(run(&steps)[1].registers.entries("week|1").len(), 2);
}
