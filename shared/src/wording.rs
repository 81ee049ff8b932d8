//! What people read of schedules and partners: hours, rules, exceptions, and who said so.
//!
//! Called by the agent's page and command line and by the hub's lists, so that one thing has one
//! wording everywhere. Pure: the same fact always gives the same words.

use jiff::civil;

use crate::code::operator_label;
use crate::document::partners::{self, Agreement, Presence, Training};
use crate::document::register::{Author, Entry, FactError};
use crate::document::schedule::{
    self, Absence, Access, DayHours, Exception, Interval, Key, Off, OperatorToken, Place, PlaceLabel, Reason, Slot,
    Variant, Weekday, Where,
};
use crate::lang::Lang;
use crate::schedule::{Why, WhyKind};
use crate::time::{Day, Month};

#[cfg(test)]
mod tests;

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// A day in full: `lundi 23 novembre 2026`; as data in English.
pub fn day(day: Day, lang: Lang) -> String {
    match lang {
        Lang::Fr => format!("{} {}", day_short(day), day.date().year()),
        Lang::En => format!("{} {day}", Weekday::of(day).label_en()),
    }
}

/// A day without its weekday: `3 mars 2026`; as data in English.
pub fn calendar_day(day: Day, lang: Lang) -> String {
    match lang {
        Lang::Fr => format!("{} {}", date(day), day.date().year()),
        Lang::En => day.to_string(),
    }
}

/// The same of the first and the last day: `du 3 mars 2026 au 5 mars 2026`.
pub fn calendar_days((from, to): (Day, Day), lang: Lang) -> String {
    let (first, last) = (calendar_day(from, lang), calendar_day(to, lang));
    match (from == to, lang) {
        (true, _) => first,
        (false, Lang::Fr) => format!("du {first} au {last}"),
        (false, Lang::En) => format!("{first} to {last}"),
    }
}

/// A month: `mars 2026`; as data in English.
pub fn month(month: Month, lang: Lang) -> String {
    let date = month.first_day().date();
    let name = usize::from(date.month().unsigned_abs()).checked_sub(1).and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    match lang {
        Lang::Fr => format!("{name} {}", date.year()),
        Lang::En => month.to_string(),
    }
}

/// A day without its year: `lundi 23 novembre`.
pub fn day_short(day: Day) -> String {
    format!("{} {}", Weekday::of(day).label_fr(), date(day))
}

