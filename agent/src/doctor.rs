//! `doctor`: looks at this machine from the outside in, and says what to do.
//!
//! Works with and without a running agent: with one, the agent verifies its own storage; without,
//! the storage is opened here, under the agent's lock.

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::standing::{clock_trouble, damage, house_trouble, hub_address, log_lost};
use crate::cli::{Context, Failure, identity_failed, not_joined, repair_advice, storage_failed};
use crate::client::{Client, ClientError};
use crate::command::{Command, Reply, Verified};
use crate::core::{Core, Input, Now, Output};
use crate::exit::Exit;
use crate::identity::Identity;
use crate::lock;
use crate::out::{self, Form, Lang};
use crate::outlook;
use crate::service::room;
use crate::store::{self, StoreError, unclosed};

/// Longest wait for a verification: years of visits take seconds.
const VERIFY_TIME_MAX: Duration = Duration::from_secs(300);

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Ok,
    /// Not as it will be in service, but no fault.
    Note,
    Problem,
    /// The storage is damaged or newer.
    Damage,
}

impl Mark {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
            Self::Damage => "damage",
        }
    }

    fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => lang.pick("problème", "problem"),
            Self::Damage => lang.pick("DOMMAGE", "DAMAGE"),
        }
    }
}

struct Check {
    name: &'static str,
    mark: Mark,
    detail: String,
}

/// Looks at everything.
///
/// # Errors
/// None today: what is wrong is part of the answer, exit 1, or 9 for damaged storage.
pub async fn doctor(context: &Context) -> Result<Exit, Failure> {
    let mut checks = vec![data_directory(&context.data, context.lang), settings(context)];
    if context.data.join(store::FILE_NAME).exists() {
        match Client::find(&context.data) {
            Ok(client) => with_agent(context, &client, &mut checks).await,
            Err(error) => {
                checks.push(Check { name: "agent", mark: Mark::Note, detail: context.failed(error).text });
                let storage_word = if room::is_low(&context.data) { "low" } else { "ok" };
                checks.extend(disk(&json!({ "storage": storage_word }), context.lang));
                checks.extend(log(unclosed::is_log_lost(&context.data), context.lang));
                checks.push(storage(verify_here(&context.data), context));
            }
        }
        checks.push(identity(context));
    } else {
        checks.push(Check { name: "site", mark: Mark::Problem, detail: not_joined(&context.data, context.lang) });
    }
    Ok(report(&checks, context))
}

fn data_directory(data: &Path, lang: Lang) -> Check {
    let written = match std::fs::metadata(data) {
        Ok(metadata) if !metadata.is_dir() => Err(lang.pick("n’est pas un répertoire", "is no directory").to_owned()),
        Ok(_) => {
            let probe = data.join("doctor.part");
            let tried = std::fs::write(&probe, "x").and_then(|()| std::fs::remove_file(&probe));
            tried.map_err(|error| format!("{} ({error})", lang.pick("ne s’écrit pas", "cannot be written to")))
        }
        Err(error) => Err(format!("{} ({error})", lang.pick("n’existe pas", "does not exist"))),
    };
    match written {
        Ok(()) => Check { name: "data", mark: Mark::Ok, detail: data.display().to_string() },
        Err(why) => {
            let next = lang.pick("Vérifiez --data et les droits", "Check --data and the permissions");
            Check { name: "data", mark: Mark::Problem, detail: format!("{} {why}. {next}", data.display()) }
        }
    }
}

fn settings(context: &Context) -> Check {
    match context.settings() {
        Ok(_) => {
            let file = context.config.as_ref().map(|path| path.display().to_string());
            let detail = file.unwrap_or_else(|| context.lang.pick("sans fichier", "no file").to_owned());
            Check { name: "config", mark: Mark::Ok, detail }
        }
        Err(failure) => Check { name: "config", mark: Mark::Problem, detail: failure.text },
    }
}

