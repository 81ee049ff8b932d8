//! How days, rules, partners and conflicts are shown by the API and by the commands with `--json`.
//!
//! Names and codes are stable; what people read is left to whoever shows it, but for conflicts,
//! which carry their words: a person has to choose. Times are the site's own clock, `HH:MM`, up to
//! `24:00`.

use msap_shared::document::DocKind;
use msap_shared::document::partners::availability::Derived;
use msap_shared::document::partners::{Partner, Presence};
use msap_shared::document::register::{Author, Conflict, Entry, Facts, Register, Stamp, Unreadable};
use msap_shared::document::schedule::slot::clock;
use msap_shared::document::schedule::{Interval, OperatorToken};
use msap_shared::schedule::{DayPlan, Opening, PlannedPermanence, Why};
use msap_shared::time::Day;
use msap_shared::wording;
use serde_json::{Map, Value, json};

use crate::lang::Lang;

/// The plan of a day.
pub fn day(plan: &DayPlan) -> Value {
    let mut object = outcome(plan);
    object.insert("day".to_owned(), json!(plan.day.to_string()));
    let versions = plan.versions.iter().map(|version| {
        let mut object = outcome(&version.plan);
        let choices = version.choices.iter().map(|choice| {
            json!({ "key": &*choice.key, "author": choice.stamp.author.to_string(), "day": choice.stamp.day.to_string() })
        });
        object.insert("choices".to_owned(), choices.collect());
        Value::Object(object)
    });
    object.insert("versions".to_owned(), versions.collect());
    Value::Object(object)
}

