//! OpenStreetMap's text of opening hours, read into rules of a schedule.
//!
//! Called by the commands and pages that take hours as text. A schedule's variants have an order
//! of their own (a range of dates before school holidays before odd weeks), a text has that in
//! which it is written. So the text is worked out for every day of the calendar, in and out of
//! school holidays, and becomes rules only if the variant that decides a day always says the same;
//! then the rules mean, on every day, what the text means. Otherwise it is refused, with the rule
//! that stands in the way, and whoever called keeps the text verbatim.
//!
//! A text that is silent about public holidays leaves them to the calendar: shut.

mod effect;
mod error;
mod selector;

use std::collections::{BTreeMap, BTreeSet};

use opening_hours_syntax::rules::RuleSequence;

use self::effect::{Effect, Said};
pub use self::error::{Obstacle, ReadError};
use self::selector::{At, Days};
use crate::document::schedule::{DayHours, Exception, Reason, Slot, Variant, Weekday};
use crate::schedule::edit::Rule;
use crate::time::Day;

/// Longest text that is read, in bytes.
pub const TEXT_LEN_MAX: usize = 2_000;

/// What a text says, as a schedule does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The rules, for [`edit::set_hours`](crate::schedule::edit::set_hours).
    pub rules: Vec<Rule>,
    /// What holds on certain dates only, for [`edit::except`](crate::schedule::edit::except).
    pub exceptions: Vec<((Day, Day), Exception)>,
    /// Comments of the text that have no place in a schedule, in French.
    pub remarks: Vec<String>,
}

/// One rule, understood.
struct Understood {
    days: Days,
    effect: Effect,
}

/// A text, rule by rule.
struct Parsed {
    rules: Vec<Understood>,
    texts: Vec<String>,
}

/// Reads a text.
///
/// # Errors
/// When it is not of the grammar, or says what no rules can; the error names the place.
pub fn read(text: &str) -> Result<Read, ReadError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ReadError::Empty);
    }
    if text.len() > TEXT_LEN_MAX {
        return Err(ReadError::TooLong(text.len()));
    }
    let expression = opening_hours_syntax::parse(text).map_err(|error| ReadError::of(text, &error))?;
    let narrowing = holidays_are_narrowed(text);
    let mut read = Read::default();
    let mut parsed = Parsed { rules: Vec::new(), texts: Vec::new() };
    for (at, rule) in expression.rules.iter().enumerate() {
        let failed = |why| ReadError::Rule { number: at + 1, text: rule.to_string(), why };
        let beside = |rule: &RuleSequence| {
            use opening_hours_syntax::rules::day::WeekDayRange::{Fixed, Holiday};
            let weekday = &rule.day_selector.weekday;
            weekday.iter().any(|range| matches!(range, Fixed { .. }))
                && weekday.iter().any(|range| matches!(range, Holiday { .. }))
        };
        if narrowing.is_none() && beside(rule) {
            return Err(failed(Obstacle::HolidaysBoth));
        }
        let days = Days::read(&rule.day_selector, narrowing == Some(true)).map_err(failed)?;
        let (effect, comment) = Effect::read(rule).map_err(failed)?;
        let remark = |comment| format!("règle {} : le commentaire « {comment} » n’est pas repris", at + 1);
        read.remarks.extend(comment.map(remark));
        parsed.rules.push(Understood { days, effect });
        parsed.texts.push(rule.to_string());
    }
    let dates = parsed.dates(&mut read)?;
    for weekday in Weekday::ALL {
        parsed.weekday(weekday, &dates, &mut read)?;
    }
    parsed.public_holidays(&dates, &mut read)?;
    Ok(read)
}

