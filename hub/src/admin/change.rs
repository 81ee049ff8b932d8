//! Carrying out what changes the hub.

use data_encoding::BASE64;
use jiff::Timestamp;
use msap_shared::document::register::Edits;
use msap_shared::id::{DeviceId, SiteId};
use msap_shared::io::join_code::{JoinCode, check_address};
use msap_shared::time::Month;
use rusqlite::Connection;

use super::look::{device_id, site_id, unknown_device};
use super::reply::{AuthoritiesObject, CheckObject, FoldedObject, InvitationObject, Reply, SettledObject, moment};
use super::site_changes::day;
use super::users::UserChange;
use super::{AdminError, Change, Context, settle, site_changes, tokens, users};
use crate::bundle::{AnswerObject, BundleObject};
use crate::enrol::advertised;
use crate::keys::Named;
use crate::lang::Lang;
use crate::site::Life;
use crate::store::devices::{self, Standing};
use crate::store::{StoreError, check_runs, journal, seal};
use crate::{address, ask, catalogue, import};

/// Longest reason of a revocation or a settlement, in characters.
pub(super) const REASON_LEN_MAX: usize = 200;

/// What changes need of the hub; the core, outside of tests.
pub trait Hub {
    /// Runs one transaction: committed when `f` succeeds.
    fn write<T, E, F>(&mut self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Connection) -> Result<T, E>;

    /// Ends a device's rights, journals it, and closes its connections; as much of it as can be
    /// done when the database cannot be written. Whether the database knows the device: if not,
    /// it is turned away all the same, should it come.
    fn revoke(&mut self, device: Named, reason: &str, now: Timestamp) -> Result<bool, AdminError>;

    /// Calls the list of revocations whole, and journals it.
    fn confirm_revocations(&mut self, reason: &str, now: Timestamp) -> Result<(), AdminError>;

    /// Approves a device that waits, or all of them, and folds what they brought.
    fn approve(&mut self, only: Option<DeviceId>, now: Timestamp) -> Result<FoldedObject, AdminError>;

    /// Takes in a file, and answers it if that is wanted.
    fn import_file(
        &mut self,
        bytes: &[u8],
        address: &str,
        answer: bool,
        now: Timestamp,
    ) -> Result<BundleObject, AdminError>;

    /// Makes a file for a device; `None` when there is no such device.
    fn export_file(
        &mut self,
        device: DeviceId,
        from: Option<Month>,
        now: Timestamp,
    ) -> Result<Option<AnswerObject>, AdminError>;

    /// Makes a second authority, and journals it.
    fn rotate(&mut self, now: Timestamp) -> Result<AuthoritiesObject, AdminError>;

    /// Drops the authority before, and journals it; `leave_behind` devices that know no other.
    fn finish_rotation(&mut self, leave_behind: bool, now: Timestamp) -> Result<AuthoritiesObject, AdminError>;

    /// Writes hours of a list into the schedules of these sites, and journals it.
    fn set_hours(&mut self, hours: &[(SiteId, Edits)], now: Timestamp) -> Result<(), AdminError>;

    /// Settles a conflict of a site by one of its versions, for the whole network.
    fn settle_conflict(&mut self, id: &str, version: usize, now: Timestamp) -> Result<SettledObject, AdminError>;

    /// Verifies what is stored against the views.
    fn check(&mut self, rebuild: bool, now: Timestamp) -> Result<CheckObject, AdminError>;
}

