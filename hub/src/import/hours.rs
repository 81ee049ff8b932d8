//! The opening hours of a list: one text a weekday, such as `09:00 - 12:00 / 13:30 - 17:00`.
//!
//! The text itself is kept. What can be read of it is checked, and written in OpenStreetMap's
//! notation when every day can. What it becomes in a site's schedule is [`schedule`]'s to say.

pub mod schedule;

/// What is wrong with one day's hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// A time that begins when it ends.
    ZeroSlot,
    /// Two times that overlap.
    Overlap,
    /// No hours at all can be read from it.
    Unreadable,
}

/// Minutes of the day, from and to.
type Slot = (u16, u16);

/// One day's hours: times in order that do not touch, and what was wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DayHours {
    slots: Vec<Slot>,
    pub(super) doubts: Vec<Doubt>,
    /// Whether one began where another ended: no defect, and they are one.
    pub(super) touches: bool,
}

impl DayHours {
    /// How many times it is open.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Reads one day. Empty or a dash: closed, or not told.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        if matches!(text, "" | "-" | "–") {
            return Self::default();
        }
        let Some(mut given) = text.split('/').map(slot).collect::<Option<Vec<_>>>() else {
            return Self { doubts: vec![Doubt::Unreadable], ..Self::default() };
        };
        let mut day = Self::default();
        let all = given.len();
        given.retain(|(from, to)| from < to);
        if given.len() < all {
            day.doubts.push(Doubt::ZeroSlot);
        }
        given.sort_unstable();
        let mut overlaps = false;
        for (from, to) in given {
            match day.slots.last_mut() {
                Some(last) if from <= last.1 => {
                    overlaps |= from < last.1;
                    day.touches |= from == last.1;
                    last.1 = last.1.max(to);
                }
                _ => day.slots.push((from, to)),
            }
        }
        day.doubts.extend(overlaps.then_some(Doubt::Overlap));
        day
    }
}

/// A whole week in OpenStreetMap's notation and its minutes; `None` if a day cannot be read.
pub(super) fn week(days: &[DayHours]) -> Option<(String, u32)> {
    const NAMES: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
    if days.iter().any(|day| day.doubts.contains(&Doubt::Unreadable)) {
        return None;
    }
    let mut rules = Vec::<(usize, usize, &[Slot])>::new();
    for (at, day) in days.iter().enumerate().filter(|(_, day)| !day.slots.is_empty()) {
        match rules.last_mut() {
            Some((_, last, slots)) if *last + 1 == at && *slots == day.slots => *last = at,
            _ => rules.push((at, at, &day.slots)),
        }
    }
    let name = |at: usize| NAMES.get(at).copied().unwrap_or_default();
    let rule = |(first, last, slots): &(usize, usize, &[Slot])| {
        let days = match last - first {
            0 => name(*first).to_owned(),
            1 => format!("{},{}", name(*first), name(*last)),
            _ => format!("{}-{}", name(*first), name(*last)),
        };
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let slots: Vec<_> = slots.iter().map(|(from, to)| format!("{}-{}", time(*from), time(*to))).collect();
        format!("{days} {}", slots.join(","))
    };
    let text: Vec<_> = rules.iter().map(rule).collect();
    let minutes = days.iter().flat_map(|day| &day.slots).map(|(from, to)| u32::from(to - from)).sum();
    Some((text.join("; "), minutes))
}

/// `09:00 - 12:00`; `None` for anything else, and for one that ends before it begins.
fn slot(text: &str) -> Option<Slot> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (time(from)?, time(to)?);
    (from <= to).then_some((from, to))
}

/// `9:00`, `09h00` or `24:00`, in minutes.
fn time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once([':', 'h', 'H'])?;
    let number = |text: &str, len: std::ops::RangeInclusive<usize>| {
        (len.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())?
    };
    let (hours, minutes) = (number(hours, 1..=2)?, number(minutes, 2..=2)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_and_their_defects_named() {
        for (text, slots, doubts) in [
            ("", vec![], vec![]),
            (" - ", vec![], vec![]),
            ("09:00 - 12:00 / 13:30 - 17:00", vec![(540, 720), (810, 1_020)], vec![]),
            ("09:00-12:30/13:30-17:00", vec![(540, 750), (810, 1_020)], vec![]),
            ("9h00 – 12:00", vec![(540, 720)], vec![]),
            ("00:00 - 00:00", vec![], vec![Doubt::ZeroSlot]),
            ("00:00 - 00:00 / 09:00 - 12:00", vec![(540, 720)], vec![Doubt::ZeroSlot]),
            ("09:00 - 12:00 / 09:00 - 16:30 / 14:00 - 16:30", vec![(540, 990)], vec![Doubt::Overlap]),
            ("09:00 - 12:00 / 12:00 - 13:00", vec![(540, 780)], vec![]),
            ("17:00 - 09:00", vec![], vec![Doubt::Unreadable]),
            ("sur rendez-vous", vec![], vec![Doubt::Unreadable]),
            ("09:00 - 25:00", vec![], vec![Doubt::Unreadable]),
            ("09:60 - 12:00", vec![], vec![Doubt::Unreadable]),
            ("99999:00 - 12:00", vec![], vec![Doubt::Unreadable]),
            ("/", vec![], vec![Doubt::Unreadable]),
        ] {
            let touches = text == "09:00 - 12:00 / 12:00 - 13:00";
            assert_eq!(DayHours::read(text), DayHours { slots, doubts, touches }, "{text:?}");
        }
    }

    #[test]
    fn a_week_is_written_day_by_day_unless_one_is_unreadable() {
        let days = |texts: [&str; 6]| texts.map(DayHours::read);
        let same = "09:00 - 12:00 / 13:30 - 17:00";
        let found = week(&days(["13:30 - 17:00", same, same, same, "", "09:00 - 12:00"]));
        assert_eq!(week(&days([same, same, "", "", "", ""])).unwrap().0, "Mo,Tu 09:00-12:00,13:30-17:00");
        let expected = "Mo 13:30-17:00; Tu-Th 09:00-12:00,13:30-17:00; Sa 09:00-12:00";
        assert_eq!(found, Some((expected.to_owned(), 210 + 3 * 390 + 180)));
        assert_eq!(week(&days(["", "", "", "", "", ""])), Some((String::new(), 0)));
        assert_eq!(week(&days([same, "?", "", "", "", ""])), None);
    }
}
