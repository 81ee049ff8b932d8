//! From the texts of a request to a decision about partners, or about a contradiction.

use msap_shared::document::partners::{AgreementStatus, Contact, Mode, TRAINED_MAX};
use msap_shared::schedule::edit::field;

use super::house::{count, operator};
use super::{Fields, parameters};
use crate::catalogue::quoted;
use crate::command::house::{Decision, Look};
use crate::web::Problem;

/// The day of a look at the partners.
pub(in crate::web) fn look(query: Vec<(String, String)>) -> Result<Look, Problem> {
    let [day] = parameters(query, ["day"])?;
    Ok(Look::Partners(day.map(|text| field::day("day", &text)).transpose()?))
}

/// `PUT /api/partners/{operator}`: what is said of it, or that it still holds.
pub(in crate::web) fn presence(of: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let operator = operator("operator", of)?;
    let mode = fields.word("mode")?;
    let contact = fields.word("contact")?.map(|text| Contact::read(&text)).transpose()?;
    let (until, checked_on) = (fields.day("until")?, fields.day("checked")?);
    fields.end()?;
    let Some(mode) = mode else {
        return if contact.is_none() && until.is_none() {
            Ok(Decision::ConfirmPartner(operator))
        } else {
            Err(Problem::invalid("mode", "dites comment : permanence, partial, reachable ou absent"))
        };
    };
    let mode = Mode::known(mode.trim()).ok_or_else(|| {
        let why = format!("« {} » inconnu : permanence, partial, reachable ou absent", quoted(&mode));
        Problem::invalid("mode", why)
    })?;
    Ok(Decision::Presence { operator, mode, contact, until, checked_on })
}

/// `PUT /api/partners/{operator}/agreement`.
pub(in crate::web) fn agreement(of: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let status = fields.word("status")?.unwrap_or_default();
    let day = fields.day("day")?;
    fields.end()?;
    let status = AgreementStatus::known(status.trim())
        .ok_or_else(|| Problem::invalid("status", "signed, in_progress ou to_come est attendu"))?;
    Ok(Decision::Agreement(operator("operator", of)?, status, day))
}

/// `PUT /api/partners/{operator}/training`.
pub(in crate::web) fn training(of: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let agents = fields.needed("agents", "dites combien d’agents ce partenaire a formés", |name, text| {
        count(name, text, TRAINED_MAX)
    })?;
    let on = fields.day("trained_on")?;
    fields.end()?;
    Ok(Decision::Training(operator("operator", of)?, agents, on))
}

/// `PUT /api/partners/{operator}/label`.
pub(in crate::web) fn label(of: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let label = fields.needed("label", "donnez le nom de ce service", field::line)?;
    fields.end()?;
    Ok(Decision::Label(operator("operator", of)?, label))
}

/// `DELETE /api/partners/{operator}`.
pub(in crate::web) fn remove(of: &str) -> Result<Decision, Problem> {
    Ok(Decision::RemovePartner(operator("operator", of)?))
}

/// `POST /api/conflicts/{id}`.
pub(in crate::web) fn settle(id: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let version =
        fields.needed("version", "dites quelle version garder : 1, 2…", |name, text| count(name, text, 99))?;
    fields.end()?;
    Ok(Decision::Settle { id: id.to_owned(), version: usize::from(version) })
}

/// The form that settles a contradiction.
pub(in crate::web) fn settle_form(mut fields: Fields) -> Result<Decision, Problem> {
    let id = fields.word("id")?.unwrap_or_default();
    settle(&id, fields)
}

/// The form that says how a partner can be had, or that it still is as was said.
pub(in crate::web) fn presence_form(mut fields: Fields) -> Result<Decision, Problem> {
    presence(&chosen(&mut fields)?, fields)
}

/// The form that says how far the agreement has come.
pub(in crate::web) fn agreement_form(mut fields: Fields) -> Result<Decision, Problem> {
    agreement(&chosen(&mut fields)?, fields)
}

/// The form that says how many agents a partner trained.
pub(in crate::web) fn training_form(mut fields: Fields) -> Result<Decision, Problem> {
    training(&chosen(&mut fields)?, fields)
}

fn chosen(fields: &mut Fields) -> Result<String, Problem> {
    fields.word("operator")?.ok_or_else(|| Problem::invalid("operator", "choisissez un partenaire"))
}
