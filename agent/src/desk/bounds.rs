//! What may be counted under: every check on a count stands before the first write.

use msap_shared::code::{Age, Help, known_operator};
use msap_shared::document::visits::COUNT_PLAUSIBLE_MAX;
use msap_shared::time::Day;

use super::invalid;
use crate::catalogue;
use crate::command::{CommandError, Count};
use crate::core::clock::{Doubt, Today};

pub(super) fn codes(operator: Option<&str>, help: Option<&str>, age: Option<&str>) -> Result<(), CommandError> {
    if let Some(code) = operator.filter(|code| known_operator(code).is_none()) {
        return invalid("operator", catalogue::unknown_operator(code));
    }
    if let Some(code) = help.filter(|code| Help::known(code).is_none()) {
        return invalid("help", catalogue::unknown_help(code));
    }
    if let Some(code) = age.filter(|code| Age::known(code).is_none()) {
        return invalid("age", catalogue::unknown_age(code));
    }
    Ok(())
}

pub(super) fn number(count: &Count) -> Result<(), CommandError> {
    let n = count.people;
    if n == 0 || !(-COUNT_PLAUSIBLE_MAX..=COUNT_PLAUSIBLE_MAX).contains(&n) {
        return invalid("n", format!("{n} : comptez de 1 à {COUNT_PLAUSIBLE_MAX} personnes par touche"));
    }
    let reason = count.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if n > 0 {
        return match reason {
            // Kept nowhere that anybody reads: better refused than lost.
            Some(_) => invalid("reason", "un motif ne va qu’avec un nombre négatif : retirez-le"),
            None => Ok(()),
        };
    }
    if count.same_visit {
        return invalid("n", format!("{n} : une demande de la même visite compte au moins 1"));
    }
    if count.day.is_none() {
        return invalid("day", "une correction négative dit de quel jour : ajoutez --day AAAA-MM-JJ");
    }
    if reason.is_none() {
        return invalid("reason", "une correction négative dit pourquoi : ajoutez --reason TEXTE");
    }
    Ok(())
}

pub(super) fn not_to_come(field: &'static str, day: Day, today: Day) -> Result<(), CommandError> {
    if day > today {
        return invalid(field, format!("{day} est dans l’avenir : aujourd’hui, ici, est le {today}"));
    }
    Ok(())
}

/// Nothing new is counted on a day that nobody believes.
pub(super) fn day_is_known(today: Today) -> Result<(), CommandError> {
    let Some(Doubt { shown, likely }) = today.doubt.filter(|_| today.is_asked()) else { return Ok(()) };
    let likely = likely.map_or_else(String::new, |day| format!(", sans doute le {day}"));
    invalid(
        "day",
        format!(
            "l’horloge de ce poste indique le {shown}, ce qui ne va pas : dites d’abord quel jour nous \
             sommes{likely}, en haut de la page ou par --day AAAA-MM-JJ"
        ),
    )
}
