//! `msap-hub user …`: the request that is meant, with the password asked of whoever types.
//!
//! The password is made into what is kept of it here: it goes to no other process, and to no file.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::Value;

use super::args::User;
use super::table;
use crate::admin::{Change, Look, Request, UserObject};
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::login::{Login, LoginError};
use crate::out;
use crate::password::{CHARS_MIN, Kept, LEN_MAX, PasswordError, generated};

/// A request, and the password that is to be shown once it is carried out.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) shown_once: Option<String>,
}

/// The request that is meant.
///
/// # Errors
/// When there is no password that can be taken.
pub(crate) fn asked(user: User, lang: Lang) -> Result<Asked, Failure> {
    let plain = |request| Asked { request, shown_once: None };
    Ok(match user {
        User::Add { login, scope, role, generate } => {
            // Before anybody types a password for it.
            known(&login, lang)?;
            let (password, shown_once) = password(generate, lang)?;
            Asked { request: Request::Change(Change::UserAdd { login, password, scope, role }), shown_once }
        }
        User::Passwd { login, generate } => {
            known(&login, lang)?;
            let (password, shown_once) = password(generate, lang)?;
            Asked { request: Request::Change(Change::UserPasswd { login, password }), shown_once }
        }
        User::Set { login, scope, role } => plain(Request::Change(Change::UserSet { login, scope, role })),
        User::List => plain(Request::Look(Look::Users)),
        User::Disable { login } => plain(Request::Change(Change::UserDisable { login, disabled: true })),
        User::Enable { login } => plain(Request::Change(Change::UserDisable { login, disabled: false })),
    })
}

/// Writes the reply; a generated password alone on standard output, for this one time.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn show(user: &UserObject, shown_once: Option<String>, json: bool, lang: Lang) -> io::Result<()> {
    if json {
        let mut object = serde_json::to_value(user).map_err(io::Error::other)?;
        if let Some(password) = shown_once {
            object["password"] = Value::String(password);
        }
        return out::json(&object);
    }
    let Some(password) = shown_once else { return table::object(user, false, lang) };
    let text = lang.of(
        "gardez ce mot de passe, il ne sera plus affiché ; utilisateur",
        "keep this password, it is not shown again; user",
    );
    eprintln!("{text} {} ({}, {})", user.login, user.scope, user.role);
    out::line(&password)
}

fn known(login: &str, lang: Lang) -> Result<(), Failure> {
    let parsed = login.parse::<Login>().map(drop);
    parsed.map_err(|error: LoginError| crate::admin::AdminError::Login(error).failure(lang))
}

fn password(generate: bool, lang: Lang) -> Result<(Kept, Option<String>), Failure> {
    let text = if generate { generated(&rand::random()) } else { typed(lang)? };
    let kept = Kept::of(&text, &rand::random()).map_err(|error| Failure::new(Exit::Invalid, say(error, lang)))?;
    Ok((kept, generate.then_some(text)))
}

fn say(error: PasswordError, lang: Lang) -> String {
    let french = match error {
        PasswordError::Short(chars) => format!(
            "le mot de passe a {chars} caractères, il en faut au moins {CHARS_MIN} : prenez plusieurs mots, ou --generate"
        ),
        PasswordError::Long(bytes) => format!("le mot de passe a {bytes} octets, {LEN_MAX} au plus"),
        PasswordError::Control => "le mot de passe a un caractère qui ne se tape pas".to_owned(),
    };
    lang.of(french, error.to_string())
}

/// The password as typed, twice, without being shown; or the first line of what is piped in.
fn typed(lang: Lang) -> Result<String, Failure> {
    let failed = |error: io::Error| {
        let text = lang.of("le mot de passe n’a pas pu être lu", "the password could not be read");
        Failure::new(Exit::Failure, format!("{text} : {error}"))
    };
    if !io::stdin().is_terminal() {
        return line().map_err(failed);
    }
    let hidden = Hidden::begin().map_err(failed)?;
    let first = hidden.ask(lang.of("mot de passe : ", "password: ")).map_err(failed)?;
    let again = hidden.ask(lang.of("encore une fois : ", "once more: ")).map_err(failed)?;
    if first == again {
        return Ok(first);
    }
    let text = lang.of("les deux mots de passe diffèrent : recommencez", "the two passwords differ: begin again");
    Err(Failure::new(Exit::Invalid, text))
}

/// A line of standard input without its end; of a longer one, enough to be refused.
fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LEN_MAX as u64 + 3).read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

/// A terminal that does not show what is typed, until dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }

    fn ask(&self, prompt: &str) -> io::Result<String> {
        let mut err = io::stderr().lock();
        err.write_all(prompt.as_bytes())?;
        err.flush()?;
        line()
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Whatever went wrong before is told; a terminal that is gone needs nothing.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}
