//! Decisions about partners, as facts.

use msap_shared::code::known_operator;
use msap_shared::document::partners::Partners;
use msap_shared::document::partners::edit;
use msap_shared::document::register::{Edits, Facts, FieldError, Stamp};
use msap_shared::document::schedule::OperatorToken;

use super::Written;
use crate::catalogue;
use crate::command::house::Decision;

/// Whether a decision is written in the partners document.
pub(super) fn concerns(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::Presence { .. }
            | Decision::ConfirmPartner(_)
            | Decision::Agreement(..)
            | Decision::Training(..)
            | Decision::Label(..)
            | Decision::RemovePartner(_)
    )
}

/// What a decision writes.
pub(super) fn edits(decision: Decision, facts: &Facts, stamp: &Stamp) -> Written {
    let partners = Partners::read(facts);
    match decision {
        Decision::Presence { operator, mode, contact, until, checked_on } => {
            in_catalogue(&operator)?;
            let checked = checked_on.unwrap_or(stamp.day);
            if checked > stamp.day {
                let why = format!("{checked} est dans l’avenir : donnez le jour où vous l’avez vérifié");
                return Err(FieldError::new("checked", why));
            }
            // Kept as it was said unless another way to reach it is given.
            let held = partners.partner(&operator).and_then(|partner| partner.agreed_presence());
            let contact = contact.or_else(|| held.and_then(|said| said.body.as_ref()?.contact.clone()));
            edit::set_presence(&Stamp { day: checked, ..stamp.clone() }, &operator, mode, contact.as_ref(), until)
        }
        Decision::ConfirmPartner(operator) => edit::confirm_presence(&partners, stamp, &operator),
        Decision::Agreement(operator, status, day) => {
            in_catalogue(&operator)?;
            edit::set_agreement(stamp, &operator, status, day)
        }
        Decision::Training(operator, agents, on) => {
            in_catalogue(&operator)?;
            edit::set_training(stamp, &operator, agents, on.unwrap_or(stamp.day))
        }
        Decision::Label(operator, label) => edit::set_label(stamp, &operator, &label),
        Decision::RemovePartner(operator) => edit::remove(&partners, stamp, &operator),
        _ => Ok(Edits::new()),
    }
}

/// A code that nobody knows is a slip: a local service is written `LOCAL:…`.
pub(super) fn in_catalogue(operator: &OperatorToken) -> Result<(), FieldError> {
    match operator {
        OperatorToken::Known(code) if known_operator(code.as_str()).is_none() => {
            Err(FieldError::new("operator", catalogue::unknown_operator(code.as_str())))
        }
        _ => Ok(()),
    }
}