async fn with_agent(context: &Context, client: &Client, checks: &mut Vec<Check>) {
    match client.get("/api/status").await {
        Ok(status) => {
            let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
            let site = format!("{} ({}), {}", text("site_name"), text("site"), text("label"));
            checks.push(Check { name: "site", mark: Mark::Ok, detail: site });
            let agent = format!("{} {}", client.url(), text("version"));
            checks.push(Check { name: "agent", mark: Mark::Ok, detail: agent });
            checks.extend(disk(&status, context.lang));
            checks.extend(log(status["log_lost"] == true, context.lang));
            checks.extend(read_back(&status, context.lang));
            checks.extend(clock(&status, context.lang));
            let house = house_trouble(&status, context.lang);
            checks.extend(house.map(|detail| Check { name: "house", mark: Mark::Note, detail }));
            checks.push(hub(&status, context.lang));
        }
        Err(error) => {
            checks.push(Check { name: "agent", mark: Mark::Problem, detail: context.failed(error).text });
        }
    }
    let verified = client.ask(Method::POST, "/api/verify", Some(&json!({})), VERIFY_TIME_MAX).await;
    checks.push(match verified {
        Ok(answer) => {
            let problems = answer["problems"].as_array().into_iter().flatten();
            let verified = Verified {
                documents: answer["documents"].as_u64().unwrap_or_default(),
                changes: answer["changes"].as_u64().unwrap_or_default(),
                problems: problems.filter_map(|text| text.as_str().map(str::to_owned)).collect(),
            };
            judged(&verified, context.lang)
        }
        // An agent that stopped while verifying most likely met what it was looking for.
        Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) if !lock::is_held(&context.data) => {
            storage(verify_here(&context.data), context)
        }
        Err(error) => Check { name: "storage", mark: Mark::Problem, detail: context.failed(error).text },
    });
}

/// What the running agent could not keep, or soon may not.
fn disk(status: &Value, lang: Lang) -> Option<Check> {
    let trouble = outlook::storage(status["storage"].as_str().unwrap_or_default(), lang)?;
    Some(Check { name: "disk", mark: Mark::Problem, detail: trouble.to_owned() })
}

/// A log that was lost.
fn log(lost: bool, lang: Lang) -> Option<Check> {
    let detail = log_lost(lost, lang)?.to_owned();
    Some(Check { name: "log", mark: Mark::Problem, detail })
}

/// What the weekly reading of the running agent found.
fn read_back(status: &Value, lang: Lang) -> Option<Check> {
    Some(Check { name: "read_back", mark: Mark::Damage, detail: damage(status, lang)? })
}

/// A clock that is not believed.
fn clock(status: &Value, lang: Lang) -> Option<Check> {
    let detail = clock_trouble(status, lang)?;
    Some(Check { name: "clock", mark: Mark::Problem, detail })
}

fn hub(status: &Value, lang: Lang) -> Check {
    let (address, from) = hub_address(status, lang);
    let address = format!("{address} ({from})");
    let state = status["state"].as_str().unwrap_or_default();
    let error = status["last_error"].as_str().unwrap_or_default();
    if state == "connected" {
        return Check { name: "hub", mark: Mark::Ok, detail: address };
    }
    let next = match outlook::obstacle(state, status["hub"].as_str().unwrap_or_default(), lang) {
        Some(obstacle) => obstacle,
        None if outlook::is_stuck(status["storage"].as_str().unwrap_or_default()) => lang
            .pick(
                "L’envoi reprendra une fois que le disque enregistre de nouveau",
                "Sending goes on once the disk keeps things again",
            )
            .to_owned(),
        None => lang
            .pick(
                "Vérifiez le réseau et que l’UDP ou le TCP sort vers cette adresse ; les visites restent gardées",
                "Check the network and that UDP or TCP may leave to this address; visits stay kept",
            )
            .to_owned(),
    };
    let words = outlook::state(state, lang);
    let why = if error.is_empty() { String::new() } else { format!(" ({error})") };
    Check { name: "hub", mark: Mark::Problem, detail: format!("{address} : {words}{why}. {next}") }
}

/// Key, certificate and authorities: each reads, and they belong together and to the site.
fn identity(context: &Context) -> Check {
    let (data, lang) = (&context.data, context.lang);
    let identity = match Identity::load(data).and_then(|identity| identity.verify(data).map(|()| identity)) {
        Ok(identity) => identity,
        Err(error) => {
            let failure = identity_failed(&error, lang);
            let mark = if failure.exit == Exit::Storage { Mark::Damage } else { Mark::Problem };
            return Check { name: "identity", mark, detail: failure.text };
        }
    };
    let (device, site) = (identity.fingerprint().device(), identity.site());
    match store::profile(data) {
        Some(profile) if profile.site != *site => {
            let what = lang.pick(
                "le certificat et la base ne sont pas du même site ; remettez ensemble les fichiers d’un même poste",
                "certificate and database are not of one site; put the files of one machine back together",
            );
            let detail = format!("{what} ({site}, {})", profile.site);
            Check { name: "identity", mark: Mark::Problem, detail }
        }
        _ => Check { name: "identity", mark: Mark::Ok, detail: format!("{device}, site {site}") },
    }
}

