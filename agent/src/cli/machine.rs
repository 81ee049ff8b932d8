//! `join`, `open`, `config`, `completions`, `man`, `version`: this machine and this program.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap_complete::Shell;
use hyper::Method;
use msap_shared::io::enrol::Denial;
use serde_json::json;

use super::{ConfigAction, Context, Failure, Join, definition, english};
use crate::client::Client;
use crate::config::Entry;
use crate::exit::Exit;
use crate::join::{self, JoinError, Joined};
use crate::out::{self, Form, Lang};
use crate::store::unclosed::Look;
use crate::{identity, store};

/// Longest join code that is read from standard input.
const CODE_LEN_MAX: u64 = 4096;
/// Longest wait for a running agent to take note of a join: it does so by itself later.
const WAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// The name of a machine that does not say one.
const LABEL_DEFAULT: &str = "poste";

/// `join CODE`.
///
/// # Errors
/// As the hub answers.
pub async fn join(context: &Context, args: Join) -> Result<Exit, Failure> {
    // A machine that joins anew has a database, which is closed again here unless an agent runs.
    let _look = Look::at(&context.data);
    let code = if args.code == "-" {
        let mut text = String::new();
        io::stdin().take(CODE_LEN_MAX).read_to_string(&mut text).map_err(|error| {
            let what = context.lang.pick("l’entrée standard ne se lit pas", "standard input cannot be read");
            Failure::new(Exit::Invalid, format!("code : {what} ({error})"))
        })?;
        text
    } else {
        args.code.clone()
    };
    if let Some(path) = &args.request {
        return super::bundle::join_request(context, code.trim(), args.label, path);
    }
    if let Some(path) = &args.answer {
        return super::bundle::join_answer(context, code.trim(), path).await;
    }
    let label = args.label.unwrap_or_else(machine_name);
    let before = Before::look(&context.data);
    let done = match join::join(&context.data, code.trim(), &label).await {
        Ok(done) => done,
        Err(error) => {
            if is_final(&error) {
                before.restore(&context.data);
            }
            return Err(not_joined(&error, context.lang));
        }
    };
    joined(context, &done, &label).await
}

/// Why the machine did not join.
pub(super) fn not_joined(error: &JoinError, lang: Lang) -> Failure {
    Failure { exit: exit_of(error.exit_code()), text: english::join(error, lang) }
}

/// Tells what joining made of this machine.
pub(super) async fn joined(context: &Context, joined: &Joined, label: &str) -> Result<Exit, Failure> {
    // An agent that runs and was turned away would wait before it takes up the new identity.
    let running = Client::find(&context.data).ok();
    if let Some(client) = &running {
        drop(client.ask(Method::POST, "/api/sync", Some(&json!({})), WAKE_TIME_MAX).await);
    }
    match context.form {
        Form::Json => out::json(&json!({
            "site": joined.site.to_string(),
            "name": joined.name,
            "timezone": joined.timezone.to_string(),
            "device": joined.device.to_string(),
            "label": label,
        })),
        Form::Text => {
            let (lang, name) = (context.lang, &joined.name);
            let what = lang.pick("ce poste compte pour", "this machine counts for");
            out::data(&format!("{what} {name} ({}), {} ({label})", joined.site, joined.device));
            out::note(if running.is_some() {
                lang.pick(
                    "L’agent lancé continue sous cette identité à sa prochaine connexion",
                    "The running agent goes on under this identity from its next connection",
                )
            } else {
                lang.pick("Lancez l’agent : msap-agent run", "Start the agent: msap-agent run")
            });
        }
    }
    Ok(Exit::Ok)
}

/// What a join finds, to leave nothing behind when it is refused.
struct Before {
    directory: bool,
    joining: bool,
}

impl Before {
    fn look(data: &Path) -> Self {
        Self { directory: data.exists(), joining: identity::is_joining(data) }
    }

    /// Takes away what the join made. What cannot be removed does no harm where it is.
    fn restore(&self, data: &Path) {
        if !self.joining {
            drop(identity::forget_joining(data));
        }
        if !self.directory {
            // Fails, rightly, when something else has come to lie in it.
            drop(std::fs::remove_dir(data));
        }
    }
}

/// Whether the same command cannot succeed later: then the key it made serves nothing.
fn is_final(error: &JoinError) -> bool {
    match error {
        JoinError::Code(_) | JoinError::NotTheHub { .. } => true,
        JoinError::Denied { denial, .. } => *denial != Denial::Busy,
        _ => false,
    }
}

