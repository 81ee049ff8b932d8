//! What stands at the top of a column, or before a field.
//!
//! A name has one French heading wherever it stands in a list. Moments are told in French by the
//! clock of Paris, and their headings say so.

use crate::lang::Lang;

/// Columns and fields.
const HEADINGS: [(&str, &str); 127] = [
    ("action", "action"),
    ("address", "adresse"),
    ("age", "âge"),
    ("agreement_day", "date de la convention"),
    ("agreement_status", "convention"),
    ("alias", "alias"),
    ("aliases", "alias"),
    ("apart", "à part"),
    ("at", "quand (heure de Paris)"),
    ("author", "auteur"),
    ("availability", "disponibilité"),
    ("bearer", "porteur"),
    ("cause", "cause"),
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
    ("department_name", "nom du département"),
    ("detail", "détail"),
    ("device", "poste"),
    ("device_state", "état du poste"),
    ("devices", "postes"),
    ("disabled", "désactivé"),
    ("document", "document"),
    ("documents", "documents"),
    ("done", "suite donnée"),
    ("enrolled", "rattaché le"),
    ("epoch", "époque"),
    ("expires", "expire (heure de Paris)"),
    ("field", "champ"),
    ("file", "fichier"),
    ("fingerprint", "empreinte"),
    ("flagged", "à part"),
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
    ("last_contact", "dernier contact (heure de Paris)"),
    ("last_in_sync", "tout reçu (heure de Paris)"),
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
    ("operator_name", "nom du partenaire"),
    ("origin", "origine"),
    ("osm_opening_hours", "horaires (OSM)"),
    ("parent", "maison"),
    ("problem", "défaut"),
    ("quality", "réserves"),
    ("quarter", "trimestre"),
    ("reason", "motif"),
    ("refused", "refusés"),
    ("region", "région"),
    ("region_name", "nom de la région"),
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
    ("site_name", "nom du lieu"),
    ("site_refused", "refusés du lieu"),
    ("sites", "lieux"),
    ("stale", "à confirmer"),
    ("standing", "statut"),
    ("state", "état"),
    ("subject", "objet"),
    ("taken", "pris"),
    ("tap", "saisie"),
    ("timezone", "fuseau horaire"),
    ("trained_agents", "agents formés"),
    ("trained_on", "formés le"),
    ("training_agents", "agents formés"),
    ("training_trained_on", "formés le"),
    ("transport", "transport"),
    ("turned_away", "refusé (heure de Paris)"),
    ("value", "valeur"),
    ("verdict", "décision"),
    ("version", "version"),
    ("versions_0_words", "première version"),
    ("versions_1_words", "deuxième version"),
    ("visits", "visites"),
    ("waiting", "en attente"),
    ("weekly_minutes", "minutes par semaine"),
    ("who", "qui"),
    ("writer", "auteur"),
    ("year", "année"),
];

/// What stands at the top of a column, or before a field.
pub fn heading(name: &str, lang: Lang) -> String {
    let french = HEADINGS.iter().find(|(known, _)| *known == name).map(|(_, french)| (*french).to_owned());
    lang.of(french, None).unwrap_or_else(|| name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_in_order_so_that_each_has_one_place() {
        assert!(HEADINGS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_heading_speaks_the_language_of_its_reader() {
        assert_eq!(heading("last_contact", Lang::Fr), "dernier contact (heure de Paris)");
        assert_eq!(heading("last_contact", Lang::En), "last contact");
        assert_eq!(heading("colour", Lang::Fr), "colour");
    }
}
