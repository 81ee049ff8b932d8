//! `open_at`: a moment at every site's own clock, or one instant for all.

use jiff::Timestamp;
use jiff::civil::DateTime;
use msap_shared::schedule::instant::Instant;
use msap_shared::time::SiteZone;

use crate::ask::{self, AskError};
use crate::lang::Phrase;

const EXPECTED: Phrase = Phrase::new(
    "2026-12-24T10:00 (l’heure de chaque lieu) ou 2026-12-24T10:00+01:00 (un instant), entre 2000 et 2099",
    "2026-12-24T10:00 (each site's own time) or 2026-12-24T10:00+01:00 (one instant), between 2000 and 2099",
);

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// What the clock on each site's wall shows.
    Local(DateTime),
    /// The same instant everywhere.
    Instant(Timestamp),
}

impl Moment {
    /// What a site's clock shows then.
    pub(super) fn at(self, zone: &SiteZone) -> Instant {
        match self {
            Self::Local(local) => Instant::local(local, zone),
            Self::Instant(instant) => Instant::at(instant, zone),
        }
    }
}

/// The moment that is asked for, if one is. That the name stands once is checked with the others.
pub(super) fn asked(pairs: &[(String, String)]) -> Result<Option<Moment>, AskError> {
    let given = pairs.iter().find(|(name, _)| name == "open_at");
    given.map(|(_, text)| read(text).ok_or_else(|| ask::wrong("open_at", text, EXPECTED))).transpose()
}

fn read(text: &str) -> Option<Moment> {
    // In an address, «+» stands for a space.
    let text = text.trim_end().replace(' ', "+");
    let (date, time) = text.split_once('T')?;
    let date = date.parse().ok().filter(|date: &jiff::civil::Date| (2_000..=2_099).contains(&date.year()))?;
    let offset = time.contains(['+', '-', 'Z', 'z', '[']);
    if offset {
        return text.parse().ok().map(Moment::Instant);
    }
    time.parse().ok().map(|time| Moment::Local(DateTime::from_parts(date, time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_each_sites_own_or_one_instant() {
        let zone = |name: &str| name.parse::<SiteZone>().unwrap();
        let at = |text: &str, name: &str| {
            let Instant { day, minute } = read(text).unwrap().at(&zone(name));
            (day.to_string(), minute)
        };
        let local = |day: &str, hour: u16| (day.to_owned(), hour * 60);
        for (text, name, expected) in [
            ("2026-12-24T10:00", "Europe/Paris", local("2026-12-24", 10)),
            ("2026-12-24T10:00", "Indian/Reunion", local("2026-12-24", 10)),
            ("2026-12-24T10:00+01:00", "Europe/Paris", local("2026-12-24", 10)),
            ("2026-12-24T10:00 01:00", "Indian/Reunion", local("2026-12-24", 13)),
            ("2026-12-24T22:00Z", "Indian/Reunion", local("2026-12-25", 2)),
            ("2026-12-24T01:00Z", "America/Martinique", local("2026-12-23", 21)),
            // The clock leaps from 2 to 3.
            ("2026-03-29T02:30", "Europe/Paris", ("2026-03-29".to_owned(), 210)),
        ] {
            assert_eq!(at(text, name), expected, "{text} {name}");
        }
        for text in [
            "",
            "2026-12-24",
            "10:00",
            "2026-02-30T10:00",
            "2026-12-24T25:00",
            "1999-12-31T10:00",
            "2100-01-01T10:00Z",
            "2026-12-24T10:00+99:00",
            "2026-12-24Tnoon",
            "2026-12-24T10:00[Nowhere]",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
