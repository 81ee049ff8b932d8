//! How a partner is reached: a functional telephone number or mail address, never a person's.
//!
//! What is written here is kept for ever by every machine of the house and the hub, so a name
//! that slips in cannot be taken out again. Hence one number or address and nothing beside it,
//! and no address that is made of two names.

use std::fmt;
use std::str::FromStr;

use crate::document::register::{FactError, FieldError};

/// Longest contact, in bytes.
pub const CONTACT_LEN_MAX: usize = 120;

/// A functional telephone number, in digits (`0241812345`, `3949`, `+262262123456`), or a mail
/// address in small letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact(Box<str>);

/// Words that name a function: a mail address with one of them is nobody's own.
const FUNCTIONS: [&str; 44] = [
    "accueil",
    "action",
    "agence",
    "antenne",
    "assistance",
    "bus",
    "caf",
    "carsat",
    "cdad",
    "ccas",
    "centre",
    "conciliateur",
    "contact",
    "cpam",
    "ddfip",
    "direction",
    "drfip",
    "emploi",
    "espace",
    "fr",
    "france",
    "franceservices",
    "habitat",
    "impots",
    "info",
    "infos",
    "justice",
    "mairie",
    "maison",
    "mission",
    "msa",
    "msap",
    "numerique",
    "partenaires",
    "partenariat",
    "permanence",
    "pole",
    "referent",
    "retraite",
    "secretariat",
    "service",
    "services",
    "sie",
    "sip",
];
/// Numbers of the overseas territories: prefix and digits after it.
const OVERSEAS: [(&str, &[usize]); 8] = [
    ("+262", &[9]),
    ("+508", &[6, 9]),
    ("+590", &[9]),
    ("+594", &[9]),
    ("+596", &[9]),
    ("+681", &[6]),
    ("+687", &[6]),
    ("+689", &[6, 8]),
];

impl Contact {
    /// Reads what a person wrote: spaces, dots and dashes in numbers, capitals in addresses.
    ///
    /// # Errors
    /// When it is no number or address, looks like a person's, or has something beside it.
    pub fn read(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let refused = |why: &str| Err(FieldError::new("contact", why));
        if text.len() > CONTACT_LEN_MAX {
            return refused("trop long : donnez un seul numéro ou une seule adresse");
        }
        if text.contains('@') {
            if text.contains(char::is_whitespace) || text.matches('@').count() > 1 {
                return refused(
                    "une seule adresse, sans nom ni texte autour : ce qui est écrit ici reste, même corrigé",
                );
            }
            let address = text.to_lowercase();
            if !is_mail(&address) {
                return refused("adresse incomplète : écrivez-la comme accueil@exemple.fr");
            }
            if is_personal(&address) {
                return refused(
                    "cette adresse semble être celle d’une personne : donnez celle du service \
                     (accueil@…, contact@…) ou son numéro",
                );
            }
            return Ok(Self(address.into()));
        }
        let digits: String =
            text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')' | '\u{a0}' | '\u{202f}')).collect();
        if digits.contains(char::is_alphabetic) {
            return refused("un numéro ou une adresse seulement, sans nom : ce qui est écrit ici reste, même corrigé");
        }
        let national = digits.strip_prefix("+33").or_else(|| digits.strip_prefix("0033"));
        let number = match national {
            Some(rest) => format!("0{}", rest.strip_prefix('0').filter(|short| short.len() == 9).unwrap_or(rest)),
            None => digits.strip_prefix("00").map_or_else(|| digits.clone(), |rest| format!("+{rest}")),
        };
        if is_number(&number) {
            Ok(Self(number.into()))
        } else {
            refused("numéro inconnu : écrivez-le comme 02 41 81 23 45, 3949 ou +262 262 12 34 56")
        }
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a mail address.
    pub fn is_mail(&self) -> bool {
        self.0.contains('@')
    }

    /// As people read it: ten digits in pairs.
    pub fn in_words(&self) -> String {
        match self.0.len() {
            10 if !self.is_mail() && self.0.starts_with('0') => {
                let pairs: Vec<String> =
                    self.0.chars().collect::<Vec<_>>().chunks(2).map(|pair| pair.iter().collect()).collect();
                pairs.join(" ")
            }
            _ => self.0.to_string(),
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if text.starts_with('+') {
        return OVERSEAS.iter().any(|(prefix, lengths)| {
            text.strip_prefix(prefix).is_some_and(|rest| digits(rest) && lengths.contains(&rest.len()))
        });
    }
    digits(text)
        && match text.len() {
            10 => text.starts_with('0') && !text.starts_with("00"),
            // 3949, 3230, 1014.
            4 => text.starts_with('3') || text.starts_with("10"),
            // 115, 119.
            3 => text.starts_with("11"),
            _ => false,
        }
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let inner = |text: &str, extra: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(&b))
    };
    let labels: Vec<&str> = domain.split('.').collect();
    inner(local, b"._+-")
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels.len() >= 2
        && labels.iter().all(|label| inner(label, b"-") && !label.starts_with('-') && !label.ends_with('-'))
        && labels.last().is_some_and(|last| last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase()))
}

