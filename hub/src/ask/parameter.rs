//! The parameters of addresses: their names, what they take, an example of each.
//!
//! One constant for each, in the list of the question that takes it. Names are sorted out against
//! these lists, and the description of the API is written from them.

use msap_shared::code::{Age, Help, OPERATORS};

use crate::completeness;
use crate::label::{Check, Verdict};
use crate::lang::Phrase;
use crate::ledger::Flag;
use crate::query::{Compare, Key};
use crate::site::{STATES, department_regions, regions};
use crate::store::flagged;
use crate::store::journal::KINDS;

/// The words of a closed list.
pub type Words = fn() -> Vec<&'static str>;

/// What a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// One day.
    Day,
    /// One month.
    Month,
    /// A time of the clock on the wall, or an instant.
    Moment,
    /// One of these words.
    Word(Words),
    /// Some of these words, separated by commas.
    Words(Words),
    /// A text.
    Text,
    /// Texts, separated by commas.
    Texts,
    /// A number of rows, at most so many.
    Rows(u32),
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The stable name.
    pub name: &'static str,
    /// What it is, for people.
    pub says: Phrase,
    /// What it takes.
    pub takes: Takes,
    /// A value that it takes.
    pub example: &'static str,
    /// Whether there is no answer without it.
    pub needed: bool,
}

impl Parameter {
    const fn new(name: &'static str, takes: Takes, example: &'static str, fr: &'static str, en: &'static str) -> Self {
        Self { name, says: Phrase::new(fr, en), takes, example, needed: false }
    }

    /// One that must be there.
    pub const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// The same parameter of an address where it means something a little different.
    pub const fn saying(self, fr: &'static str, en: &'static str) -> Self {
        Self { says: Phrase::new(fr, en), ..self }
    }
}

/// First day.
pub const FROM: Parameter =
    Parameter::new("from", Takes::Day, "2026-11-01", "premier jour, avec to", "first day, together with to");
/// Last day.
pub const TO: Parameter =
    Parameter::new("to", Takes::Day, "2026-11-30", "dernier jour, inclus, avec from", "last day, included, with from");
/// First day, which may stand alone.
pub const FROM_ALONE: Parameter = FROM.saying("premier jour", "first day");
/// Last day, which may stand alone.
pub const TO_ALONE: Parameter = TO.saying("dernier jour, inclus", "last day, included");
/// A month, in the place of from and to.
pub const MONTH: Parameter =
    Parameter::new("month", Takes::Month, "2026-11", "un mois, sans from ni to", "a month, without from and to");
/// A day.
pub const DAY: Parameter = Parameter::new("day", Takes::Day, "2026-11-20", "un jour", "a day");
/// The keys of figures.
pub const BY: Parameter = Parameter::new(
    "by",
    Takes::Words(|| Key::ALL.map(Key::name).into()),
    "month,department",
    "les clés des lignes, dans leur ordre",
    "the keys of the rows, in order",
);
/// The keys of completeness.
pub const BY_PLACE: Parameter =
    Parameter { takes: Takes::Words(|| completeness::keys(&Key::ALL).into_iter().map(Key::name).collect()), ..BY };
/// Sites.
pub const SITE: Parameter =
    Parameter::new("site", Takes::Texts, "275", "identifiants ou alias de lieux", "ids or aliases of sites");
/// Departments.
pub const DEPARTMENT: Parameter = Parameter::new(
    "department",
    Takes::Words(|| department_regions().map(|(department, _)| department).collect()),
    "49",
    "codes de départements",
    "codes of departments",
);
/// Regions.
pub const REGION: Parameter =
    Parameter::new("region", Takes::Words(|| regions().collect()), "52", "codes de régions", "codes of regions");
/// Bearers.
pub const BEARER: Parameter = Parameter::new(
    "bearer",
    Takes::Texts,
    "mairie",
    "porteurs de lieux, tels qu’écrits",
    "bearers of sites, as written",
);
/// Operators of the catalogue.
pub const OPERATOR: Parameter = Parameter::new(
    "operator",
    Takes::Words(|| OPERATORS.iter().map(|operator| operator.code).collect()),
    "CNAF",
    "codes d’opérateurs",
    "codes of operators",
);
/// Partners: operators, or services of one house.
pub const PARTNER: Parameter = Parameter::new(
    "operator",
    Takes::Texts,
    "CNAF",
    "partenaires : des codes comme CNAF, ou LOCAL:nom",
    "partners: codes such as CNAF, or LOCAL:name",
);
/// Types of help.
pub const HELP: Parameter = Parameter::new(
    "help",
    Takes::Words(|| Help::ALL.map(Help::as_str).into()),
    "online",
    "types d’aide",
    "types of help",
);
/// Age brackets.
pub const AGE: Parameter =
    Parameter::new("age", Takes::Words(|| Age::ALL.map(Age::as_str).into()), "25-39", "tranches d’âge", "age brackets");
