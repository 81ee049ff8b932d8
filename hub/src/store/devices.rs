//! Devices and invitations in the store.
//!
//! Called by the core, in its transactions. A device is the row of its key's fingerprint;
//! whatever its certificate says, the row decides. Invariants: a revoked row is never revived;
//! a code serves one key, again and again until it expires.

use msap_shared::id::{DeviceId, Fingerprint, SessionToken, SiteId};
use msap_shared::io::enrol::SiteProfile;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;

mod contact;
#[cfg(test)]
mod tests;

pub use self::contact::{
    Contact, clocks_agree, forget_tokens, heard_again, set_contact, set_heard, set_in_sync, set_token, set_turned_away,
};

/// How the hub regards a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its changes are taken and acknowledged.
    Active,
    /// Like active: certified by this authority, unknown to a new database, and the list of
    /// revocations is whole.
    Returned,
    /// Certified by this authority, unknown to a new database, and perhaps revoked before: its
    /// changes wait apart for an operator.
    Pending,
    /// Turned away, for good.
    Revoked,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Returned, Self::Pending, Self::Revoked];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Returned => "returned",
            Self::Pending => "pending",
            Self::Revoked => "revoked",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// One device, as the hub keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its short name.
    pub id: DeviceId,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The site it counts for.
    pub site: SiteId,
    /// What people call it.
    pub label: String,
    /// How the hub regards it.
    pub standing: Standing,
    /// The day it was enrolled, or came back.
    pub enrolled: Day,
    /// Why it was revoked.
    pub reason: String,
    /// The last `next` of a session; `None` until the first contact of the epoch.
    pub token: Option<SessionToken>,
    /// Whether its line of sessions has split: there are two of it.
    pub forked: bool,
    /// How it was last seen.
    pub contact: Contact,
    /// The device that joined as the same machine with a new key, while this one is not heard.
    pub replaced_by: Option<DeviceId>,
}

/// An invitation, as the hub keeps it: not its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The site it is for.
    pub site: SiteId,
    /// Seconds since 1970 at which it ends.
    pub expires: i64,
    /// The device that used it.
    pub device: Option<DeviceId>,
    /// The device whose place that one takes.
    pub replaces: Option<DeviceId>,
}

/// Why an invitation does not enrol a device.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// No such invitation.
    #[error("the code is not known")]
    Unknown,
    /// The invitation has ended.
    #[error("the code has expired")]
    Expired,
    /// Another key used it.
    #[error("the code was used by another device")]
    Used,
    /// The key was revoked.
    #[error("the device was revoked")]
    Revoked,
    /// The key, or the machine, belongs to another site.
    #[error("the device counts for another site")]
    OtherSite,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps an invitation for `site` until `expires`, in seconds since 1970. Whoever uses it takes
/// the place of the device that it `replaces`.
pub fn invite(
    conn: &Connection,
    site: &SiteId,
    secret_hash: [u8; 32],
    expires: i64,
    replaces: Option<DeviceId>,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO invitation (secret_hash, site, expires, replaces) VALUES (?1, ?2, ?3, ?4)";
    let replaces = replaces.as_ref().map(DeviceId::as_bytes);
    conn.execute(SQL, params![secret_hash, site.as_str(), expires, replaces])
        .map(drop)
        .map_err(StoreError::sqlite("keeping an invitation"))
}

/// The invitation with this secret.
pub fn invitation(conn: &Connection, secret_hash: &[u8; 32]) -> Result<Option<Invitation>, StoreError> {
    const SQL: &str = "SELECT site, expires, device, replaces FROM invitation WHERE secret_hash = ?1";
    let doing = StoreError::sqlite("reading an invitation");
    let read = |row: &Row<'_>| {
        let [device, replaces] = [row.get::<_, Option<[u8; 8]>>(2)?, row.get(3)?].map(|id| id.map(DeviceId::new));
        Ok((row.get::<_, String>(0)?, row.get(1)?, device, replaces))
    };
    let found = conn.query_row(SQL, [secret_hash], read).optional().map_err(doing)?;
    let Some((site, expires, device, replaces)) = found else { return Ok(None) };
    let site = site.parse().map_err(|_| corrupt("an invitation's site"))?;
    Ok(Some(Invitation { site, expires, device, replaces }))
}

/// SHA-256 of the secrets of all invitations that may be used at `now`.
pub fn invitations(conn: &Connection, now: i64) -> Result<Vec<[u8; 32]>, StoreError> {
    sql::rows(conn, "listing invitations", "SELECT secret_hash FROM invitation WHERE expires > ?1", [now], |row| {
        row.get(0)
    })
}

/// Who asks to be enrolled.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// Its key's identity.
    pub fingerprint: Fingerprint,
    /// What people call it.
    pub label: &'a str,
    /// The agent's version.
    pub app_version: &'a str,
    /// The site whose visits it keeps already.
    pub counts_for: Option<&'a str>,
    /// The device that this machine says it was till now.
    pub previous: Option<DeviceId>,
}

