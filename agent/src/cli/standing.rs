//! `status` and `sync`: how this machine stands with the hub.

use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;
use msap_shared::time::{Day, SiteZone};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Context, Failure, StatusArgs, SyncAction, repair_advice};
use crate::config::parse_duration;
use crate::exit::Exit;
use crate::out::{self, Form, Lang};
use crate::{identity, outlook};

/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `status`, at once or after a wait.
///
/// # Errors
/// As the agent answers.
pub async fn status(context: &Context, args: StatusArgs) -> Result<Exit, Failure> {
    let timeout = parse_duration(&args.timeout).ok_or_else(|| {
        let why = context.lang.pick("n’est pas une durée comme 30s", "is no duration such as 30s");
        Failure::new(Exit::Invalid, format!("timeout : « {} » {why}", args.timeout))
    })?;
    let client = context.client()?;
    let look = async || client.get("/api/status").await.map_err(|error| context.failed(error));

    let mut status = look().await?;
    let mut exit = Exit::Ok;
    if args.wait.is_some() {
        // An agent that runs while the machine joins anew tells of the machine that it was.
        let device = identity::device_in(&context.data).map(|device| device.to_string());
        let is_decided = |status: &Value| {
            outlook::is_verdict(status["state"].as_str().unwrap_or_default())
                && device.as_deref().is_none_or(|device| status["device"] == device)
        };
        let (began, until) = (Timestamp::now(), Instant::now() + timeout);
        let mut answers = was_contact(&status);
        while !is_confirmed(&status) {
            if is_decided(&status) {
                exit = Exit::Refused;
                break;
            }
            if Instant::now() >= until {
                exit = if answers || is_set_aside(&status) || answered_since(&status, began) {
                    Exit::ConditionFailed
                } else {
                    Exit::HubUnreachable
                };
                break;
            }
            tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
            status = look().await?;
            // An attempt under way says nothing new yet.
            answers = was_contact(&status) || (answers && status["state"] == "connecting");
        }
    }
    match context.form {
        Form::Json => out::json(&status),
        Form::Text => show(&status, context.lang),
    }
    let state = status["state"].as_str().unwrap_or_default();
    let obstacle = outlook::obstacle(state, status["hub"].as_str().unwrap_or_default(), context.lang);
    match exit {
        Exit::ConditionFailed if is_set_aside(&status) => out::note(context.lang.pick(
            "plus rien n’attend, mais le hub a refusé des opérations, mises de côté : prévenez la personne qui suit ce poste",
            "nothing waits any more, but the hub refused entries, now set aside: tell whoever looks after this machine",
        )),
        Exit::Refused | Exit::ConditionFailed if obstacle.is_some() => {
            let words = outlook::state(state, context.lang);
            out::note(&format!("{words} : {}", obstacle.unwrap_or_default()));
        }
        Exit::ConditionFailed => out::note(context.lang.pick(
            "le hub répond, mais n’a pas encore tout reçu",
            "the hub answers, but has not received everything yet",
        )),
        Exit::HubUnreachable => out::note(context.lang.pick(
            "le hub ne répond pas ; tout reste gardé sur ce poste",
            "the hub does not answer; everything stays kept on this machine",
        )),
        _ => {}
    }
    Ok(exit)
}

/// Everything counted here is known to be kept by a hub that answers now.
fn is_confirmed(status: &Value) -> bool {
    status["waiting"] == 0 && status["refused"] == 0 && status["state"] == "connected"
}

/// The hub has answered for everything, and not with a yes.
fn is_set_aside(status: &Value) -> bool {
    status["waiting"] == 0 && status["refused"].as_u64().is_some_and(|refused| refused > 0)
}

/// The hub answers now, be it to refuse; another network's hub is no answer.
fn was_contact(status: &Value) -> bool {
    matches!(status["state"].as_str(), Some("connected" | "pending" | "revoked" | "refused"))
}

