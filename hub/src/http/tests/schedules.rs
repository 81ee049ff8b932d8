//! Schedules, partners, closures and conflicts: written and read over HTTP, as coordinators do.

mod permanences;

use axum::http::Method;
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::WriterId;
use msap_shared::register::Verdict;

use super::*;
use crate::core::edit::{SiteEdit, SiteEdited};
use crate::store::chains::{self, Accepted, Doc};
use crate::store::registers;

impl Hub {
    pub(super) async fn ask(&self, method: Method, token: &str, address: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(address).header("authorization", format!("Bearer {token}"));
        let (status, _, body) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    fn core(&self) -> Core {
        let store = Store::open(self._dir.path(), None, Box::new(rand::random::<[u8; 16]>)).unwrap();
        Core::new(store, crate::ask::hub_zone(), Revocations::default())
    }

    /// Facts as a machine of the site would have brought them.
    pub(super) fn say(&self, site: &str, kind: DocKind, facts: &[(&str, &str)]) {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), format!("device:5f1e0c9a|2026-11-02|{value}")));
        let edit = SiteEdit { site: site.parse().unwrap(), kind, facts: facts.collect(), detail: String::new() };
        assert_eq!(self.core().edit(&edit, Timestamp::now()).unwrap(), SiteEdited::Kept);
    }

    /// Two values of one key by writers who did not know of each other.
    pub(super) fn contradict(&self, site: &str, kind: DocKind, key: &str, values: [&str; 2]) {
        let document = DocId::registers(site.parse().unwrap(), kind).unwrap();
        let wrote = self.core().store().write(|conn, turn| {
            let doc = Doc { row: chains::document_row_or_new(conn, &document)?, name: &document };
            let base = registers::load(conn, doc.row)?;
            let mut known = registers::load(conn, doc.row)?;
            for (at, value) in (1_u8..).zip(values) {
                let writer = WriterId::new([at; 16]);
                let edit = base.author(writer, &[(key.to_owned(), value.to_owned())]).unwrap().unwrap();
                let Verdict::Follows(built) = known.judge(&edit) else { panic!("{value} is not taken") };
                let accepted = Accepted { day: crate::ask::today(Timestamp::now()), commit: turn.commit() };
                chains::append(conn, doc, &writer, None, &[&built], accepted)?;
                registers::fold(conn, doc.row, &edit)?;
                known.add(&edit);
            }
            Ok::<_, StoreError>(())
        });
        wrote.unwrap();
    }
}

/// Open Monday to Friday in the morning, on Thursday (24 December 2026) in the afternoon as well.
pub(super) fn open_house(hub: &Hub, site: &str) {
    let weekday = |day: &str, slots: &str| (format!("hours|2026-01-05|every|{day}|-"), slots.to_owned());
    let facts: Vec<(String, String)> = ["mo", "tu", "we", "fr"]
        .iter()
        .map(|day| weekday(day, "09:00-12:00"))
        .chain([weekday("th", "09:00-12:00,14:00-17:00")])
        .collect();
    let facts: Vec<(&str, &str)> = facts.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    hub.say(site, DocKind::Schedule, &facts);
}

fn zones(hub: &Hub) {
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    conn.execute_batch("UPDATE site SET holiday_zone = 'metropole', school_zone = 'B'").unwrap();
}

