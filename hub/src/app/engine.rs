//! What operators' changes ask of the core and the keys, and how failures are told.

use jiff::Timestamp;
use msap_shared::document::DocKind;
use msap_shared::document::register::{Author, Edits};
use msap_shared::id::{DeviceId, SiteId};
use msap_shared::time::Month;
use rusqlite::Connection;

use crate::admin::{self, AdminError, AuthoritiesObject, CheckObject, FactObject, FoldedObject, Hub, SettledObject};
use crate::backup::BackupError;
use crate::bundle::{self, AnswerObject, BundleObject};
use crate::coordinate::{self, WriteError};
use crate::core::Core;
use crate::core::edit::{SiteEdit, SiteEdited};
use crate::exit::{Exit, Failure, with_causes};
use crate::harm;
use crate::keys::{Keys, KeysError, Named};
use crate::lang::Lang;
use crate::store::check::CheckReport;
use crate::store::{StoreError, devices, journal, sites};

pub(super) fn keys_failure(error: &KeysError) -> Failure {
    let exit = if error.exit_code() == Exit::Damaged as u8 { Exit::Damaged } else { Exit::Failure };
    Failure::new(exit, with_causes(error))
}

pub(super) fn backup_failure(error: &BackupError, lang: Lang) -> Failure {
    error.failure(lang)
}

/// A failure of the database, with the next step.
pub(super) fn store_failure(error: &StoreError, lang: Lang) -> Failure {
    harm::failure(error, lang)
}

/// The core and the keys, as [`Hub`].
pub(super) struct Engine<'a> {
    pub(super) core: &'a mut Core,
    pub(super) keys: &'a Keys,
}

