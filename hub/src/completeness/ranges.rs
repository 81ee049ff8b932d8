//! Days of a site, gathered month by month into stretches with a first and a last day.

use msap_shared::time::Day;

/// Stretches of days, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    /// Numbers of the first and the last day.
    done: Vec<(i32, i32)>,
    /// Whether the next day goes on with the last stretch, whatever lies between.
    bridged: bool,
    count: u32,
}

impl Ranges {
    pub(super) const fn new() -> Self {
        Self { done: Vec::new(), bridged: false, count: 0 }
    }

    /// How many days.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Adds days of a month whose first has the number `first`; days side by side are one stretch.
    pub(super) fn add(&mut self, first: i32, mut days: u32) {
        self.count += days.count_ones();
        while days != 0 {
            let begin = days.trailing_zeros();
            let length = (days >> begin).trailing_ones();
            let (from, to) = (number(first, begin), number(first, begin + length - 1));
            match self.done.last_mut() {
                Some(last) if last.1 + 1 == from => last.1 = to,
                _ => self.done.push((from, to)),
            }
            days &= !(u32::MAX >> (32 - length) << begin);
        }
    }

    /// Adds days of a month whose first has the number `first`; only a day of `breaks` ends a stretch.
    pub(super) fn bridge(&mut self, first: i32, days: u32, breaks: u32) {
        self.count += days.count_ones();
        let mut rest = days | breaks;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            let day = number(first, bit);
            match (days & (1 << bit) != 0, self.done.last_mut().filter(|_| self.bridged)) {
                (true, Some(last)) => last.1 = day,
                (true, None) => {
                    self.done.push((day, day));
                    self.bridged = true;
                }
                (false, _) => self.bridged = false,
            }
            rest &= rest - 1;
        }
    }

    pub(super) fn finish(self) -> Vec<(Day, Day)> {
        let day = |number| Day::from_number(number).unwrap_or(Day::LAST);
        self.done.into_iter().map(|(from, to)| (day(from), day(to))).collect()
    }
}

fn number(first: i32, bit: u32) -> i32 {
    first + i32::try_from(bit).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(day: &str) -> i32 {
        day.parse::<Day>().unwrap().number()
    }

    fn shown(ranges: Ranges) -> Vec<String> {
        ranges.finish().into_iter().map(|(from, to)| format!("{from}..{to}")).collect()
    }

    #[test]
    fn days_side_by_side_are_one_stretch_over_the_ends_of_months() {
        let mut ranges = Ranges::default();
        ranges.add(number_of("2026-01-01"), 1 << 3 | 1 << 29 | 1 << 30);
        ranges.add(number_of("2026-02-01"), 0b1011);
        ranges.add(number_of("2026-03-01"), u32::MAX >> 1);
        assert_eq!(ranges.count(), 3 + 3 + 31);
        let expected =
            ["2026-01-04..2026-01-04", "2026-01-30..2026-02-02", "2026-02-04..2026-02-04", "2026-03-01..2026-03-31"];
        assert_eq!(shown(ranges), expected);
    }

    #[test]
    fn only_a_reported_day_ends_a_stretch_of_missing_ones() {
        let mut ranges = Ranges::default();
        ranges.bridge(number_of("2026-01-01"), 0b10_0001, 0b100_0000);
        ranges.bridge(number_of("2026-02-01"), 0b10_0001, 0);
        ranges.bridge(number_of("2026-03-01"), 0b100, 0b1);
        assert_eq!(ranges.count(), 5);
        assert_eq!(shown(ranges), ["2026-01-01..2026-01-06", "2026-02-01..2026-02-06", "2026-03-03..2026-03-03"]);
    }
}
