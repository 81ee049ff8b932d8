//! From arguments to requests.

use std::path::Path;

use super::Ca;
use super::args::{Counts, Device, Document, Journal, Site, Token};
use crate::admin::{Change, Look, Pairs, Request};
use crate::exit::{Exit, Failure};
use crate::lang::Lang;

/// Only what was given.
fn pairs<const N: usize>(given: [(&str, Option<String>); N]) -> Pairs {
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub(crate) fn site(site: Site, lang: Lang) -> Result<Request, Failure> {
    Ok(match site {
        Site::Import { file, dry_run } => {
            let text = text_file(&file, lang)?;
            match dry_run {
                true => Request::Look(Look::SiteImport { text }),
                false => Request::Change(Change::SiteImport { text }),
            }
        }
        Site::List { department, region, kind, life } => {
            let filters = [("department", department), ("region", region), ("kind", kind), ("life", life)];
            Request::Look(Look::Sites { filters: pairs(filters) })
        }
        Site::Show { site } => Request::Look(Look::Site { site }),
        Site::Add { site, kind, parent, fields } => Request::Change(Change::SiteAdd { site, kind, parent, fields }),
        Site::Retire { site } => Request::Change(Change::SiteRetire { site }),
        Site::Alias { site, alias } => Request::Change(Change::SiteAlias { site, alias }),
        Site::SetParent { site, parent } => Request::Change(Change::SiteSetParent { site, parent }),
        Site::Set { site, fields } => Request::Change(Change::SiteSet { site, fields }),
        Site::Invite { site, expires } => Request::Change(Change::SiteInvite { site, valid_s: expires }),
    })
}

pub(crate) fn device(device: Device) -> Request {
    match device {
        Device::List { site } => Request::Look(Look::Devices { site }),
        Device::Show { device } => Request::Look(Look::Device { device }),
        // One of the two is required, so no device means all of them.
        Device::Approve { device, all_certified: _ } => Request::Change(Change::DeviceApprove { device }),
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

pub(crate) fn counts(counts: Counts) -> Request {
    let question = pairs([
        ("from", counts.from),
        ("to", counts.to),
        ("by", counts.by),
        ("site", counts.site),
        ("department", counts.department),
        ("region", counts.region),
        ("bearer", counts.bearer),
        ("operator", counts.operator),
        ("help", counts.help_kind),
        ("age", counts.age),
        ("antennas", counts.antennas),
    ]);
    Request::Look(Look::Counts { question })
}

pub(crate) fn check(rebuild: bool) -> Request {
    Request::Change(Change::Check { rebuild })
}

pub(crate) fn ca(ca: &Ca) -> Request {
    match ca {
        Ca::Show => Request::Authorities,
        Ca::Rotate { finish: false, force: _ } => Request::Change(Change::AuthorityRotate),
        Ca::Rotate { finish: true, force } => Request::Change(Change::AuthorityFinish { leave_behind: *force }),
    }
}

pub(crate) fn refused() -> Request {
    Request::Look(Look::Refused)
}

pub(crate) fn flagged() -> Request {
    Request::Look(Look::Flagged)
}

pub(crate) fn journal(journal: &Journal) -> Request {
    let Journal::List { after, limit } = journal;
    Request::Look(Look::Journal { after: *after, limit: *limit })
}

pub(crate) fn document(document: Document) -> Request {
    Request::Look(match document {
        Document::List => Look::Documents,
        Document::Export { name } => Look::Document { name },
    })
}

/// Reads a text file that a person names. What is not UTF-8 in it becomes U+FFFD: the import names
/// the rows where that stands.
fn text_file(path: &Path, lang: Lang) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Exit::NotFound, format!("{} {}", path.display(), lang.of("n’existe pas", "does not exist")))
        }
        _ => Failure::new(Exit::Failure, format!("{} : {error}", path.display())),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_text_does_not_refuse_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"site_id,name\n1,Chemill\xe9\n2,Lyon\n").unwrap();
        assert_eq!(text_file(file.path(), Lang::Fr).unwrap(), "site_id,name\n1,Chemill\u{fffd}\n2,Lyon\n");
    }
}
