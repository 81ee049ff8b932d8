//! What people call the names and values that JSON and the API have in English.
//!
//! Called wherever a table is made. JSON, CSV, filters and `site set` keep the stable names: they
//! are what has to be typed. A name or value without a word here is shown as it is.

use msap_shared::code::{Age, Help};

use crate::lang::Lang;

/// Columns and fields.
const HEADINGS: [(&str, &str); 111] = [
    ("action", "action"),
    ("address", "adresse"),
    ("age", "âge"),
    ("alias", "alias"),
    ("aliases", "alias"),
    ("apart", "à part"),
    ("at", "quand"),
    ("author", "auteur"),
    ("bearer", "porteur"),
    ("certifies", "certifie"),
    ("changes", "changements"),
    ("charter", "charte signée le"),
    ("check", "point"),
    ("clock_offset_ms", "écart d’horloge (ms)"),
    ("code", "code"),
    ("commit", "commit"),
    ("committee", "dernier comité de pilotage"),
    ("commune", "commune"),
    ("date", "date"),
    ("day", "jour"),
    ("department", "département"),
    ("detail", "détail"),
    ("device", "poste"),
    ("devices", "postes"),
    ("disabled", "désactivé"),
    ("document", "document"),
    ("documents", "documents"),
    ("done", "suite donnée"),
    ("enrolled", "rattaché le"),
    ("epoch", "époque"),
    ("expires", "expire"),
    ("field", "champ"),
    ("file", "fichier"),
    ("fingerprint", "empreinte"),
    ("forked", "en double"),
    ("format", "format"),
    ("found", "trouvé"),
    ("from", "depuis"),
    ("help", "type d’aide"),
    ("holiday_zone", "zone de jours fériés"),
    ("id", "identifiant"),
    ("insee", "code Insee"),
    ("key", "clé"),
    ("kind", "sorte"),
    ("known", "connus"),
    ("label", "libellé"),
    ("label_date", "labellisation"),
    ("label_state", "label"),
    ("last_contact", "dernier contact"),
    ("last_in_sync", "tout reçu"),
    ("last_used", "dernier usage"),
    ("lat", "latitude"),
    ("left", "laissés"),
    ("life", "étape"),
    ("line", "ligne"),
    ("list_date", "date de la liste"),
    ("login", "nom d’utilisateur"),
    ("lon", "longitude"),
    ("missing", "manquants"),
    ("month", "mois"),
    ("n", "ligne"),
    ("name", "nom"),
    ("new", "nouveau"),
    ("new_epoch", "nouvelle époque"),
    ("next", "que faire"),
    ("old", "ancien"),
    ("oldest_waiting_day", "plus ancien jour en attente"),
    ("open_now", "ouvert"),
    ("operator", "partenaire"),
    ("origin", "origine"),
    ("osm_opening_hours", "horaires (OSM)"),
    ("parent", "maison"),
    ("problem", "défaut"),
    ("quality", "réserves"),
    ("quarter", "trimestre"),
    ("reason", "motif"),
    ("refused", "refusés"),
    ("region", "région"),
    ("replaced_by", "remplacé par"),
    ("reports_from", "remonte depuis"),
    ("requests", "demandes"),
    ("retired", "fermé"),
    ("revocations_incomplete", "liste des révocations incomplète"),
    ("revoked", "révoqué"),
    ("role", "rôle"),
    ("school_zone", "zone scolaire"),
    ("scope", "périmètre"),
    ("seq", "numéro"),
    ("set_aside", "mise de côté"),
    ("settled", "décidé"),
    ("site", "lieu"),
    ("sites", "lieux"),
    ("standing", "statut"),
    ("state", "état"),
    ("subject", "objet"),
    ("taken", "pris"),
    ("tap", "saisie"),
    ("timezone", "fuseau horaire"),
    ("trained_agents", "agents formés"),
    ("trained_on", "formés le"),
    ("transport", "transport"),
    ("turned_away", "refusé le"),
    ("value", "valeur"),
    ("verdict", "décision"),
    ("version", "version"),
    ("visits", "visites"),
    ("waiting", "en attente"),
    ("weekly_minutes", "minutes par semaine"),
    ("who", "qui"),
    ("writer", "auteur"),
    ("year", "année"),
];

/// What stands at the top of a column, or before a field.
pub(super) fn heading(name: &str, lang: Lang) -> String {
    let french = || HEADINGS.iter().find(|(known, _)| *known == name).map(|(_, french)| (*french).to_owned());
    let english = name.replace('_', " ");
    lang.of(french(), None).unwrap_or(english)
}

