//! The JSON forms of the schedule, the partners and their contradictions.

use msap_shared::document::DocKind;
use msap_shared::document::partners::Presence;
use msap_shared::document::register::{Register, Said, Stamp, Unreadable};
use msap_shared::document::schedule::slot::clock;
use msap_shared::document::schedule::{Absence, DayHours, Exception, Interval, Where};
use msap_shared::schedule::{DayPlan, NetworkClosure, Opening, PlannedPermanence, Staffed, Why, WhyKind};
use serde_json::{Map, Value, json};

use crate::command::house::{Decided, Disputed, PartnerRow, PartnersView, ScheduleView, Seen};

/// The answer to whatever was asked.
pub(in crate::web) fn seen(seen: &Seen) -> Value {
    match seen {
        Seen::Schedule(view) => schedule(view),
        Seen::Partners(view) => partners(view),
        Seen::Conflicts(all) => all.iter().map(disputed).collect(),
        Seen::Decided(decided) => self::decided(decided),
    }
}

fn schedule(view: &ScheduleView) -> Value {
    let ScheduleView { schedule, today, .. } = view;
    let (first, last) = view.plans.first().zip(view.plans.last()).map_or((*today, *today), |(a, b)| (a.day, b.day));
    let hours = schedule.hours_on(first).flat_map(|(place, variant, weekday, said)| {
        let rule = json!({
            "place": place.to_string(), "variant": variant.to_string(), "weekday": weekday.map(|w| w.as_str()),
        });
        versions(said, move |hours| with(&rule, [("hours", hours.to_string().into()), ("slots", slots(hours))]))
    });
    let permanences = schedule.permanences_on(first).flat_map(|(operator, place, variant, weekday, said)| {
        let rule = json!({
            "operator": operator.to_string(), "place": place.to_string(), "variant": variant.to_string(),
            "weekday": weekday.map(|w| w.as_str()),
        });
        versions(said, move |hours| with(&rule, [("hours", hours.to_string().into()), ("slots", slots(hours))]))
    });
    let exceptions = schedule
        .exceptions_between(first, last)
        .flat_map(|(from, to, place, said)| versions(said, move |what| exception((from, to), place, what)));
    json!({
        "today": today.to_string(),
        "time": clock(view.minute),
        "now": view.now.as_str(),
        "from": first.to_string(),
        "to": last.to_string(),
        "days": view.plans.iter().map(plan).collect::<Vec<_>>(),
        "weekly_minutes": view.weekly_minutes,
        "hours": hours.collect::<Vec<_>>(),
        "permanences": permanences.collect::<Vec<_>>(),
        "exceptions": exceptions.collect::<Vec<_>>(),
        "absences": schedule.absences().flat_map(absences).collect::<Vec<_>>(),
        "places": schedule.places().flat_map(|(slug, said)| versions(said, move |place| json!({
            "place": slug.as_str(), "label": place.label.as_str(), "address": place.address,
        }))).collect::<Vec<_>>(),
        "good_friday": schedule.good_friday().map(|said| versions(said, |rule| json!({ "rule": rule.to_string() })).collect::<Vec<_>>()),
        "text": schedule.text().map(|said| versions(said, |text| json!({ "text": text.as_str() })).collect::<Vec<_>>()),
        "comment": schedule.comment().map(|said| versions(said, |text| json!({ "text": text.as_str() })).collect::<Vec<_>>()),
        "checked_on": schedule.checked_on().map(|day| day.to_string()),
        "network_closures": view.closures.iter().map(closure).collect::<Vec<_>>(),
        "calendars": { "public": view.public_years, "school": view.school_years },
        "conflicts": view.conflicts.iter().map(disputed).collect::<Vec<_>>(),
        "unreadable": schedule.unreadable().iter().map(unreadable).collect::<Vec<_>>(),
    })
}

