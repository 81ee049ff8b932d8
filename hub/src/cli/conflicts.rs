//! The list of conflicts and what became of one, for people: in the words of the desk.

use std::io;

use msap_shared::wording;
use serde_json::{Value, json};

use super::table::list;
use crate::admin::SettledObject;
use crate::almanac::object::author;
use crate::lang::Lang;
use crate::out;

/// Writes conflicts, a line a version.
pub(super) fn show(found: &[Value], json: bool, lang: Lang) -> io::Result<()> {
    if json {
        return out::json(&found);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for conflict in found {
        let key = text(&conflict["key"]);
        let versions = conflict["versions"].as_array().into_iter().flatten();
        lines.extend((1..).zip(versions).map(|(number, version)| {
            let by = text(&version["author"]);
            json!({
                "id": conflict["id"], "name": conflict["name"], "subject": wording::subject(&key, lang),
                "version": number, "value": wording::said(&key, &text(&version["value"]), lang),
                "author": by.parse().map_or(by, |by| author(&by, lang)), "day": version["day"],
            })
        }));
    }
    list(&lines, &["id", "name", "subject", "version", "value", "author", "day"], false, lang)
}

/// Tells what holds since a conflict was settled.
pub(super) fn settled(settled: &SettledObject, json: bool, lang: Lang) -> io::Result<()> {
    if json {
        return out::json(settled);
    }
    let SettledObject { site, name, facts } = settled;
    for fact in facts {
        let words = wording::fact(&fact.key, &fact.value, lang);
        out::line(
            &lang.of(format!("tranché, {name} ({site}) : {words}"), format!("settled, {name} ({site}): {words}")),
        )?;
    }
    Ok(())
}
