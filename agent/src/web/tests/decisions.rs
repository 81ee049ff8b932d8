//! Each decision changes what it names, and nothing beside it.

use super::house::{day, form, put, week};
use super::*;

const EXCEPTIONS: &str = "/api/schedule/exceptions";
const OFF: &str = "/api/schedule/permanences/off";

async fn partner(site: &Site, code: &str, day: &str) -> Value {
    let (_, partners) = site.get(&format!("/api/partners?day={day}")).await;
    let all = partners["partners"].as_array().unwrap();
    all.iter().find(|one| one["operator"] == code).cloned().unwrap_or_default()
}

#[tokio::test]
async fn hours_of_some_days_hold_in_their_weeks_and_what_a_text_says_of_dates_holds_too() {
    let site = Site::new(false);
    week(&site).await;
    let odd = json!({ "mo": "8:00-9:00", "tu": "8:00-9:00", "variant": "odd", "from": "2026-11-01" });
    assert_eq!(put(&site, "/api/schedule/hours", odd).await.0, 200);
    for (date, minutes) in [("2026-11-23", 390), ("2026-11-30", 60), ("2026-12-01", 60), ("2026-12-02", 390)] {
        assert_eq!(day(&site, date).await["minutes"], minutes, "{date}");
    }
    let text = json!({ "osm": "Mo-Fr 09:00-12:00; 2026 Dec 24 off", "from": "2026-12-07" });
    let (status, told) = put(&site, "/api/schedule/hours", text).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(day(&site, "2026-12-02").await["minutes"], 390, "what was before stays");
    assert_eq!(day(&site, "2026-12-09").await["minutes"], 180);
    assert_eq!(day(&site, "2026-12-24").await["state"], "shut");
    let both = json!({ "mo": "9:00-10:00", "holiday": "fermé" });
    let (status, problem) = put(&site, "/api/schedule/hours", both).await;
    assert_eq!((status, &problem["field"]), (422, &json!("holiday")));
}

#[tokio::test]
async fn exceptions_are_of_their_kind_and_place() {
    let site = Site::new(false);
    week(&site).await;
    for body in [
        json!({ "from": "2026-12-21", "reason": "works" }),
        json!({ "from": "2026-12-22", "reason": "works", "place": "-" }),
        json!({ "kind": "extra", "from": "2026-11-24", "hours": "18:00-19:00" }),
        json!({ "kind": "hours", "from": "2026-11-25", "hours": "10:00-11:00" }),
        json!({ "kind": "moved", "from": "2026-11-26", "to_place": "mairie", "hours": "10:00-11:00" }),
    ] {
        assert_eq!(site.ask(Method::POST, EXCEPTIONS, body).await.0, 200);
    }
    let (_, schedule) = site.get("/api/schedule?to=2026-12-31").await;
    let places: Vec<_> = schedule["exceptions"].as_array().unwrap().iter().map(|one| one["place"].clone()).collect();
    assert_eq!(places, ["-", "-", "-", "*", "-"]);
    assert_eq!(day(&site, "2026-11-24").await["minutes"], 390 + 60);
    assert_eq!(day(&site, "2026-11-25").await["minutes"], 60);
    let moved = day(&site, "2026-11-26").await;
    assert_eq!((&moved["minutes"], &moved["intervals"][0]["place"]), (&json!(60), &json!("mairie")));
}

#[tokio::test]
async fn a_permanence_is_meant_where_and_when_it_is() {
    let site = Site::new(false);
    week(&site).await;
    for (operator, weekday, place) in [
        ("CNAF", "mo", "-"),
        ("CNAF", "tu", "-"),
        ("CNAF", "we", "mairie"),
        ("CNAF", "th", "-"),
        ("CNAF", "th", "mairie"),
        ("CNAM", "mo", "-"),
    ] {
        let hours = if place == "-" { "9:00-12:00" } else { "14:00-15:00" };
        let body = json!({ "operator": operator, "weekday": weekday, "place": place, "hours": hours });
        assert_eq!(put(&site, "/api/schedule/permanences", body).await.0, 200);
    }
    let wednesday = "2026-11-25";
    let body = json!({ "operator": "CNAF", "day": wednesday, "reason": "strike" });
    assert_eq!(put(&site, OFF, body).await.0, 200, "the one place where it comes is meant");
    assert_eq!(partner(&site, "CNAF", wednesday).await["availability"], "cancelled");
    let body = json!({ "operator": "CNAF", "day": wednesday });
    assert_eq!(site.ask(Method::DELETE, OFF, body).await.0, 200);
    assert_eq!(partner(&site, "CNAF", wednesday).await["availability"], "present");
    let body = json!({ "operator": "CNAF", "day": "2026-11-26", "reason": "strike" });
    let (status, problem) = put(&site, OFF, body).await;
    assert_eq!((status, &problem["field"]), (422, &json!("place")), "it comes to two");

    let body = json!({ "operator": "CNAF", "day": "2026-12-01", "hours": "10:00-11:00" });
    assert_eq!(put(&site, OFF, body).await.0, 200);
    assert_eq!(partner(&site, "CNAF", "2026-12-01").await["permanences"][0]["from"], "10:00");
    let body = json!({ "operator": "CNAM", "day": "2026-11-30", "reason": "illness" });
    assert_eq!(put(&site, OFF, body).await.0, 422, "no reason of ours");
    let body = json!({ "operator": "CNAM", "day": "2026-11-30", "reason": "strike" });
    assert_eq!(put(&site, OFF, body).await.0, 200);
    for today in ["2026-11-23", "2026-11-24"] {
        let next = partner(&site, "CNAM", today).await["next"]["day"].clone();
        assert_eq!(next, "2026-12-07", "neither today nor a cancelled one, on {today}");
    }
    let body = json!({ "operator": "CNAF", "weekday": "mo", "from": "2026-12-01" });
    assert_eq!(site.ask(Method::DELETE, "/api/schedule/permanences", body).await.0, 200);
    let comes = async |date: &str| partner(&site, "CNAF", date).await["permanences"].as_array().unwrap().len();
    assert_eq!((comes("2026-11-30").await, comes("2026-12-07").await, comes("2026-12-08").await), (1, 0, 1));
}