fn ids(body: &Value) -> Vec<&str> {
    body["sites"].as_array().unwrap().iter().map(|site| site["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sites_that_are_open_at_a_moment_are_listed_and_the_others_counted() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    open_house(&hub, "597");
    for (at, open, counts) in [
        ("2026-12-24T10:00", vec!["275", "597"], (2, 0, 1)),
        ("2026-12-24T12:00", vec![], (0, 2, 1)),
        ("2026-12-24T13:00Z", vec!["275", "597"], (2, 0, 1)),
        ("2026-12-25T10:00", vec![], (0, 2, 1)),
        ("2026-12-24T14:00%2B01:00", vec!["275", "597"], (2, 0, 1)),
    ] {
        let (status, body) = hub.get("national", &format!("/v1/sites?open_at={at}")).await;
        assert_eq!((status, ids(&body)), (200, open), "{at}");
        let (open, shut, unknown) = counts;
        assert_eq!(body["open_at"], serde_json::json!({ "open": open, "shut": shut, "unknown": unknown }), "{at}");
    }
    let (_, first) = hub.get("national", "/v1/sites?open_at=2026-12-24T10:00&limit=1").await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = hub.get("national", &format!("/v1/sites?open_at=2026-12-24T10:00&limit=1&cursor={next}")).await;
    assert_eq!((ids(&first), ids(&second), &second["next"]), (vec!["275"], vec!["597"], &Value::Null));
    assert_eq!(second["open_at"]["open"], 2, "the whole network is counted on every page");
    let (_, site) = hub.get("national", "/v1/sites/275").await;
    assert_eq!((&site["weekly_minutes"], site["open_now"].is_boolean()), (&1_080.into(), true));
    assert!(site["osm_opening_hours"].as_str().unwrap().contains("09:00-12:00"), "{site}");
    let (_, site) = hub.get("national", "/v1/sites/361").await;
    assert_eq!((&site["open_now"], &site["weekly_minutes"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_schedule_tells_intervals_why_and_rules() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    hub.say(
        "275",
        DocKind::Schedule,
        &[("on|2026-12-24..2026-12-24|*", "closed|works"), ("absence|a1", "2026-12-23|2026-12-23||1|leave")],
    );
    let (status, body) = hub.get("department", "/v1/sites/275/schedule?from=2026-12-23&to=2026-12-25").await;
    assert_eq!(status, 200);
    let days = body["days"].as_array().unwrap();
    let told: Vec<_> = days.iter().map(|day| (&day["day"], &day["state"], &day["why"][0]["kind"])).collect();
    let expected =
        [("2026-12-23", "open", "rule"), ("2026-12-24", "shut", "closed"), ("2026-12-25", "shut", "public_holiday")];
    assert_eq!(
        told,
        expected
            .map(|(day, state, why)| (day.into(), state.into(), why.into()))
            .iter()
            .map(|(d, s, w): &(Value, Value, Value)| (d, s, w))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        days[0]["intervals"],
        serde_json::json!([{ "from": "09:00", "to": "12:00", "place": "-", "access": "free", "agents": null }])
    );
    assert_eq!(
        (&days[1]["why"][0]["reason"], &days[1]["why"][0]["author"]),
        (&"works".into(), &"device:5f1e0c9a".into())
    );
    assert_eq!(body["rules"].as_array().unwrap().len(), 7);
    assert_eq!((body["conflicts"].as_array().unwrap().len(), &body["timezone"]), (0, &"Europe/Paris".into()));
    for (question, status, parameter) in [
        ("from=2026-12-23", 400, "to"),
        ("from=2026-12-23&to=2026-12-22", 422, "to"),
        ("from=2026-12-23&to=2028-12-22", 422, "to"),
        ("from=2026-02-30&to=2026-03-01", 422, "from"),
        ("from=2026-12-23&to=2026-12-23&to=2026-12-23", 400, "to"),
        ("day=2026-12-23", 400, "day"),
    ] {
        let (found, body) = hub.get("department", &format!("/v1/sites/275/schedule?{question}")).await;
        assert_eq!((found, &body["parameter"]), (status, &parameter.into()), "{question}");
    }
    assert_eq!(hub.get("department", "/v1/sites/361/schedule").await.0, 403);
    assert_eq!(hub.get("national", "/v1/sites/999/schedule").await.0, 404);
    let request = Request::get("/v1/sites/275/hours.osm").header("authorization", "Bearer national");
    let (status, headers, text) = hub.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"text/plain; charset=utf-8".parse().unwrap()));
    assert!(String::from_utf8(text).unwrap().contains("Mo"));
    let address = "/v1/sites/275/schedule.ics?from=2026-12-23&to=2026-12-25";
    let request = Request::get(address).header("authorization", "Bearer national");
    let (status, headers, text) = hub.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"text/calendar; charset=utf-8".parse().unwrap()));
    assert_eq!(String::from_utf8(text).unwrap().matches("BEGIN:VEVENT").count(), 1);
    assert_eq!(hub.get("national", "/v1/sites/275/schedule.ics?from=2026-12-23&to=2029-12-25").await.0, 422);
}

#[tokio::test]
async fn a_coordinator_closes_a_site_and_takes_it_back() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    let address = "/v1/sites/275/closures";
    let closure = serde_json::json!({ "from": "2026-12-24", "reason": "staff_absence" });
    for token in ["national", "house"] {
        assert_eq!(hub.ask(Method::PUT, token, address, closure.clone()).await.0, 403, "{token}");
    }
    let (status, outside) = hub.ask(Method::PUT, "department", "/v1/sites/361/closures", closure.clone()).await;
    assert_eq!((status, &outside["title"]), (403, &"Hors de votre périmètre".into()));
    assert!(outside["detail"].as_str().unwrap().ends_with("hors de ce périmètre : demandez-en un autre"), "{outside}");
    let (status, body) = hub.ask(Method::PUT, "department", address, closure.clone()).await;
    assert_eq!(
        (status, &body["changed"], &body["facts"][0]["key"]),
        (200, &true.into(), &"on|2026-12-24..2026-12-24|*".into())
    );
    assert_eq!(hub.ask(Method::PUT, "department", address, closure).await.1["changed"], false);
    let (_, schedule) = hub.get("department", "/v1/sites/275/schedule?from=2026-12-24&to=2026-12-24").await;
    let day = &schedule["days"][0];
    assert_eq!((&day["state"], &day["why"][0]["author"]), (&"shut".into(), &"department:49".into()));
    for (body, field) in [
        (serde_json::json!({ "from": "2026-12-24" }), "reason"),
        (serde_json::json!({ "reason": "works" }), "from"),
        (serde_json::json!({ "from": "2026-02-30", "reason": "works" }), "from"),
        (serde_json::json!({ "from": "2026-12-24", "to": "2026-12-20", "reason": "works" }), "to"),
        (serde_json::json!({ "from": "2026-12-24", "reason": "sleep" }), "reason"),
        (serde_json::json!({ "from": "2026-12-24", "reason": "works", "colour": "red" }), "colour"),
        (serde_json::json!({ "from": "2026-12-24", "reason": "works", "place": "É" }), "place"),
        (serde_json::json!({ "from": 3, "reason": "works" }), "from"),
        (serde_json::json!({ "from": "2026-12-24", "reason": "event", "kind": "extra" }), "hours"),
        (
            serde_json::json!({ "from": "2026-12-24", "reason": "event", "kind": "extra", "hours": "12:00-09:00" }),
            "hours",
        ),
    ] {
        let (status, problem) = hub.ask(Method::PUT, "department", address, body.clone()).await;
        assert_eq!((status, &problem["field"]), (422, &field.into()), "{body}: {problem}");
    }
    let (_, after) = hub.get("department", "/v1/sites/275/schedule?from=2026-12-24&to=2026-12-24").await;
    assert_eq!(after["days"], schedule["days"], "a wrong field leaves the last good schedule");
    let request = Request::put(address).header("authorization", "Bearer department").body(Body::from("{")).unwrap();
    assert_eq!(hub.send(request).await.0, 400);
    let removed = hub.ask(Method::DELETE, "department", &format!("{address}?from=2026-12-24"), Value::Null).await;
    assert_eq!((removed.0, &removed.1["changed"]), (200, &true.into()));
    let (status, _) = hub.ask(Method::DELETE, "department", &format!("{address}?from=2026-12-24"), Value::Null).await;
    assert_eq!(status, 404, "it is gone");
    let lines = crate::store::journal::list(hub.core().connection(), 0, 10).unwrap();
    assert_eq!(
        lines.last().unwrap().detail,
        "department:49 : on|2026-12-24..2026-12-24|* = department:49|".to_owned()
            + &Timestamp::now().to_zoned(jiff::tz::TimeZone::get("Europe/Paris").unwrap()).date().to_string()
            + "|-"
    );
}

