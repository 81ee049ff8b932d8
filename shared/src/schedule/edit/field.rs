//! What people and programs write in fields, read with an error that says what to do next.
//!
//! More forgiving than the stored grammar: hours need no leading zero, slots no order, weekdays
//! may be spelt out in French. What comes out is stored in its one spelling.

use crate::document::register::FieldError;
use crate::document::schedule::slot::{AGENTS_MAX, SLOTS_MAX, SlotsError};
use crate::document::schedule::{
    Access, DayHours, Interval, Line, OperatorToken, Place, PlaceLabel, Reason, Slot, Slug, Text, Variant, Weekday,
    Where,
};
use crate::time::Day;

/// A day.
///
/// # Errors
/// When it is no day of the calendar.
pub fn day(field: &'static str, text: &str) -> Result<Day, FieldError> {
    let why = || format!("« {} » n’est pas un jour du calendrier : écrivez AAAA-MM-JJ", short(text));
    text.trim().parse().map_err(|_| FieldError::new(field, why()))
}

/// A day, or two as `2026-12-24..2026-12-26`.
///
/// # Errors
/// When one is no day, or they are inverted.
pub fn days(field: &'static str, text: &str) -> Result<(Day, Day), FieldError> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (day(field, from)?, day(field, to)?);
    if from > to {
        return Err(FieldError::new(field, format!("{to} précède {from} : inversez-les")));
    }
    Ok((from, to))
}

/// Hours of a day: `9:00-12:00, 14:00-17:30/appointment/2`, or `closed` (`fermé`). The access may
/// stand in words (`14:00-17:30 sur rendez-vous`), and a slash between slots as the national list
/// has it (`8:30-12:00 / 13:30-17:30`).
///
/// # Errors
/// When a slot is empty, inverted, beyond midnight or overlaps another.
pub fn hours(field: &'static str, text: &str) -> Result<DayHours, FieldError> {
    let text = text.trim();
    if matches!(text.to_lowercase().as_str(), "closed" | "fermé" | "ferme") {
        return Ok(DayHours::closed());
    }
    let slots: Result<Vec<Slot>, FieldError> =
        text.split(',').flat_map(beside).map(|part| slot(field, part.trim())).collect();
    let mut slots = slots?;
    slots.sort_unstable();
    DayHours::new(slots).map_err(|error| {
        let why = match error {
            SlotsError::TooMany(n) => format!("{n} créneaux : {SLOTS_MAX} au plus par jour"),
            SlotsError::Order(interval) => {
                format!("{interval} chevauche le créneau précédent : réunissez-les en un seul")
            }
            SlotsError::Agents(n) => format!("{n} agents : {AGENTS_MAX} au plus"),
        };
        FieldError::new(field, why)
    })
}

/// The slots of a part in the list's notation; a part in ours is one.
fn beside(part: &str) -> impl Iterator<Item = &str> {
    let is_slot = |text: &str| text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && text.contains(['-', '–']);
    let listed = part.contains('/') && part.split('/').all(is_slot);
    let whole = (!listed).then_some(part);
    part.split('/').filter(move |_| listed).chain(whole)
}

fn slot(field: &'static str, text: &str) -> Result<Slot, FieldError> {
    for access in Access::ALL {
        let said = [access.label_fr(), access.label_en()].into_iter().find_map(|words| text.strip_suffix(words));
        if let Some(when) = said {
            let interval = interval(field, when.trim())?;
            return Ok(Slot { access, ..Slot::free(interval) });
        }
    }
    let mut parts = text.split('/').map(str::trim);
    let interval = interval(field, parts.next().unwrap_or_default())?;
    let access = match parts.next() {
        None | Some("") => Access::Free,
        Some(code) => Access::known(code).ok_or_else(|| {
            FieldError::new(field, format!("accès « {} » inconnu : free, appointment ou phone", short(code)))
        })?,
    };
    let agents = match parts.next() {
        None => None,
        Some(n) => Some(n.parse::<u8>().ok().filter(|n| *n <= AGENTS_MAX).ok_or_else(|| {
            FieldError::new(field, format!("« {} » agents : donnez un nombre de 0 à {AGENTS_MAX}", short(n)))
        })?),
    };
    match parts.next() {
        None => Ok(Slot { interval, access, agents }),
        Some(_) => Err(FieldError::new(field, format!("« {} » : écrivez 09:00-12:00/appointment/2", short(text)))),
    }
}

/// An interval such as `9:00-12:00`.
///
/// # Errors
/// When it is inverted, empty or beyond midnight.
pub fn interval(field: &'static str, text: &str) -> Result<Interval, FieldError> {
    let shown = short(text);
    let Some((from, to)) = text.split_once(['-', '–']) else {
        return Err(FieldError::new(field, format!("« {shown} » n’est pas un créneau : écrivez 09:00-12:00")));
    };
    let (Some(from), Some(to)) = (minute(from), minute(to)) else {
        return Err(FieldError::new(
            field,
            format!("« {shown} » : les heures vont de 00:00 à 24:00, comme 09:00-12:00"),
        ));
    };
    Interval::new(from, to).ok_or_else(|| {
        FieldError::new(field, format!("« {shown} » finit avant de commencer : inversez-le, ou coupez-le à minuit"))
    })
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once([':', 'h'])?;
    let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !(minute.is_empty() || minute.len() == 2 && digits(minute)) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, if minute.is_empty() { 0 } else { minute.parse().ok()? });
    let at = hour * 60 + minute;
    (minute < 60 && at <= 1_440).then_some(at)
}

