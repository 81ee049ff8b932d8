//! Why a site is in its state, in words that say what to do about it.

use jiff::Timestamp;
use msap_shared::time::Day;
use msap_shared::wording::calendar_day;

use super::Cause;
use crate::lang::Lang;
use crate::site::{Contact, Site};

/// How much later than the last time that all was here a contact must be to say that the machine comes and
/// does not hand over everything.
const APART_S: i64 = 3_600;

/// The words for a state of this site, with so many machines.
pub(super) fn of(state: &str, site: &Site, contact: &Contact, devices: usize) -> Cause {
    let id = &site.id;
    let day = |at: i64| {
        let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
        Day::at(at, &site.timezone)
    };
    let words = |fr: String, en: String| Cause { fr, en };
    match state {
        "retired" => {
            words("le lieu est fermé, rien n’est attendu".into(), "the site is retired, nothing is due".into())
        }
        "refused" => words(
            format!("chacun de ses postes a été refusé quand il est venu ; invitez-en un : msap-hub site invite {id}"),
            format!("each of its machines was turned away when it came; invite one: msap-hub site invite {id}"),
        ),
        "pending" => words(
            "un poste certifié autrefois attend une approbation : msap-hub device approve POSTE".into(),
            "a machine certified before waits for an approval: msap-hub device approve DEVICE".into(),
        ),
        "never_connected" if devices == 0 => words(
            format!("aucun poste n’est rattaché : msap-hub site invite {id}"),
            format!("no machine has joined: msap-hub site invite {id}"),
        ),
        "never_connected" => words(
            "un poste est rattaché et n’est jamais venu : est-il allumé, l’agent tourne-t-il ?".into(),
            "a machine has joined and never came: is it switched on, does the agent run?".into(),
        ),
        "up_to_date" => match contact.last_in_sync.map(day) {
            Some(day) => words(
                format!("tout est reçu, vu le {}", calendar_day(day, Lang::Fr)),
                format!("everything is here, seen on {day}"),
            ),
            None => words(
                "rattaché depuis trop peu de temps pour être en retard".into(),
                "joined too lately to be behind".into(),
            ),
        },
        late => {
            let (ended_fr, ended_en) = match late {
                "silent" => ("cinq jours d’ouverture ont fini depuis", "five opening days have ended since"),
                _ => ("un jour d’ouverture a fini depuis", "an opening day has ended since"),
            };
            let (since_fr, since_en) = match contact.last_in_sync.map(day) {
                Some(day) => (
                    format!("tout n’a plus été reçu depuis le {}", calendar_day(day, Lang::Fr)),
                    format!("all was last here on {day}"),
                ),
                None => ("tout n’a jamais été reçu".to_owned(), "all was never here".to_owned()),
            };
            let (heard_fr, heard_en) = heard(contact, day);
            words(format!("{since_fr}, {ended_fr} ; {heard_fr}"), format!("{since_en}, {ended_en}; {heard_en}"))
        }
    }
}

/// Whether its machines come all the same.
fn heard(contact: &Contact, day: impl Fn(i64) -> Day) -> (String, String) {
    let came_since = match (contact.last_contact, contact.last_in_sync) {
        (Some(heard), Some(in_sync)) => heard.saturating_sub(in_sync) >= APART_S,
        (heard, None) => heard.is_some(),
        (None, Some(_)) => false,
    };
    match contact.last_contact.map(day).filter(|_| came_since) {
        Some(day) => (
            format!(
                "un poste est encore venu le {} sans tout remettre : voir sa page et msap-hub refused list",
                calendar_day(day, Lang::Fr)
            ),
            format!("a machine still came on {day} without handing over all: see its page and msap-hub refused list"),
        ),
        None => (
            "aucun contact depuis : poste éteint, réseau coupé ou agent arrêté".to_owned(),
            "no contact since: switched off, without network, or the agent stopped".to_owned(),
        ),
    }
}
