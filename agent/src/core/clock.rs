//! Whether the day that the wall clock shows is believed, and what the desk is asked when not.
//!
//! A PC whose battery is flat wakes up in 1970, another in 2031: what is counted then would go to
//! days that never were. The clock is doubted when it is behind what this machine has seen, when
//! it is a day or more away from the hub's as last measured, or when it jumped to another day
//! while the machine ran. A person then gives the day, for as long as the doubt lasts. A session
//! with the hub, or a person who gives the day that the clock shows, ends the doubt.
//!
//! Pure: both clocks come in with each turn. Sleep is no jump: it is added to the clock that only
//! goes forward.

use jiff::Timestamp;
use msap_shared::time::{Day, SiteZone};
use rusqlite::Connection;

use super::Now;
use crate::store::{StoreError, meta};

/// Behind what was seen by less than this is no doubt: clocks are set right at night.
const BEHIND_MS: i64 = 10 * 60_000;
/// A clock that moves by less than this while the machine runs is being set right.
const JUMP_MS: i64 = 3_600_000;
/// This far from the hub's clock is another day.
const APART_MS: i64 = 24 * 3_600_000;
/// A day that a person gave holds for a working day.
const GIVEN_MS: i64 = 12 * 3_600_000;
/// What was seen is kept anew after so much time.
const KEEP_EVERY_MS: i64 = 1_800_000;

/// The day on which the desk counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    /// The day; what the clock shows while nothing better is known.
    pub day: Day,
    /// Why a person is asked; `None` when the clock is believed.
    pub doubt: Option<Doubt>,
    /// A person has given it.
    pub given: bool,
}

/// A clock that is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The day that the clock shows.
    pub shown: Day,
    /// The day that it most likely is, when anything tells.
    pub likely: Option<Day>,
}

impl Today {
    /// A clock that is believed.
    pub fn believed(day: Day) -> Self {
        Self { day, doubt: None, given: false }
    }

    /// The day by which this machine dates what it makes: where the clock is not believed, what a
    /// person gave, else what it most likely is.
    pub fn dated(&self) -> Day {
        match (self.given, self.doubt) {
            (false, Some(Doubt { likely: Some(likely), .. })) => likely,
            _ => self.day,
        }
    }

    /// Whether nothing is counted until a person has said which day it is.
    pub fn is_asked(&self) -> bool {
        self.doubt.is_some() && !self.given
    }
}

/// What is known of the machine's clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The latest moment that a believed clock showed.
    seen_ms: Option<i64>,
    /// Before this start: wall clock minus the hub's, and what the wall clock showed then.
    measured_ms: Option<(i64, i64)>,
    /// What was believed last, minus the clock that only goes forward.
    lead_ms: Option<i64>,
    /// The day that a person gave, and until when by the clock that only goes forward.
    given: Option<(Day, i64)>,
    /// Time slept, which the clock that only goes forward does not show.
    slept_ms: i64,
}

impl Clock {
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let millis = |seconds: i64| seconds.saturating_mul(1_000);
        let measured_ms = meta::clock_offset_ms(conn)?.zip(meta::last_contact(conn)?.map(millis));
        Ok(Self { seen_ms: meta::clock_seen(conn)?.map(millis), measured_ms, ..Self::default() })
    }

    pub(super) fn note_sleep(&mut self, ms: u64) {
        self.slept_ms = i64::try_from(ms).unwrap_or(i64::MAX);
    }

    fn forward_ms(&self, now: Now) -> i64 {
        self.slept_ms.saturating_add_unsigned(now.monotonic_ms)
    }

    /// Which day it is, at this turn.
    pub(super) fn today(&mut self, zone: &SiteZone, now: Now) -> Today {
        let (wall, forward) = (now.wall.as_millisecond(), self.forward_ms(now));
        let day = |ms: i64| Timestamp::from_millisecond(ms).map_or(Day::at(now.wall, zone), |at| Day::at(at, zone));
        let shown = Day::at(now.wall, zone);
        let likely = match (self.lead_ms, self.measured_ms, self.seen_ms) {
            (Some(lead), ..) => {
                let likely = forward.saturating_add(lead);
                let off = wall.abs_diff(likely) > JUMP_MS.unsigned_abs();
                (off && day(likely) != shown).then(|| Some(day(likely)))
            }
            (None, Some((offset, at)), _) if offset.unsigned_abs() > APART_MS.unsigned_abs() => {
                // Set right since, unless it goes on from where it was wrong.
                let goes_on = wall >= at && (offset > 0 || wall < at.saturating_sub(offset));
                let behind = at.saturating_sub(offset).saturating_sub(wall) > BEHIND_MS;
                (goes_on || behind).then(|| goes_on.then(|| day(wall.saturating_sub(offset))))
            }
            (None, _, Some(seen)) if seen.saturating_sub(wall) > BEHIND_MS && day(seen) > shown => Some(None),
            _ => None,
        };
        let Some(likely) = likely else {
            self.given = None;
            self.lead_ms.get_or_insert(wall.saturating_sub(forward));
            return Today::believed(shown);
        };
        self.given = self.given.filter(|(_, until)| forward < *until);
        Today {
            day: self.given.map_or(shown, |(day, _)| day),
            doubt: Some(Doubt { shown, likely }),
            given: self.given.is_some(),
        }
    }

    /// A person says which day it is. `Err`: the day that it most likely is, far from this one.
    pub(super) fn give(&mut self, day: Day, zone: &SiteZone, now: Now) -> Result<(), Day> {
        let Some(Doubt { shown, likely }) = self.today(zone, now).doubt else { return Ok(()) };
        if let Some(likely) = likely.filter(|likely| (day.number() - likely.number()).abs() > 1 && day != shown) {
            return Err(likely);
        }
        let forward = self.forward_ms(now);
        if day == shown {
            // The clock was right after all.
            self.trust(now.wall.as_millisecond().saturating_sub(forward));
        } else {
            self.given = Some((day, forward.saturating_add(GIVEN_MS)));
        }
        Ok(())
    }

    /// The hub's clock was measured: this one is so far ahead of it.
    pub(super) fn measured(&mut self, offset_ms: i64, now: Now) {
        // Hours apart, either may be wrong: the clock is believed as it stands.
        let wrong_ms = if offset_ms.unsigned_abs() > APART_MS.unsigned_abs() { offset_ms } else { 0 };
        let wall = now.wall.as_millisecond();
        self.trust(wall.saturating_sub(wrong_ms).saturating_sub(self.forward_ms(now)));
    }

    fn trust(&mut self, lead_ms: i64) {
        self.lead_ms = Some(lead_ms);
        // What a wrong clock had shown binds nobody any more.
        self.seen_ms = None;
    }

    /// Keeps what a believed clock has shown, now and then.
    pub(super) fn keep(&mut self, conn: &Connection, today: Today, now: Now) -> Result<(), StoreError> {
        let wall = now.wall.as_millisecond();
        if today.doubt.is_some() || self.seen_ms.is_some_and(|seen| wall.abs_diff(seen) < KEEP_EVERY_MS.unsigned_abs())
        {
            return Ok(());
        }
        self.seen_ms = Some(wall);
        meta::set_clock_seen(conn, now.wall.as_second())
    }
}

#[cfg(test)]
mod tests;