/// Uses up an invitation for a device: its row and the code change together, in the caller's
/// transaction. The same key again changes nothing but the label. What the machine was till now
/// counts as replaced, until it is heard again. Answers the site.
///
/// # Errors
/// [`EnrolError`]; nothing is written then.
pub fn enrol(
    conn: &Connection,
    secret_hash: &[u8; 32],
    applicant: &Applicant<'_>,
    now: i64,
    today: Day,
) -> Result<SiteId, EnrolError> {
    const USE: &str = "UPDATE invitation SET device = ?2 WHERE secret_hash = ?1";
    // A new beginning: the machine has forgotten its place in the line of sessions too.
    const UPDATE: &str = "UPDATE device SET label = ?2, app_version = ?3, token = NULL, forked = 0, \
                          replaced_by = NULL WHERE fingerprint = ?1";
    // A forked one is two machines already: which of them joins is not known.
    const REPLACE: &str = "UPDATE device SET replaced_by = ?3 \
                           WHERE id = ?1 AND site = ?2 AND id <> ?3 AND standing <> 'revoked' AND forked = 0";
    const INVITED: &str = "UPDATE device SET replaced_by = ?3 WHERE id = ?1 AND site = ?2 AND id <> ?3";
    let site = valid_for(conn, secret_hash, applicant.counts_for, now)?;
    let Applicant { fingerprint, label, app_version, previous, .. } = *applicant;
    let invitation = invitation(conn, secret_hash)?.ok_or(EnrolError::Unknown)?;
    if invitation.device.is_some_and(|device| device != fingerprint.device()) {
        return Err(EnrolError::Used);
    }
    match find(conn, &fingerprint)? {
        Some(device) if device.standing == Standing::Revoked => return Err(EnrolError::Revoked),
        Some(device) if device.site != site => return Err(EnrolError::OtherSite),
        Some(_) => {
            conn.execute(UPDATE, params![fingerprint.as_bytes(), label, app_version])
                .map_err(StoreError::sqlite("updating a device"))?;
        }
        None => insert(conn, &fingerprint, &site, label, app_version, Standing::Active, today)?,
    }
    conn.execute(USE, params![secret_hash, fingerprint.device().as_bytes()])
        .map_err(StoreError::sqlite("using up an invitation"))?;
    // What the invitation names is said by a person: also of one that exists twice, or is revoked.
    if let Some(replaced) = invitation.replaces {
        conn.execute(INVITED, params![replaced.as_bytes(), site.as_str(), fingerprint.device().as_bytes()])
            .map_err(StoreError::sqlite("noting which device is replaced"))?;
    }
    if let Some(previous) = previous {
        conn.execute(REPLACE, params![previous.as_bytes(), site.as_str(), fingerprint.device().as_bytes()])
            .map_err(StoreError::sqlite("noting which device is replaced"))?;
    }
    Ok(site)
}

/// The site that an invitation is for, if it may be used now by a machine that counts for
/// `counts_for`. Says nothing yet of the key.
///
/// # Errors
/// [`EnrolError::Unknown`], [`EnrolError::Expired`] or [`EnrolError::OtherSite`].
pub fn valid_for(
    conn: &Connection,
    secret_hash: &[u8; 32],
    counts_for: Option<&str>,
    now: i64,
) -> Result<SiteId, EnrolError> {
    let invitation = invitation(conn, secret_hash)?.ok_or(EnrolError::Unknown)?;
    if invitation.expires <= now {
        return Err(EnrolError::Expired);
    }
    if counts_for.is_some_and(|site| site != invitation.site.as_str()) {
        return Err(EnrolError::OtherSite);
    }
    Ok(invitation.site)
}

/// Takes in a device that this authority certified and this database does not know: after a
/// lost database. `standing` says whether it waits for an operator.
pub fn readmit(
    conn: &Connection,
    fingerprint: &Fingerprint,
    site: &SiteId,
    standing: Standing,
    today: Day,
) -> Result<(), StoreError> {
    insert(conn, fingerprint, site, "", "", standing, today)
}

fn insert(
    conn: &Connection,
    fingerprint: &Fingerprint,
    site: &SiteId,
    label: &str,
    app_version: &str,
    standing: Standing,
    today: Day,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO device (id, fingerprint, site, label, standing, enrolled_day, app_version) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let device = fingerprint.device();
    let row = params![
        device.as_bytes(),
        fingerprint.as_bytes(),
        site.as_str(),
        label,
        standing.as_str(),
        today.number(),
        app_version
    ];
    conn.execute(SQL, row).map(drop).map_err(StoreError::sqlite("keeping a device"))
}

const SELECT: &str = "SELECT id, fingerprint, site, label, standing, enrolled_day, reason, token, forked, \
                      last_contact, last_in_sync, app_version, transport, clock_offset_ms, replaced_by, tried, \
                      waiting, oldest_waiting_day, turned_away FROM device";

/// The device with this identity.
pub fn find(conn: &Connection, fingerprint: &Fingerprint) -> Result<Option<Device>, StoreError> {
    one(conn, &format!("{SELECT} WHERE fingerprint = ?1"), fingerprint.as_bytes())
}

/// The device with this short name.
pub fn show(conn: &Connection, id: DeviceId) -> Result<Option<Device>, StoreError> {
    one(conn, &format!("{SELECT} WHERE id = ?1"), id.as_bytes())
}

