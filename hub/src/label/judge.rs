//! Each check of one house, from its schedule, its partners and what it reported. Pure.

use std::collections::BTreeSet;

use msap_shared::document::partners::{Agreement, AgreementStatus, Mode, Partner};
use msap_shared::document::register::{Register, Said};
use msap_shared::document::schedule::{DayHours, OperatorToken};
use msap_shared::schedule::{weekly_minutes, weekly_staffed};
use msap_shared::time::{Day, Month};
use msap_shared::wording::{calendar_day, calendar_days, month};
use serde_json::{Value, json};

use super::{Check, Evidence, LabelRules, Months, Verdict};
use crate::almanac::{Book, Pages};
use crate::completeness::told::range;
use crate::lang::{Lang, counted};
use crate::site::Site;

/// Social partners and those of employment, as the catalogue has them: one of them is to be had.
pub(super) const SOCIAL: [&str; 10] = [
    "FRANCE_TRAVAIL",
    "CNAF",
    "CNAM",
    "CNAV",
    "MSA",
    "MISSION_LOCALE",
    "DEPARTEMENT",
    "CCAS",
    "MDS",
    "ASSISTANTE_SOCIALE",
];

type Judged = (Verdict, Evidence);

/// All checks, in their order.
pub(super) fn all(pages: &Pages, site: &Site, today: Day, months: Option<&Months>) -> Vec<(Check, Verdict, Evidence)> {
    let none = Book::default();
    let book = pages.book(&site.id).map_or(&none, |book| book);
    let rules = &pages.rules().label;
    let stale = pages.rules().stale_after_days;
    let judged = |check: Check| -> Judged {
        match check {
            Check::Hours => hours(book, site, today, rules),
            Check::Staff => staff(book, site, today, rules),
            Check::Partners => partners(book, today, stale, rules),
            Check::Signatories => signatories(book, today, stale),
            Check::Statistics => statistics(months),
            Check::PublishedHours => published(book, today, rules),
        }
    };
    let row = |check: Check| {
        let (verdict, evidence) = judged(check);
        (check, verdict, evidence)
    };
    Check::ALL.map(row).into()
}

fn evidence(fr: impl Into<String>, en: impl Into<String>, numbers: Vec<(&'static str, Value)>) -> Evidence {
    Evidence { fr: fr.into(), en: en.into(), numbers }
}

/// Minutes as people say them.
fn clock(minutes: u32) -> String {
    format!("{} h {:02}", minutes / 60, minutes % 60)
}

/// How far so many minutes are there.
fn far(minutes: u32, rules: &LabelRules) -> Verdict {
    match minutes {
        minutes if minutes < rules.minutes => Verdict::NotMet,
        minutes if minutes < rules.minutes + rules.near_minutes => Verdict::AtRisk,
        _ => Verdict::Met,
    }
}

/// The minutes of the regular week of a house, or why they are not known.
fn regular(book: &Book, site: &Site, today: Day) -> Result<u32, Judged> {
    let (fr, en) = match weekly_minutes(&book.schedule, today) {
        _ if site.is_itinerant() => ("lieu itinérant", "it moves about"),
        Some(minutes) => return Ok(minutes),
        None if !book.has_hours(today) => ("horaires non renseignés", "no hours known"),
        None => (
            "horaires contradictoires ou sans semaine ordinaire",
            "hours that contradict each other, or no regular week",
        ),
    };
    Err((Verdict::Unknown, evidence(fr, en, Vec::new())))
}

fn hours(book: &Book, site: &Site, today: Day, rules: &LabelRules) -> Judged {
    let minutes = match regular(book, site, today) {
        Ok(minutes) => minutes,
        Err(unknown) => return unknown,
    };
    let (week, least) = (clock(minutes), clock(rules.minutes));
    let (lacks_fr, lacks_en) = match rules.minutes.saturating_sub(minutes) {
        0 => (String::new(), String::new()),
        rest => (format!(" : il manque {}", clock(rest)), format!(": {} are missing", clock(rest))),
    };
    let told = evidence(
        format!("{week} d’ouverture par semaine ordinaire, {least} demandées{lacks_fr}"),
        format!("open {week} in the regular week, {least} asked for{lacks_en}"),
        vec![("weekly_minutes", json!(minutes)), ("minutes_min", json!(rules.minutes))],
    );
    (far(minutes, rules), told)
}

fn staff(book: &Book, site: &Site, today: Day, rules: &LabelRules) -> Judged {
    if let Err(unknown) = regular(book, site, today) {
        return unknown;
    }
    let Some((surely, at_most)) = weekly_staffed(&book.schedule, today, rules.agents) else {
        let told = evidence("effectifs contradictoires", "numbers of agents contradict each other", Vec::new());
        return (Verdict::Unknown, told);
    };
    let verdict = match (far(surely, rules), far(at_most, rules)) {
        (_, Verdict::NotMet) => Verdict::NotMet,
        // What was not said could make the difference.
        (Verdict::NotMet, _) => Verdict::Unknown,
        (verdict, _) => verdict,
    };
    let (agents, least) = (rules.agents, clock(rules.minutes));
    let (open_fr, open_en) = match at_most - surely {
        0 => (String::new(), String::new()),
        rest => (
            format!(", {} sans effectif renseigné", clock(rest)),
            format!(", {} of which the number of agents was not said", clock(rest)),
        ),
    };
    let told = evidence(
        format!("{} à {agents} agents au moins{open_fr}, {least} demandées", clock(surely)),
        format!("{} with {agents} agents at least{open_en}, {least} asked for", clock(surely)),
        vec![
            ("staffed_minutes", json!(surely)),
            ("staffed_minutes_max", json!(at_most)),
            ("minutes_min", json!(rules.minutes)),
            ("agents", json!(agents)),
        ],
    );
    (verdict, told)
}

/// Whether a partner can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Had {
    /// It comes, or can be reached; confirmed lately.
    Yes,
    /// A part of its service, at a distance.
    Partly,
    /// Said too long ago, contradicted, or not said.
    Doubtful,
    /// It cannot.
    No,
}

