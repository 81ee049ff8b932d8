//! What people decide about partners, as facts: the one way in which agent and hub write them.
//!
//! As in [`crate::schedule::edit`]: keys and values to write, or the field that is wrong.

use super::{Agreement, AgreementStatus, Contact, Key, Mode, Partners, Presence, TRAINED_MAX, Training};
use crate::document::register::{Edits, FieldError, Stamp};
use crate::document::schedule::body::LABEL_LEN_MAX;
use crate::document::schedule::{Line, OperatorToken};
use crate::time::Day;

/// How a partner can be had, confirmed on the stamp's day. A contact or last day that is to stay
/// is given again: the fact is written whole.
///
/// # Errors
/// When the last day has passed already.
pub fn set_presence(
    stamp: &Stamp,
    operator: &OperatorToken,
    mode: Mode,
    contact: Option<&Contact>,
    until: Option<Day>,
) -> Result<Edits, FieldError> {
    if let Some(until) = until.filter(|until| *until < stamp.day) {
        return Err(FieldError::new("until", format!("{until} est passé : donnez un jour à venir, ou aucun")));
    }
    let presence = Presence { mode, contact: contact.cloned(), until, checked_on: stamp.day };
    Ok(one(stamp, &Key::Presence(operator.clone()), &presence.to_string()))
}

/// What was last said of a partner still holds, on the stamp's day.
///
/// # Errors
/// When nothing was said, people contradict each other, or its last day has passed.
pub fn confirm_presence(partners: &Partners, stamp: &Stamp, operator: &OperatorToken) -> Result<Edits, FieldError> {
    let said = partners.partner(operator).and_then(|partner| partner.presence.as_ref());
    let Some(said) = said else {
        let why = format!("rien n’est encore dit de {operator} : dites d’abord comment ce partenaire est disponible");
        return Err(FieldError::new("operator", why));
    };
    let Some(said) = said.agreed() else {
        let why = format!("deux versions de {operator} se contredisent : choisissez d’abord l’une d’elles");
        return Err(FieldError::new("operator", why));
    };
    match &said.body {
        Some(Presence { mode, contact, until, .. }) => set_presence(stamp, operator, *mode, contact.as_ref(), *until),
        None => Err(FieldError::new("operator", format!("{operator} a été retiré : dites comment il est disponible"))),
    }
}

/// How far the agreement with a partner has come.
///
/// # Errors
/// When it is signed and no day is given, or one to come.
pub fn set_agreement(
    stamp: &Stamp,
    operator: &OperatorToken,
    status: AgreementStatus,
    day: Option<Day>,
) -> Result<Edits, FieldError> {
    if status == AgreementStatus::Signed {
        match day {
            None => return Err(FieldError::new("day", "une convention signée a une date : ajoutez-la")),
            Some(day) if day > stamp.day => {
                return Err(FieldError::new(
                    "day",
                    format!("{day} est dans l’avenir : une convention signée a une date passée"),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(one(stamp, &Key::Agreement(operator.clone()), &Agreement { status, day }.to_string()))
}

/// How many agents of the house a partner trained, and when last.
///
/// # Errors
/// When there are too many, or the day is to come.
pub fn set_training(
    stamp: &Stamp,
    operator: &OperatorToken,
    agents: u16,
    trained_on: Day,
) -> Result<Edits, FieldError> {
    if agents > TRAINED_MAX {
        return Err(FieldError::new("agents", format!("{agents} : comptez de 0 à {TRAINED_MAX} agents formés")));
    }
    if trained_on > stamp.day {
        return Err(FieldError::new("trained_on", format!("{trained_on} est dans l’avenir : donnez un jour passé")));
    }
    Ok(one(stamp, &Key::Training(operator.clone()), &Training { agents, trained_on }.to_string()))
}

/// What a local service is called.
///
/// # Errors
/// When the partner is one of the catalogue, which has its label.
pub fn set_label(stamp: &Stamp, operator: &OperatorToken, label: &Line<LABEL_LEN_MAX>) -> Result<Edits, FieldError> {
    if let OperatorToken::Known(code) = operator {
        let why = format!("{code} a déjà son nom dans le catalogue : seuls les partenaires LOCAL:… en reçoivent un");
        return Err(FieldError::new("operator", why));
    }
    Ok(one(stamp, &Key::Label(operator.clone()), label.as_str()))
}

/// Takes back everything that is said of a partner.
///
/// # Errors
/// When nothing is said of it.
pub fn remove(partners: &Partners, stamp: &Stamp, operator: &OperatorToken) -> Result<Edits, FieldError> {
    let nothing = || FieldError::new("operator", format!("rien n’est dit de {operator} : rien à retirer"));
    let partner = partners.partner(operator).ok_or_else(nothing)?;
    let keys = [
        partner.presence.as_ref().map(|said| (said.key(), said.all().any(|said| said.body.is_some()))),
        partner.agreement.as_ref().map(|said| (said.key(), said.all().any(|said| said.body.is_some()))),
        partner.training.as_ref().map(|said| (said.key(), said.all().any(|said| said.body.is_some()))),
        partner.label.as_ref().map(|said| (said.key(), said.all().any(|said| said.body.is_some()))),
    ];
    let live = keys.into_iter().flatten().filter(|(_, live)| *live);
    let edits: Edits = live.map(|(key, _)| (key.to_string(), stamp.write("-"))).collect();
    if edits.is_empty() { Err(nothing()) } else { Ok(edits) }
}

fn one(stamp: &Stamp, key: &Key, body: &str) -> Edits {
    vec![(key.to_string(), stamp.write(body))]
}
