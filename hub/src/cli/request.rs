//! From arguments to requests.

use std::path::Path;

use super::Ca;
use super::args::{
    Asked, Catalogue, Completeness, Conflict, Counts, Coverage, Device, Document, Flagged, Fleet, Given, Journal,
    Label, Network, Refused, Report, ReportFormat, Site, Token,
};
use crate::admin::{Change, ListFile, Look, Pairs, Request};
use crate::catalogue::CatalogueFile;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::ledger::Verdict;

/// Only what was given.
fn pairs(given: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Pairs {
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub(crate) fn site(site: Site, lang: Lang) -> Result<Request, Failure> {
    Ok(match site {
        Site::Import { file, dry_run, date, retire_missing, even_most } => {
            let list = ListFile { date, retire_missing, even_most, ..list_file(&file, lang)? };
            match dry_run {
                true => Request::Look(Look::SiteImport { list }),
                false => Request::Change(Change::SiteImport { list }),
            }
        }
        Site::List { department, region, kind, life } => {
            let filters = [("department", department), ("region", region), ("kind", kind), ("life", life)];
            Request::Look(Look::Sites { filters: pairs(filters) })
        }
        Site::Show { site } => Request::Look(Look::Site { site }),
        Site::Add { site, kind, parent, fields } => Request::Change(Change::SiteAdd { site, kind, parent, fields }),
        Site::Retire { site, from } => Request::Change(Change::SiteRetire { site, from }),
        Site::Alias { site, alias } => Request::Change(Change::SiteAlias { site, alias }),
        Site::SetParent { site, parent, from } => Request::Change(Change::SiteSetParent { site, parent, from }),
        Site::Set { site, fields, from } => Request::Change(Change::SiteSet { site, fields, from }),
        Site::Invite { site, expires, replaces } => {
            Request::Change(Change::SiteInvite { site, valid_s: expires, replaces })
        }
    })
}

pub(crate) fn fleet(fleet: Fleet) -> Request {
    let Fleet { sites, kind, state, version, shape: _ } = fleet;
    let own = [("kind", kind), ("state", state), ("version", version)];
    Request::Look(Look::Fleet { filters: pairs(sites.pairs().into_iter().chain(own)) })
}

pub(crate) fn device(device: Device) -> Request {
    match device {
        Device::List { site } => Request::Look(Look::Devices { site }),
        Device::Show { device } => Request::Look(Look::Device { device }),
        // One of the two is required, so no device means all of them.
        Device::Approve { device, all_certified: _ } => Request::Change(Change::DeviceApprove { device }),
        Device::Revocations { confirm: _, reason: None } => Request::Revocations,
        // The one goes with the other.
        Device::Revocations { confirm: _, reason: Some(reason) } => {
            Request::Change(Change::RevocationsConfirm { reason })
        }
        Device::Revoke { device, reason } => Request::Change(Change::DeviceRevoke { device, reason }),
    }
}

pub(crate) fn token(token: Token) -> Request {
    match token {
        Token::Create { label, scope, role, expires } => {
            Request::Change(Change::TokenCreate { label, scope, role, valid_s: expires })
        }
        Token::List => Request::Look(Look::Tokens),
        Token::Revoke { id } => Request::Change(Change::TokenRevoke { id }),
    }
}

pub(crate) fn counts(counts: Counts, json: bool) -> Request {
    let Counts { asked, by, operator, help_kind, age, compare } = counts;
    let own = [("by", by), ("operator", operator), ("help", help_kind), ("age", age), ("compare", compare)];
    Request::Look(Look::Counts { question: question(asked, own, json) })
}

pub(crate) fn completeness(completeness: Completeness, json: bool) -> Request {
    let Completeness { asked, month, by } = completeness;
    Request::Look(Look::Completeness { question: question(asked, [("month", month), ("by", by)], json) })
}

pub(crate) fn label(label: Label, json: bool) -> Request {
    let Label { sites, check, state, shape } = label;
    let own = [("check", check), ("state", state)];
    let question = pairs(sites.pairs().into_iter().chain(own).chain(shape.pairs(json)));
    Request::Look(Look::Label { question })
}

/// What questions have in common, and what is a question's own.
fn question<const N: usize>(asked: Asked, own: Given<N>, json: bool) -> Pairs {
    let Asked { from, to, sites, antennas, as_of, shape } = asked;
    let common = [("from", from), ("to", to), ("antennas", antennas), ("as_of", as_of)];
    pairs(common.into_iter().chain(sites.pairs()).chain(own).chain(shape.pairs(json)))
}

pub(crate) fn network(network: Network, json: bool) -> Request {
    let Network { by, day, from, to, parts, shape } = network;
    let own = [("by", by), ("day", day), ("from", from), ("to", to)];
    let question = pairs(own.into_iter().chain(parts.pairs()).chain(shape.pairs(json)));
    Request::Look(Look::Network { question })
}

pub(crate) fn coverage(coverage: Coverage, json: bool) -> Request {
    let Coverage { operator, by, day, sites, shape } = coverage;
    let own = [("operator", operator), ("by", by), ("day", day)];
    let question = pairs(own.into_iter().chain(sites.pairs()).chain(shape.pairs(json)));
    Request::Look(Look::Coverage { question })
}

pub(crate) fn report(report: Report, json: bool) -> Request {
    let Report { site, from, to, antennas, format } = report;
    let form = match format {
        ReportFormat::Text if !json => "text",
        ReportFormat::Text | ReportFormat::Json => "json",
        ReportFormat::Csv => "csv",
        ReportFormat::CsvFr => "csv-fr",
    };
    let form = ("format", Some(form.to_owned()));
    Request::Look(Look::Report { site, question: pairs([("from", from), ("to", to), ("antennas", antennas), form]) })
}

pub(crate) fn check(rebuild: bool, seal: bool) -> Request {
    Request::Change(if seal { Change::RegistrySeal } else { Change::Check { rebuild } })
}

pub(crate) fn ca(ca: &Ca) -> Request {
    match ca {
        Ca::Show => Request::Authorities,
        Ca::Rotate { finish: false, force: _ } => Request::Change(Change::AuthorityRotate),
        Ca::Rotate { finish: true, force } => Request::Change(Change::AuthorityFinish { leave_behind: *force }),
    }
}

pub(crate) fn refused(refused: Refused) -> Request {
    match refused {
        Refused::List => Request::Look(Look::Refused),
        Refused::Show { id } => Request::Look(Look::RefusedOne { id }),
        Refused::Settle { id, reason } => Request::Change(Change::RefusedSettle { id, reason }),
    }
}

pub(crate) fn flagged(flagged: Flagged) -> Request {
    match flagged {
        Flagged::List { site, reason } => {
            Request::Look(Look::Flagged { filters: pairs([("site", site), ("reason", reason)]) })
        }
        Flagged::Show { id } => Request::Look(Look::FlaggedOne { id }),
        // One of the two is required.
        Flagged::Settle { id, count, leave_out: _, reason } => {
            let verdict = if count { Verdict::Count } else { Verdict::LeaveOut };
            Request::Change(Change::FlaggedSettle { id, verdict: verdict.as_str().to_owned(), reason })
        }
    }
}

pub(crate) fn catalogue(catalogue: Catalogue, lang: Lang) -> Result<Request, Failure> {
    let Catalogue::Import { file, dry_run } = catalogue;
    let (bytes, name) = read(&file, lang)?;
    let file = CatalogueFile::read(&bytes, name);
    Ok(match dry_run {
        true => Request::Look(Look::CatalogueImport { file }),
        false => Request::Change(Change::CatalogueImport { file }),
    })
}

pub(crate) fn conflict(conflict: Conflict) -> Request {
    match conflict {
        Conflict::List { site, department } => {
            Request::Look(Look::Conflicts { filters: pairs([("site", site), ("department", department)]) })
        }
        Conflict::Resolve { id, version } => Request::Change(Change::ConflictResolve { id, version }),
    }
}

pub(crate) fn journal(journal: Journal) -> Request {
    let Journal::List { from, to, who, kind, after, limit } = journal;
    let filters = pairs([("from", from), ("to", to), ("who", who), ("kind", kind)]);
    Request::Look(Look::Journal { filters, after, limit })
}

pub(crate) fn document(document: Document) -> Request {
    Request::Look(match document {
        Document::List => Look::Documents,
        Document::Export { name } => Look::Document { name },
    })
}

/// Reads a list of sites that a person names.
fn list_file(path: &Path, lang: Lang) -> Result<ListFile, Failure> {
    let (bytes, name) = read(path, lang)?;
    Ok(ListFile::read(&bytes, name))
}

/// The bytes and the name of a file that a person names.
fn read(path: &Path, lang: Lang) -> Result<(Vec<u8>, String), Failure> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Exit::NotFound, format!("{} {}", path.display(), lang.of("n’existe pas", "does not exist")))
        }
        _ => Failure::new(Exit::Failure, format!("{} : {error}", path.display())),
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((bytes, name))
}