/// What is said of a partner by the partners document and, where that says nothing that can be
/// believed, by the schedule: whoever comes is present, as `availability` has it of a day.
fn had(book: &Book, (operator, partner): (&OperatorToken, Option<&Partner>), today: Day, stale_after_days: u16) -> Had {
    let presence = partner.and_then(|partner| partner.presence.as_ref());
    if presence.is_some_and(Register::is_conflict) {
        return Had::Doubtful;
    }
    let said = presence.and_then(|register| register.agreed()?.body.as_ref());
    match said.filter(|presence| !presence.is_stale(today, stale_after_days)).map(|presence| presence.mode) {
        Some(Mode::Absent) => Had::No,
        Some(Mode::Permanence | Mode::Reachable) => Had::Yes,
        Some(Mode::Partial) if comes(book, operator, today) == Some(true) => Had::Yes,
        Some(Mode::Partial) => Had::Partly,
        None if comes(book, operator, today) == Some(true) => Had::Yes,
        None => Had::Doubtful,
    }
}

/// Whether the schedule in force has a partner come; `None` where it says nothing of that.
/// `Some(false)`: people contradict each other on it.
fn comes(book: &Book, operator: &OperatorToken, today: Day) -> Option<bool> {
    let rules = book.schedule.permanences_on(today).filter(|(of, ..)| *of == operator).map(|(.., said)| said);
    let opens = |said: &Said<DayHours>| said.body.as_ref().is_some_and(|hours| !hours.is_closed());
    rules.filter(|said| said.all().any(opens)).map(|said| said.all().all(opens)).max()
}

/// Every partner of whom it is said how it can be had: what was taken back says nothing.
fn known(book: &Book, today: Day) -> BTreeSet<&OperatorToken> {
    let is_said =
        |partner: &Partner| partner.presence.as_ref().is_some_and(|said| said.all().any(|said| said.body.is_some()));
    let said = book.partners.operators().filter(|(_, partner)| is_said(partner)).map(|(operator, _)| operator);
    let come = book.schedule.permanences_on(today).map(|(operator, ..)| operator);
    said.chain(come.filter(|operator| comes(book, operator, today).is_some())).collect()
}

fn is_social(operator: &OperatorToken) -> bool {
    matches!(operator, OperatorToken::Known(code) if SOCIAL.contains(&code.as_str()))
}

/// What is said of partners, in words and codes.
fn list(book: &Book, found: &[(&OperatorToken, Had)], which: &[Had]) -> (String, Value) {
    let among: Vec<_> = found.iter().filter(|(_, had)| which.contains(had)).map(|(operator, _)| *operator).collect();
    let words: Vec<_> = among.iter().map(|operator| book.label(operator)).collect();
    (words.join(", "), among.iter().map(|operator| json!(operator.to_string())).collect())
}

