use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT, ReadDoc};
use proptest::prelude::*;

use super::*;
use crate::document::visits::FactError;
use crate::time::Month;

const WRITER: WriterId = WriterId::new([0xa1; 16]);

fn fact(n: u8) -> (String, String) {
    let name = crate::id::TapName::new([n; 8]);
    (format!("17|{name}|0"), "1|CNAF|online|25-39|1".to_owned())
}

fn chain_of(contents: &[Facts]) -> Vec<Built> {
    let mut tip = None;
    contents
        .iter()
        .map(|facts| {
            let built = extend(&WRITER, tip.as_ref(), facts);
            tip = Some(built.tip);
            built
        })
        .collect()
}

/// The same contents, written by Automerge itself, a commit each.
fn automerges_own(contents: &[Facts]) -> Vec<(Vec<u8>, [u8; 32])> {
    let mut doc = AutoCommit::new().with_actor(ActorId::from(*WRITER.as_bytes()));
    for facts in contents {
        for (key, value) in facts {
            doc.put(ROOT, key, value.as_str()).unwrap();
        }
        doc.commit_with(automerge::transaction::CommitOptions::default().with_time(0));
    }
    doc.get_changes(&[]).iter().map(|change| (change.raw_bytes().to_vec(), change.hash().0)).collect()
}

#[test]
fn the_canonical_bytes_are_pinned() {
    let built = chain_of(&[vec![fact(1)], vec![fact(2), fact(3)]]);
    let hex: Vec<String> = built.iter().map(|b| data_encoding::HEXLOWER.encode(&b.bytes)).collect();
    assert_eq!(hex, GOLDEN);
}

const GOLDEN: [&str; 2] = [
    concat!(
        "856f4a830b3baf3601530010a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a10101000000061512340142025603571570027f10",
        "31377c41514542415145424151457c30017f017fd602317c434e41467c6f6e6c696e657c32352d33397c317f00",
    ),
    concat!(
        "856f4a83498fd1ba019901010b3baf36e56dd1d1eb351697e27d0a0c007447194bc84c8f484243d33d00d9f710a1a1a1",
        "a1a1a1a1a1a1a1a1a1a1a1a1a10202000000061523340142025603572a70027e1031377c41674943416749434167497c",
        "301031377c41774d4441774d4441774d7c3002020102d602317c434e41467c6f6e6c696e657c32352d33397c31317c43",
        "4e41467c6f6e6c696e657c32352d33397c310200",
    ),
];

#[test]
fn golden_changes_are_automerges_own() {
    let contents = [vec![fact(1)], vec![fact(2), fact(3)]];
    let ours: Vec<_> = chain_of(&contents).into_iter().map(|b| (b.bytes, *b.tip.hash.as_bytes())).collect();
    assert_eq!(ours, automerges_own(&contents));
}

