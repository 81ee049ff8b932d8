//! How long to wait before the next attempt.
//!
//! Asked by the dial. Invariants: chance spreads every wait, so that machines which lost the hub at
//! one instant do not come back at one; no wait is longer than the settings allow, whatever the
//! hub says.

use std::time::Duration;

use msap_shared::backoff::Backoff;
use msap_shared::io::link::{CloseCode, CloseReason};

/// Longest wait before the first attempt after a loss: a hub that restarts is back by then.
const FIRST_MS: u64 = 4_000;
/// Longest wait before the second attempt; doubled with each.
const BASE_MS: u64 = 1_000;
/// The longest that any hub is believed.
const TOLD_MS_MAX: u64 = 15 * 60 * 1_000;
/// What a hub that turned the connection away before a word could be said would have said.
const BUSY_MS: u64 = 30_000;

/// The waits of one agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    backoff: Backoff,
    interval_ms: u64,
}

impl Waits {
    /// `interval`: between sessions that the hub ended in good order; `max`: before any attempt.
    pub(super) fn new(interval: Duration, max: Duration) -> Self {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let cap_ms = ms(max);
        Self { backoff: Backoff { base_ms: BASE_MS.min(cap_ms), cap_ms }, interval_ms: ms(interval) }
    }

    /// After an end like this, the `attempt`th since things went well. `told`: within how long the
    /// hub asked to come back.
    pub(super) fn after(&self, why: CloseReason, told: Option<u64>, attempt: u32, chance: u64) -> Duration {
        let cap_ms = self.backoff.cap_ms;
        Duration::from_millis(match (told, why) {
            (Some(told), _) => Backoff::within(told.min(cap_ms).min(TOLD_MS_MAX), chance),
            (None, CloseReason::Theirs(CloseCode::Busy)) => Backoff::within(BUSY_MS.min(cap_ms), chance),
            // Only a person can change these.
            (None, CloseReason::Theirs(CloseCode::Unknown | CloseCode::Revoked)) => self.backoff.longest_ms(chance),
            (None, CloseReason::Untrusted | CloseReason::Rejected) => self.backoff.longest_ms(chance),
            (None, CloseReason::Theirs(CloseCode::Normal)) => Backoff::spread(self.interval_ms.min(cap_ms), chance),
            (None, _) if attempt == 0 => Backoff::within(FIRST_MS.min(cap_ms), chance),
            (None, _) => self.backoff.delay_ms(attempt, chance),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits() -> Waits {
        Waits::new(Duration::from_secs(60), Duration::from_secs(900))
    }

    fn wait_ms(why: CloseReason, told: Option<u64>, attempt: u32, chance: u64) -> u128 {
        waits().after(why, told, attempt, chance).as_millis()
    }

    #[test]
    fn waits_follow_from_how_the_session_ended() {
        let wait = |why, attempt| wait_ms(why, None, attempt, u64::MAX / 2);
        for why in [
            CloseReason::Theirs(CloseCode::Revoked),
            CloseReason::Theirs(CloseCode::Unknown),
            CloseReason::Untrusted,
            CloseReason::Rejected,
        ] {
            assert!(wait(why, 0) >= 450_000);
        }
        assert!((30_000..=60_000).contains(&wait(CloseReason::Theirs(CloseCode::Normal), 9)));
        assert!((1..=30_000).contains(&wait(CloseReason::Theirs(CloseCode::Busy), 9)));
        for why in
            [CloseReason::Silent, CloseReason::Theirs(CloseCode::Shutdown), CloseReason::Ours(CloseCode::Protocol)]
        {
            assert!((1..=4_000).contains(&wait(why, 0)));
            assert!((1_000..=2_000).contains(&wait(why, 1)));
            assert!((450_000..=900_000).contains(&wait(why, 30)));
        }
    }

    #[test]
    fn a_thousand_agents_told_the_same_minute_arrive_evenly() {
        for (told, why) in [(60_000, CloseCode::Busy), (60_000, CloseCode::Shutdown)] {
            let mut arrivals = [0_u32; 60];
            for _ in 0..1_000 {
                let wait = wait_ms(CloseReason::Theirs(why), Some(told), 0, rand::random());
                assert!((1..=u128::from(told)).contains(&wait));
                arrivals[usize::try_from((wait - 1) / 1_000).unwrap()] += 1;
            }
            assert!(arrivals.iter().all(|&in_a_second| in_a_second <= 50), "{arrivals:?}");
        }
    }

    #[test]
    fn no_hub_makes_an_agent_wait_longer_than_the_settings_allow() {
        for told in [0, 1, u64::MAX] {
            let wait = wait_ms(CloseReason::Theirs(CloseCode::Busy), Some(told), 0, u64::MAX);
            assert!((1..=900_000).contains(&wait), "{told}: {wait}");
            let patient = Waits::new(Duration::from_secs(60), Duration::from_secs(24 * 3_600));
            let wait = patient.after(CloseReason::Theirs(CloseCode::Busy), Some(told), 0, 899_999);
            assert!(wait <= Duration::from_secs(900), "{told}: {wait:?}");
        }
    }
}