#[tokio::test]
async fn agents_and_absences_are_those_that_were_said() {
    let site = Site::new(false);
    week(&site).await;
    let there = json!({ "we": "14:00-16:00", "place": "mairie", "from": "2026-11-01" });
    assert_eq!(put(&site, "/api/schedule/hours", there).await.0, 200);
    assert_eq!(put(&site, "/api/schedule/staff", json!({ "agents": 2 })).await.0, 200);
    let agents = async || {
        let wednesday = day(&site, "2026-11-25").await;
        let all = wednesday["intervals"].as_array().unwrap().iter();
        all.map(|open| (open["place"].clone(), open["agents"].clone())).collect::<Vec<_>>()
    };
    let (here, there) = (json!("-"), json!("mairie"));
    let two = (here.clone(), json!(2));
    let mut found = agents().await;
    found.sort_by_key(|(place, _)| place.to_string());
    assert_eq!(found, [two.clone(), two, (there, Value::Null)]);
    assert_eq!(put(&site, "/api/schedule/staff", json!({ "agents": "unknown" })).await.0, 200);
    assert!(agents().await.iter().all(|(_, agents)| agents.is_null()));
    let away = json!({ "id": "a1", "from": "2026-11-24", "agents": 2, "kind": "illness" });
    assert_eq!(site.ask(Method::POST, "/api/schedule/absences", away).await.0, 200);
    let (_, schedule) = site.get("/api/schedule").await;
    let away = &schedule["absences"][0];
    assert_eq!((&away["agents"], &away["kind"]), (&json!(2), &json!("illness")));
}

#[tokio::test]
async fn notes_are_set_and_taken_back_and_what_was_not_meant_is_not_guessed() {
    let site = Site::new(false);
    for (body, name, value) in [
        (json!({ "comment": "Sonnez" }), "comment", json!("Sonnez")),
        (json!({ "good_friday": "open" }), "good_friday", json!("open")),
        (json!({ "good_friday": "closed" }), "good_friday", json!("closed")),
    ] {
        assert_eq!(put(&site, "/api/schedule/note", body).await.0, 200);
        let (_, schedule) = site.get("/api/schedule").await;
        let said = &schedule[name][0];
        assert_eq!(said.get("text").or_else(|| said.get("rule")), Some(&value));
    }
    assert_eq!(put(&site, "/api/schedule/note", json!({ "comment": "" })).await.0, 200);
    assert_eq!(site.get("/api/schedule").await.1["comment"], json!([]));
    let (status, _) = put(&site, "/api/schedule/note", json!({ "comment": "x", "day": "2026-11-24" })).await;
    assert_eq!(status, 400, "a field that does not exist");
    assert_eq!(form(&site, "/schedule", "action=close&from=2026-11-24&from=2026-11-25&reason=works").await.0, 400);
    let (status, problem) = put(&site, "/api/partners/CNAV", json!({ "until": "2027-01-01" })).await;
    assert_eq!((status, &problem["field"]), (422, &json!("mode")));

    let said = json!({ "mode": "reachable", "contact": "3960" });
    assert_eq!(put(&site, "/api/partners/CNAV", said).await.0, 200);
    assert_eq!(put(&site, "/api/partners/CNAV", json!({ "mode": "partial" })).await.0, 200);
    assert_eq!(partner(&site, "CNAV", "2026-11-23").await["said"][0]["contact"], "3960", "kept as it was said");
}

#[tokio::test]
async fn a_house_whose_hours_nobody_said_reads_unknown_once_it_says_anything() {
    let site = Site::new(false);
    let closed = json!({ "from": "2026-12-24", "reason": "works" });
    assert_eq!(site.ask(Method::POST, EXCEPTIONS, closed).await.0, 200);
    assert_eq!(site.get("/api/status").await.1["unknown"], json!(["schedule", "calendar:2026"]));
}
