//! How a site stands with the hub: the one definition behind API, commands and tables.
//!
//! Called where a site is shown. A machine in session hands over at once what it keeps, so what
//! counts is how many opening days have ended since all of it was last known to be here: by the
//! site's own schedule, and at midnight of Monday to Friday where it says no hours.

use jiff::{SignedDuration, Timestamp};
use msap_shared::schedule::instant::Instant;
use msap_shared::time::{Day, SiteZone};

use super::{Contact, Life, Site};

/// A machine that was switched off at the end of the day is not behind in the same night.
const GRACE: SignedDuration = SignedDuration::from_hours(2);
/// Ended opening days after which a site is behind.
const BEHIND_DAYS: usize = 1;
/// Ended opening days after which a site is silent.
const SILENT_DAYS: usize = 5;
/// How far a site's days are looked at for those on which it opens: beyond a season's closure.
const DAYS_MAX: i32 = 400;

/// Every word, the worst last.
pub const STATES: [&str; 7] = ["retired", "up_to_date", "never_connected", "behind", "pending", "silent", "refused"];

/// The stable word for it. `end_of_opening` is the minute at which the site's last opening of a day
/// ends, none on a day on which it does not open.
pub fn state(
    site: &Site,
    contact: &Contact,
    now: Timestamp,
    end_of_opening: impl Fn(Day) -> Option<u16>,
) -> &'static str {
    if site.life == Life::Retired {
        return "retired";
    }
    if contact.refused {
        return "refused";
    }
    if contact.active == 0 && contact.pending > 0 {
        return "pending";
    }
    if contact.last_contact.or(contact.last_in_sync).is_none() {
        return "never_connected";
    }
    // A machine that joined today owes nothing yet; one that never handed over everything does
    // since it joined.
    let handed_over = contact.last_in_sync.and_then(|at| Timestamp::from_second(at).ok());
    let joined = contact.enrolled.map(|day| Instant { day, minute: 0 });
    let since = handed_over.map(|at| Instant::at(at, &site.timezone)).or(joined);
    match since.map_or(SILENT_DAYS, |since| ended_opening_days(since, now, &site.timezone, end_of_opening)) {
        SILENT_DAYS.. => "silent",
        BEHIND_DAYS.. => "behind",
        _ => "up_to_date",
    }
}