impl Hub for Engine<'_> {
    fn write<T, E, F>(&mut self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        self.core.store().write(|conn, _| f(conn))
    }

    fn revoke(&mut self, device: Named, reason: &str, now: Timestamp) -> Result<bool, AdminError> {
        let row = devices::show(self.core.connection(), device.device())?;
        let named = row.map_or(device, |row| Named::Key(row.fingerprint));
        // The list beside the keys comes first: it must hold whatever happens to the database.
        self.keys.append_revocation(named, self.core.day(now), reason)?;
        Ok(self.core.revoke(device.device(), reason, now)?)
    }

    fn confirm_revocations(&mut self, reason: &str, now: Timestamp) -> Result<(), AdminError> {
        let damage = self.keys.revocations().err().map_or_else(|| "whole".to_owned(), |error| with_causes(&error));
        // Journalled first: what cannot be told must not be done.
        self.write(|conn| journal::record(conn, now, "revocations.confirm", "", &format!("{reason} ({damage})")))?;
        self.keys.renew_revocations()?;
        super::opening::witness(self.core, self.keys)?;
        self.core.trust_revocations();
        Ok(())
    }

    fn approve(&mut self, only: Option<DeviceId>, now: Timestamp) -> Result<FoldedObject, AdminError> {
        let approved = self.core.approve(only, now)?;
        Ok(FoldedObject {
            devices: approved.devices.iter().map(ToString::to_string).collect(),
            changes: approved.changes,
            left: approved.left,
            revocations_incomplete: self.keys.revocations().err().map(|error| with_causes(&error)),
        })
    }

    fn import_file(
        &mut self,
        bytes: &[u8],
        address: &str,
        answer: bool,
        now: Timestamp,
    ) -> Result<BundleObject, AdminError> {
        Ok(bundle::import(self.core, self.keys, bytes, address, answer, now)?)
    }

    fn export_file(
        &mut self,
        device: DeviceId,
        from: Option<Month>,
        now: Timestamp,
    ) -> Result<Option<AnswerObject>, AdminError> {
        Ok(bundle::answer(self.core, self.keys, device, from, now)?)
    }

    fn rotate(&mut self, now: Timestamp) -> Result<AuthoritiesObject, AdminError> {
        self.keys.rotate()?;
        let keys = self.keys.authority_keys();
        let told: Vec<String> = keys.iter().map(ToString::to_string).collect();
        self.write(|conn| journal::record(conn, now, "ca.rotate", "", &told.join(" after ")))?;
        admin::authorities(self.core.connection(), self.keys)
    }

    fn finish_rotation(&mut self, leave_behind: bool, now: Timestamp) -> Result<AuthoritiesObject, AdminError> {
        let behind = admin::authorities(self.core.connection(), self.keys)?.behind;
        if !behind.is_empty() && !leave_behind {
            return Err(AdminError::Behind(behind.into_iter().map(|device| device.id).collect()));
        }
        self.keys.finish_rotation()?;
        let left: Vec<&str> = behind.iter().map(|device| device.id.as_str()).collect();
        self.write(|conn| journal::record(conn, now, "ca.finish", "", &format!("left behind: {}", left.join(" "))))?;
        admin::authorities(self.core.connection(), self.keys)
    }

    fn set_hours(&mut self, hours: &[(SiteId, Edits)], now: Timestamp) -> Result<(), AdminError> {
        let edits: Vec<SiteEdit> = hours
            .iter()
            .map(|(site, facts)| SiteEdit {
                site: site.clone(),
                kind: DocKind::Schedule,
                facts: facts.clone(),
                detail: String::new(),
            })
            .collect();
        if edits.is_empty() {
            return Ok(());
        }
        let done = self.core.edit_all(&edits, now)?;
        let kept = done.iter().filter(|done| **done == SiteEdited::Kept).count();
        let left = |done: &SiteEdited| matches!(done, SiteEdited::Refused(_) | SiteEdited::NoSite);
        let left: Vec<String> =
            edits.iter().zip(&done).filter(|(_, done)| left(done)).map(|(edit, _)| edit.site.to_string()).collect();
        self.write(|conn| {
            let detail = format!("schedules={kept} refused={}", left.len());
            journal::record(conn, now, "site.import", "hours", &detail)
        })?;
        if left.is_empty() { Ok(()) } else { Err(AdminError::HoursRefused(left)) }
    }

    fn settle_conflict(&mut self, id: &str, version: usize, now: Timestamp) -> Result<SettledObject, AdminError> {
        let unknown = || AdminError::UnknownConflict(id.chars().take(60).collect());
        let (site, conflict) = id.split_once('.').ok_or_else(unknown)?;
        let site = match sites::resolve(self.core.connection(), site)? {
            Some(site) => sites::find(self.core.connection(), &site)?,
            None => None,
        };
        let (site, _) = site.ok_or_else(unknown)?;
        match coordinate::settle_conflict(self.core, &Author::National, &site, conflict, version, now) {
            Ok(written) => {
                let facts = written.facts.into_iter().map(|(key, value)| FactObject { key, value }).collect();
                Ok(SettledObject { site: site.id.to_string(), name: site.name, facts })
            }
            Err(WriteError::NoConflict(_) | WriteError::Gone(_)) => Err(unknown()),
            Err(WriteError::Field(error)) => Err(AdminError::Fact(error)),
            Err(WriteError::Store(error)) => Err(error.into()),
            Err(error @ WriteError::Refused(_)) => Err(StoreError::corrupt(error.to_string()).into()),
        }
    }

    fn check(&mut self, rebuild: bool, now: Timestamp) -> Result<CheckObject, AdminError> {
        Ok(checked(self.core.check(rebuild, now)?, rebuild))
    }
}

/// A check's report as operators see it.
pub(super) fn checked(report: CheckReport, rebuild: bool) -> CheckObject {
    CheckObject {
        rebuilt: rebuild && report.is_mendable(),
        documents: report.documents,
        changes: report.changes,
        problems: report.problems,
        registry: report.registry,
        differences: report.differences,
        negative: report.negative,
    }
}

#[cfg(test)]
mod tests;
