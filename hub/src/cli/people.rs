//! `msap-hub user …`: the request that is meant, with the password asked of whoever types.
//!
//! The password is made into what is kept of it here: it goes to no other process, and to no file.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
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
    let hidden = Hidden::begin(io::stdin()).map_err(failed)?;
    let asked = |prompt: &str| match hidden.ask(prompt).map_err(failed)? {
        Typed::Line(line) => Ok(line),
        Typed::Interrupted => {
            let text = lang.of("interrompu : rien n’a été changé", "interrupted: nothing was changed");
            Err(Failure::new(Exit::Failure, text))
        }
    };
    let first = asked(lang.of("mot de passe : ", "password: "))?;
    let again = asked(lang.of("encore une fois : ", "once more: "))?;
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

/// What somebody did at the prompt.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    /// Typed a line; without its end.
    Line(String),
    /// Wanted out.
    Interrupted,
}

/// A terminal that does not show what is typed, until dropped. A signal would end the program before
/// that and leave the terminal mute: while it is so, the keys that interrupt only end the line.
struct Hidden<F: AsFd> {
    terminal: F,
    before: Termios,
}

impl<F: AsFd> Hidden<F> {
    fn begin(terminal: F) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        hidden.local_modes.insert(LocalModes::ECHONL);
        for (end, key) in [(SpecialCodeIndex::VEOL, INTERRUPTS[0]), (SpecialCodeIndex::VEOL2, INTERRUPTS[1])] {
            hidden.special_codes[end] = before.special_codes[key];
        }
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }

    fn ask(&self, prompt: &str) -> io::Result<Typed> {
        let mut err = io::stderr().lock();
        err.write_all(prompt.as_bytes())?;
        err.flush()?;
        // A terminal hands over a line at a time; of a longer one, enough is read to be refused.
        let mut line = [0; LEN_MAX + 3];
        let length = rustix::io::read(&self.terminal, &mut line)?;
        let line = line.get(..length).unwrap_or_default();
        // A key that is switched off is 0.
        let keys = INTERRUPTS.map(|key| self.before.special_codes[key]).into_iter().filter(|key| *key != 0);
        if keys.into_iter().any(|key| line.contains(&key)) {
            err.write_all(b"\n")?;
            return Ok(Typed::Interrupted);
        }
        let text = str::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Typed::Line(text.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// The keys that end a program, as a rule Ctrl-C and Ctrl-\.
const INTERRUPTS: [SpecialCodeIndex; 2] = [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT];

impl<F: AsFd> Drop for Hidden<F> {
    fn drop(&mut self) {
        // Whatever went wrong before is told; a terminal that is gone needs nothing.
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.before).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::OwnedFd;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// A terminal, and the keyboard before it.
    fn terminal() -> (File, File) {
        let keyboard: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        (terminal, File::from(keyboard))
    }

    fn modes(terminal: &File) -> LocalModes {
        tcgetattr(terminal).unwrap().local_modes
    }

    #[test]
    fn a_password_is_read_unseen_and_an_interrupted_prompt_leaves_the_terminal_as_it_was() {
        for (typed, expected) in [
            (&b"quatre mots\n"[..], Typed::Line("quatre mots".to_owned())),
            (b"\n", Typed::Line(String::new())),
            (b"quatre\x03", Typed::Interrupted),
            (b"\x1c", Typed::Interrupted),
        ] {
            let (terminal, mut keyboard) = terminal();
            let before = modes(&terminal);
            assert!(before.contains(LocalModes::ECHO | LocalModes::ISIG));
            let hidden = Hidden::begin(&terminal).unwrap();
            assert!(!modes(&terminal).intersects(LocalModes::ECHO | LocalModes::ISIG));
            keyboard.write_all(typed).unwrap();
            assert_eq!(hidden.ask("").unwrap(), expected);
            drop(hidden);
            assert_eq!(modes(&terminal), before);
        }
    }
}
