//! Closures of the network: decided nationally, by a region or by a department, for many houses.
//!
//! They are a reference, not a document: the hub alone decides them and sends each machine those
//! that concern its site. A site's own dated exception for the same day prevails, and is listed.

use minicbor::{Decode, Encode};

use crate::document::register::{Author, FieldError};
use crate::document::schedule::Reason;
use crate::time::Day;

/// Most bytes of a closure's label.
pub const CLOSURE_LABEL_LEN_MAX: usize = 120;
/// Most bytes of a closure's id.
pub const CLOSURE_ID_LEN_MAX: usize = 32;
/// Most days of one closure, first and last included: a longer one is a slip of a digit.
pub const CLOSURE_DAYS_MAX: i32 = 400;

/// A closure of every house in its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkClosure {
    /// Names it in commands and in the API.
    pub id: String,
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// Why.
    pub reason: Reason,
    /// What people read.
    pub label: String,
    /// Who decided it: everybody in this scope is concerned.
    pub scope: Author,
}

/// The value of a reference: the closures that concern a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Closures {
    /// In the order of their first days.
    #[n(0)]
    pub closures: Vec<ClosureRow>,
}

/// One closure as [`Closures`] carries it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClosureRow {
    /// Its id.
    #[n(0)]
    pub id: String,
    /// Number of the first day.
    #[n(1)]
    pub from: i32,
    /// Number of the last day.
    #[n(2)]
    pub to: i32,
    /// The reason's code.
    #[n(3)]
    pub reason: String,
    /// What people read.
    #[n(4)]
    pub label: String,
    /// Its scope, such as `department:49`.
    #[n(5)]
    pub scope: String,
}

impl NetworkClosure {
    /// Whether the day is one of its days.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }

    /// Checks what a coordinator wrote.
    ///
    /// # Errors
    /// With the field: days inverted, no label, or a scope that is no network's.
    pub fn check(&self) -> Result<(), FieldError> {
        let id_is_shaped = (1..=CLOSURE_ID_LEN_MAX).contains(&self.id.len())
            && self.id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if !id_is_shaped {
            let why = format!("1 à {CLOSURE_ID_LEN_MAX} caractères parmi a-z, 0-9, « - » et « _ »");
            return Err(FieldError::new("id", why));
        }
        if self.from > self.to {
            let why = format!("{} précède le premier jour, {} : inversez-les", self.to, self.from);
            return Err(FieldError::new("to", why));
        }
        check_length(self.from, self.to)?;
        let label = self.label.trim();
        if label.is_empty() || self.label.len() > CLOSURE_LABEL_LEN_MAX || label.contains(char::is_control) {
            let why = format!("dites en 1 à {CLOSURE_LABEL_LEN_MAX} caractères, sur une ligne, ce que le public lira");
            return Err(FieldError::new("label", why));
        }
        match self.scope {
            Author::National | Author::Region(_) | Author::Department(_) => Ok(()),
            _ => Err(FieldError::new("scope", "une fermeture du réseau est national, region:52 ou department:49")),
        }
    }
}

/// Checks that what differs from one day to another is no slip of a digit.
///
/// # Errors
/// When it has more than [`CLOSURE_DAYS_MAX`] days.
pub fn check_length(from: Day, to: Day) -> Result<(), FieldError> {
    let days = to.number() - from.number() + 1;
    if days <= CLOSURE_DAYS_MAX {
        return Ok(());
    }
    let why = format!("{days} jours : {CLOSURE_DAYS_MAX} au plus à la fois ; vérifiez l’année");
    Err(FieldError::new("to", why))
}

impl Closures {
    /// The value that carries these closures.
    pub fn of<'a>(closures: impl IntoIterator<Item = &'a NetworkClosure>) -> Self {
        let mut rows: Vec<ClosureRow> = closures
            .into_iter()
            .map(|closure| ClosureRow {
                id: closure.id.clone(),
                from: closure.from.number(),
                to: closure.to.number(),
                reason: closure.reason.as_str().to_owned(),
                label: closure.label.clone(),
                scope: closure.scope.to_string(),
            })
            .collect();
        rows.sort_by(|a, b| (a.from, a.to, &a.id).cmp(&(b.from, b.to, &b.id)));
        Self { closures: rows }
    }

    /// The closures. A reason of a later version reads `other`; a row with impossible days or an
    /// unknown scope is left out.
    pub fn read(&self) -> Vec<NetworkClosure> {
        let row = |row: &ClosureRow| {
            let closure = NetworkClosure {
                id: row.id.clone(),
                from: Day::from_number(row.from)?,
                to: Day::from_number(row.to)?,
                reason: Reason::known(&row.reason).unwrap_or(Reason::Other),
                label: row.label.clone(),
                scope: row.scope.parse().ok()?,
            };
            (closure.from <= closure.to).then_some(closure)
        };
        self.closures.iter().filter_map(row).collect()
    }
}
