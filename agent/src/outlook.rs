//! How the machine stands with the hub, in words: what it is called, and what becomes of what is
//! kept here.
//!
//! Read by the page, `status` and `doctor`, so that none promises what another denies. A promise
//! that everything leaves by itself is made only where it is true.

use crate::out::Lang;

/// A state for people; the stable word where there is no other.
pub fn state(state: &str, lang: Lang) -> &str {
    match state {
        "connected" => lang.pick("connecté", "connected"),
        "connecting" => lang.pick("connexion en cours", "connecting"),
        "offline" => lang.pick("hors ligne", "offline"),
        "pending" => lang.pick("en attente d’approbation", "waiting for approval"),
        "revoked" => lang.pick("exclu du réseau", "revoked"),
        "refused" => lang.pick("refusé par le hub", "refused by the hub"),
        "untrusted" => lang.pick("un autre que le hub répond", "not the hub that answers"),
        other => other,
    }
}

/// Whether somebody answered and said no: only a person can change that, and the state stands
/// until a hub says otherwise.
pub fn is_verdict(state: &str) -> bool {
    matches!(state, "revoked" | "refused" | "untrusted")
}

/// What keeps the work here from leaving by itself, with the next step; `None` where it leaves
/// as soon as the network is there.
pub fn obstacle(state: &str, hub: &str, lang: Lang) -> Option<String> {
    let kept = lang.pick(
        "Ce qui est compté reste gardé sur ce poste et ne partira qu’après une nouvelle invitation : demandez un \
         code à l’équipe du hub, puis msap-agent join CODE",
        "What is counted stays kept on this machine and leaves only after a new invitation: ask the hub’s operators \
         for a code, then msap-agent join CODE",
    );
    match state {
        "revoked" | "refused" => Some(kept.to_owned()),
        "pending" => Some(
            lang.pick(
                "Le hub attend qu’une personne approuve ce poste : prévenez l’équipe du hub. Ce qui est compté reste \
                 gardé sur ce poste et sera reçu une fois ce poste approuvé",
                "The hub waits for a person to approve this machine: tell the hub’s operators. What is counted stays \
                 kept on this machine and is received once it is approved",
            )
            .to_owned(),
        ),
        "untrusted" => Some(match lang {
            Lang::Fr => format!(
                "À l’adresse {hub} répond un autre que le hub de ce réseau : rien ne lui a été envoyé, tout reste \
                 gardé sur ce poste. Vérifiez cette adresse auprès de l’équipe du hub"
            ),
            Lang::En => format!(
                "Somebody else than this network’s hub answers at {hub}: nothing was sent there, everything stays \
                 kept on this machine. Check this address with the hub’s operators"
            ),
        }),
        _ => None,
    }
}

/// What is wrong with the clock, with the next step.
pub fn clock(shown: &str, likely: Option<&str>, asked: bool, lang: Lang) -> String {
    let likely = match (likely, lang) {
        (None, _) => String::new(),
        (Some(day), Lang::Fr) => format!(" au lieu du {day}"),
        (Some(day), Lang::En) => format!(" instead of {day}"),
    };
    match (asked, lang) {
        (true, Lang::Fr) => format!(
            "L’horloge de ce poste indique le {shown}{likely} : rien n’est compté avant qu’une personne ait dit le jour, \
             en haut de la page ou par count … --day AAAA-MM-JJ. Remettez l’horloge à l’heure"
        ),
        (true, Lang::En) => format!(
            "This machine’s clock says {shown}{likely}: nothing is counted before a person has said which day it is, at \
             the top of the page or by count … --day YYYY-MM-DD. Set the clock right"
        ),
        (false, Lang::Fr) => format!(
            "L’horloge de ce poste indique le {shown}{likely} : les visites vont au jour qu’une personne a donné et \
             seront vérifiées au hub. Remettez l’horloge à l’heure"
        ),
        (false, Lang::En) => format!(
            "This machine’s clock says {shown}{likely}: visits go to the day that a person gave and will be looked at \
             at the hub. Set the clock right"
        ),
    }
}

/// What a person has to settle or to confirm of the schedule and the partners, with the next step;
/// `unknown` is as the status has it.
pub fn house(conflicts: u64, unknown: &[&str], lang: Lang) -> Option<String> {
    let mut parts = Vec::new();
    match (conflicts, lang) {
        (0, _) => {}
        (1, Lang::Fr) => parts.push("1 conflit à départager : msap-agent conflict list".to_owned()),
        (n, Lang::Fr) => parts.push(format!("{n} conflits à départager : msap-agent conflict list")),
        (n, Lang::En) => parts.push(format!("{n} to settle: msap-agent conflict list")),
    }
    let partners: Vec<&str> = unknown.iter().filter_map(|name| name.strip_prefix("partner:")).collect();
    if !partners.is_empty() {
        let next = lang
            .pick("partenaires à confirmer (msap-agent partner list)", "partners to confirm (msap-agent partner list)");
        parts.push(format!("{next} : {}", partners.join(", ")));
    }
    if unknown.contains(&"schedule") {
        parts.push(
            lang.pick(
                "horaires du jour inconnus : msap-agent hours show",
                "today’s hours unknown: msap-agent hours show",
            )
            .to_owned(),
        );
    }
    for year in unknown.iter().filter_map(|name| name.strip_prefix("calendar:")) {
        let missing = lang.pick("calendrier non reçu du hub", "calendar not received from the hub");
        parts.push(format!("{missing} : {year}"));
    }
    (!parts.is_empty()).then(|| parts.join(" ; "))
}

/// Whether the last thing was not kept, and not merely that the next may not be.
pub fn is_stuck(storage: &str) -> bool {
    matches!(storage, "full" | "locked")
}

/// What is wrong with the storage, with the next step; `None` when it takes what it is given.
pub fn storage(trouble: &str, lang: Lang) -> Option<&'static str> {
    match trouble {
        "low" => Some(lang.pick(
            "Le disque de ce poste est presque plein : libérez de la place. Tout est encore enregistré",
            "This machine’s disk is nearly full: make room. Everything is still kept",
        )),
        "full" => Some(match lang {
            Lang::Fr => {
                "Le disque de ce poste est plein : les dernières demandes n’ont pas été enregistrées. Libérez de la \
                 place ; ce qui était déjà compté reste gardé"
            }
            Lang::En => {
                "This machine’s disk is full: the last requests were not kept. Make room; what was counted before \
                 stays kept"
            }
        }),
        "locked" => Some(match lang {
            Lang::Fr => {
                "Un autre programme occupe la base de ce poste : les dernières demandes n’ont pas été enregistrées. \
                 Fermez-le ; ce qui était déjà compté reste gardé"
            }
            Lang::En => {
                "Another program holds this machine’s database: the last requests were not kept. Close it; what was \
                 counted before stays kept"
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_that_the_hub_takes_is_promised_that_all_leaves_by_itself() {
        for state in ["offline", "connecting", "connected"] {
            assert_eq!(obstacle(state, "hub:4433", Lang::Fr), None, "{state}");
            assert!(!is_verdict(state));
        }
        for (state, next) in [
            ("revoked", "msap-agent join CODE"),
            ("refused", "msap-agent join CODE"),
            ("pending", "prévenez l’équipe du hub"),
            ("untrusted", "hub:4433"),
        ] {
            let said = obstacle(state, "hub:4433", Lang::Fr).unwrap();
            assert!(said.contains(next) && said.contains("gardé sur ce poste"), "{said}");
            assert_eq!(is_verdict(state), state != "pending");
        }
    }
}