/// The plan of a day; in conflict, each version of it with the choices that lead there.
fn plan(plan: &DayPlan) -> Value {
    let versions = plan.versions.iter().map(|version| {
        let choices = version.choices.iter().map(|choice| {
            json!({ "key": &*choice.key, "author": choice.stamp.author.to_string(), "day": choice.stamp.day.to_string() })
        });
        with(&outcome(&version.plan), [("choices", choices.collect())])
    });
    with(&outcome(plan), [("day", plan.day.to_string().into()), ("versions", versions.collect())])
}

fn outcome(plan: &DayPlan) -> Value {
    let missing = plan.calendar_missing;
    let missing = [("public", missing.public), ("school", missing.school)].into_iter().filter(|(_, missing)| *missing);
    let prevailing = plan.prevailing.iter().map(|own| {
        json!({
            "closure": own.closure, "label": own.label, "key": &*own.key, "author": own.stamp.author.to_string(),
            "day": own.stamp.day.to_string(),
        })
    });
    json!({
        "state": plan.state.as_str(),
        "minutes": plan.minutes(),
        "intervals": plan.openings.iter().map(opening).collect::<Value>(),
        "permanences": plan.permanences.iter().map(permanence).collect::<Value>(),
        "staffing": plan.staffing.iter().map(staffed).collect::<Value>(),
        "gaps": plan.gaps.iter().map(|gap| interval(*gap)).collect::<Value>(),
        "why": plan.why.iter().map(why).collect::<Value>(),
        "public_holiday": plan.public_holiday,
        "prevailing": prevailing.collect::<Value>(),
        "calendar_missing": missing.map(|(name, _)| name).collect::<Value>(),
    })
}

fn opening(opening: &Opening) -> Value {
    let more = [
        ("place", opening.place.to_string().into()),
        ("access", opening.access.as_str().into()),
        ("agents", opening.agents.into()),
    ];
    with(&interval(opening.interval), more)
}

fn permanence(coming: &PlannedPermanence) -> Value {
    let more = [
        ("operator", coming.operator.to_string().into()),
        ("place", coming.place.to_string().into()),
        ("access", coming.access.as_str().into()),
        ("why", why(&coming.why)),
        ("cancelled", coming.cancelled.as_ref().map_or(Value::Null, why)),
    ];
    with(&interval(coming.interval), more)
}

fn staffed(part: &Staffed) -> Value {
    with(&interval(part.interval), [("agents", part.agents.into()), ("absent", part.absent.into())])
}

fn interval(interval: Interval) -> Value {
    json!({ "from": clock(interval.from()), "to": clock(interval.to()) })
}

fn slots(hours: &DayHours) -> Value {
    let slot = |slot: &msap_shared::document::schedule::Slot| {
        with(&interval(slot.interval), [("access", slot.access.as_str().into()), ("agents", slot.agents.into())])
    };
    hours.slots().iter().map(slot).collect()
}

fn why(why: &Why) -> Value {
    let variant = if let WhyKind::Rule(variant) = why.kind { Some(variant.to_string()) } else { None };
    json!({
        "kind": why.kind.as_str(),
        "variant": variant,
        "reason": why.reason.map(|reason| reason.as_str()),
        "label": why.label,
        "place": why.place.as_ref().map(ToString::to_string),
        "key": why.key.as_deref(),
        "author": why.author().map(ToString::to_string),
        "day": why.stamp.as_ref().map(|stamp| stamp.day.to_string()),
    })
}

fn exception((from, to): (msap_shared::time::Day, msap_shared::time::Day), place: &Where, what: &Exception) -> Value {
    let (kind, hours, moved) = match what {
        Exception::Closed(_) => ("closed", None, None),
        Exception::Extra(_, hours) => ("extra", Some(hours), None),
        Exception::Hours(_, hours) => ("hours", Some(hours), None),
        Exception::Moved(_, to, hours) => ("moved", hours.as_ref(), Some(to)),
    };
    json!({
        "from": from.to_string(),
        "to": to.to_string(),
        "place": place.to_string(),
        "kind": kind,
        "reason": what.reason().as_str(),
        "hours": hours.map(ToString::to_string),
        "to_place": moved.map(ToString::to_string),
    })
}

