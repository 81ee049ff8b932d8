//! Single values: the profile, and where this machine stands with the hub.

use std::fmt::Display;
use std::str::FromStr;

use msap_shared::frame::Mark;
use msap_shared::id::{Digest32, Epoch, SessionToken};
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{Profile, StoreError, sql};

/// The names of the single values.
mod key {
    pub(super) const SITE: &str = "site";
    pub(super) const SITE_NAME: &str = "site_name";
    pub(super) const TIMEZONE: &str = "timezone";
    pub(super) const DEVICE: &str = "device";
    pub(super) const LABEL: &str = "label";
    pub(super) const HUB: &str = "hub";
    pub(super) const HUB_BEFORE: &str = "hub_before";
    pub(super) const PROFILE_HASH: &str = "profile_hash";
    pub(super) const EPOCH: &str = "epoch";
    pub(super) const MARK: &str = "mark";
    pub(super) const TOKEN_PREV: &str = "token_prev";
    pub(super) const TOKEN_NEXT: &str = "token_next";
    pub(super) const LAST_CONTACT: &str = "last_contact";
    pub(super) const NETWORKS: &str = "networks";
    pub(super) const CLOCK_OFFSET_MS: &str = "clock_offset_ms";
    pub(super) const FILE_TOKEN: &str = "file_token";
    pub(super) const FILE_TAKEN: &str = "file_taken";
    pub(super) const FILE_EXPORTED: &str = "file_exported";
    pub(super) const FILE_IMPORTED: &str = "file_imported";
    pub(super) const CLOCK_SEEN: &str = "clock_seen";
    pub(super) const UPKEEP: &str = "upkeep";
}

const GET: &str = "SELECT value FROM meta WHERE key = ?1";
const SET: &str =
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const CLEAR: &str = "DELETE FROM meta WHERE key = ?1";

fn text(conn: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    sql::row(conn, "reading a setting", GET, [key], |row| row.get(0))
}

fn set(conn: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    sql::write(conn, "keeping a setting", SET, [key, value])?;
    Ok(())
}

fn clear(conn: &Connection, key: &str) -> Result<(), StoreError> {
    sql::write(conn, "clearing a setting", CLEAR, [key])?;
    Ok(())
}

