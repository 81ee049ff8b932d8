//! What people call the codes that JSON and the API have: one word for each, wherever it is read.
//!
//! Called wherever a table, a file for a French spreadsheet or a text is made. JSON, CSV, filters
//! and `site set` keep the stable codes: they are what has to be typed. Which vocabulary a value
//! speaks follows from the name of its column; a value without a word is shown as it is.
//!
//! Words that belong to a type of the field (a kind of help, how a partner can be had) stand beside
//! that type and are only gathered here.

use msap_shared::code::{Age, Help, operator_label};
use msap_shared::document::partners::AgreementStatus;
use msap_shared::document::partners::availability::Availability;
use msap_shared::document::visits::Visit;
use msap_shared::time::Day;
use serde_json::Value;

pub use self::headings::heading;
use crate::label::Verdict;
use crate::lang::{Lang, counted};
use crate::sheet::Cell;
use crate::site::{Kind, Life};

mod headings;
pub mod nouns;

/// A closed list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub enum Vocabulary {
    Action,
    Age,
    Agreement,
    Availability,
    Decision,
    Document,
    Examined,
    Format,
    Health,
    Help,
    HolidayZone,
    Kind,
    LabelState,
    Life,
    Origin,
    Quality,
    Reason,
    Role,
    SiteState,
    Standing,
    Transport,
    Verdict,
    Who,
}