#[tokio::test]
async fn the_network_is_closed_within_the_scope_and_a_sites_own_word_prevails() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    let closure =
        |scope: &str| serde_json::json!({ "scope": scope, "from": "2026-12-24", "reason": "holiday", "label": "Pont" });
    for (token, scope, status) in [
        ("department", "national", 403),
        ("department", "department:61", 403),
        ("department", "region:52", 403),
        ("house", "department:61", 403),
        ("department", "site:275", 422),
        ("department", "mars", 422),
        ("department", "department:49", 200),
    ] {
        assert_eq!(hub.ask(Method::PUT, token, "/v1/closures", closure(scope)).await.0, status, "{token} {scope}");
    }
    let (_, body) = hub.get("national", "/v1/sites/275/schedule?from=2026-12-24&to=2026-12-24").await;
    assert_eq!((&body["days"][0]["state"], &body["days"][0]["why"][0]["label"]), (&"shut".into(), &"Pont".into()));
    let own = serde_json::json!({ "from": "2026-12-24", "reason": "event", "kind": "hours", "hours": "10:00-11:00" });
    assert_eq!(hub.ask(Method::PUT, "department", "/v1/sites/275/closures", own).await.0, 200);
    let (_, body) = hub.get("national", "/v1/sites/275/schedule?from=2026-12-24&to=2026-12-24").await;
    assert_eq!(
        (&body["days"][0]["state"], &body["days"][0]["prevailing"][0]["closure"]),
        (&"open".into(), &"department-49-2026-12-24".into())
    );
    let (_, listed) = hub.get("house", "/v1/closures").await;
    assert_eq!(listed["closures"][0]["scope"], "department:49");
    let id = "/v1/closures/department-49-2026-12-24";
    assert_eq!(hub.ask(Method::DELETE, "house", id, Value::Null).await.0, 403);
    assert_eq!(hub.ask(Method::DELETE, "department", id, Value::Null).await.0, 200);
    assert_eq!(hub.ask(Method::DELETE, "department", id, Value::Null).await.0, 404);
}

