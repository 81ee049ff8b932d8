//! The errors that are written in French, in English: for `--lang en`.
//!
//! Called where a command ends with one of them. The French text is the error's own, because the
//! page and the front desk read it too; what a running agent answers to a command stays in French.

use msap_shared::io::bundle::BundleError;
use msap_shared::io::enrol::Denial;
use msap_shared::io::join_code::JoinCodeError;

use crate::bundle::FileError;
use crate::config::{ConfigError, DataDirError, Origin};
use crate::join::{JoinError, chain};
use crate::out::Lang;

/// The text of a wrong setting.
pub(super) fn config(error: &ConfigError, lang: Lang) -> String {
    if lang == Lang::Fr {
        return error.to_string();
    }
    match error {
        ConfigError::File { path, source } => format!("the settings file {path} cannot be read: {source}"),
        ConfigError::Environment(source) => format!("the variables MSAP_AGENT_ cannot be read: {source}"),
        ConfigError::Unknown { key, origin, known } => {
            format!("{key} is no known setting ({}); settings: {known}", place(origin))
        }
        // What is expected is told in French: it is also read on the page.
        ConfigError::Invalid { key, value, why, origin } => {
            format!("{key} = {value:?} cannot be used ({}): {why}", place(origin))
        }
    }
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default value".to_owned(),
        Origin::File(path) => format!("file {}", path.display()),
        Origin::Environment(name) => format!("variable {name}"),
    }
}

/// The text where no data directory can be told.
pub(super) fn data_dir(error: &DataDirError, lang: Lang) -> String {
    match (lang, error) {
        (Lang::Fr, error) => error.to_string(),
        (Lang::En, DataDirError::Empty(name)) => format!("the data directory given by {name} is empty"),
        (Lang::En, DataDirError::NoHome) => {
            "no home directory: name the data directory with --data or MSAP_AGENT_DATA".to_owned()
        }
    }
}

/// The text of a machine that did not join.
pub(super) fn join(error: &JoinError, lang: Lang) -> String {
    if lang == Lang::Fr {
        return error.to_string();
    }
    match error {
        JoinError::Code(error) => format!("{}. Copy the whole code, as the hub gave it.", code(error)),
        JoinError::Unreachable { address, why } => format!(
            "the hub {address} does not answer ({}). Check the connection, and that the firewall lets this port out, \
             over UDP or TCP, then give the same command again: the code stays valid.",
            why.as_str()
        ),
        JoinError::Interrupted { address } => {
            format!("the answer of the hub {address} was lost. Give the same command again: the code stays valid.")
        }
        JoinError::NotTheHub { address } => format!(
            "what answers at {address} is not the hub of this code: nothing was shown to it. Check the code with the \
             hub’s team."
        ),
        JoinError::Denied { denial, .. } => denied(*denial).map_or_else(|| error.to_string(), str::to_owned),
        JoinError::Answer(what) => {
            format!("the hub’s answer makes no sense ({what}). Update the agent, then give the same command again.")
        }
        JoinError::File(error) => bundle(error),
        JoinError::WrongFile => "this file is not the hub’s answer to a request to join: take the one that «msap-hub \
                                 import-bundle REQUEST --answer ANSWER» has written"
            .to_owned(),
        JoinError::OtherAnswer => "this is not the answer to this machine’s request with this code. Make the request \
                                   again: msap-agent join CODE --request FILE"
            .to_owned(),
        JoinError::Directory { path, error } => format!("the directory {} cannot be used: {error}", path.display()),
        JoinError::Identity(error) => {
            format!("the machine’s identity cannot be kept: {}. Give the same command again.", chain(error))
        }
        JoinError::Store(error) => {
            format!("the machine’s database cannot be made: {}. Give the same command again.", chain(error))
        }
    }
}

fn code(error: &JoinCodeError) -> String {
    match error {
        JoinCodeError::Empty => "the code is empty".to_owned(),
        JoinCodeError::Prefix => "an invitation code begins with «msap1-»".to_owned(),
        JoinCodeError::Character(c) => format!("the character «{c}» is in no code: check what was typed"),
        JoinCodeError::Incomplete => "the code is not complete: its end is missing".to_owned(),
        JoinCodeError::TooLong => "the code is too long: there is more text after its end".to_owned(),
        JoinCodeError::Mistyped => "the code is mistyped: compare it with the original".to_owned(),
        JoinCodeError::Address => "the hub’s address must be host:port, 100 characters at most".to_owned(),
    }
}

/// `None`: the hub's own words.
fn denied(denial: Denial) -> Option<&'static str> {
    Some(match denial {
        Denial::InvalidCode => "this code is not valid, or not any more. Ask the hub’s team for a new one.",
        Denial::CodeUsed => "this code has served another machine. Each has its own: ask for a new one.",
        Denial::Revoked => {
            "this machine was excluded from the network; an old code does not bring it back. Ask for a new one."
        }
        Denial::OtherSite => {
            "this code is of another site than the one that this machine counts for. Ask for a code of this site, or \
             use an empty data directory (--data)."
        }
        Denial::BadRequest => "the hub does not understand the request. Update the agent.",
        Denial::Busy => "the hub cannot answer just now. Give the same command again in a few minutes.",
        Denial::Other => return None,
    })
}

/// The text of a file that was not made or taken.
pub(super) fn file(error: &FileError, lang: Lang) -> String {
    match (lang, error) {
        (Lang::Fr, error) => error.to_string(),
        (Lang::En, FileError::Bundle(error)) => bundle(error),
        (Lang::En, FileError::WrongWay(_)) => {
            "this file is not an answer of the hub to this machine: one that goes to the hub is imported there, one to \
             join is given to msap-agent join CODE --answer FILE"
                .to_owned()
        }
        (Lang::En, FileError::OtherMachine { device, site }) => {
            format!("this file is for the machine {device} of site {site}, not for this one: import it there")
        }
        (Lang::En, FileError::Identity(error)) => {
            format!("this machine’s identity cannot be read ({error}): run msap-agent doctor")
        }
    }
}

fn bundle(error: &BundleError) -> String {
    // Written in English, for logs and for this.
    error.to_string()
}