fn partners(book: &Book, today: Day, stale: u16, rules: &LabelRules) -> Judged {
    let partner = |operator| (operator, book.partners.partner(operator));
    let found: Vec<_> =
        known(book, today).into_iter().map(|operator| (operator, had(book, partner(operator), today, stale))).collect();
    let enough = |which: &[Had]| {
        let among: Vec<_> = found.iter().filter(|(_, had)| which.contains(had)).collect();
        among.len() >= rules.partners && among.iter().any(|(operator, _)| is_social(operator))
    };
    let verdict = match () {
        () if found.is_empty() => Verdict::Unknown,
        () if enough(&[Had::Yes]) => Verdict::Met,
        () if enough(&[Had::Yes, Had::Partly]) => Verdict::AtRisk,
        () if enough(&[Had::Yes, Had::Partly, Had::Doubtful]) => Verdict::Unknown,
        () => Verdict::NotMet,
    };
    if found.is_empty() {
        return (verdict, evidence("aucun partenaire renseigné", "nothing said of any partner", Vec::new()));
    }
    let least = rules.partners;
    let judged = told(book, (today, stale), &found, verdict, least);
    if verdict == Verdict::Met { judged } else { lacking(judged, &found, least) }
}

/// What is missing for enough partners to be had: how many, and whether one that is social or of
/// employment.
fn lacking((verdict, mut told): Judged, found: &[(&OperatorToken, Had)], least: usize) -> Judged {
    let had: Vec<_> = found.iter().filter(|(_, had)| *had == Had::Yes).map(|(operator, _)| *operator).collect();
    let (lacks, social) = (least.saturating_sub(had.len()), !had.into_iter().any(is_social));
    for (lang, text) in [(Lang::Fr, &mut told.fr), (Lang::En, &mut told.en)] {
        let more = (
            ["partenaire présent ou joignable", "partenaires présents ou joignables"],
            ["partner that is present or reachable", "partners that are present or reachable"],
        );
        let one = lang.of("un partenaire social ou de l’emploi", "a social partner or one of employment");
        let parts = [(lacks > 0).then(|| counted(lacks, lang, more.0, more.1)), social.then(|| one.to_owned())];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let parts = parts.join(lang.of(", dont ", ", among them "));
        text.push_str(&lang.of(format!(" ; il manque {parts}"), format!("; missing: {parts}")));
    }
    told.numbers.push(("lacks_partners", json!(lacks)));
    told.numbers.push(("lacks_social", json!(social)));
    (verdict, told)
}

