//! How the machine stands with the hub, as `status` tells.

use msap_shared::time::Day;

use crate::config::Origin;
use crate::core::clock::Doubt;

/// How the machine stands with the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The site's id.
    pub site: String,
    /// The site's name.
    pub site_name: String,
    /// The device's id.
    pub device: String,
    /// The device's label.
    pub label: String,
    /// The site's today: as a person gave it, or as the clock shows it.
    pub today: Day,
    /// Why the clock is not believed; `None` when it is.
    pub clock_doubt: Option<Doubt>,
    /// A person must say which day it is before anything is counted.
    pub day_asked: bool,
    /// The site's clock, hours and minutes.
    pub clock: (i8, i8),
    /// The site's time zone.
    pub timezone: String,
    /// Changes kept on this machine.
    pub kept: u64,
    /// Of these, confirmed by the hub's current epoch.
    pub confirmed: u64,
    /// Of these, not confirmed yet.
    pub waiting: u64,
    /// Facts set aside after three refusals.
    pub refused: u64,
    /// Earliest day with something waiting.
    pub oldest_waiting_day: Option<Day>,
    /// Seconds since 1970 of the last frame from the hub.
    pub last_contact: Option<i64>,
    /// The address at which the hub is dialled.
    pub hub: String,
    /// The setting that it comes from; `None` when it came with the invitation.
    pub hub_origin: Option<Origin>,
    /// `quic` or `tcp` while connected.
    pub transport: Option<&'static str>,
    /// The last attempts that ended, latest last.
    pub tried: Vec<Tried>,
    /// This clock minus the hub's, as last measured.
    pub clock_offset_ms: Option<i64>,
    /// This program's version.
    pub version: &'static str,
    /// `connected`, `connecting`, `offline`, `pending`, `revoked`, `refused` (the hub does not know
    /// this machine) or `untrusted` (another network's hub answered).
    pub state: &'static str,
    /// The day of the last file made for the hub.
    pub file_exported: Option<Day>,
    /// The day on which the hub's last answer by file was taken.
    pub file_imported: Option<Day>,
    /// `ok`, `low` (little room left), or why the last thing was not kept: `full`, `locked`.
    pub storage: &'static str,
    /// What the weekly reading found damaged.
    pub damage: Vec<String>,
    /// The database's log was found to be lost, this week.
    pub log_lost: bool,
    /// When everything was last read back, in seconds since 1970.
    pub read_back: Option<i64>,
    /// Why the last attempt ended, in plain words.
    pub last_error: Option<String>,
    /// Contradictions in the schedule and the partners that a person must settle.
    pub conflicts: usize,
    /// What reads unknown today: `schedule`, `partner:CNAF`, `calendar:2027`.
    pub unknown: Vec<String>,
}

/// An attempt to reach the hub that ended, or a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// `quic` or `tcp`.
    pub transport: &'static str,
    /// Why it ended: `silent`, `lost`, `shutdown`…
    pub why: &'static str,
    /// Seconds since 1970 of its end.
    pub at: i64,
}
