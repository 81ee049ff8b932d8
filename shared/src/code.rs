//! The codes a visit is counted under: operator, kind of help, age.
//!
//! Two levels, on purpose. The *shape* of a code decides whether a fact can be stored at all and
//! never changes. The *known* codes are what this version offers at the desk and in filters: a
//! fact that names another one, from a newer agent say, is stored, acknowledged and counted
//! apart until a person settles it.

use std::fmt;
use std::str::FromStr;

/// Longest operator code, in bytes.
pub const OPERATOR_LEN_MAX: usize = 32;
/// Longest help or age code, in bytes.
pub const CODE_LEN_MAX: usize = 16;

/// A partner's stable code, such as `CNAF`: `[A-Z][A-Z0-9_]{0,31}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorCode(Box<str>);

/// A kind of help by its code: `[a-z][a-z0-9_-]{0,15}`; see [`Help`] for the known ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HelpCode(Box<str>);

/// An age bracket by its code: `[a-z0-9][a-z0-9+_-]{0,15}`; see [`Age`] for the known ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgeCode(Box<str>);

/// A text without the shape of the code it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {kind}")]
pub struct CodeError {
    kind: &'static str,
    text: String,
}

macro_rules! code {
    ($name:ident, $kind:literal, $len:expr, $first:pat, $rest:pat) => {
        impl FromStr for $name {
            type Err = CodeError;

            fn from_str(text: &str) -> Result<Self, CodeError> {
                let mut chars = text.chars();
                let shaped = text.len() <= $len
                    && chars.next().is_some_and(|c| matches!(c, $first))
                    && chars.all(|c| matches!(c, $rest));
                if shaped {
                    Ok(Self(text.into()))
                } else {
                    // The text may be hostile: quote a bounded piece of it.
                    Err(CodeError { kind: $kind, text: text.chars().take(40).collect() })
                }
            }
        }

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(OperatorCode, "an operator code such as CNAF", OPERATOR_LEN_MAX, 'A'..='Z', 'A'..='Z' | '0'..='9' | '_');
code!(HelpCode, "a help code such as online", CODE_LEN_MAX, 'a'..='z', 'a'..='z' | '0'..='9' | '_' | '-');
code!(AgeCode, "an age code such as 25-39", CODE_LEN_MAX, 'a'..='z' | '0'..='9', 'a'..='z' | '0'..='9' | '_' | '-' | '+');

/// The four base services of the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Help {
    /// First information on a service.
    Information,
    /// Help with an online procedure.
    Online,
    /// Help with a paper file or letter.
    Paperwork,
    /// Putting the person in touch with the operator.
    Referral,
}

impl Help {
    /// All, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Information, Self::Online, Self::Paperwork, Self::Referral];
    /// What a bare tap counts as: the commonest kind.
    pub const DEFAULT: Self = Self::Online;

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Online => "online",
            Self::Paperwork => "paperwork",
            Self::Referral => "referral",
        }
    }

    /// What the front desk reads.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Information => "Information",
            Self::Online => "Démarche en ligne",
            Self::Paperwork => "Dossier papier",
            Self::Referral => "Mise en relation",
        }
    }

    /// The known kind with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|help| help.as_str() == code)
    }

    /// This kind as a code.
    pub fn code(self) -> HelpCode {
        HelpCode(self.as_str().into())
    }
}

/// Age brackets, scheme 1. `25-39` and `40-49` together are the older scheme's `25-49`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(usize);

impl Age {
    /// The codes of scheme 1, in order.
    pub const CODES: [&'static str; 8] = ["0-17", "18-24", "25-39", "40-49", "50-59", "60-69", "70+", "unknown"];
    /// All brackets, in order.
    pub const ALL: [Self; 8] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6), Self(7)];
    /// What a bare tap counts as.
    pub const UNKNOWN: Self = Self(7);

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        Self::CODES[self.0]
    }

    /// What the front desk reads.
    pub const fn label_fr(self) -> &'static str {
        match self.0 {
            0 => "− 18",
            1 => "18–24",
            2 => "25–39",
            3 => "40–49",
            4 => "50–59",
            5 => "60–69",
            6 => "70 et +",
            _ => "Ne sait pas",
        }
    }

    /// The known bracket with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|age| age.as_str() == code)
    }

    /// This bracket as a code.
    pub fn code(self) -> AgeCode {
        AgeCode(self.as_str().into())
    }
}

/// One operator of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Stable code.
    pub code: &'static str,
    /// What people read today.
    pub label_fr: &'static str,
}

/// The operators of the national catalogue, in the order the desk shows them.
///
/// Labels follow the network's list of 2024 (Pôle emploi became France Travail, ANTS became
/// France Titres); a code never changes and never goes: what was released under it is summed again.
pub const OPERATORS: [Operator; 27] = [
    operator("FRANCE_TRAVAIL", "France Travail"),
    operator("CNAF", "CAF"),
    operator("CNAM", "Assurance maladie"),
    operator("CNAV", "Assurance retraite"),
    operator("MSA", "MSA"),
    operator("DGFIP", "Impôts"),
    operator("FRANCE_TITRES", "France Titres"),
    operator("JUSTICE", "Justice"),
    operator("LA_POSTE", "La Poste"),
    operator("URSSAF", "Urssaf"),
    operator("CHEQUE_ENERGIE", "Chèque énergie"),
    operator("ANAH", "France Rénov’"),
    operator("DIGITAL", "Aide numérique"),
    operator("MAIRIE", "Mairie"),
    operator("LOCAL", "Partenaire local"),
    operator("OTHER", "Autre"),
    operator("MISSION_LOCALE", "Mission locale"),
    operator("DEPARTEMENT", "Conseil départemental"),
    operator("CCAS", "CCAS / CIAS"),
    operator("MDS", "Maison des solidarités"),
    operator("MDPH", "MDPH"),
    operator("ASSISTANTE_SOCIALE", "Assistant social"),
    operator("CONCILIATEUR", "Conciliateur de justice"),
    operator("CIDFF", "CIDFF"),
    operator("FNATH", "FNATH"),
    operator("PREFECTURE", "Préfecture"),
    operator("GRDF", "GRDF"),
];

const fn operator(code: &'static str, label_fr: &'static str) -> Operator {
    Operator { code, label_fr }
}

/// What people call the operator with this code today; the code where the catalogue has none.
pub fn operator_label(code: &str) -> &str {
    known_operator(code).map_or(code, |known| known.label_fr)
}

/// The catalogue's entry for this code.
pub fn known_operator(code: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_shape() {
        for text in ["CNAF", "LA_POSTE", "A", &"A".repeat(OPERATOR_LEN_MAX)] {
            assert_eq!(text.parse::<OperatorCode>().unwrap().as_str(), text);
        }
        for text in ["", "cnaf", "_X", "A|B", "É", &"A".repeat(OPERATOR_LEN_MAX + 1)] {
            assert!(text.parse::<OperatorCode>().is_err(), "{text:?}");
        }
        assert!("Online".parse::<HelpCode>().is_err());
        assert!("70+".parse::<AgeCode>().is_ok());
        assert!("+70".parse::<AgeCode>().is_err());
    }

    #[test]
    fn every_known_code_has_the_shape_of_a_code() {
        for operator in OPERATORS {
            assert!(operator.code.parse::<OperatorCode>().is_ok(), "{}", operator.code);
        }
        for help in Help::ALL {
            assert_eq!(help.as_str().parse(), Ok(help.code()));
        }
        for age in Age::ALL {
            assert_eq!(age.as_str().parse(), Ok(age.code()));
        }
    }
}