/// A day without year and weekday: `1er juillet`.
fn date(day: Day) -> String {
    let date: civil::Date = day.date();
    of_month(date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn of_month(month: u8, day: u8) -> String {
    let number = if day == 1 { "1er".to_owned() } else { day.to_string() };
    let month = usize::from(month).checked_sub(1).and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    format!("{number} {month}")
}

/// Days from one to another.
pub fn days((from, to): (Day, Day), lang: Lang) -> String {
    match (from == to, lang) {
        (true, Lang::Fr) => format!("le {}", day(from, lang)),
        (false, Lang::Fr) => format!("du {} au {}", day(from, lang), day(to, lang)),
        (true, Lang::En) => day(from, lang),
        (false, Lang::En) => format!("{} to {}", day(from, lang), day(to, lang)),
    }
}

/// A minute of a day: `9 h`, `12 h 30`; `12:30` in English.
pub fn minute(at: u16, lang: Lang) -> String {
    match (lang, at % 60) {
        (Lang::Fr, 0) => format!("{} h", at / 60),
        (Lang::Fr, rest) => format!("{} h {rest:02}", at / 60),
        (Lang::En, _) => schedule::slot::clock(at),
    }
}

/// How long: `26 h 30`.
pub fn duration(minutes: u32, lang: Lang) -> String {
    match (lang, minutes % 60) {
        (_, 0) => format!("{} h", minutes / 60),
        (Lang::Fr, rest) => format!("{} h {rest:02}", minutes / 60),
        (Lang::En, rest) => format!("{} h {rest} min", minutes / 60),
    }
}

/// An interval: `9 h – 12 h 30`.
pub fn interval(interval: Interval, lang: Lang) -> String {
    format!("{} – {}", minute(interval.from(), lang), minute(interval.to(), lang))
}

/// The same within a sentence: `de 9 h à 12 h 30`.
pub fn span(interval: Interval, lang: Lang) -> String {
    let (from, to) = (minute(interval.from(), lang), minute(interval.to(), lang));
    match lang {
        Lang::Fr => format!("de {from} à {to}"),
        Lang::En => format!("from {from} to {to}"),
    }
}

/// A slot, with what is unusual about it.
fn slot(slot: &Slot, lang: Lang) -> String {
    let mut words = interval(slot.interval, lang);
    if slot.access != Access::Free {
        words.push_str(&format!(" {}", lang.pick(slot.access.label_fr(), slot.access.label_en())));
    }
    if let Some(agents) = slot.agents {
        words.push_str(&format!(" ({})", self::agents(agents, lang)));
    }
    words
}

/// How many agents.
pub fn agents(n: u8, lang: Lang) -> String {
    lang.counted(n.into(), ["agent", "agents"], ["agent", "agents"])
}

/// The hours of a day.
pub fn hours(hours: &DayHours, lang: Lang) -> String {
    if hours.is_closed() {
        return lang.pick("fermé", "closed").to_owned();
    }
    hours.slots().iter().map(|one| slot(one, lang)).collect::<Vec<_>>().join(", ")
}

/// On which days a rule holds.
pub fn rule(variant: Variant, weekday: Option<Weekday>, lang: Lang) -> String {
    let weekday = weekday.map_or("", |weekday| lang.pick(weekday.label_fr(), weekday.label_en()));
    match (variant, lang) {
        (Variant::Every, _) => weekday.to_owned(),
        (Variant::Odd, Lang::Fr) => format!("{weekday}, semaines impaires"),
        (Variant::Even, Lang::Fr) => format!("{weekday}, semaines paires"),
        (Variant::Nth(nth), Lang::Fr) if nth.number() == 1 => format!("1er {weekday} du mois"),
        (Variant::Nth(nth), Lang::Fr) => format!("{}e {weekday} du mois", nth.number()),
        (Variant::Last, Lang::Fr) => format!("dernier {weekday} du mois"),
        (Variant::School, Lang::Fr) => format!("{weekday}, vacances scolaires"),
        (Variant::Yearly(from, to), Lang::Fr) => {
            let [from, to] = [from, to].map(|on| of_month(on.month(), on.day()));
            format!("{weekday}, chaque année du {from} au {to}")
        }
        (Variant::Dated(from, to), Lang::Fr) => {
            let [from, to] = [from, to].map(|on| format!("{} {}", date(on), on.date().year()));
            format!("{weekday}, du {from} au {to}")
        }
        (Variant::Holiday, _) => lang.pick("jours fériés", "public holidays").to_owned(),
        (variant, Lang::En) => format!("{weekday}, {variant}"),
    }
}

/// A place; nothing for the house itself.
pub fn place(place: &Place) -> String {
    match place {
        Place::Site => String::new(),
        Place::Named(slug) => slug.to_string(),
    }
}

fn somewhere(at: &Where, lang: Lang) -> String {
    match at {
        Where::Everywhere | Where::At(Place::Site) => String::new(),
        Where::At(Place::Named(slug)) => format!(", {} {slug}", lang.pick("lieu", "at")),
    }
}

/// A partner.
pub fn operator(operator: &OperatorToken, label: Option<&str>) -> String {
    match (operator, label) {
        (_, Some(label)) => label.to_owned(),
        (OperatorToken::Known(code), None) => operator_label(code.as_str()).to_owned(),
        (OperatorToken::Local(slug), None) => slug.to_string(),
    }
}

/// Who wrote something; `here` is this machine's id.
pub fn author(author: &Author, here: &str, lang: Lang) -> String {
    match (author, lang) {
        (Author::Device(id), _) if here.starts_with(&**id) => lang.pick("ce poste", "this machine").to_owned(),
        (Author::Device(id), Lang::Fr) => format!("un autre poste ({id})"),
        (Author::Device(id), Lang::En) => format!("another machine ({id})"),
        (Author::National, _) => lang.pick("coordination nationale", "national coordinators").to_owned(),
        (Author::Region(code), Lang::Fr) => format!("coordination de la région {code}"),
        (Author::Department(code), Lang::Fr) => format!("coordination du département {code}"),
        (Author::Site(_), Lang::Fr) => "coordination de la maison".to_owned(),
        (Author::List, _) => lang.pick("liste nationale", "the national list").to_owned(),
        (other, Lang::En) => format!("coordinators ({other})"),
    }
}

/// A reason.
pub fn reason(reason: Reason, lang: Lang) -> &'static str {
    lang.pick(reason.label_fr(), reason.label_en())
}

/// What is different on the days of an exception.
pub fn exception(what: &Exception, lang: Lang) -> String {
    let why = reason(what.reason(), lang);
    match what {
        Exception::Closed(_) => format!("{} : {why}", lang.pick("fermé", "closed")),
        Exception::Extra(_, more) => {
            format!("{} {} : {why}", lang.pick("ouvert en plus", "open besides"), hours(more, lang))
        }
        Exception::Hours(_, instead) => {
            format!("{} {} : {why}", lang.pick("à d’autres horaires,", "at other hours,"), hours(instead, lang))
        }
        Exception::Moved(_, to, instead) => {
            let at = instead.as_ref().map_or_else(String::new, |instead| format!(", {}", hours(instead, lang)));
            let to = match to {
                Place::Site => lang.pick("la maison", "the house").to_owned(),
                Place::Named(slug) => slug.to_string(),
            };
            format!("{} {to}{at} : {why}", lang.pick("déplacé vers", "moved to"))
        }
    }
}

/// What decided a day.
pub fn why(why: &Why, lang: Lang) -> String {
    let label = why.label.as_deref().unwrap_or_default();
    let because = why.reason.map_or_else(String::new, |given| format!(" : {}", reason(given, lang)));
    match why.kind {
        WhyKind::Rule(Variant::Every) => lang.pick("horaires habituels", "usual hours").to_owned(),
        WhyKind::Rule(variant) => rule(variant, None, lang).trim_start_matches(", ").to_owned(),
        WhyKind::PublicHoliday => format!("{} : {label}", lang.pick("jour férié", "public holiday")),
        WhyKind::Closed => format!("{}{because}", lang.pick("fermeture", "closed")),
        WhyKind::Extra => format!("{}{because}", lang.pick("ouverture exceptionnelle", "extra opening")),
        WhyKind::Replaced => format!("{}{because}", lang.pick("horaires exceptionnels", "other hours")),
        WhyKind::Moved => format!("{}{because}", lang.pick("déplacement", "moved")),
        WhyKind::NetworkClosure => format!("{} : {label}", lang.pick("fermeture du réseau", "network closure")),
        WhyKind::OneDay => {
            why.reason.map_or(lang.pick("ce jour-là", "this day"), |given| reason(given, lang)).to_owned()
        }
        WhyKind::NoRule => lang.pick("aucun horaire ce jour-là", "no hours on this day").to_owned(),
        WhyKind::NoHours => lang.pick("horaires non renseignés", "no hours given").to_owned(),
        WhyKind::NoCalendar => {
            lang.pick("calendrier des jours fériés ou des vacances manquant", "calendar of holidays missing").to_owned()
        }
    }
}

/// What a key is about, in words; the key itself where it is of a later version.
pub fn subject(key: &str, lang: Lang) -> String {
    schedule_subject(key, lang).or_else(|| partners_subject(key, lang)).unwrap_or_else(|| key.to_owned())
}

fn schedule_subject(key: &str, lang: Lang) -> Option<String> {
    let since = |from: &Day| match lang {
        Lang::Fr => format!("à partir du {}", day(*from, lang)),
        Lang::En => format!("from {}", day(*from, lang)),
    };
    let at = |place: &Place| somewhere(&Where::At(place.clone()), lang);
    Some(match Key::parse(key).ok()?? {
        Key::Hours { from, variant, weekday, place } => {
            let of = lang.pick("horaires", "hours");
            format!("{of}, {}{}, {}", rule(variant, weekday, lang), at(&place), since(&from))
        }
        Key::Permanence { from, operator, variant, weekday, place } => {
            let who = self::operator(&operator, None);
            let of = lang.pick("permanence", "permanence");
            format!("{of} {who}, {}{}, {}", rule(variant, weekday, lang), at(&place), since(&from))
        }
        Key::On { from, to, place } => {
            format!("{}, {}{}", lang.pick("exception", "exception"), days((from, to), lang), somewhere(&place, lang))
        }
        Key::Off { day: on, operator, place } => {
            let who = self::operator(&operator, None);
            format!("{} {who}, {}{}", lang.pick("permanence", "permanence"), days((on, on), lang), at(&place))
        }
        Key::Absence(id) => format!("{} {id}", lang.pick("absence", "absence")),
        Key::Place(slug) => format!("{} {slug}", lang.pick("lieu", "place")),
        Key::GoodFriday => lang.pick("Vendredi saint", "Good Friday").to_owned(),
        Key::Text => lang.pick("horaires en texte", "hours as text").to_owned(),
        Key::Comment => lang.pick("commentaire", "comment").to_owned(),
        Key::Checked => lang.pick("horaires vérifiés", "hours checked").to_owned(),
    })
}

fn partners_subject(key: &str, lang: Lang) -> Option<String> {
    let (what, of) = match partners::Key::parse(key).ok()?? {
        partners::Key::Presence(of) => (lang.pick("disponibilité", "availability"), of),
        partners::Key::Agreement(of) => (lang.pick("convention", "agreement"), of),
        partners::Key::Training(of) => (lang.pick("formation", "training"), of),
        partners::Key::Label(of) => (lang.pick("nom", "name"), of),
    };
    Some(format!("{what} {}", operator(&of, None)))
}

/// What a body says under a key, in words; the body itself where it cannot be read.
pub fn said(key: &str, body: &str, lang: Lang) -> String {
    if body == "-" {
        return lang.pick("retiré", "taken back").to_owned();
    }
    let read = || -> Result<String, FactError> {
        Ok(match key.split('|').next() {
            Some("hours" | "permanence") => hours(&body.parse()?, lang),
            Some("on") => exception(&body.parse()?, lang),
            Some("off") => match body.parse()? {
                Off::Cancelled(why) => format!("{} : {}", lang.pick("annulée", "cancelled"), reason(why, lang)),
                Off::Hours(why, slots) => format!("{} : {}", hours(&slots, lang), reason(why, lang)),
            },
            Some("absence") => absence(&body.parse()?, lang),
            Some("place") => {
                let place: PlaceLabel = body.parse()?;
                [place.label.as_str(), &place.address].join(", ").trim_end_matches(", ").to_owned()
            }
            Some("rule") => lang.pick(if body == "open" { "ouvert" } else { "fermé" }, body).to_owned(),
            Some("presence") => presence(&body.parse()?, lang),
            Some("agreement") => agreement(&body.parse()?, lang),
            Some("training") => training(&body.parse()?, lang),
            _ => body.to_owned(),
        })
    };
    read().unwrap_or_else(|_| body.to_owned())
}

/// A fact in one line; `value` has its author and day before the body.
pub fn fact(key: &str, value: &str, lang: Lang) -> String {
    let body = Entry::parse(value).map_or(value, |entry| entry.body);
    format!("{} : {}", subject(key, lang), said(key, body, lang))
}

/// An absence of staff.
pub fn absence(away: &Absence, lang: Lang) -> String {
    let when = away.interval.map_or_else(String::new, |part| format!(", {}", interval(part, lang)));
    let kind = lang.pick(away.kind.label_fr(), away.kind.label_en());
    format!("{}, {}{when} : {kind}", agents(away.agents, lang), days((away.from, away.to), lang))
}

/// What was confirmed of a partner.
pub fn presence(said: &Presence, lang: Lang) -> String {
    let mut words = lang.pick(said.mode.label_fr(), said.mode.label_en()).to_owned();
    if let Some(contact) = &said.contact {
        words.push_str(&format!(", {}", contact.in_words()));
    }
    if let Some(until) = said.until {
        words.push_str(&format!(", {} {}", lang.pick("jusqu’au", "until"), day(until, lang)));
    }
    format!("{words}, {} {}", lang.pick("vérifié le", "checked on"), day(said.checked_on, lang))
}

/// An agreement.
pub fn agreement(agreement: &Agreement, lang: Lang) -> String {
    let status = lang.pick(agreement.status.label_fr(), agreement.status.label_en());
    agreement.day.map_or_else(|| status.to_owned(), |on| format!("{status} ({})", day(on, lang)))
}

/// Training by a partner.
pub fn training(training: &Training, lang: Lang) -> String {
    let agents = agents(u8::try_from(training.agents).unwrap_or(u8::MAX), lang);
    format!("{agents}, {} {}", lang.pick("le", "on"), day(training.trained_on, lang))
}
