//! The one-time code that lets a machine join: what a person copies from a sheet of paper.
//!
//! The hub prints it, the agent reads it. It carries what the agent needs to know the hub from
//! an impostor before it shows the secret. One token, in lower-case letters and digits that are
//! hard to confuse; case, dashes and spaces do not matter when it is read. The messages are in
//! French: they are read at the desk.

use std::fmt;
use std::str::FromStr;

use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};

/// Longest address a code can carry, in bytes.
pub const ADDRESS_LEN_MAX: usize = 100;

const PREFIX: &str = "msap1";
const HASH_LEN: usize = 16;
const SECRET_LEN: usize = 16;
const CHECK_LEN: usize = 4;
const GROUP: usize = 5;
/// Longest text looked at; twice what the longest code takes, dashes included.
const TEXT_LEN_MAX: usize = 600;

/// An invitation, as the agent needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode {
    /// First half of the SHA-256 of the CA key's SubjectPublicKeyInfo.
    pub ca_hash: [u8; HASH_LEN],
    /// Shown to the authenticated hub, once.
    pub secret: [u8; SECRET_LEN],
    /// Where the hub listens, `host:port`: see [`check_address`].
    pub address: String,
}

/// Why a text is no join code, or an address cannot stand in one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JoinCodeError {
    /// Nothing there.
    #[error("le code est vide")]
    Empty,
    /// Does not begin as a code does.
    #[error("un code d’invitation commence par « {PREFIX}- »")]
    Prefix,
    /// A character that no code contains.
    #[error("le caractère « {0} » n’apparaît dans aucun code : vérifiez la saisie")]
    Character(char),
    /// Ends too early.
    #[error("le code est incomplet : il manque la fin")]
    Incomplete,
    /// Goes on after its end.
    #[error("le code est trop long : il y a du texte en trop à la fin")]
    TooLong,
    /// The checksum differs.
    #[error("le code contient une faute de frappe : comparez-le avec l’original")]
    Mistyped,
    /// The address is not of the form `host:port`.
    #[error("l’adresse du hub doit être de la forme hote:port, 100 caractères au plus")]
    Address,
}

/// Base 32 after Crockford: no `i`, `l`, `o` or `u` when writing; `i`, `l` and `o` read as the
/// digits they look like.
fn base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.translate.from.push_str("ABCDEFGHJKMNPQRSTVWXYZiIlLoO");
    specification.translate.to.push_str("abcdefghjkmnpqrstvwxyz111100");
    specification.encoding().expect("32 different symbols, each translated one that is not among them")
}

/// Whether an address can stand in a code: `host:port`, with a host of letters, digits, dots and
/// dashes, or an IPv6 address in brackets, and a port that is not 0.
///
/// # Errors
/// [`JoinCodeError::Address`].
pub fn check_address(address: &str) -> Result<(), JoinCodeError> {
    let well_formed = || {
        let (host, port) = address.rsplit_once(':')?;
        let host_fits = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            }
        };
        let port_fits = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
        (host_fits && port_fits && address.len() <= ADDRESS_LEN_MAX).then_some(())
    };
    well_formed().ok_or(JoinCodeError::Address)
}

impl JoinCode {
    /// What the hub keeps of the secret, and the agent of the code it used: SHA-256.
    pub fn secret_hash(secret: &[u8; SECRET_LEN]) -> [u8; 32] {
        Sha256::digest(secret).into()
    }

    /// Whether a CA key with this SubjectPublicKeyInfo is the one that the code names.
    pub fn names_ca(ca_hash: &[u8; HASH_LEN], spki: &[u8]) -> bool {
        Sha256::digest(spki).starts_with(ca_hash)
    }