/// Carries out one change.
///
/// # Errors
/// When it cannot be done; then nothing is changed.
pub fn change(
    hub: &mut impl Hub,
    change: &Change,
    context: &Context,
    lang: Lang,
    now: Timestamp,
) -> Result<Reply, AdminError> {
    let done = match change {
        Change::SiteImport { list } => {
            let plan = hub.write(|conn| {
                let plan = import::plan(conn, list, ask::today(now), lang)?;
                plan.carry_out(conn, now)?;
                Ok::<_, AdminError>(plan)
            })?;
            // Cut off in between, the same import writes the hours the next time.
            hub.set_hours(&plan.hours, now)?;
            return Ok(Reply::Imported(plan.report));
        }
        Change::CatalogueImport { file } => {
            return hub.write(|conn| {
                let plan = catalogue::plan(conn, file, lang)?;
                plan.carry_out(conn, now)?;
                Ok(Reply::Catalogued(plan.report))
            });
        }
        Change::ConflictResolve { id, version } => {
            return hub.settle_conflict(id, *version, now).map(Reply::Settled);
        }
        Change::SiteAdd { site, kind, parent, fields } => {
            hub.write(|conn| site_changes::add(conn, now, site, kind, parent.as_deref(), fields))
        }
        Change::SiteRetire { site, from } => {
            let from = day(from.as_deref())?;
            hub.write(|conn| site_changes::retire(conn, now, site, from))
        }
        Change::SiteAlias { site, alias } => hub.write(|conn| site_changes::alias(conn, now, site, alias)),
        Change::SiteSetParent { site, parent, from } => {
            let from = day(from.as_deref())?;
            hub.write(|conn| site_changes::set_parent(conn, now, site, parent, from))
        }
        Change::SiteSet { site, fields, from } => {
            let from = day(from.as_deref())?;
            hub.write(|conn| site_changes::set(conn, now, site, fields, from))
        }
        Change::SiteInvite { site, valid_s, replaces } => {
            let replaces = replaces.as_deref().map(device_id).transpose()?;
            let terms = Terms { secret: rand::random(), valid_s: *valid_s, replaces };
            return hub.write(|conn| invite(conn, context, site, &terms, now)).map(Reply::Invitation);
        }
        Change::FlaggedSettle { id, verdict, reason } => {
            hub.write(|conn| settle::settle_flagged(conn, now, id, verdict, reason))
        }
        Change::RefusedSettle { id, reason } => hub.write(|conn| settle::settle_refused(conn, now, id, reason)),
        Change::DeviceApprove { device } => {
            let only = device.as_deref().map(device_id).transpose()?;
            if let (Some(id), Some(device)) = (only, device) {
                let known = hub.write(|conn| Ok::<_, AdminError>(devices::show(conn, id)?))?;
                let known = known.ok_or_else(|| AdminError::UnknownDevice(device.clone()))?;
                if known.standing != Standing::Pending {
                    return Err(AdminError::NotPending { device: device.clone(), standing: known.standing.as_str() });
                }
            }
            return hub.approve(only, now).map(Reply::Folded);
        }
        Change::DeviceRevoke { device, reason } => {
            let named: Named = device.parse().map_err(|_| unknown_device(device))?;
            fits(reason)?;
            return hub.revoke(named, reason, now).map(|known| Reply::Revoked { known });
        }
        Change::RevocationsConfirm { reason } => {
            fits(reason)?;
            hub.confirm_revocations(reason, now)
        }
        Change::TokenCreate { label, scope, role, valid_s } => {
            let chance = rand::random();
            return hub.write(|conn| tokens::create(conn, now, &chance, label, (scope, role), *valid_s));
        }
        Change::UserAdd { login, password, scope, role } => {
            return hub.write(|conn| users::add(conn, now, login, password, (scope, role)));
        }
        Change::UserPasswd { login, password } => {
            return hub.write(|conn| users::change(conn, now, login, UserChange::Password(password)));
        }
        Change::UserSet { login, scope, role } => {
            let rights = UserChange::Rights(scope.as_deref(), role.as_deref());
            return hub.write(|conn| users::change(conn, now, login, rights));
        }
        Change::UserDisable { login, disabled } => {
            let change = if *disabled { UserChange::Disable } else { UserChange::Enable };
            return hub.write(|conn| users::change(conn, now, login, change));
        }
        Change::TokenRevoke { id } => return hub.write(|conn| tokens::revoke(conn, now, id)),
        Change::BundleImport { file, answer } => {
            let bytes = BASE64.decode(file.as_bytes()).map_err(|_| AdminError::Text("file"))?;
            let address = advertised(context.advertise.as_deref(), context.sync);
            return hub.import_file(&bytes, &address, *answer, now).map(|bundle| Reply::Bundle(Box::new(bundle)));
        }
        Change::BundleExport { site, device, from } => {
            let wrong = || AdminError::Month(from.clone().unwrap_or_default());
            let from = from.as_ref().map(|from| from.parse::<Month>()).transpose().map_err(|_| wrong())?;
            let id = hub.write(|conn| device_of(conn, site, device.as_deref()))?;
            let made = hub.export_file(id, from, now)?;
            return made.map(Reply::BundleMade).ok_or_else(|| AdminError::UnknownDevice(id.to_string()));
        }
        Change::AuthorityRotate => return hub.rotate(now).map(Reply::Authorities),
        Change::AuthorityFinish { leave_behind } => {
            return hub.finish_rotation(*leave_behind, now).map(Reply::Authorities);
        }
        Change::RegistrySeal => hub.write(|conn| {
            let rows = seal::anew(conn)?;
            check_runs::sealed(conn)?;
            let detail = format!("{} rows: {}", rows.len(), seal::abridged(&rows));
            Ok::<_, AdminError>(journal::record(conn, now, "check.seal", "", &detail)?)
        }),
        Change::Check { rebuild } => return hub.check(*rebuild, now).map(Reply::Checked),
    };
    done.map(|()| Reply::Done)
}

