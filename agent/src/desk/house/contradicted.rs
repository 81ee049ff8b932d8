//! Which contradictions a decision would end.
//!
//! Whoever writes here has seen all that stands here, so that an edit settles what stood under its
//! key. That is right only where a person meant it: hence what is touched is found before anything
//! is written, and what is put aside is told.

use msap_shared::document::DocKind;
use msap_shared::document::register::{Edits, Entry, Facts};
use msap_shared::document::schedule::Key;
use msap_shared::schedule::Schedule;

use crate::command::house::Disputed;
use crate::desk::documents;

/// The contradictions under the keys of these edits, and those that hold on the day from which an
/// edit holds instead.
pub(super) fn by(kind: DocKind, facts: &Facts, edits: &Edits) -> Vec<Disputed> {
    let all = documents::disputed(kind, facts);
    if all.is_empty() || edits.is_empty() {
        return Vec::new();
    }
    let schedule = Schedule::read(facts);
    let stood: Vec<String> =
        edits.iter().flat_map(|(key, _)| [Some(key.clone()), in_force(&schedule, key)]).flatten().collect();
    all.into_iter().filter(|disputed| stood.contains(&disputed.conflict.key)).collect()
}

/// The key of the rule that holds where this one begins.
fn in_force(schedule: &Schedule, key: &str) -> Option<String> {
    match Key::parse(key).ok()?? {
        Key::Hours { from, variant, weekday, place } => {
            let of = (&place, variant, weekday);
            let mut rules = schedule.hours_on(from);
            rules.find(|(p, v, w, _)| (*p, *v, *w) == of).map(|(.., said)| said.key().to_string())
        }
        Key::Permanence { from, operator, variant, weekday, place } => {
            let of = (&operator, &place, variant, weekday);
            let mut rules = schedule.permanences_on(from);
            rules.find(|(o, p, v, w, _)| (*o, *p, *v, *w) == of).map(|(.., said)| said.key().to_string())
        }
        _ => None,
    }
}

/// The contradiction without the version that was written now.
pub(super) fn others(mut disputed: Disputed, edits: &Edits) -> Disputed {
    let key = &disputed.conflict.key;
    let now = edits.iter().find(|(written, _)| written == key).and_then(|(_, value)| Entry::parse(value).ok());
    disputed.conflict.versions.retain(|(_, body)| now.as_ref().is_none_or(|now| now.body != body));
    disputed
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "device:5f1e0c9a12b4d677|2026-11-20|09:00-12:00";
    const TWO: &str = "department:49|2026-11-20|closed";

    #[test]
    fn an_edit_touches_the_contradiction_that_it_would_end_or_take_the_place_of() {
        let key = "hours|2026-11-01|every|we|-";
        let facts = Facts::from([
            (key.to_owned(), vec![ONE.to_owned(), TWO.to_owned()]),
            ("hours|2026-11-01|every|th|-".to_owned(), vec![ONE.to_owned()]),
            ("presence|CNAF".to_owned(), vec![TWO.to_owned(), ONE.to_owned()]),
        ]);
        let touched = |kind: DocKind, key: &str, body: &str| {
            let edits = vec![(key.to_owned(), format!("device:0000000000000000|2026-11-22|{body}"))];
            let found = by(kind, &facts, &edits).into_iter().map(|disputed| others(disputed, &edits));
            found.map(|disputed| (disputed.conflict.key, disputed.conflict.versions.len())).collect::<Vec<_>>()
        };
        let hours = |key: &str, body: &str| touched(DocKind::Schedule, key, body);
        assert_eq!(hours(key, "10:00-11:00"), [(key.to_owned(), 2)], "both are put aside");
        assert_eq!(hours(key, "closed"), [(key.to_owned(), 1)], "one of them is what is written");
        assert_eq!(hours("hours|2026-11-22|every|we|-", "closed")[0].0, key, "it holds where the new rule begins");
        assert_eq!(hours("hours|2026-11-22|odd|we|-", "closed"), [], "another rule");
        assert_eq!(hours("hours|2026-11-22|every|th|-", "closed"), []);
        assert_eq!(hours("hours|2026-10-01|every|we|-", "closed"), [], "before it");
        let presence = touched(DocKind::Partners, "presence|CNAF", "absent||2026-11-22");
        assert_eq!(presence, [("presence|CNAF".to_owned(), 2)]);
    }
}