/// A value of that column. Several, separated by commas, stay several.
pub(super) fn value(column: &str, text: &str, lang: Lang) -> String {
    let english = |code: &str| code.trim().replace('_', " ");
    match (lang, french(column, text), text.contains(',')) {
        (Lang::Fr, Some(word), _) => word.to_owned(),
        (Lang::En, Some(_), _) => english(text),
        (_, None, true) if text.split(',').all(|code| french(column, code.trim()).is_some()) => {
            text.split(',').map(|code| value(column, code.trim(), lang)).collect::<Vec<_>>().join(", ")
        }
        _ => text.to_owned(),
    }
}

/// A yes or a no.
pub(super) fn truth(holds: bool, lang: Lang) -> &'static str {
    match holds {
        true => lang.of("oui", "yes"),
        false => lang.of("non", "no"),
    }
}

fn french(column: &str, code: &str) -> Option<&'static str> {
    Some(match (column, code) {
        ("kind", "house") => "maison",
        ("kind", "antenna") => "antenne",
        ("life", "candidate") => "candidate",
        ("life", "project") => "en projet",
        ("life", "open") => "ouverte",
        ("life", "labelled") => "labellisée",
        ("life", "retired") => "fermée",
        ("state", "never_connected") => "jamais connecté",
        ("state", "pending") => "en attente d’approbation",
        ("state", "up_to_date") => "à jour",
        ("state", "behind") => "en retard",
        ("state", "silent") => "silencieux",
        ("state", "refused") => "refusé",
        ("state", "retired") => "fermé",
        ("state", "good") => "bon",
        ("state", "doubtful") => "à surveiller",
        ("state", "bad") => "à corriger",
        ("state", "damaged") => "endommagé",
        ("standing", "active") => "en service",
        ("standing", "returned") => "revenu",
        ("standing", "pending") => "en attente d’approbation",
        ("standing", "revoked") => "exclu",
        ("standing", "replaced") => "remplacé",
        ("standing", "forked") => "en double",
        ("check", "backup") => "sauvegarde",
        ("check", "check") => "vérification",
        ("check", "data") => "données",
        ("check", "database") => "base",
        ("check", "devices") => "postes",
        ("check", "disk") => "disque",
        ("check", "figures") => "chiffres",
        ("check", "keys") => "clés",
        ("check", "replaced") => "anciennes bases",
        ("check", "settings") => "réglages",
        ("role", "reader") => "lecture",
        ("role", "coordinator") => "coordination",
        ("role", "admin") => "administration",
        ("reason", "operator") => "partenaire inconnu",
        ("reason", "help") => "type d’aide inconnu",
        ("reason", "age") => "tranche d’âge inconnue",
        ("reason", "count") => "nombre trop grand",
        ("reason", "day") => "jour à venir",
        ("reason", "clock") => "horloge fausse",
        ("reason", "contested") => "deux valeurs",
        ("reason", "retired") => "lieu fermé",
        ("reason", "negative") => "somme négative",
        ("reason", "hash") => "empreinte fausse",
        ("reason", "key") => "clé mal formée",
        ("reason", "value") => "valeur mal formée",
        ("reason", "number") => "numéro inattendu",
        ("reason", "size") => "trop grand",
        ("reason", "repeated") => "répété",
        ("reason", "grant") => "hors de ses droits",
        ("reason", "other") => "autre motif",
        ("verdict", "count") => "à compter",
        ("verdict", "leave_out") => "laissé de côté",
        ("origin", "default") => "défaut",
        ("label_state", "requested") => "demandé",
        ("label_state", "granted") => "accordé",
        ("label_state", "watched") => "sous surveillance",
        ("label_state", "suspended") => "suspendu",
        ("label_state", "withdrawn") => "retiré",
        ("help", code) => Help::known(code)?.label_fr(),
        ("age", code) => Age::known(code)?.label_fr(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_speaks_the_language_of_its_reader_and_unknown_words_stay() {
        for (column, code, fr, en) in [
            ("life", "never", "never", "never"),
            ("state", "never_connected", "jamais connecté", "never connected"),
            ("reason", "day,clock", "jour à venir, horloge fausse", "day, clock"),
            ("standing", "active, forked", "en service, en double", "active, forked"),
            ("reason", "vol, sans doute", "vol, sans doute", "vol, sans doute"),
            ("age", "70+", "70 et +", "70+"),
            ("name", "open", "open", "open"),
        ] {
            assert_eq!((value(column, code, Lang::Fr).as_str(), value(column, code, Lang::En).as_str()), (fr, en));
        }
        assert_eq!(heading("last_contact", Lang::Fr), "dernier contact");
        assert_eq!(heading("last_contact", Lang::En), "last contact");
        assert_eq!(heading("colour", Lang::Fr), "colour");
    }

    #[test]
    fn headings_are_in_order_so_that_each_has_one_place() {
        assert!(HEADINGS.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
