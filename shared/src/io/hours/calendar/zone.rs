//! A legal clock as a calendar carries it: what it is when the window begins, and each change
//! until it ends. Some readers refuse a time zone that comes by name only.

use jiff::civil::DateTime;
use jiff::tz::{Dst, Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::line::Lines;
use crate::time::{Day, SiteZone};

/// Writes the clock's definition.
pub(super) fn write(calendar: &mut Lines, zone: &SiteZone, from: Day, to: Day) {
    calendar.open("VTIMEZONE");
    calendar.text("TZID", zone.name());
    let begin = zone.instant(from.date().at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH);
    let end = zone.instant(to.plus_days(1).date().at(23, 59, 0, 0)).unwrap_or(begin);
    let rules = TimeZone::get(zone.name()).unwrap_or(TimeZone::UTC);
    // The change before, if the clock has any, says what holds at first.
    let before = rules.preceding(begin + 1.second()).next().map(|change| change.timestamp());
    let changes = rules.following(begin).map(|change| change.timestamp()).take_while(|at| *at <= end);
    let mut any = false;
    for at in before.into_iter().chain(changes) {
        any = true;
        let was = rules.to_offset(at - 1.second());
        let info = rules.to_offset_info(at);
        observance(calendar, was.to_datetime(at), was, info.offset(), info.dst(), info.abbreviation());
    }
    if !any {
        let info = rules.to_offset_info(begin);
        let since = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        observance(calendar, since, info.offset(), info.offset(), info.dst(), info.abbreviation());
    }
    calendar.close("VTIMEZONE");
}

fn observance(calendar: &mut Lines, onset: DateTime, was: Offset, is: Offset, dst: Dst, name: &str) {
    let kind = if dst.is_dst() { "DAYLIGHT" } else { "STANDARD" };
    calendar.open(kind);
    calendar.raw("DTSTART", &onset.strftime("%Y%m%dT%H%M%S").to_string());
    calendar.raw("TZOFFSETFROM", &offset(was));
    calendar.raw("TZOFFSETTO", &offset(is));
    calendar.text("TZNAME", name);
    calendar.close(kind);
}

/// `+0200`; seconds, which old local times have, are dropped.
fn offset(offset: Offset) -> String {
    let minutes = offset.seconds().abs() / 60;
    format!("{}{:02}{:02}", if offset.seconds() < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}