impl Parsed {
    /// What the text amounts to on one day.
    fn said(&self, at: At) -> Result<Said, ReadError> {
        let mut said = None;
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.days.hold(at)) {
            said = rule.effect.apply(said).map_err(|why| self.at_rule(number, why))?;
        }
        Ok(said)
    }

    fn at_rule(&self, number: usize, why: Obstacle) -> ReadError {
        ReadError::Rule { number: number + 1, text: self.texts[number].clone(), why }
    }

    /// The last rule that a condition comes from: what is out of order is out of order there.
    fn last_rule(&self, of: impl Fn(&Days) -> bool) -> usize {
        self.rules.iter().rposition(|rule| of(&rule.days)).unwrap_or_default()
    }

    /// The conditions that have a say on a weekday, that of every week among them.
    fn variants(&self, weekday: Weekday) -> BTreeSet<Variant> {
        let named = self.rules.iter().flat_map(|rule| rule.days.variants(weekday));
        named.chain([Variant::Every]).collect()
    }

    /// Days to look at, in and out of school holidays: one week where every week is alike.
    fn calendar(variants: &BTreeSet<Variant>, weekday: Weekday) -> impl Iterator<Item = At> + use<> {
        let alike = variants.iter().all(|variant| *variant == Variant::Every);
        let first = Day::nearest(jiff::civil::date(2000, 1, 3)).plus_days(weekday.index() as i32);
        let weeks = if alike { 1 } else { 5_210 };
        let school = variants.contains(&Variant::School);
        let days =
            (0..weeks).map(move |week| first.plus_days(week * 7)).filter(move |day| Weekday::of(*day) == weekday);
        days.flat_map(move |day| {
            [false, true].into_iter().filter(move |in_school| school || !in_school).map(move |school| At {
                day,
                school,
                public: false,
            })
        })
    }

    /// What holds on single dates, and closures over dates: exceptions, which also come before
    /// public holidays. Answers the dates that are settled so.
    fn dates(&self, read: &mut Read) -> Result<Vec<(Day, Day)>, ReadError> {
        let all: BTreeSet<Variant> = Weekday::ALL.into_iter().flat_map(|weekday| self.variants(weekday)).collect();
        let ranges: Vec<(Day, Day)> = all
            .iter()
            .filter_map(|variant| match variant {
                Variant::Dated(from, to) => Some((*from, *to)),
                _ => None,
            })
            .collect();
        let mut settled = Vec::new();
        for (from, to) in &ranges {
            let alone = ranges.iter().filter(|(f, t)| f <= to && from <= t).count() == 1;
            let length = to.number() - from.number();
            // A year of closed days is no exception, and would be slow to look at.
            if from != to && (!alone || length > 366) {
                continue;
            }
            let days = (0..=length).map(|n| from.plus_days(n));
            let each = days.flat_map(|day| {
                [(false, false), (true, false), (false, true), (true, true)]
                    .map(|(school, public)| self.said(At { day, school, public }))
            });
            let mut each = each.collect::<Result<Vec<_>, _>>()?;
            each.dedup();
            let exception = match each.as_slice() {
                [Some(slots)] if slots.is_empty() => Exception::Closed(Reason::Other),
                [Some(slots)] if from == to => {
                    let rule =
                        self.last_rule(|days| days.variants(Weekday::of(*from)).contains(&Variant::Dated(*from, *to)));
                    let hours = DayHours::new(slots.clone()).map_err(|_| self.at_rule(rule, Obstacle::Slots))?;
                    Exception::Hours(Reason::Other, hours)
                }
                _ => continue,
            };
            read.exceptions.push(((*from, *to), exception));
            settled.push((*from, *to));
        }
        Ok(settled)
    }

    /// The rules of one weekday.
    fn weekday(&self, weekday: Weekday, dates: &[(Day, Day)], read: &mut Read) -> Result<(), ReadError> {
        let mut variants = self.variants(weekday);
        variants.retain(|variant| !matches!(variant, Variant::Dated(from, to) if dates.contains(&(*from, *to))));
        let mut cells: BTreeMap<Variant, (Day, Said)> = BTreeMap::new();
        for at in
            Self::calendar(&variants, weekday).filter(|at| !dates.iter().any(|(f, t)| *f <= at.day && at.day <= *t))
        {
            let weighed = variants.iter().filter_map(|variant| Some((variant.weight(at.day, at.school)?, *variant)));
            let Some((_, deciding)) = weighed.max() else { continue };
            let said = self.said(at)?;
            match cells.get(&deciding) {
                None => {
                    cells.insert(deciding, (at.day, said));
                }
                Some((_, before)) if *before == said => {}
                Some((before, _)) => {
                    let rule = self.last_rule(|days| {
                        let own = days.variants(weekday);
                        own.contains(&deciding) || deciding == Variant::Every && days.hold(at)
                    });
                    return Err(self.at_rule(rule, Obstacle::Order(deciding, *before, at.day)));
                }
            }
        }
        // «Closed in August» says nothing of Sundays, which are closed anyway.
        let opens = |rule: &Understood| matches!(rule.effect, Effect::Open(_) | Effect::Add(_));
        let never_opens = cells.values().all(|(_, said)| said.as_ref().is_none_or(Vec::is_empty));
        let only_base = never_opens && self.rules.iter().any(opens);
        for (variant, (_, said)) in cells {
            let Some(slots) = said else { continue };
            if only_base && variant != Variant::Every {
                continue;
            }
            let rule = self.last_rule(|days| days.variants(weekday).contains(&variant));
            let hours = DayHours::new(slots).map_err(|_| self.at_rule(rule, Obstacle::Slots))?;
            read.rules.push((variant, Some(weekday), hours));
        }
        Ok(())
    }

    /// The rule of public holidays, where the text speaks of them.
    fn public_holidays(&self, dates: &[(Day, Day)], read: &mut Read) -> Result<(), ReadError> {
        if !self.rules.iter().any(|rule| rule.days.public) {
            return Ok(());
        }
        let mut found: Option<(Day, Vec<Slot>)> = None;
        for weekday in Weekday::ALL {
            let days = Self::calendar(&self.variants(weekday), weekday);
            for at in days.filter(|at| !dates.iter().any(|(f, t)| *f <= at.day && at.day <= *t)) {
                let said = self.said(At { public: true, ..at })?.unwrap_or_default();
                match &found {
                    None => found = Some((at.day, said)),
                    Some((_, before)) if *before == said => {}
                    Some((before, _)) => {
                        let rule = self.last_rule(|days| days.public);
                        return Err(self.at_rule(rule, Obstacle::PublicHolidays(*before, at.day)));
                    }
                }
            }
        }
        if let Some((_, slots)) = found {
            let rule = self.last_rule(|days| days.public);
            let hours = DayHours::new(slots).map_err(|_| self.at_rule(rule, Obstacle::Slots))?;
            read.rules.push((Variant::Holiday, None, hours));
        }
        Ok(())
    }
}

/// Whether weekdays beside a holiday narrow it, `SH Mo-Fr`, as against `PH,Su`. The parser does
/// not tell them apart, so a text that has both is not read: `None`.
fn holidays_are_narrowed(text: &str) -> Option<bool> {
    let outside: String = text.split('"').step_by(2).collect();
    let is_weekday = |text: &str| {
        ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]
            .iter()
            .any(|day| text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(day)))
    };
    let mut narrowed = false;
    let mut added = false;
    for holiday in ["PH", "SH"] {
        for (at, _) in outside.match_indices(holiday) {
            let (before, after) = (&outside[..at], &outside[at + 2..]);
            narrowed |= after.strip_prefix(' ').is_some_and(is_weekday);
            added |= after.strip_prefix(',').is_some_and(is_weekday);
            let weekday_before = |before: &str| {
                let start = before.len().saturating_sub(2);
                before.ends_with(']') || before.get(start..).is_some_and(is_weekday)
            };
            narrowed |= before.strip_suffix(' ').is_some_and(weekday_before);
            added |= before.strip_suffix(',').is_some_and(weekday_before);
        }
    }
    (narrowed != added || !narrowed).then_some(narrowed)
}