/// A verdict on partners with what is said of them.
fn told(book: &Book, by: (Day, u16), found: &[(&OperatorToken, Had)], verdict: Verdict, least: usize) -> Judged {
    let (yes, yes_codes) = list(book, found, &[Had::Yes]);
    let (partly, partly_codes) = list(book, found, &[Had::Partly]);
    let (_, doubtful_codes) = list(book, found, &[Had::Doubtful]);
    let doubtful = |lang| {
        let among = found.iter().filter(|(_, had)| *had == Had::Doubtful).map(|(operator, _)| *operator);
        let why = |operator| doubt(book.partners.partner(operator), by, lang);
        among.map(|operator| format!("{} ({})", book.label(operator), why(operator))).collect::<Vec<_>>().join(", ")
    };
    let (no, no_codes) = list(book, found, &[Had::No]);
    let words = |lang: Lang| {
        let parts = [
            (lang.of("présents ou joignables", "present or reachable"), yes.clone()),
            (lang.of("en partie, à distance", "in part, at a distance"), partly.clone()),
            (lang.of("à confirmer", "to be confirmed"), doubtful(lang)),
            (lang.of("ni présents ni joignables", "neither present nor reachable"), no.clone()),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let told = parts.map(|(how, names)| lang.of(format!("{how} : {names}"), format!("{how}: {names}")));
        told.collect::<Vec<_>>().join(lang.of(" ; ", "; "))
    };
    let numbers = vec![
        ("available", yes_codes),
        ("partial", partly_codes),
        ("to_confirm", doubtful_codes),
        ("absent", no_codes),
        ("partners_min", json!(least)),
    ];
    (verdict, evidence(words(Lang::Fr), words(Lang::En), numbers))
}

/// Why it is not known whether a partner can be had.
fn doubt(partner: Option<&Partner>, (today, stale_after_days): (Day, u16), lang: Lang) -> String {
    let presence = partner.and_then(|partner| partner.presence.as_ref());
    if presence.is_some_and(Register::is_conflict) {
        return lang.of("contredit", "contradicted").to_owned();
    }
    let Some(said) = presence.and_then(|register| register.agreed()?.body.as_ref()) else {
        return lang.of("jamais confirmé", "never confirmed").to_owned();
    };
    match said.until.filter(|until| today > *until) {
        _ if !said.is_stale(today, stale_after_days) => {
            lang.of("convention contredite", "agreement contradicted").to_owned()
        }
        Some(until) => {
            let until = calendar_day(until, lang);
            lang.of(format!("dit jusqu’au {until}"), format!("said until {until}"))
        }
        None => {
            let checked = calendar_day(said.checked_on, lang);
            lang.of(format!("confirmé le {checked}, trop ancien"), format!("confirmed on {checked}, too long ago"))
        }
    }
}

fn signatories(book: &Book, today: Day, stale: u16) -> Judged {
    // Whether it was signed is what matters; when it was may be contradicted.
    let signed = |said: &Said<Agreement>| {
        said.body.as_ref().is_some_and(|agreement| agreement.status == AgreementStatus::Signed)
    };
    let judged = |(operator, partner): (&OperatorToken, &Partner)| {
        let said = partner.agreement.as_ref()?;
        match (said.all().any(signed), said.all().all(signed)) {
            (false, _) => None,
            (true, true) => Some(had(book, (operator, Some(partner)), today, stale)),
            (true, false) => Some(Had::Doubtful),
        }
    };
    let found: Vec<_> = book
        .partners
        .operators()
        .filter_map(|(operator, partner)| Some((operator, judged((operator, partner))?)))
        .collect();
    let any = |which: Had| found.iter().any(|(_, had)| *had == which);
    let verdict = match () {
        () if found.is_empty() => {
            let told = evidence("aucune convention renseignée", "nothing said of any agreement", Vec::new());
            return (Verdict::Unknown, told);
        }
        () if any(Had::No) => Verdict::NotMet,
        () if any(Had::Partly) => Verdict::AtRisk,
        () if any(Had::Doubtful) => Verdict::Unknown,
        () => Verdict::Met,
    };
    told(book, (today, stale), &found, verdict, found.len())
}

fn statistics(months: Option<&Months>) -> Judged {
    let Some(Months { from, to, tally, missing }) = months.filter(|months| months.tally.expected > 0) else {
        let told = evidence("aucun jour n’était attendu", "no day was expected", Vec::new());
        return (Verdict::Unknown, told);
    };
    let stretches: Vec<_> = missing.iter().flat_map(|named| &named.days).copied().collect();
    let days: Vec<_> = stretches.iter().map(|(from, to)| range(*from, *to)).collect();
    let period = if from == to { from.to_string() } else { format!("{from}/{to}") };
    let (expected, reported, lacks) = (tally.expected, tally.reported, tally.missing());
    let listed = |words: Vec<String>| if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
    let days_fr = listed(stretches.iter().map(|stretch| calendar_days(*stretch, Lang::Fr)).collect());
    let days_en = listed(days.clone());
    let numbers = vec![
        ("period", json!(period)),
        ("expected", json!(expected)),
        ("reported", json!(reported)),
        ("late", json!(tally.late)),
        ("missing", json!(lacks)),
        ("days", json!(days)),
    ];
    let said = |n: u32, fr: [&str; 2]| counted(n, Lang::Fr, fr, fr);
    let told = evidence(
        format!(
            "{} : {} sur {expected}, {}{days_fr}",
            between((*from, *to)),
            said(reported, ["jour reçu", "jours reçus"]),
            said(lacks, ["manquant", "manquants"]),
        ),
        format!("{period}: {reported} days reported of {expected}, {lacks} missing{days_en}"),
        numbers,
    );
    (if lacks == 0 { Verdict::Met } else { Verdict::NotMet }, told)
}

/// One month, or several, in French.
fn between((from, to): (Month, Month)) -> String {
    let (first, last) = (month(from, Lang::Fr), month(to, Lang::Fr));
    if from == to { first } else { format!("{first} à {last}") }
}

fn published(book: &Book, today: Day, rules: &LabelRules) -> Judged {
    let months = rules.confirmed_months;
    let Some(confirmed) = book.schedule.checked_on() else {
        return (Verdict::Unknown, evidence("horaires jamais confirmés", "hours never confirmed", Vec::new()));
    };
    let span = jiff::Span::new().months(months);
    let until = confirmed.date().checked_add(span).map_or(confirmed, Day::nearest);
    let verdict = match () {
        () if today > until => Verdict::NotMet,
        // A month is left to confirm them again.
        () if today.plus_days(30) > until => Verdict::AtRisk,
        () => Verdict::Met,
    };
    let told = evidence(
        format!("horaires confirmés le {}, pour {months} mois", calendar_day(confirmed, Lang::Fr)),
        format!("hours confirmed on {confirmed}, for {months} months"),
        vec![("confirmed_on", json!(confirmed.to_string())), ("until", json!(until.to_string()))],
    );
    (verdict, told)
}