fn absences(said: &Register<Absence>) -> Vec<Value> {
    let id = said.key().strip_prefix("absence|").unwrap_or_default().to_owned();
    let absence = |away: &Absence| {
        json!({
            "id": id, "from": away.from.to_string(), "to": away.to.to_string(),
            "hours": away.interval.map(|interval| interval.to_string()), "agents": away.agents,
            "kind": away.kind.as_str(),
        })
    };
    versions(said, absence).collect()
}

fn closure(closure: &NetworkClosure) -> Value {
    json!({
        "id": closure.id, "from": closure.from.to_string(), "to": closure.to.to_string(),
        "reason": closure.reason.as_str(), "label": closure.label, "scope": closure.scope.to_string(),
    })
}

fn partners(view: &PartnersView) -> Value {
    json!({
        "today": view.today.to_string(),
        "day": view.day.to_string(),
        "stale_after_days": view.stale_after_days,
        "partners": view.rows.iter().map(partner).collect::<Vec<_>>(),
        "conflicts": view.conflicts.iter().map(disputed).collect::<Vec<_>>(),
        "unreadable": view.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
    })
}

fn partner(row: &PartnerRow) -> Value {
    let presence = |said: &Said<Presence>| {
        let body = said.body.as_ref()?;
        let value = json!({
            "mode": body.mode.as_str(), "contact": body.contact.as_ref().map(|contact| contact.as_str()),
            "until": body.until.map(|day| day.to_string()), "checked_on": body.checked_on.to_string(),
        });
        Some(signed(value, &said.stamp))
    };
    json!({
        "operator": row.operator.to_string(),
        "label": row.label,
        "availability": row.availability.as_str(),
        "stale": row.stale,
        "said": row.said.iter().filter_map(presence).collect::<Vec<_>>(),
        "permanences": row.permanences.iter().map(permanence).collect::<Vec<_>>(),
        "next": row.next.map(|(day, when)| with(&interval(when), [("day", day.to_string().into())])),
        "agreement": row.agreement.map(|agreement| json!({
            "status": agreement.status.as_str(), "day": agreement.day.map(|day| day.to_string()),
        })),
        "training": row.training.map(|training| json!({
            "agents": training.agents, "trained_on": training.trained_on.to_string(),
        })),
    })
}

/// A contradiction. `version` counts from 1, as it is settled by.
fn disputed(disputed: &Disputed) -> Value {
    let versions = disputed.conflict.versions.iter().enumerate();
    json!({
        "id": disputed.id(),
        "document": if disputed.kind == DocKind::Partners { "partners" } else { "schedule" },
        "key": disputed.conflict.key,
        "versions": versions.map(|(at, (stamp, body))| json!({
            "version": at + 1, "value": body, "author": stamp.author.to_string(), "day": stamp.day.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn unreadable(found: &Unreadable) -> Value {
    json!({ "key": found.key, "value": found.value, "why": found.why.to_string() })
}

fn decided(decided: &Decided) -> Value {
    let facts = decided.facts.iter().map(|(key, value)| json!({ "key": key, "value": value }));
    let remarks = decided.remarks.iter().map(|remark| {
        json!({
            "kind": remark.kind.as_str(), "key": remark.key, "value": remark.body, "text": remark.kind.label_fr(),
        })
    });
    json!({
        "changed": !decided.facts.is_empty(),
        "facts": facts.collect::<Vec<_>>(),
        "put_aside": decided.put_aside.iter().map(disputed).collect::<Vec<_>>(),
        "remarks": remarks.collect::<Vec<_>>(),
    })
}

/// Everything that is said under a key and not taken back, each with its author and day.
fn versions<T>(said: &Register<T>, of: impl Fn(&T) -> Value) -> impl Iterator<Item = Value> {
    said.all().filter_map(move |said| Some(signed(of(said.body.as_ref()?), &said.stamp)))
}

fn signed(value: Value, stamp: &Stamp) -> Value {
    with(&value, [("author", stamp.author.to_string().into()), ("day", stamp.day.to_string().into())])
}

fn with<const N: usize>(value: &Value, more: [(&str, Value); N]) -> Value {
    let mut fields: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    fields.into()
}