fn any_facts() -> impl Strategy<Value = Vec<Facts>> {
    // Distinct keys across the chain, values of any text and any length.
    prop::collection::vec(prop::collection::vec("[ -~]{0,40}|é{0,30}", 1..12), 1..8).prop_map(|changes| {
        let mut n = 0u32;
        changes
            .into_iter()
            .map(|values| {
                values
                    .into_iter()
                    .map(|value| {
                        n += 1;
                        (format!("{n}|key"), value)
                    })
                    .collect()
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn encoding_equals_automerges(contents in any_facts()) {
        let ours: Vec<_> = chain_of(&contents).into_iter().map(|b| (b.bytes, *b.tip.hash.as_bytes())).collect();
        prop_assert_eq!(ours, automerges_own(&contents));
    }

    #[test]
    fn decoding_undoes_encoding(contents in any_facts()) {
        for (built, facts) in chain_of(&contents).into_iter().zip(&contents) {
            let decoded = decode(&built.bytes).unwrap();
            prop_assert_eq!(&decoded.facts, facts);
            prop_assert_eq!(decoded.built, built);
        }
    }

    #[test]
    fn damaged_bytes_never_decode(contents in any_facts(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        for built in chain_of(&contents) {
            let mut damaged = built.bytes.clone();
            let at = at.index(damaged.len());
            damaged[at] ^= flip;
            prop_assert!(decode(&damaged).is_err());
            prop_assert!(decode(&built.bytes[..at]).is_err());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // With a valid head, so that the columns are reached.
        let mut whole = vec![0x85, 0x6f, 0x4a, 0x83];
        let mut hashed = vec![1];
        super::encode::unsigned(&mut hashed, bytes.len() as u64);
        hashed.extend_from_slice(&bytes);
        whole.extend_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(&hashed)[..4]);
        whole.extend_from_slice(&hashed);
        let _outcome = decode(&whole);
        let _outcome = decode(&bytes);
    }
}

#[test]
fn every_number_of_facts_decodes_alike_or_not() {
    for count in 1..=FACTS_PER_CHANGE_MAX {
        for same in [true, false] {
            let facts: Facts = (0..count)
                .map(|n| (format!("key{n}"), if same { "value".to_owned() } else { "v".repeat(1 + n % 3) }))
                .collect();
            let built = extend(&WRITER, None, &facts);
            assert_eq!(decode(&built.bytes).map(|decoded| decoded.facts), Ok(facts), "{count} {same}");
        }
    }
}

#[test]
fn the_union_of_chains_loads_in_any_order() {
    let mine = chain_of(&[vec![fact(1)], vec![fact(2)]]);
    let other = extend(&WriterId::new([7; 16]), None, &[fact(3)]);
    let chunks = [&other.bytes, &mine[1].bytes, &mine[0].bytes];
    let mut doc = AutoCommit::new();
    for chunk in chunks {
        let change = automerge::Change::from_bytes(chunk.clone()).unwrap();
        doc.apply_changes([change]).unwrap();
    }
    assert_eq!(doc.keys(ROOT).count(), 3);
}

fn run(contents: &[Facts], range: std::ops::Range<usize>) -> Run {
    let built = chain_of(contents);
    Run {
        writer: WRITER,
        first_seq: range.start as u64 + 1,
        changes: contents[range.clone()].to_vec(),
        last_hash: built[range.end - 1].tip.hash,
    }
}

fn judged(kept: &[Facts], run: Run) -> Verdict {
    let built = chain_of(kept);
    let month: Month = "2026-11".parse().unwrap();
    let verdict = judge::<()>(
        month,
        run,
        built.last().map(|b| &b.tip),
        |seq| Ok(built.get(seq as usize - 1).map(|b| b.tip.hash)),
        |key| Ok(kept.iter().flatten().any(|(kept, _)| *kept == key.to_string())),
    );
    verdict.unwrap()
}

#[test]
fn runs_are_judged_by_the_chain_alone() {
    let all: Vec<Facts> = (1..=5).map(|n| vec![fact(n)]).collect();
    let other: Vec<Facts> = (11..=15).map(|n| vec![fact(n)]).collect();
    let fresh = |verdict| match verdict {
        Verdict::Extends { fresh, refused } => (fresh.len(), refused),
        other => panic!("{other:?}"),
    };
    assert_eq!(fresh(judged(&[], run(&all, 0..5))), (5, None));
    assert_eq!(fresh(judged(&all[..2], run(&all, 2..5))), (3, None));
    assert_eq!(fresh(judged(&all[..3], run(&all, 1..5))), (2, None));
    assert_eq!(judged(&all, run(&all, 1..4)), Verdict::Known);
    assert_eq!(judged(&all[..1], run(&all, 3..5)), Verdict::Gap { from: 2 });
    // Another change at the same number is a fork, inside the chain and across its end.
    let mixed: Vec<Facts> = all[..2].iter().chain(&other[2..]).cloned().collect();
    assert_eq!(judged(&all, run(&other, 0..3)), Verdict::Fork);
    assert_eq!(judged(&all[..4], run(&mixed, 1..5)), Verdict::Fork);
    assert_eq!(judged(&all[..4], run(&mixed, 2..5)), Verdict::Fork);
    // Content that does not rebuild to its hash is refused from the first new change on.
    let mut wrong = run(&all, 2..5);
    wrong.last_hash = ChangeHash::new([0; 32]);
    assert_eq!(fresh(judged(&all[..3], wrong)), (0, Some((4, Refusal::Hash))));
}

#[test]
fn a_bad_fact_is_refused_and_what_came_before_it_kept() {
    let mut all: Vec<Facts> = (1..=5).map(|n| vec![fact(n)]).collect();
    all[3][0].1 = "ten|CNAF|online|25-39|1".to_owned();
    let Verdict::Extends { fresh, refused } = judged(&all[..1], run(&all, 1..5)) else { panic!() };
    assert_eq!(fresh.len(), 2);
    assert_eq!(refused, Some((4, Refusal::Fact(FactError::Value))));

    let mut twice: Vec<Facts> = (1..=3).map(|n| vec![fact(n)]).collect();
    twice[2] = twice[0].clone();
    let Verdict::Extends { fresh, refused } = judged(&[], run(&twice, 0..3)) else { panic!() };
    assert_eq!((fresh.len(), refused), (2, Some((3, Refusal::Repeated))));
    let Verdict::Extends { fresh, refused } = judged(&twice[..2], run(&twice, 2..3)) else { panic!() };
    assert_eq!((fresh.len(), refused), (0, Some((3, Refusal::Repeated))));
}

#[test]
fn sizes_are_refused_one_past_the_bound() {
    let big = |n: usize| {
        let facts: Facts = (0..n).map(|i| fact(u8::try_from(i).unwrap())).collect();
        judged(&[], run(std::slice::from_ref(&facts), 0..1))
    };
    assert!(matches!(big(FACTS_PER_CHANGE_MAX), Verdict::Extends { refused: None, .. }));
    assert!(matches!(big(FACTS_PER_CHANGE_MAX + 1), Verdict::Extends { refused: Some((1, Refusal::Size)), .. }));
    let empty = Run { writer: WRITER, first_seq: 1, changes: Vec::new(), last_hash: ChangeHash::new([0; 32]) };
    assert!(matches!(judged(&[], empty), Verdict::Extends { refused: Some((1, Refusal::Size)), .. }));
}

#[test]
fn a_digest_forgets_what_is_taken_out() {
    let built = chain_of(&[vec![fact(1)], vec![fact(2)]]);
    let (first, second) = (&built[0].tip, &built[1].tip);
    let mut stepwise = Digest::default();
    stepwise.advance("doc", &WRITER, None, Some(first));
    stepwise.advance("doc", &WRITER, Some(first), Some(second));
    let mut at_once = Digest::default();
    at_once.advance("doc", &WRITER, None, Some(second));
    assert_eq!(stepwise, at_once);
    assert_ne!(at_once, Digest::default());
    at_once.advance("doc", &WRITER, Some(second), None);
    assert_eq!(at_once, Digest::default());
}
