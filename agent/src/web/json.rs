//! The JSON forms of replies: stable names, which scripts rely on.

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::bundle::{Draft, Imported};
use crate::command::{LogLine, Negative, Status, Tally, TapView, Tried, Verified};
use crate::config::Origin;

mod house;

pub(super) use house::seen;

/// A tap.
pub(super) fn tap(tap: &TapView) -> Value {
    json!({
        "id": tap.id.map(|id| id.to_uuid()),
        "name": tap.name.to_string(),
        "day": tap.day.to_string(),
        "at": tap.at.and_then(instant),
        "people": tap.people,
        "operator": tap.operator.as_str(),
        "help": tap.help.as_str(),
        "age": tap.age.as_str(),
        "requests": tap.requests,
        "rev": tap.rev,
        "undone": tap.undone,
        "keeping": tap.keeping.as_str(),
        "time": tap.clock.map(clock),
        "part_of": tap.part_of.map(|name| name.to_string()),
        "also_undone": tap.also_undone.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "notices": tap.notices.iter().map(|notice| notice.as_str()).collect::<Vec<&str>>(),
        "new": tap.new,
    })
}

/// A tally, in the hub's words: visits are people received.
pub(super) fn tally(tally: &Tally) -> Value {
    let rows = tally
        .rows
        .iter()
        .map(|row| json!({ "operator": row.operator.as_str(), "visits": row.people, "requests": row.requests }));
    json!({
        "from": tally.from.to_string(),
        "to": tally.to.to_string(),
        "visits": tally.people,
        "requests": tally.requests,
        "rows": rows.collect::<Vec<Value>>(),
        "negative": tally.negative.iter().map(negative).collect::<Vec<Value>>(),
        "closed": tally.closed,
    })
}

fn negative(sum: &Negative) -> Value {
    json!({
        "day": sum.day.to_string(),
        "operator": sum.operator.as_str(),
        "help": sum.help.as_str(),
        "age": sum.age.as_str(),
        "visits": sum.people,
        "requests": sum.requests,
    })
}

/// How the machine stands with the hub.
pub(super) fn status(status: &Status) -> Value {
    json!({
        "site": status.site,
        "site_name": status.site_name,
        "device": status.device,
        "label": status.label,
        "today": status.today.to_string(),
        "clock_day": status.clock_doubt.map_or(status.today, |doubt| doubt.shown).to_string(),
        "likely_day": status.clock_doubt.and_then(|doubt| doubt.likely).map(|day| day.to_string()),
        "clock_doubted": status.clock_doubt.is_some(),
        "day_asked": status.day_asked,
        "clock": clock(status.clock),
        "timezone": status.timezone,
        "kept": status.kept,
        "confirmed": status.confirmed,
        "waiting": status.waiting,
        "refused": status.refused,
        "oldest_waiting_day": status.oldest_waiting_day.map(|day| day.to_string()),
        "last_contact": status.last_contact.and_then(instant),
        "hub": status.hub,
        "hub_origin": status.hub_origin.as_ref().map_or("invitation", Origin::as_str),
        "hub_place": status.hub_origin.as_ref().map(Origin::place),
        "transport": status.transport,
        "tried": status.tried.iter().map(tried).collect::<Vec<Value>>(),
        "clock_offset_ms": status.clock_offset_ms,
        "version": status.version,
        "state": status.state,
        "file_exported": status.file_exported.map(|day| day.to_string()),
        "file_imported": status.file_imported.map(|day| day.to_string()),
        "storage": status.storage,
        "damage": status.damage,
        "log_lost": status.log_lost,
        "read_back": status.read_back.and_then(instant),
        "last_error": status.last_error,
        "conflicts": status.conflicts,
        "unknown": status.unknown,
    })
}

fn tried(tried: &Tried) -> Value {
    json!({ "transport": tried.transport, "why": tried.why, "at": instant(tried.at) })
}

/// The sync log.
pub(super) fn log(lines: &[LogLine]) -> Value {
    lines.iter().map(|line| json!({ "at": instant(line.at), "event": line.event, "detail": line.detail })).collect()
}

/// What a verification read.
pub(super) fn verified(verified: &Verified) -> Value {
    json!({ "documents": verified.documents, "changes": verified.changes, "problems": verified.problems })
}

/// A file for the hub, signed.
pub fn file(draft: &Draft, sealed: &[u8]) -> Value {
    json!({
        "file": BASE64.encode(sealed),
        "day": draft.header.created,
        "changes": draft.changes,
        "whole": draft.whole,
    })
}

/// What an answer by file brought.
pub fn imported(imported: &Imported) -> Value {
    json!({
        "created": imported.created,
        "again": imported.again,
        "pending": imported.pending,
        "newly_confirmed": imported.newly_confirmed,
        "kept": imported.kept,
        "confirmed": imported.confirmed,
        "waiting": imported.kept - imported.confirmed,
        "refused": imported.refused,
    })
}

/// Hours and minutes.
pub(super) fn clock((hour, minute): (i8, i8)) -> String {
    format!("{hour:02}:{minute:02}")
}

/// Seconds since 1970 as RFC 3339; none outside the calendar.
fn instant(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|at| at.to_string())
}
