//! The schedule and the partners, as the API takes and tells them.

use super::*;

pub(super) async fn put(site: &Site, path: &str, body: Value) -> (u16, Value) {
    site.ask(Method::PUT, path, body).await
}

pub(super) async fn week(site: &Site) {
    for day in ["mo", "tu", "we", "th", "fr"] {
        let (status, answer) =
            put(site, "/api/schedule/hours", json!({ day: "9:00-12:00, 14:00-17:30", "from": "2026-11-01" })).await;
        assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    }
}

pub(super) async fn day(site: &Site, day: &str) -> Value {
    let (status, schedule) = site.get(&format!("/api/schedule?from={day}&to={day}")).await;
    assert_eq!(status, 200, "{schedule}");
    schedule["days"][0].clone()
}

#[tokio::test]
async fn a_house_that_said_nothing_is_unknown_and_never_shut() {
    let site = Site::new(false);
    let (_, schedule) = site.get("/api/schedule").await;
    assert_eq!((&schedule["now"], &schedule["weekly_minutes"]), (&json!("unknown"), &Value::Null));
    let days = schedule["days"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    assert!(days.iter().all(|day| day["state"] == "unknown" && day["calendar_missing"] == json!(["public"])));
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(partners["partners"], json!([]));
    let (_, status) = site.get("/api/status").await;
    assert_eq!((&status["conflicts"], &status["unknown"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn hours_hold_from_their_day_on_and_the_same_again_changes_nothing() {
    let site = Site::new(false);
    week(&site).await;
    let (_, schedule) = site.get("/api/schedule").await;
    assert_eq!((&schedule["now"], &schedule["weekly_minutes"]), (&json!("open"), &json!(1_950)));
    assert_eq!(
        schedule["days"][0]["intervals"][1],
        json!({
            "from": "14:00", "to": "17:30", "place": "-", "access": "free", "agents": null,
        })
    );
    assert_eq!(schedule["days"][0]["why"][0]["author"], "device:0707070707070707");
    let later = json!({ "mo": "10:00-12:00", "from": "2026-12-01" });
    assert_eq!(put(&site, "/api/schedule/hours", later.clone()).await.1["changed"], true);
    assert_eq!(put(&site, "/api/schedule/hours", later).await.1["changed"], false);
    assert_eq!(day(&site, "2026-11-30").await["minutes"], 390);
    assert_eq!(day(&site, "2026-12-07").await["minutes"], 120);
}

#[tokio::test]
async fn exceptions_staff_and_absences_change_the_days_they_are_about() {
    let site = Site::new(false);
    week(&site).await;
    let closed = json!({ "from": "2026-12-24", "to": "2026-12-25", "reason": "holiday" });
    assert_eq!(site.ask(Method::POST, "/api/schedule/exceptions", closed.clone()).await.0, 200);
    assert_eq!(day(&site, "2026-12-24").await["state"], "shut");
    let extra = json!({ "kind": "extra", "from": "2026-11-28", "hours": "9:00-12:00", "reason": "event" });
    assert_eq!(site.ask(Method::POST, "/api/schedule/exceptions", extra).await.0, 200);
    assert_eq!(day(&site, "2026-11-28").await["intervals"][0]["to"], "12:00");
    let moved = json!({ "kind": "moved", "from": "2026-11-27", "to_place": "mairie" });
    assert_eq!(site.ask(Method::POST, "/api/schedule/exceptions", moved).await.0, 200);
    assert_eq!(day(&site, "2026-11-27").await["intervals"][0]["place"], "mairie");
    let gone = json!({ "from": "2026-12-24", "to": "2026-12-25" });
    assert_eq!(site.ask(Method::DELETE, "/api/schedule/exceptions", gone.clone()).await.0, 200);
    assert_eq!(day(&site, "2026-12-24").await["state"], "open");
    let (status, problem) = site.ask(Method::DELETE, "/api/schedule/exceptions", gone).await;
    assert_eq!((status, &problem["field"]), (422, &json!("from")));

    assert_eq!(put(&site, "/api/schedule/staff", json!({ "agents": 1, "weekday": "mardi" })).await.0, 200);
    let away = json!({ "id": "a1", "from": "2026-11-24", "hours": "9:00-12:00", "kind": "illness" });
    for changed in [true, false] {
        let (status, answer) = site.ask(Method::POST, "/api/schedule/absences", away.clone()).await;
        assert_eq!((status, &answer["changed"]), (200, &json!(changed)), "asked again adds nothing: {answer}");
    }
    let tuesday = day(&site, "2026-11-24").await;
    assert_eq!(tuesday["gaps"], json!([{ "from": "09:00", "to": "12:00" }]), "{tuesday}");
    assert_eq!(site.ask(Method::DELETE, "/api/schedule/absences/a1", json!({})).await.0, 200);
    assert_eq!(day(&site, "2026-11-24").await["gaps"], json!([]));
}

#[tokio::test]
async fn a_permanence_is_cancelled_for_one_day_in_one_request() {
    let site = Site::new(false);
    week(&site).await;
    let coming = json!({ "operator": "cnaf", "weekday": "lun", "hours": "9:00-12:00" });
    assert_eq!(put(&site, "/api/schedule/permanences", coming).await.0, 200);
    let present = |partners: &Value| partners["partners"][0]["availability"].clone();
    assert_eq!(present(&site.get("/api/partners").await.1), "present");
    let off = json!({ "operator": "CNAF", "reason": "strike" });
    assert_eq!(put(&site, "/api/schedule/permanences/off", off).await.0, 200);
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(present(&partners), "cancelled");
    assert_eq!(partners["partners"][0]["next"], json!({ "day": "2026-11-30", "from": "09:00", "to": "12:00" }));
    let resume = json!({ "operator": "CNAF" });
    assert_eq!(site.ask(Method::DELETE, "/api/schedule/permanences/off", resume).await.0, 200);
    assert_eq!(present(&site.get("/api/partners").await.1), "present");
    let end = json!({ "operator": "CNAF", "from": "2026-12-01" });
    assert_eq!(site.ask(Method::DELETE, "/api/schedule/permanences", end).await.0, 200);
    assert_eq!(site.get("/api/partners?day=2026-12-07").await.1["partners"], json!([]));
}

#[tokio::test]
async fn what_nobody_confirmed_for_long_reads_unknown() {
    let site = Site::new(false);
    let said = json!({ "mode": "reachable", "contact": "02 41 81 23 45", "checked": "2026-10-01" });
    assert_eq!(put(&site, "/api/partners/CNAV", said).await.0, 200);
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(
        (&partners["partners"][0]["availability"], &partners["partners"][0]["stale"]),
        (&json!("unknown"), &json!(true))
    );
    assert_eq!(site.get("/api/status").await.1["unknown"], json!(["partner:CNAV"]));
    assert_eq!(put(&site, "/api/partners/CNAV", json!({})).await.0, 200);
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(partners["partners"][0]["availability"], "reachable");
    assert_eq!(partners["partners"][0]["said"][0]["contact"], "0241812345");
    for (path, body) in
        [("agreement", json!({ "status": "signed", "day": "2026-01-15" })), ("training", json!({ "agents": 2 }))]
    {
        assert_eq!(put(&site, &format!("/api/partners/CNAV/{path}"), body).await.0, 200, "{path}");
    }
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(partners["partners"][0]["agreement"], json!({ "status": "signed", "day": "2026-01-15" }));
    assert_eq!(partners["partners"][0]["training"], json!({ "agents": 2, "trained_on": "2026-11-23" }));
    assert_eq!(site.ask(Method::DELETE, "/api/partners/CNAV", json!({})).await.0, 200);
    assert_eq!(site.get("/api/partners").await.1["partners"], json!([]));
}

#[tokio::test]
async fn wrong_decisions_are_refused_by_name_and_the_last_good_schedule_stays() {
    let site = Site::new(false);
    week(&site).await;
    let before = site.get("/api/schedule").await.1;
    let closure = "/api/schedule/exceptions";
    for (method, path, body, field) in [
        (Method::PUT, "/api/schedule/hours", json!({ "mo": "12:00-09:00" }), "mo"),
        (Method::PUT, "/api/schedule/hours", json!({ "mo": "09:00-25:00" }), "mo"),
        (Method::PUT, "/api/schedule/hours", json!({ "mo": "09:00-12:00,11:00-13:00" }), "mo"),
        (Method::PUT, "/api/schedule/hours", json!({ "tu": "09:00-12:00", "from": "2026-02-30" }), "from"),
        (Method::PUT, "/api/schedule/hours", json!({ "tu": "09:00-12:00", "variant": "weekly" }), "variant"),
        (Method::PUT, "/api/schedule/hours", json!({ "tu": "09:00-12:00", "place": "Mairie !" }), "place"),
        (Method::PUT, "/api/schedule/hours", json!({}), "mo"),
        (Method::PUT, "/api/schedule/hours", json!({ "osm": "chaque lundi" }), "osm"),
        (Method::PUT, "/api/schedule/staff", json!({ "agents": 100 }), "agents"),
        (Method::PUT, "/api/schedule/staff", json!({ "agents": 1, "weekday": "dim" }), "hours"),
        (Method::POST, closure, json!({ "from": "2026-12-26", "to": "2026-12-24", "reason": "other" }), "to"),
        (Method::POST, closure, json!({ "from": "2026-12-24", "to": "2056-12-24", "reason": "holiday" }), "to"),
        (Method::POST, closure, json!({ "from": "2026-12-24" }), "reason"),
        (Method::POST, closure, json!({ "from": "2026-12-24", "reason": "fatigue" }), "reason"),
        (Method::POST, closure, json!({ "kind": "extra", "from": "2026-12-24" }), "hours"),
        (Method::POST, closure, json!({ "kind": "moved", "from": "2026-12-24" }), "to_place"),
        (
            Method::PUT,
            "/api/schedule/permanences",
            json!({ "operator": "CAF", "weekday": "mo", "hours": "9:00-10:00" }),
            "operator",
        ),
        (Method::PUT, "/api/schedule/permanences", json!({ "operator": "CNAF", "hours": "9:00-10:00" }), "weekday"),
        (Method::PUT, "/api/schedule/permanences/off", json!({ "operator": "CNAF", "reason": "strike" }), "day"),
        (Method::POST, "/api/schedule/absences", json!({ "from": "2026-12-24", "agents": 0 }), "agents"),
        (Method::PUT, "/api/partners/CNAF", json!({ "mode": "sometimes" }), "mode"),
        (
            Method::PUT,
            "/api/partners/CNAF",
            json!({ "mode": "reachable", "contact": "marie.dupont@caf.fr" }),
            "contact",
        ),
        (Method::PUT, "/api/partners/CNAF", json!({ "mode": "absent", "until": "2026-01-01" }), "until"),
        (Method::PUT, "/api/partners/CNAF", json!({ "mode": "absent", "checked": "2027-01-01" }), "checked"),
        (Method::PUT, "/api/partners/CNAF", json!({}), "operator"),
        (Method::PUT, "/api/partners/NOBODY", json!({ "mode": "absent" }), "operator"),
        (Method::PUT, "/api/partners/CNAF/agreement", json!({ "status": "signed" }), "day"),
        (Method::PUT, "/api/partners/CNAF/training", json!({ "agents": -1 }), "agents"),
        (Method::PUT, "/api/partners/CNAF/label", json!({ "label": "CAF" }), "operator"),
    ] {
        let (status, problem) = site.ask(method, path, body.clone()).await;
        assert_eq!((status, problem["field"].as_str()), (422, Some(field)), "{path} {body}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    }
    let (status, _) = site.get("/api/schedule?from=2026-01-01&to=2029-01-01").await;
    assert_eq!(status, 422);
    assert_eq!(site.ask(Method::POST, "/api/conflicts/00000000", json!({ "version": 1 })).await.0, 404);
    assert_eq!(site.get("/api/schedule").await.1, before);
}

/// Sends a form as a browser does; the answer's status, address and page.
pub(super) async fn form(site: &Site, path: &str, body: &str) -> (u16, String, String) {
    let request = Request::builder().method(Method::POST).uri(path).header("host", "127.0.0.1:8477");
    let request = request.header("origin", "http://127.0.0.1:8477").header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = site.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let page = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let location = parts.headers.get("location").map_or("", |to| to.to_str().unwrap());
    (parts.status.as_u16(), location.to_owned(), page)
}

#[tokio::test]
async fn forms_do_without_a_script_and_show_what_was_entered_when_refused() {
    let site = Site::new(false);
    let (status, location, _) =
        form(&site, "/schedule", "action=hours&from=2026-11-01&mo=9:00-12:00&tu=&we=ferm%C3%A9").await;
    assert_eq!((status, location.as_str()), (303, "/schedule?done=changed"));
    let (status, location, _) = form(&site, "/schedule", "action=hours&from=2026-11-02&mo=09:00-12:00").await;
    assert_eq!((status, location.as_str()), (303, "/schedule?done=same"));
    let (status, _, page) = form(&site, "/schedule", "action=close&from=2026-12-26&to=2026-12-24&reason=works").await;
    assert_eq!(status, 422);
    for words in [
        "role=\"alert\"",
        "précède le premier jour",
        "value=\"2026-12-26\"",
        "aria-invalid=\"true\" aria-describedby=\"close-to-wrong\"",
        "id=\"close-to-wrong\">2026-12-24 précède le premier jour",
        "\"works\" selected",
    ] {
        assert!(page.contains(words), "{words:?} is missing: {page}");
    }
    let (status, ..) = form(&site, "/schedule", "action=close&from=2026-11-23&reason=%3Cscript%3E").await;
    assert_eq!(status, 422);
    assert_eq!(form(&site, "/schedule", "action=close&from=2026-11-23&reason=works").await.0, 303);
    let (_, _, html) = site.raw(Method::GET, "/schedule?done=changed", None).await;
    for words in ["Enregistré sur ce poste", "Semaine du lundi 23 novembre 2026", "fermé : travaux", "Retirer"] {
        assert!(html.contains(words), "{words:?} is missing: {html}");
    }
    assert!(site.raw(Method::GET, "/", None).await.2.contains("fermeture : travaux"));
    assert_eq!(form(&site, "/schedule", "action=remove&from=2026-11-23&to=2026-11-23&place=*").await.0, 303);
    assert_eq!(form(&site, "/schedule", "action=steal").await.0, 400);

    assert_eq!(
        form(
            &site,
            "/partners",
            "action=permanence&operator=CNAF&weekday=mo&variant=every&hours=9:00-12:00&from=2026-11-01"
        )
        .await
        .0,
        303
    );
    assert!(site.raw(Method::GET, "/", None).await.2.contains("Permanence 9 h – 12 h"));
    assert_eq!(form(&site, "/partners", "action=off&operator=CNAF&day=2026-11-23&place=-&reason=strike").await.0, 303);
    let (_, _, html) = site.raw(Method::GET, "/partners", None).await;
    assert!(html.contains("Annulé") && html.contains("annulée : grève") && html.contains("Rétablir"), "{html}");
    let (status, _, page) =
        form(&site, "/partners", "action=presence&operator=CNAV&mode=reachable&contact=marie.dupont%40caf.fr").await;
    assert!(status == 422 && page.contains("semble être celle d’une personne"), "{page}");
    assert_eq!(form(&site, "/partners", "action=presence&operator=CNAV&mode=reachable&contact=3960").await.0, 303);
    for inline in ["style=", "<style", "onclick", "javascript:", "<script"] {
        assert!(!site.raw(Method::GET, "/partners", None).await.2.contains(inline), "{inline}");
        assert!(!site.raw(Method::GET, "/schedule", None).await.2.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn each_form_does_what_it_says_and_shows_what_is_wrong_beside_the_field() {
    let site = Site::new(false);
    week(&site).await;
    for (path, sent, shown) in [
        (
            "/schedule",
            "action=extra&kind=extra&from=2026-11-28&to=2026-11-29&hours=9:00-12:00&reason=event",
            "du samedi 28 novembre 2026 au dimanche 29 novembre 2026",
        ),
        ("/schedule", "action=move&kind=moved&from=2026-11-27&to_place=mairie&reason=works", "mairie"),
        ("/schedule", "action=staff&agents=1&weekday=tu&hours=08:00-13:00&from=2026-11-23", "1 agent"),
        (
            "/schedule",
            "action=absence&id=a1&from=2026-11-24&hours=9:00-12:00&agents=1&kind=illness",
            "personne de 9 h à 12 h",
        ),
        ("/partners", "action=agreement&operator=CNAV&status=signed&day=2026-01-15", "Convention signée"),
        ("/partners", "action=training&operator=CNAV&agents=2&trained_on=2026-03-01", "Formation : 2 agents"),
    ] {
        let (status, location, page) = form(&site, path, sent).await;
        let unnamed = if sent.contains("to_place") { ".place_unnamed" } else { "" };
        assert_eq!((status, location), (303, format!("{path}?done=changed{unnamed}")), "{sent}: {page}");
        let (_, _, page) = site.raw(Method::GET, path, None).await;
        assert!(page.contains(shown), "{sent}: {shown:?} is missing: {page}");
        assert_eq!(form(&site, path, sent).await.1, format!("{path}?done=same"), "{sent}");
    }
    assert_eq!(day(&site, "2026-11-29").await["intervals"][0]["to"], "12:00");
    assert_eq!(day(&site, "2026-11-27").await["intervals"][0]["place"], "mairie");
    let tuesday = day(&site, "2026-11-24").await;
    assert_eq!(tuesday["gaps"], json!([{ "from": "09:00", "to": "12:00" }]));
    assert_eq!((&tuesday["intervals"][0]["agents"], &tuesday["intervals"][1]["agents"]), (&json!(1), &Value::Null));
    let (_, partners) = site.get("/api/partners").await;
    assert_eq!(partners["partners"][0]["agreement"], json!({ "status": "signed", "day": "2026-01-15" }));
    assert_eq!(partners["partners"][0]["training"], json!({ "agents": 2, "trained_on": "2026-03-01" }));
    let before = (site.get("/api/schedule").await.1, partners);

    for (path, sent, wrong) in [
        ("/schedule", "action=extra&kind=extra&from=2026-12-05&to=2026-12-04&hours=9:00-12:00", "extra-to"),
        ("/schedule", "action=extra&kind=extra&from=2026-12-05&hours=12:00-9:00", "extra-hours"),
        ("/schedule", "action=move&kind=moved&from=2026-12-04&to_place=La+mairie+!", "move-to_place"),
        ("/schedule", "action=move&kind=moved&from=2026-12-04&reason=works", "move-to_place"),
        ("/schedule", "action=move&kind=moved&from=2026-02-30&to_place=mairie", "move-from"),
        ("/schedule", "action=staff&agents=100&from=2026-11-23", "staff-agents"),
        ("/schedule", "action=staff&agents=2&weekday=su&from=2026-11-23", "staff-hours"),
        ("/schedule", "action=absence&from=2026-11-24&agents=0", "absence-agents"),
        ("/schedule", "action=hours&from=2026-11-24&mo=9:00", "hours-mo"),
        ("/partners", "action=agreement&status=signed&day=2026-01-15", "agreement-operator"),
        ("/partners", "action=agreement&operator=CNAV&status=signed", "agreement-day"),
        ("/partners", "action=agreement&operator=CNAV", "agreement-status"),
        ("/partners", "action=training&operator=CNAV&agents=-1", "training-agents"),
        ("/partners", "action=training&operator=CNAV&agents=1&trained_on=2026-02-30", "training-trained_on"),
        ("/partners", "action=presence&operator=CNAV&contact=3960", "presence-mode"),
        ("/partners", "action=permanence&operator=CNAF&weekday=mo&hours=neuf", "permanence-hours"),
    ] {
        let (status, _, page) = form(&site, path, sent).await;
        assert_eq!(status, 422, "{sent}");
        let marks = format!("aria-invalid=\"true\" aria-describedby=\"{wrong}-wrong\" autofocus>");
        assert!(page.contains(&marks), "{sent}: {wrong} is not marked: {page}");
        assert!(page.contains(&format!("id=\"{wrong}-wrong\">")), "{sent}: nothing stands beside {wrong}");
        assert_eq!(page.matches("aria-invalid").count(), 1, "{sent}");
    }
    assert_eq!((site.get("/api/schedule").await.1, site.get("/api/partners").await.1), before);
}