/// The exit code with this number.
fn exit_of(code: u8) -> Exit {
    match code {
        0 => Exit::Ok,
        2 => Exit::Usage,
        3 => Exit::NotRunning,
        4 => Exit::NotFound,
        5 => Exit::Invalid,
        6 => Exit::Refused,
        7 => Exit::HubUnreachable,
        8 => Exit::ConditionFailed,
        9 => Exit::Storage,
        _ => Exit::Failure,
    }
}

/// What this machine calls itself.
pub(super) fn machine_name() -> String {
    let told = std::fs::read_to_string("/etc/hostname").ok();
    let named = told.or_else(|| std::env::var("COMPUTERNAME").ok()).or_else(|| std::env::var("HOSTNAME").ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| LABEL_DEFAULT.to_owned())
}

/// `open`.
///
/// # Errors
/// When the agent does not run, or nothing can open a page here.
pub fn open(context: &Context) -> Result<Exit, Failure> {
    let url = context.client()?.url();
    match context.form {
        Form::Json => out::json(&json!({ "url": url })),
        Form::Text => out::data(&url),
    }
    let mut opener = if cfg!(target_os = "windows") {
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else if cfg!(target_os = "macos") {
        Command::new("open")
    } else {
        Command::new("xdg-open")
    };
    let opened = opener.arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if opened.is_ok_and(|status| status.success()) {
        return Ok(Exit::Ok);
    }
    let text = context.lang.pick("aucun navigateur ne s’ouvre ici : tapez", "no browser opens here: type");
    Err(Failure::new(Exit::Failure, format!("{text} {url}")))
}

/// `config show`, `config check`.
///
/// # Errors
/// Exit 5, naming the key.
pub fn config(context: &Context, action: &ConfigAction) -> Result<Exit, Failure> {
    let loaded = context.settings()?;
    match (action, context.form) {
        (ConfigAction::Check, Form::Json) => out::json(&json!({ "valid": true })),
        (ConfigAction::Check, Form::Text) => {
            out::note(context.lang.pick("les réglages sont valides", "the settings are valid"));
        }
        (ConfigAction::Show, Form::Json) => {
            let entries = loaded.entries.iter().map(|entry| {
                let place = if entry.origin.as_str() == "default" { None } else { Some(entry.origin.place()) };
                let mut shown =
                    json!({ "key": entry.key, "value": entry.value, "origin": entry.origin.as_str(), "place": place });
                if let Some(hub) = invitations_hub(context, entry) {
                    shown["invitation"] = hub.into();
                }
                shown
            });
            out::json(&entries.collect());
        }
        (ConfigAction::Show, Form::Text) => {
            let data = context.data.display().to_string();
            let mut rows = vec![vec!["data".to_owned(), data, String::new()]];
            rows.extend(loaded.entries.iter().map(|entry| match invitations_hub(context, entry) {
                Some(hub) => {
                    let from = context.lang.pick("celle de l’invitation", "the invitation’s");
                    vec![entry.key.to_owned(), hub, from.to_owned()]
                }
                None => vec![entry.key.to_owned(), entry.value.clone(), entry.origin.to_string()],
            }));
            let lang = context.lang;
            out::table(
                &[lang.pick("Réglage", "Setting"), lang.pick("Valeur", "Value"), lang.pick("Origine", "Origin")],
                rows,
            );
        }
    }
    Ok(Exit::Ok)
}

/// The hub that is dialled where the settings name none.
fn invitations_hub(context: &Context, entry: &Entry) -> Option<String> {
    (entry.key == "sync.hub" && entry.value.is_empty()).then(|| store::profile(&context.data))?.map(|known| known.hub)
}

/// `completions SHELL`.
pub fn completions(shell: Shell) -> Exit {
    let mut definition = definition();
    let name = definition.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition, name, &mut script);
    out::data(String::from_utf8_lossy(&script).trim_end());
    Exit::Ok
}

/// `man DIR`.
///
/// # Errors
/// When a page cannot be written.
pub fn man(context: &Context, dir: &Path) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(definition(), dir));
    written.map_err(|error| {
        let text =
            context.lang.pick("les pages de manuel ne s’écrivent pas dans", "the manual pages cannot be written to");
        Failure::new(Exit::Failure, format!("{text} {} ({error})", dir.display()))
    })?;
    Ok(Exit::Ok)
}

/// `version`.
pub fn version(form: Form) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    match form {
        Form::Json => out::json(&json!({ "name": "msap-agent", "version": version })),
        Form::Text => out::data(&format!("msap-agent {version}")),
    }
    Exit::Ok
}