/// The address at which the hub is dialled, and where it was said.
pub(crate) fn hub_address(status: &Value, lang: Lang) -> (String, String) {
    let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
    let place = text("hub_place");
    let from = match text("hub_origin").as_str() {
        "file" => format!("[sync] hub, {} {place}", lang.pick("fichier", "file")),
        "environment" => format!("[sync] hub, variable {place}"),
        _ => lang.pick("adresse de l’invitation", "the invitation’s address").to_owned(),
    };
    (text("hub"), from)
}

/// What is wrong with this machine's clock, if anything is.
pub(crate) fn clock_trouble(status: &Value, lang: Lang) -> Option<String> {
    let shown = status["clock_day"].as_str().filter(|_| status["clock_doubted"] == true)?;
    Some(outlook::clock(shown, status["likely_day"].as_str(), status["day_asked"] == true, lang))
}

/// What of the schedule and the partners waits for a person, if anything does.
pub(crate) fn house_trouble(status: &Value, lang: Lang) -> Option<String> {
    let unknown: Vec<&str> = status["unknown"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    outlook::house(status["conflicts"].as_u64().unwrap_or_default(), &unknown, lang)
}

/// A moment as the site's clock showed it, with its zone; as it came where it does not read.
fn local(instant: &str, zone: &str) -> String {
    let parsed = instant.parse::<Timestamp>().ok().zip(zone.parse::<SiteZone>().ok());
    parsed.map_or_else(
        || instant.to_owned(),
        |(at, zone)| {
            let (hour, minute) = zone.clock(at);
            format!("{} {hour:02}:{minute:02} {zone}", Day::at(at, &zone))
        },
    )
}

fn answered_since(status: &Value, began: Timestamp) -> bool {
    let contact: Option<Timestamp> = status["last_contact"].as_str().and_then(|text| text.parse().ok());
    // Told in whole seconds: the second in which the wait began may lie before it.
    contact.is_some_and(|contact| contact.as_second() > began.as_second())
}

/// `sync now`, `sync log`.
///
/// # Errors
/// As the agent answers.
pub async fn sync(context: &Context, action: SyncAction) -> Result<Exit, Failure> {
    let client = context.client()?;
    match action {
        SyncAction::Now => {
            let answer = client.send(Method::POST, "/api/sync", &json!({})).await;
            let answer = answer.map_err(|error| context.failed(error))?;
            match context.form {
                Form::Json => out::json(&answer),
                Form::Text => out::note(context.lang.pick(
                    "envoi demandé ; suivez-le par : msap-agent status --wait confirmed",
                    "asked for; follow it with: msap-agent status --wait confirmed",
                )),
            }
        }
        SyncAction::Log => {
            let log = client.get("/api/sync/log").await.map_err(|error| context.failed(error))?;
            if context.form == Form::Json {
                out::json(&log);
            } else {
                let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
                let lines = log.as_array().into_iter().flatten();
                let lang = context.lang;
                let event = |line: &Value| outlook::state(&text(line, "event"), lang).to_owned();
                let status = client.get("/api/status").await.map_err(|error| context.failed(error))?;
                let at = |line: &Value| local(&text(line, "at"), &text(&status, "timezone"));
                let rows = lines.map(|line| vec![at(line), event(line), text(line, "detail")]).collect();
                out::table(
                    &[lang.pick("Heure", "Time"), lang.pick("Événement", "Event"), lang.pick("Détail", "Detail")],
                    rows,
                );
            }
        }
    }
    Ok(Exit::Ok)
}

fn show(status: &Value, lang: Lang) {
    out::table(&[], rows(status, lang));
}

fn rows(status: &Value, lang: Lang) -> Vec<Vec<String>> {
    let text = |name: &str| match &status[name] {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (hub, from) = hub_address(status, lang);
    let storage = outlook::storage(&text("storage"), lang).unwrap_or("ok");
    let last_contact = local(&text("last_contact"), &text("timezone"));
    let names = [
        ("Site", "Site", format!("{} ({})", text("site_name"), text("site"))),
        ("Poste", "Machine", format!("{} ({})", text("label"), text("device"))),
        ("Jour au site", "Day at the site", format!("{} {} {}", text("today"), text("clock"), text("timezone"))),
        ("État", "State", outlook::state(&text("state"), lang).to_owned()),
        ("Disque", "Disk", storage.to_owned()),
        ("Opérations enregistrées ici", "Operations kept here", text("kept")),
        ("Reçues par le hub", "Confirmed by the hub", text("confirmed")),
        ("En attente", "Waiting", text("waiting")),
        ("Plus ancien jour en attente", "Oldest waiting day", text("oldest_waiting_day")),
        ("Mises de côté", "Set aside", text("refused")),
        ("Dernier contact", "Last contact", last_contact),
        ("Dernier fichier fait", "Last file made", text("file_exported")),
        ("Dernier fichier lu", "Last file read", text("file_imported")),
        ("Dernière erreur", "Last error", text("last_error")),
        ("Hub", "Hub", format!("{hub} ({from})")),
        ("Tout relu le", "All read back", local(&text("read_back"), &text("timezone"))),
        ("Transport", "Transport", text("transport")),
        ("Derniers essais", "Last attempts", tried(status, lang)),
        ("Écart d’horloge (ms)", "Clock offset (ms)", text("clock_offset_ms")),
        ("Version", "Version", text("version")),
    ];
    let to_do = outlook::obstacle(&text("state"), &hub, lang).map(|what| ("À faire", "To do", what));
    let clock = clock_trouble(status, lang).map(|what| ("Horloge", "Clock", what));
    let damage = damage(status, lang).map(|what| ("Base", "Database", what));
    let lost = log_lost(status["log_lost"] == true, lang).map(|what| ("Journal", "Log", what.to_owned()));
    let house = house_trouble(status, lang).map(|what| ("Horaires et partenaires", "Hours and partners", what));
    let rows = names.into_iter().chain(to_do).chain(clock).chain(damage).chain(lost).chain(house);
    rows.map(|(fr, en, value)| vec![lang.pick(fr, en).to_owned(), value]).collect()
}

/// What the weekly reading found damaged, with the next step.
pub(crate) fn damage(status: &Value, lang: Lang) -> Option<String> {
    let found: Vec<&str> = status["damage"].as_array()?.iter().filter_map(Value::as_str).collect();
    (!found.is_empty()).then(|| format!("{}. {}", found.join(" ; "), repair_advice(lang)))
}

/// What to say of a log that was lost.
pub(crate) fn log_lost(lost: bool, lang: Lang) -> Option<&'static str> {
    lost.then(|| {
        lang.pick(
            "agent.db-wal manquait à côté d’une base qui n’avait pas été refermée : les dernières saisies ont pu être \
             perdues. Comparez le compte de la journée ; ce que le hub avait reçu en revient",
            "agent.db-wal was missing beside a database that was not closed: the last taps may be lost. Compare the \
             day’s count; what the hub had received comes back from there",
        )
    })
}

/// The last attempts to reach the hub, latest last.
fn tried(status: &Value, lang: Lang) -> String {
    let zone = status["timezone"].as_str().unwrap_or_default();
    let tried = status["tried"].as_array().into_iter().flatten();
    let one = |tried: &Value| {
        let text = |name: &str| tried[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} ({})", local(&text("at"), zone), text("transport"), end_in_words(&text("why"), lang))
    };
    let lines: Vec<String> = tried.map(one).collect();
    if lines.is_empty() { "—".to_owned() } else { lines.join("\n") }
}

/// Why an attempt ended, for people; the stable word where there is no other.
fn end_in_words(why: &str, lang: Lang) -> &str {
    match why {
        "silent" => lang.pick("pas de réponse", "no answer"),
        "lost" => lang.pick("coupé ou refusé par le réseau", "cut or refused by the network"),
        "busy" => lang.pick("hub occupé", "hub busy"),
        "normal" => lang.pick("terminé", "ended"),
        "shutdown" => lang.pick("arrêt", "shutdown"),
        "revoked" => lang.pick("exclu du réseau", "revoked"),
        "unknown" | "rejected" => lang.pick("refusé par le hub", "refused by the hub"),
        "untrusted" => lang.pick("ce n’est pas le hub qui répond", "not the hub that answers"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_waiting_is_no_confirmation_before_the_hub_answered() {
        assert!(!is_confirmed(&json!({ "waiting": 0, "refused": 0, "state": "offline" })));
        assert!(!is_confirmed(&json!({ "waiting": 1, "refused": 0, "state": "connected" })));
        assert!(is_confirmed(&json!({ "waiting": 0, "refused": 0, "state": "connected" })));
    }

    #[test]
    fn what_was_set_aside_is_not_confirmed() {
        let status = json!({ "waiting": 0, "refused": 1, "state": "connected" });
        assert!(!is_confirmed(&status) && is_set_aside(&status));
        assert!(!is_set_aside(&json!({ "waiting": 0, "refused": 0, "state": "connected" })));
    }

    #[test]
    fn a_refusal_is_an_answer_and_another_networks_hub_is_none() {
        for (state, answers) in
            [("pending", true), ("revoked", true), ("refused", true), ("untrusted", false), ("offline", false)]
        {
            assert_eq!(was_contact(&json!({ "state": state })), answers, "{state}");
        }
    }

    #[test]
    fn people_read_states_in_their_language() {
        let state = |state: &str, lang| rows(&json!({ "state": state }), lang).swap_remove(3);
        for (code, words) in [
            ("connected", "connecté"),
            ("connecting", "connexion en cours"),
            ("offline", "hors ligne"),
            ("pending", "en attente d’approbation"),
            ("revoked", "exclu du réseau"),
            ("refused", "refusé par le hub"),
            ("untrusted", "un autre que le hub répond"),
        ] {
            assert_eq!(state(code, Lang::Fr), ["État", words]);
        }
        assert_eq!(state("offline", Lang::En), ["State", "offline"]);
    }

    #[test]
    fn people_read_the_sites_clock_and_where_the_hub_is_said() {
        assert_eq!(local("2026-11-20T20:30:00Z", "Indian/Reunion"), "2026-11-21 00:30 Indian/Reunion");
        assert_eq!(local("—", "Indian/Reunion"), "—");
        let status = json!({ "hub": "h:1", "hub_origin": "environment", "hub_place": "MSAP_AGENT_SYNC__HUB" });
        assert_eq!(hub_address(&status, Lang::Fr).1, "[sync] hub, variable MSAP_AGENT_SYNC__HUB");
        assert_eq!(hub_address(&json!({ "hub_origin": "invitation" }), Lang::Fr).1, "adresse de l’invitation");
    }

    #[test]
    fn people_read_what_was_tried() {
        let at = "2026-11-20T10:00:01Z";
        let status = json!({ "timezone": "Europe/Paris", "tried": [
            { "transport": "quic", "why": "silent", "at": at }, { "transport": "tcp", "why": "later", "at": at },
        ] });
        assert_eq!(tried(&status, Lang::Fr), {
            let at = local(at, "Europe/Paris");
            format!("{at} quic (pas de réponse)\n{at} tcp (later)")
        });
        assert_eq!(tried(&json!({}), Lang::Fr), "—");
    }

    #[test]
    fn a_contact_before_the_wait_is_no_answer() {
        let began: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert!(answered_since(&json!({ "last_contact": "2026-11-20T10:00:01Z" }), began));
        assert!(!answered_since(&json!({ "last_contact": "2026-11-20T10:00:00Z" }), began));
        assert!(!answered_since(&json!({ "last_contact": null }), began));
    }
}