impl Vocabulary {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Action,
        Self::Age,
        Self::Agreement,
        Self::Availability,
        Self::Decision,
        Self::Document,
        Self::Examined,
        Self::Format,
        Self::Health,
        Self::Help,
        Self::HolidayZone,
        Self::Kind,
        Self::LabelState,
        Self::Life,
        Self::Origin,
        Self::Quality,
        Self::Reason,
        Self::Role,
        Self::SiteState,
        Self::Standing,
        Self::Transport,
        Self::Verdict,
        Self::Who,
    ];

    /// The vocabularies of a column: none where its values are names, numbers or texts.
    pub fn of(column: &str) -> &'static [Self] {
        match column {
            "action" => &[Self::Action],
            "age" => &[Self::Age],
            "agreement_status" => &[Self::Agreement],
            "availability" => &[Self::Availability],
            "check" => &[Self::Examined],
            "document" => &[Self::Document],
            "format" => &[Self::Format],
            "help" => &[Self::Help],
            "holiday_zone" => &[Self::HolidayZone],
            "kind" => &[Self::Kind],
            "label_state" => &[Self::LabelState],
            "life" => &[Self::Life],
            "origin" => &[Self::Origin],
            "quality" => &[Self::Quality],
            "reason" => &[Self::Reason],
            "role" => &[Self::Role],
            "standing" => &[Self::Standing],
            "state" | "device_state" => &[Self::SiteState, Self::Health],
            "transport" => &[Self::Transport],
            "verdict" => &[Self::Decision],
            "who" => &[Self::Who],
            _ => &[],
        }
    }

    /// The French word for a code.
    pub fn french(self, code: &str) -> Option<&'static str> {
        let listed = |list: &[(&str, &'static str)]| list.iter().find(|(known, _)| *known == code).map(|(_, fr)| *fr);
        match self {
            Self::Age => Age::known(code).map(Age::label_fr),
            Self::Agreement => AgreementStatus::known(code).map(AgreementStatus::label_fr),
            Self::Availability => {
                Availability::ALL.into_iter().find(|known| known.as_str() == code).map(Availability::label_fr)
            }
            Self::Help => Help::known(code).map(Help::label_fr),
            Self::Kind => code.parse().ok().map(Kind::label_fr),
            Self::Life => code.parse().ok().map(Life::label_fr),
            Self::Verdict => Verdict::parse(code).map(|verdict| verdict.say(Lang::Fr)),
            other => listed(other.listed()),
        }
    }

    /// The codes and their words, of lists that no type has.
    const fn listed(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Action => &ACTIONS,
            Self::Decision => &[("count", "à compter"), ("leave_out", "laissé de côté")],
            Self::Document => &[("schedule", "horaires"), ("partners", "partenaires"), ("visits", "visites")],
            Self::Examined => &[
                ("backup", "sauvegarde"),
                ("check", "vérification"),
                ("data", "données"),
                ("database", "base"),
                ("devices", "postes"),
                ("disk", "disque"),
                ("figures", "chiffres"),
                ("keys", "clés"),
                ("replaced", "anciennes bases"),
                ("settings", "réglages"),
            ],
            Self::Format => &[
                ("fixe", "fixe"),
                ("fixe_antennes", "fixe avec antennes"),
                ("multisites", "multisite"),
                ("bus", "bus"),
                ("itinerante", "itinérante"),
            ],
            Self::Health => {
                &[("good", "bon"), ("doubtful", "à surveiller"), ("bad", "à corriger"), ("damaged", "endommagé")]
            }
            Self::HolidayZone => &[
                ("metropole", "métropole"),
                ("alsace-moselle", "Alsace-Moselle"),
                ("guadeloupe", "Guadeloupe"),
                ("guyane", "Guyane"),
                ("la-reunion", "La Réunion"),
                ("martinique", "Martinique"),
                ("mayotte", "Mayotte"),
                ("nouvelle-caledonie", "Nouvelle-Calédonie"),
                ("polynesie-francaise", "Polynésie française"),
                ("saint-barthelemy", "Saint-Barthélemy"),
                ("saint-martin", "Saint-Martin"),
                ("saint-pierre-et-miquelon", "Saint-Pierre-et-Miquelon"),
                ("wallis-et-futuna", "Wallis-et-Futuna"),
            ],
            Self::LabelState => &[
                ("requested", "demandé"),
                ("granted", "accordé"),
                ("watched", "sous surveillance"),
                ("suspended", "suspendu"),
                ("withdrawn", "retiré"),
            ],
            Self::Origin => &[("default", "défaut")],
            Self::Quality => &[
                ("dep_insee_mismatch", "département différent du code Insee"),
                ("hours_unreadable", "horaires illisibles"),
                ("insee_not_current_commune", "commune fusionnée depuis"),
                ("no_hours", "sans horaires"),
                ("over_50h", "plus de 50 h par semaine"),
                ("overlap_merged", "plages qui se chevauchaient, réunies"),
                ("provisional_id", "identifiant provisoire"),
                ("three_or_more_slots", "trois plages ou plus un même jour"),
                ("touching_merged", "plages qui se touchaient, réunies"),
                ("zero_slot", "plage de durée nulle"),
            ],
            // Why a fact is flagged, and why a change was refused.
            Self::Reason => &[
                ("operator", "partenaire inconnu"),
                ("help", "type d’aide inconnu"),
                ("age", "tranche d’âge inconnue"),
                ("count", "nombre trop grand"),
                ("day", "jour impossible"),
                ("clock", "horloge fausse"),
                ("contested", "deux valeurs"),
                ("retired", "lieu fermé"),
                ("negative", "somme négative"),
                ("hash", "empreinte fausse"),
                ("key", "clé mal formée"),
                ("value", "valeur mal formée"),
                ("number", "numéro inattendu"),
                ("size", "trop grand"),
                ("repeated", "répété"),
                ("grant", "hors de ses droits"),
                ("other", "autre motif"),
            ],
            Self::Role => &[("reader", "lecture"), ("coordinator", "coordination"), ("admin", "administration")],
            Self::SiteState => &[
                ("never_connected", "jamais connecté"),
                ("pending", "en attente d’approbation"),
                ("up_to_date", "à jour"),
                ("behind", "en retard"),
                ("silent", "silencieux"),
                ("refused", "refusé"),
                ("retired", "fermé"),
            ],
            Self::Standing => &[
                ("active", "en service"),
                ("returned", "revenu"),
                ("pending", "en attente d’approbation"),
                ("revoked", "exclu"),
                ("replaced", "remplacé"),
                ("forked", "en double"),
            ],
            Self::Transport => &[("quic", "QUIC"), ("tcp", "TCP"), ("bundle", "fichier")],
            Self::Who => &[("hub", "le hub"), ("operator", "ligne de commande")],
            Self::Age | Self::Agreement | Self::Availability | Self::Help | Self::Kind | Self::Life | Self::Verdict => {
                &[]
            }
        }
    }

    /// A code of it as a cell.
    pub fn cell(self, code: &str) -> Cell {
        match self.french(code) {
            Some(french) => Cell::word(code, french),
            None => Cell::Text(code.to_owned()),
        }
    }
}

