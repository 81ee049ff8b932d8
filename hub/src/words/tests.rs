//! Claims about vocabularies: every code of every list has a word.

use std::collections::BTreeSet;

use msap_shared::code::OPERATORS;
use msap_shared::document::partners::Mode;
use msap_shared::document::schedule::Reason;

use super::*;
use crate::completeness;
use crate::coverage::Cover;
use crate::label::Check;
use crate::ledger::{self, Flag};
use crate::site::STATES;
use crate::store::devices::Standing;
use crate::store::flagged::NEGATIVE;
use crate::store::journal;

/// The codes of the lists that types have, by the vocabulary that must have a word for each.
fn owned() -> Vec<(Vocabulary, Vec<&'static str>)> {
    let flags = Flag::ALL.into_iter().map(Flag::as_str).chain([NEGATIVE]);
    vec![
        (Vocabulary::Age, Age::CODES.to_vec()),
        (Vocabulary::Agreement, AgreementStatus::ALL.map(AgreementStatus::as_str).to_vec()),
        (Vocabulary::Availability, Availability::ALL.map(Availability::as_str).to_vec()),
        (Vocabulary::Decision, ledger::Verdict::ALL.map(ledger::Verdict::as_str).to_vec()),
        (Vocabulary::Help, Help::ALL.map(Help::as_str).to_vec()),
        (Vocabulary::Kind, Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
        (Vocabulary::Life, Life::ALL.iter().map(|life| life.as_str()).collect()),
        (Vocabulary::Reason, flags.collect()),
        (Vocabulary::Reason, crate::admin::REFUSALS.to_vec()),
        (Vocabulary::SiteState, STATES.to_vec()),
        (Vocabulary::Standing, Standing::ALL.map(Standing::as_str).to_vec()),
        (Vocabulary::LabelState, crate::site::LABEL_STATES.to_vec()),
        (Vocabulary::Verdict, Verdict::ALL.map(Verdict::as_str).to_vec()),
    ]
}

/// Every code that is one of ours and no word of French: what no French table may show outside a
/// column that identifies.
pub(crate) fn codes() -> BTreeSet<&'static str> {
    let listed = Vocabulary::ALL.into_iter().flat_map(|of| of.listed().iter().map(|(code, _)| *code));
    let without_vocabulary = (Cover::ALL.map(Cover::as_str).into_iter())
        .chain(Check::ALL.map(Check::as_str))
        .chain(Mode::ALL.map(Mode::as_str))
        .chain(completeness::Reason::ALL.map(completeness::Reason::as_str))
        .chain(Reason::ALL.iter().map(|reason| reason.as_str()))
        .chain(OPERATORS.map(|operator| operator.code))
        .chain(["true", "false"]);
    let mut codes: BTreeSet<_> = owned().into_iter().flat_map(|(_, codes)| codes).collect();
    codes.extend(listed.chain(without_vocabulary));
    let words = Vocabulary::ALL.into_iter().flat_map(|of| codes.iter().filter_map(move |code| of.french(code)));
    let words: BTreeSet<_> = words
        .chain(Cover::ALL.map(Cover::label_fr))
        .chain(Mode::ALL.map(Mode::label_fr))
        .chain(OPERATORS.map(|operator| operator.label_fr))
        .collect();
    codes.into_iter().filter(|code| !words.contains(code)).collect()
}

#[test]
fn every_code_of_a_list_has_a_word() {
    for (vocabulary, codes) in owned() {
        for code in codes {
            assert!(vocabulary.french(code).is_some(), "{vocabulary:?} {code}");
        }
    }
    let kinds: BTreeSet<_> =
        ACTIONS.iter().filter_map(|(action, _)| action.split_once('.')).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, BTreeSet::from(journal::KINDS));
}

#[test]
fn a_table_speaks_the_language_of_its_reader_and_unknown_words_stay() {
    for (column, code, fr, en) in [
        ("life", "never", "never", "never"),
        ("state", "never_connected", "jamais connecté", "never connected"),
        ("reason", "day,clock", "jour impossible, horloge fausse", "day, clock"),
        ("standing", "active, forked", "en service, en double", "active, forked"),
        ("reason", "vol, sans doute", "vol, sans doute", "vol, sans doute"),
        ("age", "70+", "70 et +", "70+"),
        ("name", "open", "open", "open"),
        ("day", "2026-11-03", "03/11/2026", "2026-11-03"),
        ("at", "2026-11-03T09:00:00Z", "03/11/2026 10:00", "2026-11-03T09:00:00Z"),
        ("action", "site.set", "lieu modifié", "site.set"),
        (
            "value",
            "1|DGFIP|online|70+|2",
            "1 personne, Impôts, Démarche en ligne, 70 et +, 2 demandes",
            "1 person, Impôts, online, 70+, 2 requests",
        ),
        (
            "value",
            "-1|ODD|phone|70+|1",
            "-1 personne, ODD, phone, 70 et +, 1 demande",
            "-1 person, ODD, phone, 70+, 1 request",
        ),
        ("value", "45d", "45d", "45d"),
    ] {
        let cell = cell(column, &Value::from(code));
        assert_eq!((cell.shown(Lang::Fr).as_str(), cell.shown(Lang::En).as_str()), (fr, en));
    }
    let several = cell("quality", &serde_json::json!(["no_hours", "zero_slot"]));
    assert_eq!(several.shown(Lang::Fr), "sans horaires, plage de durée nulle");
}