/// Opening days that have ended since, as far as it matters.
fn ended_opening_days(
    since: Instant,
    now: Timestamp,
    zone: &SiteZone,
    end_of_opening: impl Fn(Day) -> Option<u16>,
) -> usize {
    let Ok(until) = now.checked_sub(GRACE) else { return 0 };
    let (since, until) = ((since.day, since.minute), Instant::at(until, zone));
    let days = (0..DAYS_MAX).map(|back| until.day.plus_days(-back)).take_while(|day| *day >= since.0);
    let has_ended = |day: &Day| {
        let end = end_of_opening(*day).map(|minute| (*day, minute));
        end.is_some_and(|end| since < end && end <= (until.day, until.minute))
    };
    days.filter(has_ended).take(SILENT_DAYS).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::almanac::{Facts, Pages};
    use crate::site::Kind;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn site(zone: &str) -> Site {
        Site::new("275".parse().unwrap(), "Chemillé".to_owned(), Kind::House, zone.parse().unwrap())
    }

    /// A site that has said no hours.
    fn weekdays(day: Day) -> Option<u16> {
        Pages::default().end_of_opening(&site("Europe/Paris"), day)
    }

    #[test]
    fn an_opening_day_ends_with_its_last_opening_by_the_sites_own_schedule() {
        let site = site("Europe/Paris");
        let fact = |key: &str, body: &str| (key.to_owned(), vec![format!("list|2026-01-05|{body}")]);
        let own = [
            fact("hours|2026-01-05|every|tu|-", "09:00-12:00,14:00-17:00"),
            fact("hours|2026-01-05|every|sa|-", "09:00-12:00"),
            fact("on|2026-11-17..2026-11-17|*", "closed|works"),
        ];
        let pages = Pages::of(site.id.clone(), &Facts::from(own));
        let stands = |in_sync: &str, now: &str| {
            let in_sync = Some(at(in_sync).as_second());
            let contact = Contact { active: 1, last_contact: in_sync, last_in_sync: in_sync, ..Contact::default() };
            state(&site, &contact, at(now), |day| pages.end_of_opening(&site, day))
        };
        for (in_sync, now, expected) in [
            // Tuesday: two hours after 17:00 in Paris, unless it was heard at the end.
            ("2026-11-10T15:59:00Z", "2026-11-10T17:59:00Z", "up_to_date"),
            ("2026-11-10T15:59:00Z", "2026-11-10T18:00:00Z", "behind"),
            ("2026-11-10T16:00:00Z", "2026-11-13T18:00:00Z", "up_to_date"),
            // Saturday morning counts; Monday and the Tuesday with works do not.
            ("2026-11-10T16:00:00Z", "2026-11-14T13:00:00Z", "behind"),
            ("2026-11-14T11:00:00Z", "2026-11-20T18:00:00Z", "up_to_date"),
            // Five openings at two a week.
            ("2026-11-17T12:00:00Z", "2026-12-01T18:00:00Z", "behind"),
            ("2026-11-17T12:00:00Z", "2026-12-05T13:00:00Z", "silent"),
        ] {
            assert_eq!(stands(in_sync, now), expected, "{in_sync} {now}");
        }
        // Shut for longer than is looked back on, and open again since.
        let shut = fact("on|2026-11-18..2028-01-31|*", "closed|works");
        let pages =
            Pages::of(site.id.clone(), &Facts::from([fact("hours|2026-01-05|every|tu|-", "09:00-12:00"), shut]));
        let in_sync = Some(at("2026-11-17T12:00:00Z").as_second());
        let contact = Contact { active: 1, last_contact: in_sync, last_in_sync: in_sync, ..Contact::default() };
        let stands = |now: &str| state(&site, &contact, at(now), |day| pages.end_of_opening(&site, day));
        assert_eq!((stands("2028-01-31T12:00:00Z"), stands("2028-04-01T12:00:00Z")), ("up_to_date", "silent"));
    }

    #[test]
    fn a_site_is_behind_once_an_opening_day_has_ended_and_silent_after_five() {
        // A Friday evening in Paris.
        let in_sync = at("2026-11-20T16:00:00Z");
        let contact = Contact {
            active: 1,
            last_contact: Some(in_sync.as_second()),
            last_in_sync: Some(in_sync.as_second()),
            ..Contact::default()
        };
        for (now, expected) in [
            ("2026-11-20T16:00:00Z", "up_to_date"),
            ("2026-11-21T00:59:00Z", "up_to_date"),
            ("2026-11-21T01:00:00Z", "behind"),
            ("2026-11-23T12:00:00Z", "behind"),
            ("2026-11-27T00:59:00Z", "behind"),
            ("2026-11-27T01:00:00Z", "silent"),
            ("9999-01-01T00:00:00Z", "silent"),
            // The hub's clock was put back.
            ("2020-01-01T00:00:00Z", "up_to_date"),
        ] {
            assert_eq!(state(&site("Europe/Paris"), &contact, at(now), weekdays), expected, "{now}");
        }
        // The day ends by the site's own clock.
        assert_eq!(state(&site("Indian/Reunion"), &contact, at("2026-11-20T22:00:00Z"), weekdays), "behind");
        // A weekend makes nobody late.
        let saturday = Contact { last_in_sync: Some(at("2026-11-21T09:00:00Z").as_second()), ..contact.clone() };
        assert_eq!(state(&site("Europe/Paris"), &saturday, at("2026-11-23T12:00:00Z"), weekdays), "up_to_date");

        let never = Contact { last_in_sync: None, ..contact.clone() };
        for (joined, expected) in [
            (Some("2026-11-20"), "up_to_date"),
            (Some("2026-11-19"), "behind"),
            (Some("2026-11-01"), "silent"),
            (None, "silent"),
        ] {
            let enrolled = joined.map(|day| day.parse().unwrap());
            let never = Contact { enrolled, ..never.clone() };
            assert_eq!(state(&site("Europe/Paris"), &never, in_sync, weekdays), expected, "{joined:?}");
        }
        assert_eq!(state(&site("Europe/Paris"), &Contact::default(), in_sync, weekdays), "never_connected");
        let pending = Contact { active: 0, pending: 1, ..contact };
        assert_eq!(state(&site("Europe/Paris"), &pending, in_sync, weekdays), "pending");
        let refused = Contact { refused: true, ..pending.clone() };
        assert_eq!(state(&site("Europe/Paris"), &refused, in_sync, weekdays), "refused");
        let retired = Site { life: Life::Retired, ..site("Europe/Paris") };
        assert_eq!(state(&retired, &refused, in_sync, weekdays), "retired");
    }
}
