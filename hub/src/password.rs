//! Passwords: what one must be, and what is kept of it.
//!
//! Made by the command line, checked where people sign in. What is kept is argon2id's own text
//! with the costs that OWASP recommends (19 MiB, two passes, one lane), so that a hub that is
//! restored elsewhere still checks it. Invariant: a [`Kept`] has those costs; checking one never
//! takes more memory, whatever a disk has made of the row.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

/// Fewest characters.
pub const CHARS_MIN: usize = 12;
/// Most bytes: nobody types more, and a flood must not make the hub read more.
pub const LEN_MAX: usize = 256;

/// Memory, passes and lanes.
const COSTS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Stands for the password of a login that is not there: checking it takes as long.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$\
                       RMwuBHbzKn7wh2VeFq1uOnzqL6BlGLKvuvFMGwaQ9Wc";

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Too short.
    #[error("the password has {0} characters, at least {CHARS_MIN} are needed: several words are good")]
    Short(usize),
    /// Too long.
    #[error("the password has {0} bytes, at most {LEN_MAX} are taken")]
    Long(usize),
    /// A key that no sign-in form sends.
    #[error("the password has a character that cannot be typed")]
    Control,
}

/// A text that is not of this form.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a password as argon2id keeps it, with this program's costs")]
pub struct KeptError;

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kept(String);

impl Kept {
    /// Keeps a password, under this salt.
    ///
    /// # Errors
    /// When the password cannot be taken.
    pub fn of(password: &str, salt: &[u8; 16]) -> Result<Self, PasswordError> {
        let chars = password.chars().count();
        if chars < CHARS_MIN {
            return Err(PasswordError::Short(chars));
        }
        if password.len() > LEN_MAX {
            return Err(PasswordError::Long(password.len()));
        }
        if password.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        let hash = argon2().hash_password_with_salt(password.as_bytes(), salt);
        Ok(Self(hash.expect("a salt of 16 bytes and a bounded password are within argon2's limits").to_string()))
    }

    /// What is checked where there is no such login.
    pub fn nobodys() -> Self {
        Self(NOBODYS.to_owned())
    }

    /// Whether this is the password. Takes some 20 MiB and tens of milliseconds.
    pub fn is_of(&self, password: &str) -> bool {
        let parsed = PasswordHash::new(&self.0);
        parsed.is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
    }

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kept {
    type Err = KeptError;

    fn from_str(text: &str) -> Result<Self, KeptError> {
        let hash = PasswordHash::new(text).map_err(|_| KeptError)?;
        let params = Params::try_from(&hash).map_err(|_| KeptError)?;
        let costs = (params.m_cost(), params.t_cost(), params.p_cost());
        let whole = hash.algorithm == Algorithm::Argon2id.ident() && hash.salt.is_some() && hash.hash.is_some();
        (whole && costs == COSTS).then(|| Self(text.to_owned())).ok_or(KeptError)
    }
}

impl TryFrom<String> for Kept {
    type Error = KeptError;

    fn try_from(text: String) -> Result<Self, KeptError> {
        text.parse()
    }
}

impl From<Kept> for String {
    fn from(kept: Kept) -> Self {
        kept.0
    }
}

/// Never shown, in a log least of all.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(…)")
    }
}

/// A password of 100 random bits, in groups that can be read out.
pub fn generated(chance: &[u8; 13]) -> String {
    let text = BASE32_NOPAD.encode(chance).to_lowercase();
    let letters: Vec<char> = text.chars().take(20).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn argon2() -> Argon2<'static> {
    let (memory_kib, passes, lanes) = COSTS;
    let params = Params::new(memory_kib, passes, lanes, None).expect("the costs are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "cheval-exact pile";

    #[test]
    fn a_password_is_checked_against_what_is_kept_of_it() {
        let kept = Kept::of(GOOD, &[7; 16]).unwrap();
        assert!(kept.is_of(GOOD) && !kept.is_of("cheval-exact pilf") && !kept.is_of(""));
        assert!(kept.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.as_str());
        assert_eq!(kept.as_str().parse::<Kept>().unwrap(), kept);
        assert_ne!(Kept::of(GOOD, &[8; 16]).unwrap(), kept);
        assert_eq!(format!("{kept:?}"), "Kept(…)");
    }

    #[test]
    fn nobodys_password_costs_the_same_and_is_nobodys() {
        let nobodys: Kept = NOBODYS.parse().unwrap();
        assert!(!nobodys.is_of(GOOD) && !nobodys.is_of(""));
    }

    #[test]
    fn short_long_and_untypable_passwords_are_refused() {
        let refused = |text: &str| Kept::of(text, &[0; 16]).unwrap_err();
        assert_eq!(refused("onze-lettre"), PasswordError::Short(11));
        assert_eq!(refused("éééééé"), PasswordError::Short(6));
        assert_eq!(refused(&"a".repeat(LEN_MAX + 1)), PasswordError::Long(LEN_MAX + 1));
        assert_eq!(refused("douze\u{7}lettres"), PasswordError::Control);
        assert!(Kept::of(&"é".repeat(CHARS_MIN), &[0; 16]).is_ok());
        assert!(Kept::of(&"a".repeat(LEN_MAX), &[0; 16]).is_ok());
    }

    #[test]
    fn only_our_own_form_is_kept() {
        for text in [
            "",
            "secret",
            "$argon2i$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$RMwuBHbzKn7wh2VeFq1uOnzqL6BlGLKvuvFMGwaQ9Wc",
            "$argon2id$v=19$m=4194304,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$RMwuBHbzKn7wh2VeFq1uOnzqL6BlGLKvuvFMGwaQ9Wc",
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5",
        ] {
            assert_eq!(text.parse::<Kept>().unwrap_err(), KeptError, "{text}");
        }
    }

    #[test]
    fn a_generated_password_reads_out_and_is_taken() {
        let text = generated(&[0xa5; 13]);
        assert_eq!(text, "uws2l-jnfuw-s2ljn-fuws2");
        assert!(Kept::of(&text, &[0; 16]).is_ok());
        assert_ne!(generated(&[0x5a; 13]), text);
    }
}