/// Antennas apart from their house.
pub const ANTENNAS: Parameter = Parameter::new(
    "antennas",
    Takes::Word(|| vec!["apart"]),
    "apart",
    "compte chaque antenne pour elle-même, et non dans sa maison",
    "counts each antenna for itself, not in its house",
);
/// The form of the answer.
pub const FORMAT: Parameter = Parameter::new(
    "format",
    Takes::Word(|| super::FORMS.map(|(word, _)| word).into()),
    "json",
    "la forme de la réponse, avant celle de l’en-tête Accept",
    "the form of the answer, before that of the header Accept",
);
/// The form of a file, which is a table.
pub const TABLE_FORMAT: Parameter =
    Parameter { takes: Takes::Word(|| vec!["csv", "csv-fr"]), example: "csv-fr", ..FORMAT };
/// The period to compare with.
pub const COMPARE: Parameter = Parameter::new(
    "compare",
    Takes::Word(|| Compare::ALL.map(Compare::name).into()),
    "year",
    "compare à la période d’avant, ou à la même un an avant",
    "compares with the period before, or with the same a year before",
);
/// As received by the end of a day.
pub const AS_OF: Parameter = Parameter::new(
    "as_of",
    Takes::Day,
    "2026-11-20",
    "tel que reçu et décidé à la fin de ce jour du hub",
    "as received and decided by the end of this day of the hub",
);
/// As released to everybody.
pub const PUBLIC: Parameter = Parameter::new(
    "public",
    Takes::Word(|| vec!["true"]),
    "true",
    "tel que publié : un des tableaux de /v1/public",
    "as released: one of the tables of /v1/public",
);
/// The keys of the network's size.
pub const BY_LIFE: Parameter = Parameter {
    takes: Takes::Words(|| [Key::Department, Key::Region, Key::Month, Key::Bearer].map(Key::name).into()),
    ..BY
};
/// What the rows of coverage are.
pub const BY_COVER: Parameter = Parameter::new(
    "by",
    Takes::Word(|| vec!["site", "department", "operator"]),
    "department",
    "ce qu’est une ligne : un partenaire dans un lieu, un département, ou partout",
    "what a row is: a partner at a site, in a department, or everywhere",
);
/// A month that is over.
pub const MONTH_OVER: Parameter =
    Parameter::new("month", Takes::Month, "2026-10", "un mois terminé", "a month that is over").needed();
/// Though a month is not over.
pub const SO_FAR: Parameter = Parameter::new(
    "so_far",
    Takes::Word(|| vec!["true"]),
    "true",
    "accepte un mois en cours : le relevé est provisoire",
    "takes a month that is not over: the return is provisional",
);
/// What becomes of a house's antennas in its report.
pub const ANTENNAS_OF_REPORT: Parameter = Parameter::new(
    "antennas",
    Takes::Word(|| vec!["apart", "none"]),
    "apart",
    "apart : dit aussi chaque antenne pour elle-même ; none : les laisse de côté",
    "apart: tells each antenna for itself as well; none: leaves them out",
);
/// First day, of days that are over.
pub const FROM_PAST: Parameter = Parameter { example: "2026-10-01", ..FROM };
/// Last day, of days that are over.
pub const TO_PAST: Parameter = Parameter { example: "2026-10-31", ..TO };
/// The form of a report.
pub const REPORT_FORMAT: Parameter =
    Parameter { takes: Takes::Word(|| vec!["json", "text", "csv", "csv-fr"]), example: "text", ..FORMAT };
/// A period that was released.
pub const PERIOD: Parameter = Parameter::new(
    "period",
    Takes::Text,
    "2026-10",
    "une période terminée : 2026-10, 2026-Q4 ou 2026",
    "a period that is over: 2026-10, 2026-Q4 or 2026",
)
.needed();
/// A public table, in an address.
pub const TABLE_NAME: Parameter =
    Parameter::new("table", Takes::Text, "departments", "le nom d’un tableau public", "the name of a public table")
        .needed();
