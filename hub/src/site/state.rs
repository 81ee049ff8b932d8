//! How a site stands with the hub: the one definition behind API, commands and tables.
//!
//! Called where a site is shown. A machine in session hands over at once what it keeps, so what
//! counts is how many opening days have ended since all of it was last known to be here. Monday to
//! Friday count as opening days, whatever the site's own schedule says.

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};
use msap_shared::time::{Day, SiteZone};

use super::{Contact, Life, Site};

/// A machine that was switched off at the end of the day is not behind in the same night.
const GRACE: SignedDuration = SignedDuration::from_hours(2);
/// Ended opening days after which a site is behind.
const BEHIND_DAYS: usize = 1;
/// Ended opening days after which a site is silent.
const SILENT_DAYS: usize = 5;

/// Every word, the worst last.
pub const STATES: [&str; 7] = ["retired", "up_to_date", "never_connected", "behind", "pending", "silent", "refused"];

/// The stable word for it.
pub fn state(site: &Site, contact: &Contact, now: Timestamp) -> &'static str {
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
    let since = handed_over.map(|at| Day::at(at, &site.timezone)).or(contact.enrolled);
    match since.map_or(SILENT_DAYS, |since| ended_opening_days(since, now, &site.timezone)) {
        SILENT_DAYS.. => "silent",
        BEHIND_DAYS.. => "behind",
        _ => "up_to_date",
    }
}

/// Opening days that have ended since, as far as it matters.
fn ended_opening_days(since: Day, now: Timestamp, zone: &SiteZone) -> usize {
    let begun = now.checked_sub(GRACE).map_or(since, |now| Day::at(now, zone));
    let days = std::iter::successors(Some(since), |day| Some(day.plus_days(1)));
    let is_opening = |day: &Day| !matches!(day.date().weekday(), Weekday::Saturday | Weekday::Sunday);
    days.take_while(|day| *day < begun).filter(is_opening).take(SILENT_DAYS).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Kind;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn site(zone: &str) -> Site {
        Site::new("275".parse().unwrap(), "Chemillé".to_owned(), Kind::House, zone.parse().unwrap())
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
            assert_eq!(state(&site("Europe/Paris"), &contact, at(now)), expected, "{now}");
        }
        // The day ends by the site's own clock.
        assert_eq!(state(&site("Indian/Reunion"), &contact, at("2026-11-20T22:00:00Z")), "behind");
        // A weekend makes nobody late.
        let saturday = Contact { last_in_sync: Some(at("2026-11-21T09:00:00Z").as_second()), ..contact.clone() };
        assert_eq!(state(&site("Europe/Paris"), &saturday, at("2026-11-23T12:00:00Z")), "up_to_date");

        let never = Contact { last_in_sync: None, ..contact.clone() };
        for (joined, expected) in [
            (Some("2026-11-20"), "up_to_date"),
            (Some("2026-11-19"), "behind"),
            (Some("2026-11-01"), "silent"),
            (None, "silent"),
        ] {
            let enrolled = joined.map(|day| day.parse().unwrap());
            let never = Contact { enrolled, ..never.clone() };
            assert_eq!(state(&site("Europe/Paris"), &never, in_sync), expected, "{joined:?}");
        }
        assert_eq!(state(&site("Europe/Paris"), &Contact::default(), in_sync), "never_connected");
        let pending = Contact { active: 0, pending: 1, ..contact };
        assert_eq!(state(&site("Europe/Paris"), &pending, in_sync), "pending");
        let refused = Contact { refused: true, ..pending.clone() };
        assert_eq!(state(&site("Europe/Paris"), &refused, in_sync), "refused");
        let retired = Site { life: Life::Retired, ..site("Europe/Paris") };
        assert_eq!(state(&retired, &refused, in_sync), "retired");
    }
}
