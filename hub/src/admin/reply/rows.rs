//! Rows of the database as replies carry them.

use super::*;
use crate::store::devices::{Device, Standing};
use crate::store::flagged::FlaggedRow;
use crate::store::history::Held;
use crate::store::refusals::RefusedRow;
use crate::store::tokens::TokenRow;
use crate::store::users::UserRow;
use crate::store::{documents, journal};

impl From<Device> for DeviceObject {
    fn from(device: Device) -> Self {
        Self {
            id: device.id.to_string(),
            site: device.site.to_string(),
            label: device.label,
            standing: match device.replaced_by {
                Some(_) if device.standing != Standing::Revoked => "replaced".to_owned(),
                _ => device.standing.as_str().to_owned(),
            },
            replaced_by: device.replaced_by.map(|id| id.to_string()),
            enrolled: device.enrolled.to_string(),
            reason: device.reason,
            forked: device.forked,
            last_contact: device.contact.at.map(moment),
            last_in_sync: device.contact.in_sync.map(moment),
            version: device.contact.app_version,
            transport: device.contact.transport,
            tried: device.contact.tried,
            clock_offset_ms: device.contact.clock_offset_ms,
            waiting: device.contact.waiting,
            oldest_waiting_day: device.contact.oldest_waiting_day.map(|day| day.to_string()),
            turned_away: device.contact.turned_away.map(moment),
        }
    }
}

impl From<TokenRow> for TokenObject {
    fn from(row: TokenRow) -> Self {
        let TokenRow { id, label, scope, role, expires, revoked, used } = row;
        let last_used = used.map(|day| day.to_string());
        Self { id, label, scope, role, expires: moment(expires), revoked, last_used }
    }
}

impl From<UserRow> for UserObject {
    fn from(row: UserRow) -> Self {
        let UserRow { login, scope, role, disabled, .. } = row;
        Self { login: login.to_string(), scope, role, disabled }
    }
}

impl From<RefusedRow> for RefusedObject {
    fn from(row: RefusedRow) -> Self {
        Self {
            id: row.n,
            document: row.document,
            site: row.site,
            device: row.device.to_string(),
            writer: row.writer.to_string(),
            seq: row.seq,
            reason: refusal(row.reason).to_owned(),
            day: row.day.map(|day| day.to_string()),
            settled: row.settled,
        }
    }
}

impl From<FlaggedRow> for FlaggedObject {
    fn from(row: FlaggedRow) -> Self {
        let (tap, date) = (row.tap_text(), row.day().map(|day| day.to_string()));
        let FlaggedRow { id, document, reasons, standing, verdict, .. } = row;
        Self {
            id,
            site: document.site().to_string(),
            document: document.to_string(),
            tap,
            reason: reasons.join(","),
            date,
            day: standing.as_ref().map(|standing| standing.day),
            value: standing.map(|standing| standing.value),
            verdict: verdict.map(|verdict| verdict.as_str().to_owned()),
            settled: None,
        }
    }
}

impl From<Held> for HeldObject {
    fn from(held: Held) -> Self {
        let Held { field, from, value } = held;
        Self { field, from: from.map(|day| day.to_string()), value }
    }
}

impl From<journal::Entry> for JournalObject {
    fn from(entry: journal::Entry) -> Self {
        let journal::Entry { n, at, who, action, subject, detail } = entry;
        Self { n, at: moment(at), who, action, subject, detail }
    }
}

impl From<documents::DocumentRow> for DocumentObject {
    fn from(row: documents::DocumentRow) -> Self {
        Self { id: row.name, changes: row.changes }
    }
}