    fn bytes(&self) -> Vec<u8> {
        let address = self.address.as_bytes();
        let mut bytes = Vec::with_capacity(HASH_LEN + SECRET_LEN + 1 + address.len() + CHECK_LEN);
        bytes.extend_from_slice(&self.ca_hash);
        bytes.extend_from_slice(&self.secret);
        bytes.push(u8::try_from(address.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(address);
        bytes.extend_from_slice(&check(&bytes));
        bytes
    }
}

/// A mistyped code must not become another hub's address: four bytes tell.
fn check(bytes: &[u8]) -> [u8; CHECK_LEN] {
    let digest = Sha256::digest([PREFIX.as_bytes(), bytes].concat());
    [digest[0], digest[1], digest[2], digest[3]]
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for (at, symbol) in base32().encode(&self.bytes()).chars().enumerate() {
            if at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

/// Without the secret: it may end up in a log.
impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCode").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Spaces and all that mail programs and word processors make of a dash.
fn separates(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '_' | '\u{00ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}' | '\u{feff}')
}

impl FromStr for JoinCode {
    type Err = JoinCodeError;

    fn from_str(text: &str) -> Result<Self, JoinCodeError> {
        if text.len() > TEXT_LEN_MAX {
            return Err(JoinCodeError::TooLong);
        }
        let symbols: String = text.chars().filter(|&c| !separates(c)).collect();
        if symbols.is_empty() {
            return Err(JoinCodeError::Empty);
        }
        let folded = symbols.to_ascii_lowercase();
        let body = match folded.strip_prefix(PREFIX) {
            Some(body) => body,
            // Cut within the prefix.
            None if PREFIX.starts_with(&folded) => return Err(JoinCodeError::Incomplete),
            None => return Err(JoinCodeError::Prefix),
        };
        if let Some(strange) = body.chars().find(|c| !c.is_ascii_alphanumeric() || *c == 'u') {
            return Err(JoinCodeError::Character(strange));
        }
        // A code cut within a symbol group decodes to whole bytes of what is left of it; the
        // length inside then tells that something is missing.
        let encoding = base32();
        let whole = (0..=body.len()).rev().find_map(|len| encoding.decode_len(len).ok().map(|bytes| (len, bytes)));
        let (len, _) = whole.ok_or(JoinCodeError::Incomplete)?;
        let bytes = match encoding.decode(&body.as_bytes()[..len]) {
            Ok(bytes) => bytes,
            // Unused bits that are set: the last symbol is wrong or the text was cut there.
            Err(_) => {
                return Err(if body.len() < shortest_len() {
                    JoinCodeError::Incomplete
                } else {
                    JoinCodeError::Mistyped
                });
            }
        };
        let fixed = HASH_LEN + SECRET_LEN;
        let Some(&address_len) = bytes.get(fixed) else { return Err(JoinCodeError::Incomplete) };
        let expected = fixed + 1 + usize::from(address_len) + CHECK_LEN;
        let parts = bytes.split_at_checked(expected.saturating_sub(CHECK_LEN));
        let (content, rest) = match parts {
            Some((content, rest)) if rest.len() >= CHECK_LEN => (content, rest),
            _ => return Err(JoinCodeError::Incomplete),
        };
        let (found, surplus) = rest.split_at(CHECK_LEN);
        if found != check(content) {
            return Err(JoinCodeError::Mistyped);
        }
        if !surplus.is_empty() || len != body.len() {
            return Err(JoinCodeError::TooLong);
        }
        let array = |from: usize| -> Result<[u8; 16], JoinCodeError> {
            content.get(from..from + 16).and_then(|part| part.try_into().ok()).ok_or(JoinCodeError::Incomplete)
        };
        let address = content.get(fixed + 1..).and_then(|part| std::str::from_utf8(part).ok());
        let address = address.ok_or(JoinCodeError::Address)?;
        check_address(address)?;
        Ok(Self { ca_hash: array(0)?, secret: array(HASH_LEN)?, address: address.to_owned() })
    }
}

/// Symbols of a code with the shortest address.
fn shortest_len() -> usize {
    (HASH_LEN + SECRET_LEN + 1 + CHECK_LEN) * 8 / 5
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> JoinCode {
        JoinCode { ca_hash: [0xab; 16], secret: [0x17; 16], address: "hub.example.fr:4433".to_owned() }
    }

    #[test]
    fn a_code_is_pinned_and_reads_back() {
        let text = example().to_string();
        assert_eq!(
            text,
            "msap1-nentq-axbne-ntqax-bnent-qaxbn-cbhe5-rq2wb-he5rq-2wbhe-5rq2w-bh6t3-nc8q6-ay31d-nr6rs-9ecss-3md1m-6cssx-vzg9m"
        );
        assert_eq!(text.parse(), Ok(example()));
    }

    #[test]
    fn case_dashes_and_spaces_do_not_matter() {
        let text = example().to_string();
        for spelling in [
            text.to_uppercase(),
            text.replace('-', ""),
            text.replace('-', " \n"),
            text.replace('-', "–"),
            format!("  {text}\r\n"),
            text.replace("msap1", "MSAP1").replace('0', "O").replacen("msap1", "MSAP1", 1),
        ] {
            assert_eq!(spelling.parse(), Ok(example()), "{spelling:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = example().to_string();
        assert_eq!("".parse::<JoinCode>(), Err(JoinCodeError::Empty));
        assert_eq!(" - ".parse::<JoinCode>(), Err(JoinCodeError::Empty));
        assert_eq!("bonjour".parse::<JoinCode>(), Err(JoinCodeError::Prefix));
        assert_eq!(text.replacen('n', "u", 1).parse::<JoinCode>(), Err(JoinCodeError::Character('u')));
        assert_eq!(format!("{text}é").parse::<JoinCode>(), Err(JoinCodeError::Character('é')));
        assert_eq!(format!("{text}-00000").parse::<JoinCode>(), Err(JoinCodeError::TooLong));
        assert_eq!("a".repeat(5_000).parse::<JoinCode>(), Err(JoinCodeError::TooLong));
        let mut elsewhere = example();
        elsewhere.address = "no port".to_owned();
        assert_eq!(elsewhere.to_string().parse::<JoinCode>(), Err(JoinCodeError::Address));
    }

    #[test]
    fn every_cut_code_is_incomplete_or_mistyped() {
        let text = example().to_string();
        for len in 1..text.len() {
            let error = text[..len].parse::<JoinCode>();
            if text[len..].chars().all(separates) {
                continue;
            }
            let expected = matches!(error, Err(JoinCodeError::Incomplete | JoinCodeError::Mistyped));
            assert!(expected, "{:?} gave {error:?}", &text[..len]);
        }
    }

    #[test]
    fn addresses_are_checked_at_the_bound() {
        let fits = |host_len: usize| format!("{}:4433", "a".repeat(host_len));
        assert_eq!(check_address(&fits(ADDRESS_LEN_MAX - 5)), Ok(()));
        assert_eq!(check_address(&fits(ADDRESS_LEN_MAX - 4)), Err(JoinCodeError::Address));
        for address in ["hub.example.fr:4433", "192.0.2.7:1", "[2001:db8::1]:65535", "localhost:4433"] {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
        for address in
            ["", ":1", "hub", "hub:", "hub:0", "hub:65536", "hub:+1", "a b:1", "[::1:1", "::1:1", "[x]:1", "hub/x:1"]
        {
            assert_eq!(check_address(address), Err(JoinCodeError::Address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn codes_round_trip(ca_hash: [u8; 16], secret: [u8; 16], host in "[a-z0-9][a-z0-9.-]{0,60}", port in 1_u16..) {
            let code = JoinCode { ca_hash, secret, address: format!("{host}:{port}") };
            let text = code.to_string();
            for spelling in [text.clone(), text.to_uppercase().replace('-', "")] {
                prop_assert_eq!(spelling.parse::<JoinCode>(), Ok(code.clone()));
            }
        }

        #[test]
        fn one_wrong_symbol_is_noticed(at in 6_usize..70, symbol in "[0-9a-hjkmnp-tv-z]") {
            let text = example().to_string();
            let at = if text.as_bytes()[at] == b'-' { at + 1 } else { at };
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &symbol);
            prop_assume!(wrong != text);
            prop_assert!(wrong.parse::<JoinCode>().is_err());
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            drop(text.parse::<JoinCode>());
            drop(format!("msap1-{text}").parse::<JoinCode>());
        }
    }
}
