//! The cards «Horaires» and «Partenaires aujourd’hui»: on the desk page, and atop their own pages.
//!
//! A state is a word with an icon; its colour only repeats it.

use msap_shared::document::partners::availability::Availability;
use msap_shared::document::schedule::Place;
use msap_shared::schedule::{DayPlan, DayState, Now, WhyKind};
use msap_shared::time::Day;

use crate::command::house::{PartnerRow, PartnersView, ScheduleView};
use crate::out::Lang;
use crate::wording;

pub(super) const FR: Lang = Lang::Fr;

/// A state: a word, an icon, and a colour that repeats them.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    pub(super) word: &'static str,
}

impl State {
    const fn new(tone: &'static str, icon: &'static str, word: &'static str) -> Self {
        Self { tone, icon, word }
    }

    /// That of a whole day.
    pub(super) fn of_day(state: DayState) -> Self {
        match state {
            DayState::Open => Self::new("ok", "i-dot", "Ouvert"),
            DayState::Shut => Self::new("off", "i-ring", "Fermé"),
            DayState::Unknown => Self::new("warn", "i-q", "Inconnu"),
            DayState::Conflict => Self::new("warn", "i-warn", "En conflit"),
        }
    }

    fn of_partner(row: &PartnerRow) -> Self {
        match row.availability {
            Availability::Present => Self::new("ok", "i-dot", "Présent"),
            Availability::Remote => Self::new("ok", "i-cam", "À distance"),
            Availability::Reachable => Self::new("off", "i-tel", "Joignable"),
            Availability::Absent => Self::new("off", "i-ring", "Absent"),
            Availability::Cancelled => Self::new("bad", "i-x", "Annulé"),
            Availability::Unknown if row.said.len() > 1 => Self::new("warn", "i-warn", "En conflit"),
            Availability::Unknown if row.stale => Self::new("warn", "i-q", "À confirmer"),
            Availability::Unknown => Self::new("warn", "i-q", "Inconnu"),
        }
    }
}

/// The card «Horaires».
pub(super) struct HoursCard {
    pub(super) state: State,
    /// Until when, then when.
    pub(super) now: String,
    pub(super) warnings: Vec<String>,
    pub(super) lines: Vec<String>,
}

/// One partner of «Partenaires aujourd’hui».
pub(super) struct PartnerLine {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) detail: Option<String>,
    /// Agreement, training.
    pub(super) more: Vec<String>,
    /// Whether what was said can be confirmed as it is.
    pub(super) confirmable: bool,
}

/// The card of a schedule whose plans begin today or before, and reach some weeks ahead.
pub(super) fn hours(view: &ScheduleView) -> HoursCard {
    let plan = |day: Day| view.plans.iter().find(|plan| plan.day == day);
    let (today, tomorrow) = (plan(view.today), plan(view.today.plus_days(1)));
    let mut card = HoursCard {
        state: State::new("warn", "i-q", "Inconnu"),
        now: String::new(),
        warnings: Vec::new(),
        lines: Vec::new(),
    };
    let Some(today) = today else { return card };
    (card.state, card.now) = now(view, today);
    if today.state == DayState::Conflict {
        let versions = today.versions.iter().map(|version| openings(&version.plan)).collect::<Vec<_>>().join(" ou ");
        card.warnings.push(format!("Deux versions d’aujourd’hui : {versions}. Choisissez l’une d’elles"));
    } else if !view.conflicts.is_empty() {
        card.warnings.push("Deux personnes ont écrit des choses différentes : choisissez".to_owned());
    }
    for (name, plan) in [("Aujourd’hui", Some(today)), ("Demain", tomorrow)] {
        for gap in plan.into_iter().flat_map(|plan| &plan.gaps) {
            card.warnings.push(format!("{name} : personne {}", wording::span(*gap, FR)));
        }
    }
    if today.calendar_missing.public {
        let year = today.day.date().year();
        card.lines.push(format!("Les jours fériés de {year} n’ont pas été reçus du hub : un jour peut en être un"));
    }
    if today.calendar_missing.school {
        card.lines.push("Les vacances scolaires n’ont pas été reçues du hub : ce jour peut en être".to_owned());
    }
    if let Some(minutes) = view.weekly_minutes {
        card.lines.push(format!("{} d’ouverture par semaine", wording::duration(minutes, FR)));
    }
    let next = view.plans.iter().find(|plan| plan.day > view.today && is_unusually_shut(plan));
    if let Some(shut) = next {
        let because = shut.why.first().map_or_else(String::new, |why| format!(" ({})", wording::why(why, FR)));
        card.lines.push(format!("Prochaine fermeture : {}{because}", wording::day_short(shut.day)));
    }
    card
}