#[tokio::test]
async fn partners_are_told_by_day_and_read_unknown_when_nobody_confirms() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    hub.say("275", DocKind::Schedule, &[("permanence|2026-01-05|CNAF|every|th|-", "09:00-11:00")]);
    hub.say("275", DocKind::Partners, &[("presence|MSA", "reachable|3646||2026-11-02")]);
    let availability = |body: &Value| -> Vec<(String, String)> {
        let row = |row: &Value| {
            (row["operator"].as_str().unwrap().to_owned(), row["availability"].as_str().unwrap().to_owned())
        };
        body["partners"].as_array().unwrap().iter().map(row).collect()
    };
    let told = |rows: &[(&str, &str)]| rows.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    for (day, rows) in [
        ("2026-12-03", vec![("CNAF", "present"), ("MSA", "reachable")]),
        ("2026-12-25", vec![("CNAF", "unknown"), ("MSA", "unknown")]),
    ] {
        let (status, body) = hub.get("department", &format!("/v1/sites/275/partners?day={day}")).await;
        assert_eq!((status, availability(&body)), (200, told(&rows)), "{day}");
    }
    let (_, body) = hub.get("operator", "/v1/partners?operator=CNAF&day=2026-12-03").await;
    assert_eq!((availability(&body), &body["partners"][0]["site"]), (told(&[("CNAF", "present")]), &"275".into()));
    for (token, question, status) in [
        ("operator", "operator=MSA", 403),
        ("operator", "", 403),
        ("department", "", 403),
        ("department", "department=61", 403),
        ("department", "department=49&operator=CNAF", 200),
        ("national", "operator=caf", 422),
        ("national", "operateur=CNAF", 400),
        ("national", "day=2026-12-03&day=2026-12-04", 400),
    ] {
        assert_eq!(hub.get(token, &format!("/v1/partners?{question}")).await.0, status, "{token} {question}");
    }

    let address = "/v1/sites/275/partners/CNAF";
    let patch = serde_json::json!({ "mode": "permanence", "contact": "02 41 81 23 45", "cancel": { "day": "2026-12-03", "reason": "strike" } });
    let (status, body) = hub.ask(Method::PATCH, "department", address, patch).await;
    assert_eq!((status, body["facts"].as_array().unwrap().len()), (200, 2), "{body}");
    let (_, body) = hub.get("department", "/v1/sites/275/partners?day=2026-12-03").await;
    assert_eq!(body["partners"][0]["availability"], "cancelled");
    assert_eq!(body["partners"][0]["said"][0]["author"], "department:49");
    for (patch, field) in [
        (serde_json::json!({ "contact": "marie.dupont@caf.fr" }), "contact"),
        (serde_json::json!({ "mode": "asleep" }), "mode"),
        (serde_json::json!({ "until": "2020-01-01" }), "until"),
        (serde_json::json!({ "agreement": { "status": "signed" } }), "day"),
        (serde_json::json!({ "training": { "agents": -1, "trained_on": "2026-01-01" } }), "agents"),
        (serde_json::json!({ "cancel": { "day": "2026-12-04", "reason": "strike" } }), "day"),
        (serde_json::json!({ "contacts": "3646" }), "contacts"),
    ] {
        let (status, problem) = hub.ask(Method::PATCH, "department", address, patch.clone()).await;
        assert_eq!((status, &problem["field"]), (422, &field.into()), "{patch}");
    }
    assert_eq!(hub.ask(Method::PATCH, "national", address, serde_json::json!({})).await.0, 403);
    assert_eq!(hub.ask(Method::PATCH, "department", "/v1/sites/275/partners/caf", serde_json::json!({})).await.0, 422);
}

