//! What people call the codes, and what they are told of a code that nobody knows.
//!
//! Called by the desk, the page, the command line and the settings, so that one thing has one
//! wording everywhere.

pub use msap_shared::code::operator_label;
use msap_shared::code::{Age, Help, OPERATORS};
use msap_shared::document::visits::Visit;

/// Most codes proposed for one that is unknown.
const NEAREST_MAX: usize = 3;
/// How alike, from 0 to 1, a code or its label must be to be proposed.
const LIKENESS_MIN: f64 = 0.75;
/// Most characters quoted of a text that may be hostile.
const QUOTED_MAX: usize = 40;

/// An operator with its code where the label does not give it away: `CAF (CNAF)`, but `MSA`.
pub fn operator_named(code: &str) -> String {
    let label = operator_label(code);
    if label.eq_ignore_ascii_case(code) { label.to_owned() } else { format!("{label} ({code})") }
}

/// What people call a kind of help.
pub fn help_label(code: &str) -> &str {
    Help::known(code).map_or(code, |help| help.label_fr())
}

/// What people call an age bracket.
pub fn age_label(code: &str) -> &str {
    Age::known(code).map_or(code, |age| age.label_fr())
}

/// What a visit is counted under, in words.
pub fn matter(visit: &Visit) -> String {
    let (operator, help, age) = (visit.operator.as_str(), visit.help.as_str(), visit.age.as_str());
    format!("{}, {}, {}", operator_label(operator), help_label(help), age_label(age))
}

/// What to say of a text that is no operator's code, with the nearest ones.
pub fn unknown_operator(text: &str) -> String {
    let next = match nearest(text).as_slice() {
        [] => "tous les codes : msap-agent count --help".to_owned(),
        found => format!("vouliez-vous dire {} ? Tous les codes : msap-agent count --help", found.join(" ou ")),
    };
    format!("« {} » n’est pas un code de partenaire ; {next}", quoted(text))
}

/// What to say of a text that is no kind of help.
pub fn unknown_help(text: &str) -> String {
    let codes = Help::ALL.map(Help::as_str).join(", ");
    format!("« {} » n’est pas un type d’aide ; codes : {codes}", quoted(text))
}

/// What to say of a text that is no age bracket.
pub fn unknown_age(text: &str) -> String {
    format!("« {} » n’est pas une tranche d’âge ; codes : {}", quoted(text), Age::CODES.join(", "))
}

/// Every operator, one a line, for help texts.
pub fn operators_listed() -> String {
    let lines = OPERATORS.iter().map(|operator| format!("  {:<20} {}", operator.code, operator.label_fr));
    lines.collect::<Vec<_>>().join("\n")
}

/// A bounded piece of a text that may be hostile.
pub fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_MAX).collect()
}

/// The operators whose code or label comes nearest, likest first.
fn nearest(text: &str) -> Vec<String> {
    let asked = quoted(text.trim()).to_uppercase();
    let likeness = |name: &str| strsim::jaro_winkler(&asked, &name.to_uppercase());
    let mut found: Vec<(f64, &str)> = OPERATORS
        .iter()
        .map(|operator| (likeness(operator.label_fr).max(likeness(operator.code)), operator.code))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    // Stable: of two that are as like, the catalogue's first.
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(NEAREST_MAX).map(|(_, code)| operator_named(code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_is_answered_with_the_nearest_ones() {
        for (text, first) in [
            ("CAF", "CAF (CNAF)"),
            ("impots", "Impôts (DGFIP)"),
            ("FRANCE_TRAVAILLE", "France Travail (FRANCE_TRAVAIL)"),
            ("mairrie", "Mairie"),
        ] {
            let said = unknown_operator(text);
            assert!(said.contains(&format!("vouliez-vous dire {first}")), "{said}");
            assert!(said.len() < 250, "no wall of codes: {said}");
        }
        assert!(unknown_operator("???").contains("tous les codes"));
        assert!(unknown_operator(&"X".repeat(10_000)).len() < 300);
    }

    #[test]
    fn a_label_shows_its_code_where_they_differ() {
        assert_eq!(operator_named("CNAF"), "CAF (CNAF)");
        assert_eq!(operator_named("MSA"), "MSA");
        assert_eq!(operator_named("LATER"), "LATER");
    }
}
