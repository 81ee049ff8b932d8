//! Carrying out what only reads.

use data_encoding::BASE64;
use jiff::Timestamp;
use msap_shared::id::{DeviceId, SiteId};
use rusqlite::Connection;

use super::reply::{FlaggedObject, Reply};
use super::{AdminError, Look, settle};
use crate::almanac::Almanac;
use crate::ask::parameter::{DEPARTMENT, SITE};
use crate::ask::{self, AskError, Form, Given, Question};
use crate::fleet::{self, FleetFilter};
use crate::http::{flagged_filter, in_conflict, journal_filter, site_filter};
use crate::import::{self, ImportReport};
use crate::keys::Named;
use crate::lang::Lang;
use crate::sheet::{SheetFormat, Table};
use crate::site::SiteObject;
use crate::store::flagged::FlaggedFilter;
use crate::store::refusals::RefusedFilter;
use crate::store::{devices, documents, flagged, history, journal, refusals, site_facts, sites, tokens, users};
use crate::{catalogue, completeness, counts, coverage, export, label, network, report, returns};

/// Most lines of the journal in one answer.
const JOURNAL_MAX: u32 = 100_000;
/// Most flagged facts or refused changes in one answer.
const ROWS_MAX: u32 = 10_000;
/// More documents than the network makes in ten years.
const DOCUMENTS_MAX: u32 = 1_000_000;