/// What the journal tells.
const ACTIONS: [(&str, &str); 36] = [
    ("backup.restore", "sauvegarde remise en place"),
    ("bundle.export", "réponse par fichier"),
    ("bundle.import", "fichier reçu"),
    ("ca.finish", "rotation de l’autorité terminée"),
    ("ca.rotate", "rotation de l’autorité commencée"),
    ("catalogue.import", "calendrier importé"),
    ("check.rebuild", "vues refaites"),
    ("check.seal", "registre déclaré juste"),
    ("closure.remove", "fermeture du réseau retirée"),
    ("closure.set", "fermeture du réseau"),
    ("device.approve", "poste approuvé"),
    ("device.enrol", "poste rattaché"),
    ("device.revoke", "poste exclu"),
    ("document.edit", "horaires ou partenaires modifiés"),
    ("epoch.begin", "nouvelle époque"),
    ("figures.release", "chiffres publiés"),
    ("flagged.settle", "chiffre à part décidé"),
    ("read.small_cells", "petits chiffres lus"),
    ("refused.settle", "refus vu"),
    ("revocations.confirm", "liste des exclusions déclarée entière"),
    ("session.begin", "connexion"),
    ("session.end", "déconnexion"),
    ("session.refuse", "connexion refusée"),
    ("site.add", "lieu ajouté"),
    ("site.alias", "alias d’un lieu"),
    ("site.import", "liste importée"),
    ("site.invite", "lieu invité"),
    ("site.retire", "lieu fermé"),
    ("site.set", "lieu modifié"),
    ("token.create", "jeton créé"),
    ("token.revoke", "jeton révoqué"),
    ("user.add", "utilisateur ajouté"),
    ("user.disable", "utilisateur désactivé"),
    ("user.enable", "utilisateur réactivé"),
    ("user.passwd", "mot de passe changé"),
    ("user.set", "utilisateur modifié"),
];

/// What people call an operator today.
pub fn operator(code: &str) -> Cell {
    Cell::Text(operator_label(code).to_owned())
}

/// A yes or a no.
pub fn truth(holds: bool, lang: Lang) -> &'static str {
    match holds {
        true => lang.of("oui", "yes"),
        false => lang.of("non", "no"),
    }
}

/// A value of a column, as an object has it.
pub fn cell(column: &str, value: &Value) -> Cell {
    match value {
        Value::Null | Value::Object(_) => Cell::None,
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Cell::Number(number),
            None => number.as_f64().map_or(Cell::None, Cell::Exact),
        },
        Value::String(text) => text_cell(column, text),
        Value::Array(items) => {
            let texts: Vec<_> = items.iter().map(plain).collect();
            let said = |lang, separator: &str| -> String {
                texts.iter().map(|text| value_said(column, text, lang)).collect::<Vec<_>>().join(separator)
            };
            Cell::Word { code: texts.join(" "), fr: said(Lang::Fr, ", "), en: said(Lang::En, ", ") }
        }
    }
}

fn text_cell(column: &str, text: &str) -> Cell {
    let is_moment = || text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
    match () {
        () if text.parse::<Day>().is_ok() => Cell::Time(text.to_owned()),
        () if is_moment() => Cell::Moment(text.to_owned()),
        () => {
            let (fr, en) = (value_said(column, text, Lang::Fr), value_said(column, text, Lang::En));
            match fr == text && en == text {
                true => Cell::Text(text.to_owned()),
                false => Cell::Word { code: text.to_owned(), fr, en },
            }
        }
    }
}

/// A value as it is; null is empty.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value of a column in words. Several, separated by commas, stay several.
fn value_said(column: &str, text: &str, lang: Lang) -> String {
    if let (true, Some(words)) = (column == "value", visit(text, lang)) {
        return words;
    }
    let french = |code: &str| Vocabulary::of(column).iter().find_map(|vocabulary| vocabulary.french(code));
    let said = |code: &str| french(code).map(|word| lang.of(word.to_owned(), code.replace('_', " ")));
    match text.contains(',') {
        false => said(text).unwrap_or_else(|| text.to_owned()),
        true => {
            let words: Option<Vec<_>> = text.split(',').map(|code| said(code.trim())).collect();
            words.map_or_else(|| text.to_owned(), |words| words.join(", "))
        }
    }
}

/// What a visit says: `1 personne, Impôts, Démarche en ligne, 25–39, 2 demandes`. A code that nobody
/// knows is what a person is to look at, and stays.
pub fn visit(value: &str, lang: Lang) -> Option<String> {
    let Visit { people, operator, help, age, requests } = Visit::parse(value).ok()?;
    let number = |n: i16, fr, en| counted(i64::from(n), lang, fr, en);
    let word = |vocabulary: Vocabulary, code: &str| {
        vocabulary.french(code).map_or_else(|| code.to_owned(), |word| lang.of(word.to_owned(), code.to_owned()))
    };
    let parts = [
        number(people, ["personne", "personnes"], ["person", "persons"]),
        operator_label(operator.as_str()).to_owned(),
        word(Vocabulary::Help, help.as_str()),
        word(Vocabulary::Age, age.as_str()),
        number(requests, ["demande", "demandes"], ["request", "requests"]),
    ];
    Some(parts.join(", "))
}

#[cfg(test)]
pub(crate) mod tests;
