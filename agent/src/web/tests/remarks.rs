//! What whoever decides is told beside what was kept.

use super::house::{day, form, put, week};
use super::*;

/// The kinds of the remarks of an answer, each with what it is about.
fn told(answer: &Value) -> Vec<String> {
    let remarks = answer["remarks"].as_array().unwrap();
    let short = |found: &Value| {
        assert!(found["text"].as_str().is_some_and(|words| !words.is_empty()), "{found}");
        format!("{} {}", found["kind"].as_str().unwrap(), found["value"].as_str().unwrap())
    };
    remarks.iter().map(short).collect()
}

#[tokio::test]
async fn agents_stay_when_hours_change_and_the_form_does_not_ask_for_their_notation() {
    let site = Site::new(false);
    week(&site).await;
    assert_eq!(put(&site, "/api/schedule/staff", json!({ "agents": 2, "weekday": "tu" })).await.0, 200);
    let (_, _, page) = site.raw(Method::GET, "/schedule", None).await;
    assert!(page.contains("value=\"09:00-12:00, 14:00-17:30\"") && !page.contains("/free"), "{page}");
    let sent = "action=hours&from=2026-11-23&mo=9:00-12:00, 14:00-17:30&tu=8:39-12:00";
    assert_eq!(form(&site, "/schedule", sent).await.1, "/schedule?done=changed");
    let tuesday = day(&site, "2026-11-24").await;
    assert_eq!(tuesday["intervals"][0]["agents"], 2, "{tuesday}");
    let away = json!({ "id": "a1", "from": "2026-11-24", "agents": 2 });
    assert_eq!(site.ask(Method::POST, "/api/schedule/absences", away).await.1["remarks"], json!([]));
    assert_eq!(day(&site, "2026-11-24").await["gaps"], json!([{ "from": "08:39", "to": "12:00" }]));
    let (_, answer) = put(&site, "/api/schedule/hours", json!({ "osm": "Tu 13:00-16:00" })).await;
    assert_eq!(told(&answer), ["dropped 08:39-12:00/free/2"]);
}

#[tokio::test]
async fn whoever_sets_all_hours_is_told_what_was_not_entered_and_what_stays() {
    let site = Site::new(false);
    let other = json!({ "mo": "14:00-16:00", "place": "mairie" });
    assert_eq!(told(&put(&site, "/api/schedule/hours", other).await.1), ["place_unnamed mairie"]);
    let named = json!({ "label": "Mairie annexe" });
    assert_eq!(put(&site, "/api/schedule/places/mairie", named).await.0, 200);
    let first = json!({ "osm": "Mo-Fr 09:00-12:00; 2026 Dec 24-26 off" });
    assert_eq!(told(&put(&site, "/api/schedule/hours", first).await.1), ["stays 14:00-16:00"]);
    let (_, answer) = put(&site, "/api/schedule/hours", json!({ "osm": "Mo-Fr 09:00-12:00 \"tél. 3960\"" })).await;
    let told = told(&answer);
    assert!(told[0].starts_with("untold ") && told[0].contains("tél. 3960"), "{told:?}");
    assert_eq!(told[1..], ["stays closed|other", "stays 14:00-16:00"]);
    let (_, _, page) = site.raw(Method::GET, "/schedule", None).await;
    assert!(page.contains("(Mairie annexe)") && !page.contains("(mairie)"), "places by their names: {page}");
}

#[tokio::test]
async fn what_cannot_be_answered_for_is_told_at_once() {
    let site = Site::new(false);
    week(&site).await;
    let away = json!({ "id": "a1", "from": "2026-11-24", "hours": "9:00-12:00" });
    let (_, answer) = site.ask(Method::POST, "/api/schedule/absences", away).await;
    assert_eq!(told(&answer), ["staff_unknown 2026-11-24|2026-11-24|09:00-12:00|1|other"]);
    for (hours, outside) in [("9:00-12:00", &[][..]), ("11:00-13:00", &["outside_hours 11:00-13:00"][..])] {
        let coming = json!({ "operator": "CNAF", "weekday": "we", "hours": hours });
        assert_eq!(told(&put(&site, "/api/schedule/permanences", coming).await.1), outside, "{hours}");
    }
    let (_, _, page) = site.raw(Method::GET, "/schedule?done=changed.staff_unknown.spoofed", None).await;
    assert!(page.contains("n’est pas dit") && !page.contains("spoofed"), "codes alone: {page}");
}