/// A weekday: `mo` or `lundi`.
///
/// # Errors
/// When it is none.
pub fn weekday(field: &'static str, text: &str) -> Result<Weekday, FieldError> {
    let small = text.trim().to_lowercase();
    let named = |weekday: &Weekday| {
        small == weekday.as_str() || small == weekday.label_fr() || small == weekday.label_en().to_lowercase()
    };
    Weekday::ALL.into_iter().find(named).ok_or_else(|| {
        FieldError::new(
            field,
            format!("« {} » n’est pas un jour de la semaine : lundi, mardi… ou mo, tu…", short(text)),
        )
    })
}

/// A variant.
///
/// # Errors
/// When it is none.
pub fn variant(field: &'static str, text: &str) -> Result<Variant, FieldError> {
    text.trim().parse().map_err(|_| {
        let why = format!(
            "« {} » inconnu : every, odd, even, 1st à 5th, last, school, holiday, 07-01..08-31 ou 2026-07-01..2026-08-31",
            short(text)
        );
        FieldError::new(field, why)
    })
}

/// A place: `-` for the site itself, or a short name.
///
/// # Errors
/// When it has not the shape of one.
pub fn place(field: &'static str, text: &str) -> Result<Place, FieldError> {
    text.trim().parse().map_err(|_| FieldError::new(field, short_name(text, "« - » pour la maison même, ou ")))
}

/// A place, or `*` for all.
///
/// # Errors
/// When it has not the shape of one.
pub fn place_or_all(field: &'static str, text: &str) -> Result<Where, FieldError> {
    let why = || short_name(text, "« * » pour toute la maison, « - » pour la maison même, ou ");
    text.trim().parse().map_err(|_| FieldError::new(field, why()))
}

/// A short name.
///
/// # Errors
/// When it has not the shape of one.
pub fn slug(field: &'static str, text: &str) -> Result<Slug, FieldError> {
    text.trim().parse().map_err(|_| FieldError::new(field, short_name(text, "")))
}

fn short_name(text: &str, others: &str) -> String {
    format!("« {} » : {others}un nom de 1 à 24 caractères parmi a-z, 0-9 et « - »", short(text))
}

/// A partner: a code such as `CNAF`, or `LOCAL:nom`.
///
/// # Errors
/// When it has not the shape of one.
pub fn operator(field: &'static str, text: &str) -> Result<OperatorToken, FieldError> {
    text.trim().parse().map_err(|_| {
        let why = format!("« {} » n’est pas un partenaire : un code comme CNAF, ou LOCAL:ecrivain-public", short(text));
        FieldError::new(field, why)
    })
}

/// A reason's code.
///
/// # Errors
/// When it is not in the list.
pub fn reason(field: &'static str, text: &str) -> Result<Reason, FieldError> {
    Reason::known(text.trim()).ok_or_else(|| {
        let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        FieldError::new(field, format!("motif « {} » inconnu : {}", short(text), codes.join(", ")))
    })
}

/// A text of several lines; other control characters become spaces.
///
/// # Errors
/// When it is empty.
pub fn text(field: &'static str, text: &str) -> Result<Text, FieldError> {
    let clean: String =
        text.replace("\r\n", "\n").chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    // A lone dash would take the fact back.
    let clean = if clean.trim() == "-" { String::new() } else { clean };
    clean.parse().map_err(|_| FieldError::new(field, "écrivez un texte, ou retirez celui qui existe"))
}

/// What a place is called, and its address, which may be empty.
///
/// # Errors
/// When one of them is too long, has several lines, or the label is empty.
pub fn place_label(label: &str, address: &str) -> Result<PlaceLabel, FieldError> {
    let (label, address) = (label.trim(), address.trim());
    let why = "écrivez sur une ligne de 1 à 120 octets, sans « | »";
    let label: Line<120> = line("label", label).map_err(|_| FieldError::new("label", why))?;
    if address.len() > 300 || address.contains('|') || address.contains(char::is_control) {
        return Err(FieldError::new("address", "écrivez l’adresse sur une ligne de 300 octets au plus, sans « | »"));
    }
    Ok(PlaceLabel { label, address: address.to_owned() })
}

/// One line of text.
///
/// # Errors
/// When it is empty, too long or has several lines.
pub fn line<const MAX: usize>(field: &'static str, text: &str) -> Result<Line<MAX>, FieldError> {
    let why = || FieldError::new(field, format!("écrivez sur une ligne de 1 à {MAX} octets, sans « | »"));
    if text.contains(char::is_control) {
        return Err(why());
    }
    text.trim().parse().map_err(|_| why())
}

/// A bounded piece of what was written: it may be anything.
fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}