/// `prenom.nom@`: words of letters beside each other, none of which names a function.
fn is_personal(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    let words: Vec<&str> = local.split(['.', '_']).filter(|word| !word.is_empty()).collect();
    let alphabetic = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let function = |word: &&str| word.split('-').any(|part| FUNCTIONS.contains(&part));
    words.len() > 1 && words.iter().all(alphabetic) && !words.iter().any(function)
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Contact {
    type Err = FactError;

    /// Stored texts only: those that [`Contact::read`] yields.
    fn from_str(text: &str) -> Result<Self, FactError> {
        let read = Self::read(text).map_err(|_| FactError::Value("contact"))?;
        if &*read.0 == text { Ok(read) } else { Err(FactError::NotCanonical) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functional_contacts_are_read_and_stored_in_one_spelling() {
        for (text, stored) in [
            ("02 41 81 23 45", "0241812345"),
            ("02.41.81.23.45", "0241812345"),
            ("+33 2 41 81 23 45", "0241812345"),
            ("+33 (0)2 41 81 23 45", "0241812345"),
            ("0033 241812345", "0241812345"),
            ("39 49", "3949"),
            ("3646", "3646"),
            ("+262 262 12 34 56", "+262262123456"),
            ("00 687 25 12 34", "+687251234"),
            ("+689 40 12 34 56", "+68940123456"),
            (" Accueil@Caf49.Caf.fr ", "accueil@caf49.caf.fr"),
            ("france-services.chemille@exemple.fr", "france-services.chemille@exemple.fr"),
            ("sip.angers@dgfip.finances.gouv.fr", "sip.angers@dgfip.finances.gouv.fr"),
            ("ddfip49.accueil@dgfip.finances.gouv.fr", "ddfip49.accueil@dgfip.finances.gouv.fr"),
        ] {
            let contact = Contact::read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(contact.as_str(), stored, "{text:?}");
            assert_eq!(stored.parse(), Ok(contact));
        }
        assert_eq!(Contact::read("0241812345").unwrap().in_words(), "02 41 81 23 45");
    }

    #[test]
    fn what_looks_like_a_persons_or_like_nothing_is_refused() {
        for (text, why) in [
            ("marie.dupont@caf.fr", "personne"),
            ("m.dupont@caf.fr", "personne"),
            ("marie_dupont@caf.fr", "personne"),
            ("jean-pierre.dupont@caf.fr", "personne"),
            ("accueil@caf.fr Mme Dupont", "sans nom"),
            ("Mme Dupont 02 41 81 23 45", "sans nom"),
            ("accueil@caf", "incomplète"),
            ("accueil@@caf.fr", "une seule"),
            ("@caf.fr", "incomplète"),
            ("00 41 81 23 45 67 89", "inconnu"),
            ("+44 20 7946 0000", "inconnu"),
            ("12345", "inconnu"),
            ("", "inconnu"),
        ] {
            let error = Contact::read(text).unwrap_err();
            assert_eq!(error.field, "contact");
            assert!(error.why.contains(why), "{text:?}: {error}");
        }
        assert_eq!("02 41 81 23 45".parse::<Contact>(), Err(FactError::NotCanonical));
    }
}
