//! Numbers with what they count: one of it, or several.

use crate::lang::{Lang, counted};

/// Visits.
pub fn visits(n: i64, lang: Lang) -> String {
    counted(n, lang, ["visite", "visites"], ["visit", "visits"])
}

/// Requests.
pub fn requests(n: i64, lang: Lang) -> String {
    counted(n, lang, ["demande", "demandes"], ["request", "requests"])
}

/// Visits, where they can be told, and requests.
pub fn figures(visits: Option<i64>, requests: i64, lang: Lang) -> String {
    let visits = visits.map(|n| self::visits(n, lang));
    visits.into_iter().chain([self::requests(requests, lang)]).collect::<Vec<_>>().join(", ")
}

/// Days.
pub fn days(n: impl TryInto<i64>, lang: Lang) -> String {
    counted(n, lang, ["jour", "jours"], ["day", "days"])
}

/// Sites.
pub fn sites(n: impl TryInto<i64>, lang: Lang) -> String {
    counted(n, lang, ["lieu", "lieux"], ["site", "sites"])
}

/// Machines.
pub fn machines(n: impl TryInto<i64>, lang: Lang) -> String {
    counted(n, lang, ["poste", "postes"], ["machine", "machines"])
}

/// Changes.
pub fn changes(n: impl TryInto<i64>, lang: Lang) -> String {
    counted(n, lang, ["changement", "changements"], ["change", "changes"])
}

/// Days reported of those expected.
pub fn reported(reported: u32, expected: u32, lang: Lang) -> String {
    let reported = counted(reported, lang, ["jour reçu", "jours reçus"], ["day reported", "days reported"]);
    let expected = counted(expected, lang, ["attendu", "attendus"], ["expected", "expected"]);
    lang.of(format!("{reported} sur {expected}"), format!("{reported} of {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_so_is_nothing_in_french() {
        let both = |lang| [figures(Some(1), 0, lang), reported(1, 1, lang), sites(2_u64, lang), days(1_u32, lang)];
        assert_eq!(both(Lang::Fr), ["1 visite, 0 demande", "1 jour reçu sur 1 attendu", "2 lieux", "1 jour"]);
        assert_eq!(both(Lang::En), ["1 visit, 0 requests", "1 day reported of 1 expected", "2 sites", "1 day"]);
        assert_eq!(figures(None, -1, Lang::Fr), "-1 demande");
    }
}
