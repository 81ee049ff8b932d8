//! Which of the types that an address answers in whoever asks would like best.

use axum::http::{HeaderMap, header};

/// Media ranges that are looked at.
const RANGES_MAX: usize = 32;

/// The best of these types, the first one where nothing is said; `None` if none of them will do.
pub(super) fn best(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<_> = lines.flat_map(|line| line.split(',')).filter_map(range).take(RANGES_MAX).collect();
    if ranges.is_empty() {
        return offered.first().copied();
    }
    // Of equal weight, what was named first; what was named the same, as it is offered.
    let mut found: Option<(&'static str, u16, usize)> = None;
    for kind in offered {
        let matching = ranges.iter().enumerate().filter_map(|(place, (range, weight))| {
            let precise = precision(range, kind)?;
            Some((precise, *weight, place))
        });
        let Some((_, weight, place)) = matching.max_by_key(|(precise, _, place)| (*precise, std::cmp::Reverse(*place)))
        else {
            continue;
        };
        let better = found.is_none_or(|(_, held, before)| (weight, before) > (held, place));
        if weight > 0 && better {
            found = Some((kind, weight, place));
        }
    }
    found.map(|(kind, ..)| kind)
}

/// How closely a range names a type, if it does.
fn precision(range: &str, kind: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(kind) {
        return Some(2);
    }
    let (group, any) = range.split_once('/')?;
    let of_group = any == "*" && kind.split_once('/').is_some_and(|(of, _)| of.eq_ignore_ascii_case(group));
    match range {
        "*/*" => Some(0),
        _ => of_group.then_some(1),
    }
}

/// A range and its weight in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().filter(|kind| kind.contains('/'))?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q))?;
    Some((kind, (weight * 1_000.0) as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_type_is_found_or_none() {
        let offered = ["application/json", "text/csv"];
        for (accept, expected) in [
            ("", Some("application/json")),
            ("text/csv", Some("text/csv")),
            ("TEXT/CSV", Some("text/csv")),
            ("*/*", Some("application/json")),
            ("text/*", Some("text/csv")),
            ("text/html, text/csv;q=0.9, */*;q=0.1", Some("text/csv")),
            ("text/csv;q=0.1, application/json", Some("application/json")),
            ("text/csv, application/json", Some("text/csv")),
            ("application/json;q=0, */*", Some("text/csv")),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some("application/json")),
            ("application/xml", None),
            ("application/json;q=0", None),
            ("nonsense", Some("application/json")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(best(&headers, &offered), expected, "{accept:?}");
        }
        assert_eq!(best(&HeaderMap::new(), &offered), Some("application/json"));
    }
}