/// An operator, in an address.
pub const OPERATOR_NAME: Parameter =
    Parameter::new("code", Takes::Text, "CNAF", "le code d’un opérateur", "the code of an operator").needed();
/// One check of the label.
pub const CHECK: Parameter = Parameter::new(
    "check",
    Takes::Word(|| Check::ALL.map(Check::as_str).into()),
    "hours",
    "un seul critère",
    "one check alone",
);
/// Verdicts of the label.
pub const VERDICT: Parameter = Parameter::new(
    "state",
    Takes::Words(|| Verdict::ALL.map(Verdict::as_str).into()),
    "not_met,at_risk",
    "constats : de ce critère, ou du pire de tous",
    "verdicts: of this check, or of the worst of all",
);
/// Kinds of sites.
pub const KIND: Parameter = Parameter::new(
    "kind",
    Takes::Words(|| vec!["house", "antenna"]),
    "house",
    "maisons ou antennes",
    "houses or antennas",
);
/// Where sites are in their lives.
pub const LIFE: Parameter = Parameter::new(
    "life",
    Takes::Words(|| vec!["candidate", "project", "open", "labelled", "retired"]),
    "open,labelled",
    "étapes de la vie des lieux",
    "where sites are in their lives",
);
/// States of sites.
pub const STATE: Parameter =
    Parameter::new("state", Takes::Words(|| STATES.to_vec()), "silent,refused", "états de lieux", "states of sites");
/// Open at a moment.
pub const OPEN_AT: Parameter = Parameter::new(
    "open_at",
    Takes::Moment,
    "2026-12-24T10:00",
    "ouverts à ce moment : à l’heure de chaque lieu, ou à un instant avec son décalage",
    "open at that moment: by each site’s own clock, or at one instant with its offset",
);
/// Versions of the program.
pub const VERSION: Parameter = Parameter::new(
    "version",
    Takes::Texts,
    "0.1.0",
    "versions du programme des postes",
    "versions of the machines’ program",
);
/// The language of a page.
pub const LANG: Parameter =
    Parameter::new("lang", Takes::Word(|| vec!["fr", "en"]), "en", "la langue de la page", "the language of the page");
/// Rows on a page.
pub const LIMIT: Parameter = Parameter::new(
    "limit",
    Takes::Rows(super::page::PAGE_MAX),
    "100",
    "nombre de lignes d’une page",
    "number of rows on a page",
);
/// Where a page begins.
pub const CURSOR: Parameter = Parameter::new(
    "cursor",
    Takes::Text,
    "Z2FyZGV6LWxl",
    "le « next » de la page précédente, avec les mêmes autres paramètres",
    "the «next» of the page before, with the same other parameters",
);
/// A place of a site.
pub const PLACE: Parameter = Parameter::new(
    "place",
    Takes::Text,
    "*",
    "le point d’accueil : « - » le principal, « * » tous",
    "the place: «-» the main one, «*» all",
);
/// Why a fact is flagged.
pub const REASON: Parameter = Parameter::new(
    "reason",
    Takes::Word(|| Flag::ALL.into_iter().map(Flag::as_str).chain([flagged::NEGATIVE]).collect()),
    "day",
    "pourquoi c’est à part",
    "why it stands apart",
);
/// Who acted.
pub const WHO: Parameter = Parameter::new(
    "who",
    Takes::Texts,
    "operator",
    "qui a agi : hub, operator, user:LOGIN ou token:ID",
    "who acted: hub, operator, user:LOGIN or token:ID",
);
/// Kinds of lines of the journal.
pub const ACTION: Parameter = Parameter::new(
    "kind",
    Takes::Words(|| KINDS.to_vec()),
    "site,token",
    "le premier mot des actions",
    "the first word of the actions",
);
/// A site, in an address.
pub const SITE_NAME: Parameter =
    Parameter::new("id", Takes::Text, "275", "l’identifiant ou un alias d’un lieu", "the id or an alias of a site")
        .needed();
/// A partner, in an address.
pub const PARTNER_NAME: Parameter = PARTNER
    .saying("un partenaire : un code comme CNAF, ou LOCAL:nom", "a partner: a code such as CNAF, or LOCAL:name")
    .one();

impl Parameter {
    /// One value alone, in the address itself.
    const fn one(self) -> Self {
        Self { takes: Takes::Text, needed: true, ..self }
    }

    /// The id of something, in an address.
    pub const fn id(example: &'static str, fr: &'static str, en: &'static str) -> Self {
        Self::new("id", Takes::Text, example, fr, en).one()
    }
}