/// All devices, or those of one site, by site and name.
pub fn list(conn: &Connection, site: Option<&SiteId>) -> Result<Vec<Device>, StoreError> {
    let sql = format!("{SELECT} WHERE ?1 IS NULL OR site = ?1 ORDER BY site, id");
    let mut statement = conn.prepare_cached(&sql).map_err(StoreError::sqlite("listing devices"))?;
    let mut rows = statement.query([site.map(SiteId::as_str)]).map_err(StoreError::sqlite("listing devices"))?;
    let mut devices = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::sqlite("listing devices"))? {
        devices.push(device(row)?);
    }
    Ok(devices)
}

fn one(conn: &Connection, sql: &str, key: &[u8]) -> Result<Option<Device>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(StoreError::sqlite("reading a device"))?;
    let mut rows = statement.query([key]).map_err(StoreError::sqlite("reading a device"))?;
    rows.next().map_err(StoreError::sqlite("reading a device"))?.map(device).transpose()
}

fn device(row: &Row<'_>) -> Result<Device, StoreError> {
    let field =
        |at: usize| -> Result<String, StoreError> { row.get(at).map_err(StoreError::sqlite("reading a device")) };
    let number =
        |at: usize| -> Result<Option<i64>, StoreError> { row.get(at).map_err(StoreError::sqlite("reading a device")) };
    let bytes = |at: usize| -> Result<Option<Vec<u8>>, StoreError> {
        row.get(at).map_err(StoreError::sqlite("reading a device"))
    };
    let required = |at: usize| -> Result<Vec<u8>, StoreError> { Ok(bytes(at)?.unwrap_or_default()) };
    let enrolled = number(5)?.and_then(|day| Day::from_number(i32::try_from(day).ok()?));
    let token = bytes(7)?.map(|token| token.as_slice().try_into()).transpose();
    Ok(Device {
        id: required(0)?.as_slice().try_into().map_err(|_| corrupt("a device's id"))?,
        fingerprint: required(1)?.as_slice().try_into().map_err(|_| corrupt("a device's fingerprint"))?,
        site: field(2)?.parse().map_err(|_| corrupt("a device's site"))?,
        label: field(3)?,
        standing: Standing::parse(&field(4)?).ok_or_else(|| corrupt("a device's standing"))?,
        enrolled: enrolled.ok_or_else(|| corrupt("a device's day"))?,
        reason: field(6)?,
        token: token.map_err(|_| corrupt("a device's token"))?,
        forked: number(8)? != Some(0),
        contact: Contact {
            at: number(9)?,
            in_sync: number(10)?,
            app_version: field(11)?,
            transport: field(12)?,
            clock_offset_ms: number(13)?,
            tried: field(15)?,
            waiting: number(16)?.map(|waiting| u32::try_from(waiting).unwrap_or(u32::MAX)),
            oldest_waiting_day: number(17)?.and_then(|day| Day::from_number(i32::try_from(day).ok()?)),
            turned_away: number(18)?,
        },
        replaced_by: bytes(14)?.and_then(|id| id.as_slice().try_into().ok()),
    })
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { what: format!("{what} is not readable") }
}

/// Turns a device away for good. The list of revocations beside the keys must name it before.
/// `false`: there is no such device, or it was revoked before.
pub fn revoke(conn: &Connection, id: DeviceId, reason: &str) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE device SET standing = 'revoked', reason = ?2 WHERE id = ?1 AND standing <> 'revoked'";
    conn.execute(SQL, params![id.as_bytes(), reason])
        .map(|changed| changed > 0)
        .map_err(StoreError::sqlite("revoking a device"))
}

/// The devices that wait for approval, and their sites.
pub fn pending(conn: &Connection) -> Result<Vec<(SiteId, DeviceId)>, StoreError> {
    let pending = list(conn, None)?.into_iter().filter(|device| device.standing == Standing::Pending);
    Ok(pending.map(|device| (device.site, device.id)).collect())
}

/// Makes one pending device active. `false`: there is no such device, or it does not wait.
pub fn approve(conn: &Connection, id: DeviceId) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE device SET standing = 'active' WHERE id = ?1 AND standing = 'pending'";
    conn.execute(SQL, [id.as_bytes()]).map(|changed| changed > 0).map_err(StoreError::sqlite("approving a device"))
}

/// What an agent must know of its site; `None` for a site that is unknown or retired.
pub fn profile(conn: &Connection, site: &SiteId) -> Result<Option<SiteProfile>, StoreError> {
    const SQL: &str =
        "SELECT id, name, kind, timezone, commune, department FROM site WHERE id = ?1 AND life <> 'retired'";
    let read = |row: &Row<'_>| {
        Ok(SiteProfile {
            site: row.get(0)?,
            name: row.get(1)?,
            kind: row.get(2)?,
            timezone: row.get(3)?,
            commune: row.get(4)?,
            department: row.get(5)?,
        })
    };
    conn.query_row(SQL, [site.as_str()], read).optional().map_err(StoreError::sqlite("reading a site's profile"))
}