/// Answers from what is stored.
///
/// # Errors
/// When something that the request names does not exist or makes no sense.
pub fn look(
    conn: &Connection,
    almanac: &Almanac,
    look: &Look,
    lang: Lang,
    now: Timestamp,
) -> Result<Reply, AdminError> {
    Ok(match look {
        Look::SiteImport { list } => {
            let report = import::plan(conn, list, ask::today(now), lang)?.report;
            Reply::Imported(ImportReport { dry_run: true, ..report })
        }
        Look::CatalogueImport { file } => Reply::Catalogued(catalogue::plan(conn, file, lang)?.report),
        Look::Conflicts { filters } => {
            let given = Given::check(filters, &[SITE, DEPARTMENT])?;
            let found = in_conflict(conn, &*almanac.open(conn)?, &given)?;
            Reply::Conflicts(found.into_iter().flat_map(|(_, conflicts)| conflicts).collect())
        }
        Look::Sites { filters } => {
            let found = sites::list(conn, &site_filter(filters)?)?;
            let pages = almanac.open(conn)?;
            Reply::Sites(found.iter().map(|(site, contact)| SiteObject::of(site, contact, &pages, now)).collect())
        }
        Look::Site { site } => {
            let id = site_id(conn, site)?;
            let (site, contact) = sites::find(conn, &id)?.ok_or_else(|| AdminError::UnknownSite(site.clone()))?;
            let pages = almanac.open(conn)?;
            let held = [history::of_site(conn, &id)?, site_facts::of_site(conn, &id)?].concat();
            Reply::Site {
                site: Box::new(SiteObject::of(&site, &contact, &pages, now)),
                aliases: sites::aliases(conn, &id)?,
                devices: devices::list(conn, Some(&id))?.into_iter().map(Into::into).collect(),
                history: held.into_iter().map(Into::into).collect(),
            }
        }
        Look::Devices { site } => {
            let site = site.as_ref().map(|site| site_id(conn, site)).transpose()?;
            Reply::Devices(devices::list(conn, site.as_ref())?.into_iter().map(Into::into).collect())
        }
        Look::Device { device } => {
            let found = devices::show(conn, device_id(device)?)?;
            Reply::Device(Box::new(found.ok_or_else(|| AdminError::UnknownDevice(device.clone()))?.into()))
        }
        Look::Tokens => Reply::Tokens(tokens::list(conn)?.into_iter().map(Into::into).collect()),
        Look::Users => Reply::Users(users::list(conn)?.into_iter().map(Into::into).collect()),
        Look::Counts { question } => {
            let Question { query, form, is_public } = ask::figures(conn, question, ask::today(now))?;
            // An operator's figures are never those that were released.
            if is_public {
                return Err(AskError::NotPublic.into());
            }
            told(&counts::answer(conn, &*almanac.open(conn)?, query, now)?, form, lang)
        }
        Look::Completeness { question } => {
            let Question { query, form, .. } = ask::completeness(conn, question, ask::today(now))?;
            told(&completeness::told::answer(conn, &*almanac.open(conn)?, query, now)?, form, lang)
        }
        Look::Label { question } => {
            let (question, form) = ask::label(conn, question)?;
            told(&label::answer(conn, &*almanac.open(conn)?, question, now)?, form, lang)
        }
        Look::Network { question } => {
            let question = network::ask(conn, question, ask::today(now))?;
            let form = question.form;
            told(&network::answer(conn, question)?, form, lang)
        }
        Look::Coverage { question } => {
            let question = coverage::ask(conn, question, ask::today(now))?;
            let form = question.form;
            told(&coverage::answer(conn, &*almanac.open(conn)?, question)?, form, lang)
        }
        Look::Report { site, question } => {
            let id = site_id(conn, site)?;
            let (site, _) = sites::find(conn, &id)?.ok_or_else(|| AdminError::UnknownSite(site.clone()))?;
            let question = report::ask(question, ask::today(now))?;
            let found = report::of(conn, &*almanac.open(conn)?, site, question, now)?;
            told(&found, question.form.or(Some(Form::Text)), lang)
        }
        Look::Returns { operator, question } => {
            let today = ask::today(now);
            let (asked, pages) = (returns::ask(conn, question, now)?, almanac.open(conn)?);
            let operators = match operator {
                Some(operator) => vec![returns::operator(operator)?],
                None => returns::partners(conn, &pages, asked, today)?,
            };
            let form = asked.form.unwrap_or(Form::Sheet(SheetFormat::CsvFr));
            let made = returns::of(conn, &pages, &operators, asked, now)?;
            Reply::Returns(made.iter().map(|made| made.file(form)).collect())
        }
        Look::Refused => {
            let filter = RefusedFilter { limit: ROWS_MAX, ..RefusedFilter::default() };
            Reply::Refused(refusals::list(conn, &filter)?.into_iter().map(Into::into).collect())
        }
        Look::RefusedOne { id } => Reply::RefusedOne(Box::new(settle::refused(conn, id)?.into())),
        Look::Flagged { filters } => {
            let filter = FlaggedFilter { limit: ROWS_MAX, ..flagged_filter(conn, filters)? };
            Reply::Flagged(flagged::list(conn, &filter)?.into_iter().map(Into::into).collect())
        }
        Look::FlaggedOne { id } => {
            let row = settle::flagged(conn, id)?;
            let settled = match &row.standing {
                Some(standing) => flagged::settlement(conn, &row.document, &row.tap, standing)?,
                None => None,
            };
            let mut object = FlaggedObject::from(row);
            object.settled = settled.map(|settled| settled.reason);
            Reply::FlaggedOne(Box::new(object))
        }
        Look::Fleet { filters } => {
            let filter = FleetFilter::of(conn, filters)?;
            Reply::Fleet(Box::new(fleet::answer(conn, &*almanac.open(conn)?, &filter, now)?))
        }
        Look::Journal { filters, after, limit } => {
            let (filter, limit) = (journal_filter(filters)?, (*limit).min(JOURNAL_MAX));
            let lines = match after {
                Some(after) => journal::search(conn, &filter, *after, limit)?,
                None => journal::last(conn, &filter, limit)?,
            };
            Reply::Journal(lines.into_iter().map(Into::into).collect())
        }
        Look::Documents => {
            Reply::Documents(documents::list(conn, "", DOCUMENTS_MAX)?.into_iter().map(Into::into).collect())
        }
        Look::Document { name } => {
            let chunks = documents::chunks(conn, name)?;
            if chunks.is_empty() {
                return Err(AdminError::UnknownDocument(name.clone()));
            }
            let saved = export::saved(&chunks).map_err(|source| AdminError::Export { name: name.clone(), source })?;
            Reply::Document(BASE64.encode(&saved))
        }
    })
}

/// A view in the form that was asked for.
fn told(view: &impl Table, form: Option<Form>, lang: Lang) -> Reply {
    match form {
        Some(Form::Json) => Reply::Figures(view.object()),
        Some(Form::Text) => Reply::Text(view.text(lang)),
        Some(Form::Sheet(_)) | None => Reply::Sheet { sheet: view.sheet(), summary: view.summary(lang) },
    }
}

/// The site that a person names by its id or an alias.
pub(super) fn site_id(conn: &Connection, name: &str) -> Result<SiteId, AdminError> {
    sites::resolve(conn, name)?.ok_or_else(|| AdminError::UnknownSite(name.chars().take(60).collect()))
}

/// The device that a person names, by its id or its key's fingerprint.
pub(super) fn device_id(text: &str) -> Result<DeviceId, AdminError> {
    text.parse::<Named>().map(|named| named.device()).map_err(|_| unknown_device(text))
}

pub(super) fn unknown_device(text: &str) -> AdminError {
    AdminError::UnknownDevice(text.chars().take(60).collect())
}
