//! From an instant, or from a clock on a wall, to a day and minute at a site.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::day_plan::{DayPlan, Now};
use crate::time::{Day, SiteZone};

/// A minute at a site: its local day, and the minute of that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// The site's day.
    pub day: Day,
    /// 0 to 1439.
    pub minute: u16,
}

impl Instant {
    /// What the site's clock shows at `now`.
    pub fn at(now: Timestamp, zone: &SiteZone) -> Self {
        let (hour, minute) = zone.clock(now);
        Self { day: Day::at(now, zone), minute: u16::from(hour.unsigned_abs()) * 60 + u16::from(minute.unsigned_abs()) }
    }

    /// What the site's clock shows when somebody there would read `local` on it. A time that the
    /// clock leaps over is read one hour later; one that it shows twice is the same minute twice.
    pub fn local(local: DateTime, zone: &SiteZone) -> Self {
        zone.instant(local).map_or_else(
            || Self { day: Day::nearest(local.date()), minute: minute(local) },
            |instant| Self::at(instant, zone),
        )
    }
}

fn minute(local: DateTime) -> u16 {
    u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
}

/// Whether a house is open at a minute of the day that was planned.
pub fn open_now(plan: &DayPlan, at: Instant) -> Now {
    if plan.day == at.day { plan.at(at.minute) } else { Now::Unknown }
}