fn outcome(plan: &DayPlan) -> Map<String, Value> {
    let mut missing = Vec::new();
    missing.extend(plan.calendar_missing.public.then_some("public"));
    missing.extend(plan.calendar_missing.school.then_some("school"));
    let prevailing = plan.prevailing.iter().map(|own| {
        let (author, day) = (own.stamp.author.to_string(), own.stamp.day.to_string());
        json!({ "closure": own.closure, "label": own.label, "key": &*own.key, "author": author, "day": day })
    });
    let staffing = plan.staffing.iter().map(|staffed| {
        let (from, to) = ends(staffed.interval);
        json!({ "from": from, "to": to, "agents": staffed.agents, "absent": staffed.absent })
    });
    let fields = [
        ("state", json!(plan.state.as_str())),
        ("minutes", json!(plan.minutes())),
        ("intervals", plan.openings.iter().map(opening).collect()),
        ("permanences", plan.permanences.iter().map(permanence).collect()),
        ("staffing", staffing.collect()),
        ("gaps", plan.gaps.iter().map(|gap| interval(*gap)).collect()),
        ("why", plan.why.iter().map(why).collect()),
        ("public_holiday", json!(plan.public_holiday.as_deref())),
        ("prevailing", prevailing.collect()),
        ("calendar_missing", json!(missing)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn ends(interval: Interval) -> (String, String) {
    (clock(interval.from()), clock(interval.to()))
}

fn interval(interval: Interval) -> Value {
    let (from, to) = ends(interval);
    json!({ "from": from, "to": to })
}

fn opening(opening: &Opening) -> Value {
    let (from, to) = ends(opening.interval);
    let (place, access) = (opening.place.to_string(), opening.access.as_str());
    json!({ "from": from, "to": to, "place": place, "access": access, "agents": opening.agents })
}

/// One interval in which a partner is there, or would have been.
pub fn permanence(coming: &PlannedPermanence) -> Value {
    let (from, to) = ends(coming.interval);
    json!({
        "operator": coming.operator.to_string(),
        "from": from,
        "to": to,
        "place": coming.place.to_string(),
        "access": coming.access.as_str(),
        "why": why(&coming.why),
        "cancelled": coming.cancelled.as_ref().map(why),
    })
}

fn why(why: &Why) -> Value {
    json!({
        "kind": why.kind.as_str(),
        "place": why.place.as_ref().map(ToString::to_string),
        "key": why.key.as_deref(),
        "author": why.author().map(ToString::to_string),
        "day": why.stamp.as_ref().map(|stamp| stamp.day.to_string()),
        "reason": why.reason.map(|reason| reason.as_str()),
        "label": why.label.as_deref(),
    })
}

/// The facts of a document as they are: keys, and who said what when; facts taken back are left out.
pub fn rules(facts: &Facts) -> Value {
    let rules = facts.iter().filter_map(|(key, values)| {
        let entries: Vec<Entry<'_>> = values.iter().filter_map(|value| Entry::parse(value).ok()).collect();
        let said = entries.iter().any(|entry| !entry.is_tombstone());
        said.then(
            || json!({ "key": key, "values": entries.iter().map(|e| version(&e.stamp, e.body)).collect::<Value>() }),
        )
    });
    rules.collect()
}

fn version(stamp: &Stamp, body: &str) -> Value {
    json!({ "author": stamp.author.to_string(), "day": stamp.day.to_string(), "value": body })
}

/// A conflict of one of a site's documents.
pub fn conflict(site: &str, kind: DocKind, conflict: &Conflict) -> Value {
    let versions = conflict.versions.iter().map(|(stamp, body)| {
        let mut version = version(stamp, body);
        version["words"] = json!(wording::said(&conflict.key, body, Lang::Fr));
        version["by"] = json!(author(&stamp.author, Lang::Fr));
        version
    });
    json!({
        "id": conflict_id(site, conflict),
        "site": site,
        "document": if kind == DocKind::Partners { "partners" } else { "schedule" },
        "key": conflict.key,
        "subject": wording::subject(&conflict.key, Lang::Fr),
        "versions": versions.collect::<Value>(),
    })
}

/// Who wrote something, as the hub's people read it.
pub fn author(author: &Author, lang: Lang) -> String {
    match author {
        Author::Device(id) => format!("{} {id}", lang.of("poste", "machine")),
        other => wording::author(other, "", lang),
    }
}

/// By what a conflict is named at the hub: its site, and its id there.
pub fn conflict_id(site: &str, conflict: &Conflict) -> String {
    format!("{site}.{}", conflict.id())
}

/// What cannot be read.
pub fn unreadable(found: &Unreadable) -> Value {
    json!({ "key": found.key, "value": found.value, "why": found.why.to_string() })
}

/// What holds of a partner on a day, and from what that follows.
pub fn partner(operator: &OperatorToken, partner: Option<&Partner>, derived: &Derived<'_>) -> Value {
    let said = derived.said.iter().map(|(said, presence)| {
        let Presence { mode, contact, until, checked_on } = presence;
        json!({
            "mode": mode.as_str(),
            "contact": contact.as_ref().map(ToString::to_string),
            "until": text(until.as_ref()),
            "checked_on": checked_on.to_string(),
            "author": said.stamp.author.to_string(),
        })
    });
    let label = partner.and_then(|partner| partner.label.as_ref());
    json!({
        "operator": operator.to_string(),
        "label": label.and_then(|label| agreed(label, |label| json!(label.to_string()))),
        "availability": derived.availability.as_str(),
        "stale": derived.stale,
        "said": said.collect::<Value>(),
        "permanences": derived.permanences.iter().map(|coming| permanence(coming)).collect::<Value>(),
        "agreement": partner.and_then(|partner| partner.agreement.as_ref()).and_then(|said| agreed(said, |agreement| {
            json!({ "status": agreement.status.as_str(), "day": text(agreement.day.as_ref()) })
        })),
        "training": partner.and_then(|partner| partner.training.as_ref()).and_then(|said| agreed(said, |training| {
            json!({ "agents": training.agents, "trained_on": training.trained_on.to_string() })
        })),
    })
}

fn text(day: Option<&Day>) -> Option<String> {
    day.map(ToString::to_string)
}

/// The one value, as an object; none where people contradict each other, or took it back.
fn agreed<T>(register: &Register<T>, object: impl Fn(&T) -> Value) -> Option<Value> {
    register.agreed()?.body.as_ref().map(object)
}