/// Opens and verifies the storage in this process; `None` when an agent took it meanwhile.
fn verify_here(data: &Path) -> Result<Option<Verified>, StoreError> {
    let Ok(_held) = lock::hold(data) else { return Ok(None) };
    let mut core = Core::new(store::open(data)?, Box::new(rand::random::<[u8; 16]>))?;
    // One turn compares its clocks with nothing: any origin will do.
    let now = Now { wall: Timestamp::now(), monotonic_ms: 0 };
    for output in core.turn(vec![Input::Command(0, Command::Verify)], now)? {
        if let Output::Reply(_, Ok(Reply::Verified(verified))) = output {
            return Ok(Some(verified));
        }
    }
    Ok(None)
}

fn storage(verified: Result<Option<Verified>, StoreError>, context: &Context) -> Check {
    match verified {
        Ok(Some(verified)) => judged(&verified, context.lang),
        Ok(None) => {
            let detail = context.lang.pick("occupé : recommencez", "busy: try again").to_owned();
            Check { name: "storage", mark: Mark::Problem, detail }
        }
        Err(error) => {
            let failure = storage_failed(&error, &context.data, context.lang);
            let mark = if failure.exit == Exit::Storage { Mark::Damage } else { Mark::Problem };
            Check { name: "storage", mark, detail: failure.text }
        }
    }
}

fn judged(verified: &Verified, lang: Lang) -> Check {
    let Verified { documents, changes, problems } = verified;
    if problems.is_empty() {
        let months = lang.counted(documents.cast_signed(), ["mois", "mois"], ["month", "months"]);
        let kept = [["changement vérifié", "changements vérifiés"], ["change verified", "changes verified"]];
        let kept = lang.counted(changes.cast_signed(), kept[0], kept[1]);
        return Check { name: "storage", mark: Mark::Ok, detail: format!("{months}, {kept}") };
    }
    let next = repair_advice(lang);
    Check { name: "storage", mark: Mark::Damage, detail: format!("{}. {next}", problems.join(" ; ")) }
}

fn report(checks: &[Check], context: &Context) -> Exit {
    match context.form {
        Form::Json => out::json(&json!({
            "ok": checks.iter().all(|check| check.mark <= Mark::Note),
            "checks": checks
                .iter()
                .map(|check| json!({ "name": check.name, "state": check.mark.as_str(), "detail": check.detail }))
                .collect::<Vec<Value>>(),
        })),
        Form::Text => {
            let row = |check: &Check| {
                vec![check.mark.word(context.lang).to_owned(), check.name.to_owned(), check.detail.clone()]
            };
            out::table(&[], checks.iter().map(row).collect());
        }
    }
    match checks.iter().map(|check| check.mark).max() {
        Some(Mark::Damage) => Exit::Storage,
        Some(Mark::Problem) => Exit::Failure,
        _ => Exit::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_turns_this_machine_away_comes_with_the_next_step() {
        for (state, words, next) in [
            ("refused", "refusé par le hub", "msap-agent join CODE"),
            ("revoked", "exclu du réseau", "msap-agent join CODE"),
            ("pending", "en attente d’approbation", "prévenez l’équipe du hub"),
            ("untrusted", "un autre que le hub répond", "Vérifiez cette adresse"),
            ("offline", "hors ligne", "Vérifiez le réseau"),
        ] {
            let check = hub(&json!({ "hub": "hub.exemple.fr:4433", "state": state }), Lang::Fr);
            assert_eq!(check.mark, Mark::Problem);
            assert!(check.detail.contains(words) && check.detail.contains(next), "{}", check.detail);
        }
    }

    #[test]
    fn a_full_disk_is_not_blamed_on_the_network() {
        let status = json!({ "hub": "hub:4433", "state": "offline", "storage": "full" });
        let check = hub(&status, Lang::Fr);
        assert!(!check.detail.contains("réseau") && check.detail.contains("disque"), "{}", check.detail);
        assert!(disk(&status, Lang::Fr).is_some_and(|check| check.mark == Mark::Problem));
        assert!(disk(&json!({ "storage": "ok" }), Lang::Fr).is_none());
    }
}