/// Whether a reason can stand on one line of the list and of the journal.
fn fits(reason: &str) -> Result<(), AdminError> {
    let fits = (1..=REASON_LEN_MAX).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    fits.then_some(()).ok_or(AdminError::Text("--reason"))
}

/// The device of a site that a file is for.
fn device_of(conn: &Connection, site: &str, device: Option<&str>) -> Result<DeviceId, AdminError> {
    let site = site_id(conn, site)?;
    let listed = devices::list(conn, Some(&site))?;
    let mut able: Vec<DeviceId> =
        listed.iter().filter(|device| device.standing != Standing::Revoked).map(|device| device.id).collect();
    if let Some(device) = device {
        let id = device_id(device)?;
        able = listed.iter().map(|device| device.id).filter(|listed| *listed == id).collect();
    }
    match able.as_slice() {
        [one] => Ok(*one),
        [] => Err(AdminError::UnknownDevice(device.map_or_else(|| site.to_string(), str::to_owned))),
        several => {
            let several = several.iter().map(DeviceId::to_string).collect();
            Err(AdminError::SeveralDevices { site: site.to_string(), several })
        }
    }
}

/// What an invitation is made of.
struct Terms {
    secret: [u8; 16],
    valid_s: i64,
    replaces: Option<DeviceId>,
}

fn invite(
    conn: &Connection,
    context: &Context,
    name: &str,
    terms: &Terms,
    now: Timestamp,
) -> Result<InvitationObject, AdminError> {
    let site = site_changes::found(conn, name)?;
    if let Some(id) = terms.replaces {
        let old = devices::show(conn, id)?.ok_or_else(|| AdminError::UnknownDevice(id.to_string()))?;
        if old.site != site.id {
            return Err(AdminError::OfAnotherSite { device: id.to_string(), site: old.site.to_string() });
        }
    }
    if site.life == Life::Retired {
        return Err(AdminError::Retired(site.id.to_string()));
    }
    let address = address::of_codes(context.advertise.as_deref(), context.sync);
    let address = address.ok_or(AdminError::NoAddress(context.sync))?;
    check_address(&address).map_err(|source| AdminError::Address { address: address.clone(), source })?;
    let expires = now.as_second().saturating_add(terms.valid_s);
    devices::invite(conn, &site.id, JoinCode::secret_hash(&terms.secret), expires, terms.replaces)?;
    let replaces = terms.replaces.map(|device| format!(" replaces={device}")).unwrap_or_default();
    journal::record(conn, now, "site.invite", site.id.as_str(), &format!("expires={}{replaces}", moment(expires)))?;
    let code = JoinCode { ca_hash: context.ca_hash, secret: terms.secret, address: address.clone() };
    Ok(InvitationObject {
        site: site.id.to_string(),
        code: code.to_string(),
        expires: moment(expires),
        address,
        advertised: context.advertise.is_some(),
    })
}