fn parsed<T: FromStr>(conn: &Connection, key: &'static str) -> Result<Option<T>, StoreError>
where
    T::Err: Display,
{
    let Some(text) = text(conn, key)? else { return Ok(None) };
    let wrong = |error: T::Err| StoreError::Corrupt { what: format!("the setting {key} is {text:?}: {error}") };
    text.parse().map(Some).map_err(wrong)
}

fn required<T: FromStr>(conn: &Connection, key: &'static str) -> Result<T, StoreError>
where
    T::Err: Display,
{
    parsed(conn, key)?.ok_or_else(|| StoreError::Corrupt { what: format!("the setting {key} is missing") })
}

/// Who this machine is.
pub fn profile(conn: &Connection) -> Result<Profile, StoreError> {
    Ok(Profile {
        site: required(conn, key::SITE)?,
        site_name: required(conn, key::SITE_NAME)?,
        timezone: required(conn, key::TIMEZONE)?,
        device: required(conn, key::DEVICE)?,
        label: required(conn, key::LABEL)?,
        hub: required(conn, key::HUB)?,
    })
}

/// Takes over a profile, in one transaction.
///
/// # Errors
/// When the database counts for another site: visits never change houses by joining again.
pub fn set_profile(conn: &Connection, profile: &Profile) -> Result<(), StoreError> {
    let tx = conn.unchecked_transaction().map_err(StoreError::sqlite("keeping the profile"))?;
    if let Some(site) = text(&tx, key::SITE)?
        && site != profile.site.as_str()
    {
        return Err(StoreError::Corrupt { what: format!("it counts for site {site}, not {}", profile.site) });
    }
    set(&tx, key::SITE, profile.site.as_str())?;
    set(&tx, key::SITE_NAME, &profile.site_name)?;
    set(&tx, key::TIMEZONE, profile.timezone.name())?;
    set(&tx, key::DEVICE, &profile.device.to_string())?;
    set(&tx, key::LABEL, &profile.label)?;
    set(&tx, key::HUB, &profile.hub)?;
    clear(&tx, key::HUB_BEFORE)?;
    clear(&tx, key::PROFILE_HASH)?;
    // A new invitation ends whatever the old line of sessions was suspected of.
    clear(&tx, key::TOKEN_PREV)?;
    clear(&tx, key::TOKEN_NEXT)?;
    tx.commit().map_err(StoreError::sqlite("keeping the profile"))
}

/// Takes over what the hub says of the site, in the caller's transaction. An address of the hub
/// that was not tried yet does not make the one forgotten that served.
pub fn replace_profile(conn: &Connection, before: &Profile, profile: &Profile) -> Result<(), StoreError> {
    set(conn, key::SITE_NAME, &profile.site_name)?;
    set(conn, key::TIMEZONE, profile.timezone.name())?;
    if profile.hub == before.hub {
        return Ok(());
    }
    set(conn, key::HUB, &profile.hub)?;
    match hub_before(conn)? {
        Some(served) if served == profile.hub => clear(conn, key::HUB_BEFORE),
        Some(_) => Ok(()),
        None => set(conn, key::HUB_BEFORE, &before.hub),
    }
}

/// The address that served before the present one, for as long as that has not.
pub fn hub_before(conn: &Connection) -> Result<Option<String>, StoreError> {
    text(conn, key::HUB_BEFORE)
}

/// The present address has served.
pub fn forget_hub_before(conn: &Connection) -> Result<(), StoreError> {
    clear(conn, key::HUB_BEFORE)
}

/// Which profile of the site is held, if the hub has sent one.
pub fn profile_hash(conn: &Connection) -> Result<Option<Digest32>, StoreError> {
    parsed(conn, key::PROFILE_HASH)
}

/// Remembers which profile of the site is held.
pub fn set_profile_hash(conn: &Connection, hash: &Digest32) -> Result<(), StoreError> {
    set(conn, key::PROFILE_HASH, &hash.to_string())
}

/// The epoch that acknowledgements belong to.
pub fn epoch(conn: &Connection) -> Result<Option<Epoch>, StoreError> {
    parsed(conn, key::EPOCH)
}

/// Enters an epoch.
pub fn set_epoch(conn: &Connection, epoch: Epoch) -> Result<(), StoreError> {
    clear(conn, key::MARK)?;
    set(conn, key::EPOCH, &epoch.to_string())
}

/// The highest mark seen in the epoch.
pub fn mark(conn: &Connection) -> Result<Option<Mark>, StoreError> {
    let Some(text) = text(conn, key::MARK)? else { return Ok(None) };
    let mark = text
        .split_once(' ')
        .and_then(|(commit, tag)| Some(Mark { commit: commit.parse().ok()?, tag: u64::from_str_radix(tag, 16).ok()? }));
    mark.map(Some).ok_or_else(|| StoreError::Corrupt { what: format!("the setting mark is {text:?}") })
}

/// Remembers a mark, unless a higher one is known.
pub fn saw_mark(conn: &Connection, mark: Mark) -> Result<(), StoreError> {
    if self::mark(conn)?.is_some_and(|known| known.commit >= mark.commit) {
        return Ok(());
    }
    set(conn, key::MARK, &format!("{} {:016x}", mark.commit, mark.tag))
}

/// This device's place in its line of sessions: `prev`, and a `next` that waits for its welcome.
pub fn tokens(conn: &Connection) -> Result<(Option<SessionToken>, Option<SessionToken>), StoreError> {
    Ok((parsed(conn, key::TOKEN_PREV)?, parsed(conn, key::TOKEN_NEXT)?))
}

/// Takes over the place in the line of sessions of a database that this one replaces.
pub fn set_tokens(
    conn: &Connection,
    (prev, next): (Option<SessionToken>, Option<SessionToken>),
) -> Result<(), StoreError> {
    for (name, token) in [(key::TOKEN_PREV, prev), (key::TOKEN_NEXT, next)] {
        match token {
            Some(token) => set(conn, name, &token.to_string())?,
            None => clear(conn, name)?,
        }
    }
    Ok(())
}

/// Keeps the `next` of a session before it is sent.
pub fn set_token_next(conn: &Connection, next: SessionToken) -> Result<(), StoreError> {
    set(conn, key::TOKEN_NEXT, &next.to_string())
}

/// The session was welcomed: its `next` is the `prev` of the one after.
pub fn advance_token(conn: &Connection) -> Result<(), StoreError> {
    if let Some(next) = text(conn, key::TOKEN_NEXT)? {
        set(conn, key::TOKEN_PREV, &next)?;
        clear(conn, key::TOKEN_NEXT)?;
    }
    Ok(())
}

/// Seconds since 1970 of the last frame from the hub.
pub fn last_contact(conn: &Connection) -> Result<Option<i64>, StoreError> {
    parsed(conn, key::LAST_CONTACT)
}

/// Takes note of a frame from the hub.
pub fn set_last_contact(conn: &Connection, at: i64) -> Result<(), StoreError> {
    set(conn, key::LAST_CONTACT, &at.to_string())
}

/// What is remembered of networks, as the dial wrote it.
pub fn networks(conn: &Connection) -> Result<String, StoreError> {
    Ok(text(conn, key::NETWORKS)?.unwrap_or_default())
}

/// Remembers networks.
pub fn set_networks(conn: &Connection, networks: &str) -> Result<(), StoreError> {
    set(conn, key::NETWORKS, networks)
}

/// This clock minus the hub's, in milliseconds, as last measured.
pub fn clock_offset_ms(conn: &Connection) -> Result<Option<i64>, StoreError> {
    parsed(conn, key::CLOCK_OFFSET_MS)
}

/// Keeps a measurement of the clock.
pub fn set_clock_offset_ms(conn: &Connection, offset: i64) -> Result<(), StoreError> {
    set(conn, key::CLOCK_OFFSET_MS, &offset.to_string())
}

/// What an answer by file must carry to count; `None` when no file waits for an answer.
pub fn file_token(conn: &Connection) -> Result<Option<SessionToken>, StoreError> {
    parsed(conn, key::FILE_TOKEN)
}

/// Keeps what an answer must carry, before a file says it.
pub fn set_file_token(conn: &Connection, token: SessionToken) -> Result<(), StoreError> {
    set(conn, key::FILE_TOKEN, &token.to_string())
}

/// The hub was heard: an answer to what was said before no longer counts.
pub fn forget_file_token(conn: &Connection) -> Result<(), StoreError> {
    clear(conn, key::FILE_TOKEN)
}

/// Hash of the last answer that was taken.
pub fn file_taken(conn: &Connection) -> Result<Option<String>, StoreError> {
    text(conn, key::FILE_TAKEN)
}

/// Takes note of an answer, and of the day.
pub fn set_file_taken(conn: &Connection, hash: &str, day: Day) -> Result<(), StoreError> {
    set(conn, key::FILE_TAKEN, hash)?;
    set(conn, key::FILE_IMPORTED, &day.to_string())
}

/// Takes note of the day of an export.
pub fn set_file_exported(conn: &Connection, day: Day) -> Result<(), StoreError> {
    set(conn, key::FILE_EXPORTED, &day.to_string())
}

/// The days of the last export and of the last answer taken.
pub fn file_days(conn: &Connection) -> Result<(Option<Day>, Option<Day>), StoreError> {
    Ok((parsed(conn, key::FILE_EXPORTED)?, parsed(conn, key::FILE_IMPORTED)?))
}

/// Seconds since 1970 that a believed clock has shown last.
pub fn clock_seen(conn: &Connection) -> Result<Option<i64>, StoreError> {
    parsed(conn, key::CLOCK_SEEN)
}

/// Keeps what a believed clock shows.
pub fn set_clock_seen(conn: &Connection, at: i64) -> Result<(), StoreError> {
    set(conn, key::CLOCK_SEEN, &at.to_string())
}

/// How far the weekly reading is, as it was kept.
pub fn upkeep(conn: &Connection) -> Result<Option<String>, StoreError> {
    text(conn, key::UPKEEP)
}

/// Keeps how far the weekly reading is.
pub fn set_upkeep(conn: &Connection, text: &str) -> Result<(), StoreError> {
    set(conn, key::UPKEEP, text)
}
