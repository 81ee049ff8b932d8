//! What people read of stored facts.

use super::*;

#[test]
fn every_fact_has_words_for_people() {
    for (key, value, words) in [
        (
            "hours|2026-11-23|odd|mo|-",
            "list|2026-11-20|09:00-12:30,14:00-17:00/appointment/2",
            "horaires, lundi, semaines impaires, à partir du lundi 23 novembre 2026 : 9 h – 12 h 30, 14 h – 17 h sur \
             rendez-vous (2 agents)",
        ),
        (
            "on|2026-12-24..2026-12-31|*",
            "national|2026-11-20|closed|holiday",
            "exception, du jeudi 24 décembre 2026 au jeudi 31 décembre 2026 : fermé : congés ou pont",
        ),
        (
            "off|2026-12-01|CNAF|-",
            "national|2026-11-20|cancelled|strike",
            "permanence CAF, le mardi 1er décembre 2026 : annulée : grève",
        ),
        (
            "presence|CNAF",
            "list|2026-11-20|reachable|3230||2026-11-20",
            "disponibilité CAF : joignable, 3230, vérifié le vendredi 20 novembre 2026",
        ),
        (
            "hours|2026-11-23|holiday|-|-",
            "list|2026-11-20|-",
            "horaires, jours fériés, à partir du lundi 23 novembre 2026 : retiré",
        ),
        (
            "hours|2026-11-23|12-15..01-01|mo|-",
            "list|2026-11-20|closed",
            "horaires, lundi, chaque année du 15 décembre au 1er janvier, à partir du lundi 23 novembre 2026 : fermé",
        ),
        ("later|x", "list|2026-11-20|y", "later|x : y"),
    ] {
        assert_eq!(fact(key, value, Lang::Fr), words);
    }
}