fn now(view: &ScheduleView, today: &DayPlan) -> (State, String) {
    let at = |minute: u16| wording::minute(minute, FR);
    match view.now {
        Now::Open if today.state == DayState::Conflict => (State::of_day(DayState::Open), String::new()),
        Now::Open => {
            let intervals = today.intervals();
            let until = intervals.iter().find(|open| open.contains(view.minute)).map(|open| open.to());
            let then: Vec<String> = intervals
                .iter()
                .filter(|open| open.from() > view.minute)
                .map(|open| wording::interval(*open, FR))
                .collect();
            let until = until.map_or_else(String::new, |until| format!("jusqu’à {}", at(until)));
            let then = if then.is_empty() { String::new() } else { format!(", puis {}", then.join(", ")) };
            (State::of_day(DayState::Open), format!("{until}{then}"))
        }
        Now::Shut => {
            let why = today.why.iter().find(|why| !matches!(why.kind, WhyKind::Rule(_)));
            let why = why.map_or_else(String::new, |why| format!("{}. ", wording::why(why, FR)));
            let later = today.intervals().into_iter().find(|open| open.from() > view.minute);
            let next = match later {
                Some(open) => Some(format!("Ouvre à {}", at(open.from()))),
                None => next_opening(view)
                    .map(|(day, from)| format!("Prochaine ouverture : {} à {}", wording::day_short(day), at(from))),
            };
            (State::of_day(DayState::Shut), format!("{why}{}", next.unwrap_or_default()))
        }
        Now::Unknown if today.state == DayState::Conflict => (State::of_day(DayState::Conflict), String::new()),
        Now::Unknown => {
            let why = today.why.first().map_or_else(String::new, |why| wording::why(why, FR));
            (State::of_day(DayState::Unknown), why)
        }
    }
}

fn next_opening(view: &ScheduleView) -> Option<(Day, u16)> {
    let later = view.plans.iter().filter(|plan| plan.day > view.today);
    // What comes after a day that nobody knows is not the next.
    let mut known = later.take_while(|plan| matches!(plan.state, DayState::Open | DayState::Shut));
    known.find_map(|plan| Some((plan.day, plan.intervals().first()?.from())))
}

/// Shut for another reason than the usual week.
fn is_unusually_shut(plan: &DayPlan) -> bool {
    let unusual = |kind: WhyKind| matches!(kind, WhyKind::Closed | WhyKind::NetworkClosure | WhyKind::PublicHoliday);
    plan.state == DayState::Shut && plan.why.first().is_some_and(|why| unusual(why.kind))
}

/// The openings of a day in words.
pub(super) fn openings(plan: &DayPlan) -> String {
    let intervals: Vec<String> = plan.intervals().into_iter().map(|open| wording::interval(open, FR)).collect();
    match plan.state {
        DayState::Shut => "fermé".to_owned(),
        _ if intervals.is_empty() => "inconnu".to_owned(),
        _ => intervals.join(", "),
    }
}

/// The lines of the card «Partenaires aujourd’hui».
pub(super) fn partners(view: &PartnersView) -> Vec<PartnerLine> {
    view.rows.iter().map(|row| line(view, row)).collect()
}

fn line(view: &PartnersView, row: &PartnerRow) -> PartnerLine {
    let mut more = Vec::new();
    if let Some(agreement) = &row.agreement {
        more.push(format!("Convention {}", wording::agreement(agreement, FR)));
    }
    if let Some(training) = &row.training {
        more.push(format!("Formation : {}", wording::training(training, FR)));
    }
    PartnerLine {
        code: row.operator.to_string(),
        name: wording::operator(&row.operator, row.label.as_deref()),
        state: State::of_partner(row),
        detail: detail(view, row),
        more,
        confirmable: row.said.len() == 1,
    }
}

/// A place by its name for the public.
pub(super) fn place(view: &PartnersView, place: &Place) -> String {
    let named = view.places.iter().find(|(known, _)| known == place);
    named.map_or_else(|| wording::place(place), |(_, name)| name.clone())
}

fn detail(view: &PartnersView, row: &PartnerRow) -> Option<String> {
    let said = row.said.first().and_then(|said| said.body.as_ref());
    let next = row.next.map(|(day, when)| {
        format!("Prochaine permanence {}, {}", wording::day_short(day), wording::minute(when.from(), FR))
    });
    let contact = said.and_then(|said| said.contact.as_ref()).map(|contact| contact.in_words());
    match row.availability {
        Availability::Present => {
            let coming = row.permanences.iter().filter(|coming| coming.cancelled.is_none());
            let coming = coming.map(|coming| {
                let at = place(view, &coming.place);
                let at = if at.is_empty() { at } else { format!(", {at}") };
                format!("{}{at}", wording::interval(coming.interval, FR))
            });
            Some(format!("Permanence {}", coming.collect::<Vec<_>>().join(" et ")))
        }
        Availability::Cancelled => {
            let why = row.permanences.iter().find_map(|coming| coming.cancelled.as_ref());
            let why = why.map_or_else(String::new, |why| wording::why(why, FR));
            Some(format!("Permanence annulée, {why}"))
        }
        Availability::Unknown if row.said.len() > 1 => {
            let versions = row.said.iter().filter_map(|said| said.body.as_ref());
            let versions: Vec<String> = versions.map(|said| wording::presence(said, FR)).collect();
            Some(format!("Deux versions : {}", versions.join(" ; ")))
        }
        Availability::Unknown if row.stale => said.map(|said| {
            let checked = wording::day(said.checked_on, FR);
            let old = format!(
                "vérifié le {checked}, il y a plus de {}",
                FR.counted(view.stale_after_days.into(), ["jour", "jours"], ["", ""])
            );
            match said.until.filter(|until| *until < view.day) {
                Some(until) => format!("{} jusqu’au {}", said.mode.label_fr(), wording::day(until, FR)),
                None => format!("{}, {old}", said.mode.label_fr()),
            }
        }),
        Availability::Remote | Availability::Reachable | Availability::Absent | Availability::Unknown => {
            let parts: Vec<String> = contact.into_iter().chain(next).collect();
            (!parts.is_empty()).then(|| parts.join(" · "))
        }
    }
}
