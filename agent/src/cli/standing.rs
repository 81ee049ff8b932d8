//! `status` and `sync`: how this machine stands with the hub.

use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Context, Failure, StatusArgs, SyncAction};
use crate::config::parse_duration;
use crate::exit::Exit;
use crate::out::{self, Form, Lang};

/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `status`, at once or after a wait.
///
/// # Errors
/// As the agent answers.
pub async fn status(context: &Context, args: StatusArgs) -> Result<Exit, Failure> {
    let timeout = parse_duration(&args.timeout).ok_or_else(|| {
        Failure::new(Exit::Invalid, format!("timeout : « {} » n’est pas une durée comme 30s", args.timeout))
    })?;
    let client = context.client()?;
    let look = async || client.get("/api/status").await.map_err(|error| context.failed(error));

    let mut status = look().await?;
    let mut exit = Exit::Ok;
    if args.wait.is_some() {
        let (began, until) = (Timestamp::now(), Instant::now() + timeout);
        let mut contact = was_contact(&status);
        while !is_confirmed(&status) {
            if Instant::now() >= until {
                exit = if contact || answered_since(&status, began) {
                    Exit::ConditionFailed
                } else {
                    Exit::HubUnreachable
                };
                break;
            }
            tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
            status = look().await?;
            contact = was_contact(&status);
        }
    }
    match context.form {
        Form::Json => out::json(&status),
        Form::Text => show(&status, context.lang),
    }
    match exit {
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

/// Everything kept here is known to be kept by a hub that answers now.
fn is_confirmed(status: &Value) -> bool {
    status["waiting"] == 0 && status["state"] == "connected"
}

/// The hub answers now, be it to refuse.
fn was_contact(status: &Value) -> bool {
    matches!(status["state"].as_str(), Some("connected" | "pending" | "revoked"))
}

fn answered_since(status: &Value, began: Timestamp) -> bool {
    let contact: Option<Timestamp> = status["last_contact"].as_str().and_then(|text| text.parse().ok());
    contact.is_some_and(|contact| contact.as_second() >= began.as_second())
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
                let rows =
                    lines.map(|line| vec![text(line, "at"), text(line, "event"), text(line, "detail")]).collect();
                let lang = context.lang;
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
    let text = |name: &str| match &status[name] {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let names = [
        ("Site", "Site", format!("{} ({})", text("site_name"), text("site"))),
        ("Poste", "Machine", format!("{} ({})", text("label"), text("device"))),
        ("Jour au site", "Day at the site", format!("{} {} {}", text("today"), text("clock"), text("timezone"))),
        ("État", "State", text("state")),
        ("Enregistrées ici", "Kept here", text("kept")),
        ("Reçues par le hub", "Confirmed by the hub", text("confirmed")),
        ("En attente", "Waiting", text("waiting")),
        ("Plus ancien jour en attente", "Oldest waiting day", text("oldest_waiting_day")),
        ("Mises de côté", "Set aside", text("refused")),
        ("Dernier contact", "Last contact", text("last_contact")),
        ("Dernière erreur", "Last error", text("last_error")),
        ("Hub", "Hub", text("hub")),
        ("Transport", "Transport", text("transport")),
        ("Écart d’horloge (ms)", "Clock offset (ms)", text("clock_offset_ms")),
        ("Version", "Version", text("version")),
    ];
    out::table(&[], names.into_iter().map(|(fr, en, value)| vec![lang.pick(fr, en).to_owned(), value]).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_waiting_is_no_confirmation_before_the_hub_answered() {
        assert!(!is_confirmed(&json!({ "waiting": 0, "state": "offline" })));
        assert!(!is_confirmed(&json!({ "waiting": 1, "state": "connected" })));
        assert!(is_confirmed(&json!({ "waiting": 0, "state": "connected" })));
    }

    #[test]
    fn a_contact_before_the_wait_is_no_answer() {
        let began: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert!(answered_since(&json!({ "last_contact": "2026-11-20T10:00:00Z" }), began));
        assert!(!answered_since(&json!({ "last_contact": "2026-11-20T09:59:59Z" }), began));
        assert!(!answered_since(&json!({ "last_contact": null }), began));
        assert!(was_contact(&json!({ "state": "pending" })) && !was_contact(&json!({ "state": "offline" })));
    }
}