#[tokio::test]
async fn a_conflict_stays_until_a_person_settles_it_by_what_he_has_read() {
    let hub = hub();
    zones(&hub);
    open_house(&hub, "275");
    let key = "on|2026-12-24..2026-12-24|*";
    hub.contradict(
        "275",
        DocKind::Schedule,
        key,
        ["device:5f1e0c9a|2026-11-02|closed|works", "department:49|2026-11-03|hours|event|10:00-11:00"],
    );
    hub.contradict(
        "361",
        DocKind::Partners,
        "presence|MSA",
        ["device:5f1e0c9a|2026-11-02|absent|||2026-11-02", "national|2026-11-03|partial|||2026-11-03"],
    );
    let (status, body) = hub.get("local-admin", "/v1/conflicts").await;
    assert_eq!(status, 200);
    let found = body["conflicts"].as_array().unwrap();
    assert_eq!(
        (found.len(), &found[0]["site"], &found[0]["document"], &found[0]["key"]),
        (1, &"275".into(), &"schedule".into(), &key.into()),
        "only those of the scope"
    );
    assert_eq!(
        found[0]["versions"],
        serde_json::json!([
            {
                "author": "device:5f1e0c9a", "by": "poste 5f1e0c9a", "day": "2026-11-02",
                "value": "closed|works", "words": "fermé : travaux",
            },
            {
                "author": "department:49", "by": "coordination du département 49", "day": "2026-11-03",
                "value": "hours|event|10:00-11:00", "words": "à d’autres horaires, 10 h – 11 h : événement",
            },
        ])
    );
    assert_eq!(
        (&found[0]["name"], &found[0]["subject"]),
        (&"Chemillé".into(), &"exception, le jeudi 24 décembre 2026".into())
    );
    let (_, all) = hub.get("admin", "/v1/conflicts?limit=1").await;
    assert_eq!((all["conflicts"].as_array().unwrap().len(), all["next"].is_string()), (1, true));
    let other = hub.get("admin", "/v1/conflicts?department=61").await.1["conflicts"][0].take();
    assert_eq!((&other["site"], &other["document"]), (&"361".into(), &"partners".into()));
    assert_eq!(hub.get("house", "/v1/conflicts").await.0, 403);
    let day = |body: Value| body["days"][0].clone();
    let asked = "/v1/sites/275/schedule?from=2026-12-24&to=2026-12-24";
    let shown = day(hub.get("admin", asked).await.1);
    assert_eq!((&shown["state"], shown["versions"].as_array().unwrap().len()), (&"conflict".into(), 2));
    let (_, open) = hub.get("admin", "/v1/sites?open_at=2026-12-24T10:30").await;
    assert_eq!(open["open_at"], serde_json::json!({ "open": 0, "shut": 0, "unknown": 3 }));

    let id = found[0]["id"].as_str().unwrap();
    let address = format!("/v1/conflicts/{id}");
    let settle = |version: i32| serde_json::json!({ "version": version });
    for (token, body, status) in
        [("house", settle(1), 403), ("department", settle(3), 422), ("department", settle(0), 422)]
    {
        assert_eq!(hub.ask(Method::POST, token, &address, body).await.0, status, "{token}");
    }
    assert_eq!(hub.ask(Method::POST, "department", "/v1/conflicts/275.00000000", settle(1)).await.0, 404);
    let (status, body) = hub.ask(Method::POST, "department", &address, settle(2)).await;
    assert_eq!((status, &body["changed"]), (200, &true.into()), "{body}");
    assert_eq!(day(hub.get("admin", asked).await.1)["intervals"][0]["from"], "10:00");
    assert_eq!(hub.ask(Method::POST, "department", &address, settle(1)).await.0, 404, "settled once");
    assert_eq!(hub.get("local-admin", "/v1/conflicts").await.1["conflicts"], serde_json::json!([]));
}
