//! How long to wait before the next attempt to reach the hub.
//!
//! Called by whoever keeps a session alive. Invariant: two devices that lost the hub at the same
//! instant do not come back at the same instant, on the first attempt no more than on the last:
//! chance is applied *after* the cap. Were it applied before, every device of the network would
//! sit at the cap after a long night and knock together at nine.

/// Doubles the wait with each failed attempt, up to a cap, and spreads it by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest wait before the first attempt, in milliseconds.
    pub base_ms: u64,
    /// Longest wait before any attempt, in milliseconds.
    pub cap_ms: u64,
}

impl Backoff {
    /// The wait before the attempt with this number, 0 for the first one after a loss.
    ///
    /// Let `full` be `base_ms` doubled `attempt` times and held at `cap_ms`. The wait lies in
    /// `full / 2 ..= full`; where, `chance` decides: 64 uniform bits, drawn anew by the caller
    /// for each wait.
    pub fn delay_ms(&self, attempt: u32, chance: u64) -> u64 {
        let doubled = 1_u64.checked_shl(attempt).map_or(u64::MAX, |factor| self.base_ms.saturating_mul(factor));
        Self::spread(doubled.min(self.cap_ms), chance)
    }

    /// A wait at the cap, spread like any other: for a hub that turned this device away and that
    /// a quick retry would only annoy.
    pub fn longest_ms(&self, chance: u64) -> u64 {
        Self::spread(self.cap_ms, chance)
    }

    /// Any wait up to `most` milliseconds, each as likely, and never none: for many who are told the
    /// same.
    pub fn within(most: u64, chance: u64) -> u64 {
        1 + chance % most.max(1)
    }

    /// `full` milliseconds, spread over its upper half.
    pub fn spread(full: u64, chance: u64) -> u64 {
        let least = full / 2;
        // A width of 2^64 cannot be: the upper half of any u64 is shorter.
        least + chance % (full - least + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff { base_ms: 1_000, cap_ms: 900_000 };

    /// Uniform bits without a dependency: one step of splitmix64.
    fn bits(n: u64) -> u64 {
        let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let least = |attempt| BACKOFF.delay_ms(attempt, 0);
        assert_eq!([least(0), least(1), least(2), least(9)], [500, 1_000, 2_000, 256_000]);
        assert_eq!([least(10), least(64), least(u32::MAX)], [450_000; 3]);
        assert_eq!(BACKOFF.longest_ms(0), 450_000);
    }

    #[test]
    fn no_two_agents_march_in_step() {
        // 2,850 agents lose the hub together: on the first attempt and at the cap alike, they
        // spread over the whole half interval, no tenth of it holds more than a fifth of them,
        // and one agent's waits tell nothing of the next ones.
        for (attempt, full) in [(0, 1_000_u64), (40, 900_000)] {
            let waits: Vec<u64> = (0..2_850).map(|agent| BACKOFF.delay_ms(attempt, bits(agent))).collect();
            assert!(waits.iter().all(|wait| (full / 2..=full).contains(wait)));
            let mut tenths = [0_u32; 10];
            for wait in &waits {
                tenths[((wait - full / 2) * 10 / (full / 2 + 1)) as usize] += 1;
            }
            assert!(tenths.iter().all(|&agents| (100..570).contains(&agents)), "{tenths:?}");
        }
        let at_cap: BTreeSet<u64> = (0..2_850).map(|agent| BACKOFF.delay_ms(40, bits(agent))).collect();
        assert!(at_cap.len() > 2_800, "{} different waits", at_cap.len());
        let of_one: BTreeSet<u64> = (0..100).map(|attempt| BACKOFF.delay_ms(40, bits(attempt))).collect();
        assert!(of_one.len() > 95);
    }

    proptest! {
        #[test]
        fn a_wait_is_always_within_its_bounds(base_ms: u64, cap_ms: u64, attempt: u32, chance: u64) {
            let wait = Backoff { base_ms, cap_ms }.delay_ms(attempt, chance);
            prop_assert!(wait <= cap_ms);
            prop_assert!((1..=cap_ms.max(1)).contains(&Backoff::within(cap_ms, chance)));
        }
    }
}
