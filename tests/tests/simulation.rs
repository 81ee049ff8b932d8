//! Runs many simulated worlds, and worlds with planted faults.

use msap_tests::world::{Broken, Fault, Seen, World};

/// Worlds without a fault.
const SEEDS: u64 = 2_000;
/// Within how many worlds a planted fault must show.
const SEEDS_PER_FAULT: u64 = 500;

/// The first seed: `SIM_SEED`, which the test command sets; without it any, and the failure names it.
fn first_seed() -> u64 {
    match std::env::var("SIM_SEED") {
        Ok(text) => text.parse().expect("SIM_SEED is a number"),
        Err(_) => rand::random::<u32>().into(),
    }
}

fn seeds() -> u64 {
    std::env::var("SIM_SEEDS").map_or(SEEDS, |text| text.parse().expect("SIM_SEEDS is a number"))
}

/// One world; a panic inside it is a broken promise as well.
fn run(seed: u64, fault: Option<Fault>) -> Result<Seen, String> {
    let outcome = std::panic::catch_unwind(|| World::new(seed, fault).run());
    match outcome {
        Ok(Ok(seen)) => Ok(seen),
        Ok(Err(broken)) => Err(Broken::to_string(&broken)),
        Err(_) => Err(format!("seed {seed}: panicked")),
    }
}

/// Runs a range of seeds on all cores: what happened in them, or the first failure.
fn sweep(first: u64, count: u64) -> Result<Seen, String> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let part = |worker: usize| {
        let mut seen = Seen::default();
        for seed in (first..first + count).skip(worker).step_by(workers) {
            seen.add(&run(seed, None)?);
        }
        Ok::<_, String>(seen)
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..workers).map(|worker| scope.spawn(move || part(worker))).collect();
        let mut all = Seen::default();
        for part in parts {
            all.add(&part.join().expect("panics are caught")?);
        }
        Ok(all)
    })
}

#[test]
fn every_tap_that_survives_is_counted_exactly_once() {
    let (first, count) = (first_seed(), seeds());
    match sweep(first, count) {
        Err(broken) => panic!("{broken} (SIM_SEED={first})"),
        Ok(seen) => {
            tell(&format!("{count} worlds from SIM_SEED={first}: {seen:?}"));
            assert!(count < 200 || seen.never().is_empty(), "never happened: {:?}", seen.never());
        }
    }
}

#[expect(clippy::print_stdout, reason = "shown by the test runner on request")]
fn tell(what: &str) {
    println!("{what}");
}

/// A planted fault must break a promise within [`SEEDS_PER_FAULT`] worlds.
fn shows(fault: Fault) {
    let first = first_seed();
    let found =
        (first..first + SEEDS_PER_FAULT).find_map(|seed| run(seed, Some(fault)).err().map(|why| (seed - first, why)));
    match found {
        Some((after, why)) => tell(&format!("{fault:?} showed after {after} worlds: {why}")),
        None => panic!("{fault:?} did not show in {SEEDS_PER_FAULT} worlds from {first}"),
    }
}

macro_rules! planted {
    ($($name:ident: $fault:ident,)*) => {
        $(
            #[test]
            fn $name() {
                shows(Fault::$fault);
            }
        )*

        #[test]
        fn every_fault_is_planted() {
            assert_eq!([$(Fault::$fault),*], Fault::ALL);
        }
    };
}

planted! {
    writer_kept_across_restarts_shows: WriterKeptAcrossRestarts,
    writer_kept_across_reload_shows: WriterKeptAcrossReload,
    acknowledge_before_commit_shows: AcknowledgeBeforeCommit,
    epoch_unchanged_on_restore_shows: EpochUnchangedOnRestore,
    fork_accepted_shows: ForkAccepted,
    refused_tail_not_entered_again_shows: RefusedTailNotEnteredAgain,
    tap_id_drawn_again_on_retry_shows: TapIdDrawnAgainOnRetry,
    undo_as_new_tap_shows: UndoAsNewTap,
    fold_that_ignores_revisions_shows: FoldIgnoresRevisions,
    confirmed_shown_for_older_epoch_shows: ConfirmedShownForOlderEpoch,
    no_hash_in_acknowledgement_shows: NoHashInAcknowledgement,
    no_commit_tag_shows: NoCommitTag,
    pending_device_acknowledged_shows: PendingDeviceAcknowledged,
    relay_that_drops_a_refused_tail_shows: RelayDropsRefusedTail,
    outdated_answer_that_is_taken_shows: OutdatedAnswerTaken,
    one_of_several_values_shown_shows: OneOfSeveralValuesShown,
    edits_acknowledged_on_the_way_show: EditsAcknowledgedOnTheWay,
}
