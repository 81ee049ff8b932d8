//! What coordinators write, and what of it is not taken: partners, closures of the network.

use std::collections::BTreeSet;

use axum::http::Method;
use msap_shared::document::DocKind;

use super::schedules::open_house;
use super::*;
use crate::store::journal;

#[tokio::test]
async fn a_partner_that_no_catalogue_has_is_not_taken_and_can_be_taken_back() {
    let hub = hub();
    hub.say(
        "275",
        DocKind::Partners,
        &[("presence|CAF", "reachable|||2026-11-02"), ("presence|LOCAL:ecrivain", "absent|||2026-11-02")],
    );
    let reachable = serde_json::json!({ "mode": "reachable" });
    let (status, problem) = hub.ask(Method::PATCH, "department", "/v1/sites/275/partners/CAF", reachable.clone()).await;
    assert_eq!((status, &problem["field"]), (422, &"operator".into()));
    assert!(problem["detail"].as_str().unwrap().contains("CNAF (CAF)"), "{problem}");
    assert_eq!(hub.ask(Method::PATCH, "department", "/v1/sites/275/partners/LOCAL:ecrivain", reachable).await.0, 200);
    let (status, problem) = hub.get("department", "/v1/partners?operator=CAF&department=49").await;
    assert_eq!((status, &problem["parameter"]), (422, &"operator".into()));
    let gone = async || hub.ask(Method::DELETE, "department", "/v1/sites/275/partners/CAF", Value::Null).await;
    assert_eq!(hub.ask(Method::DELETE, "house", "/v1/sites/275/partners/CAF", Value::Null).await.0, 403);
    assert_eq!((gone().await.1["changed"].as_bool(), gone().await.0), (Some(true), 404));
    let (_, body) = hub.get("department", "/v1/sites/275/partners").await;
    let said: Vec<_> =
        body["partners"].as_array().unwrap().iter().filter(|row| row["said"] != serde_json::json!([])).collect();
    assert_eq!((said.len(), &said[0]["operator"]), (1, &"LOCAL:ecrivain".into()));
}

#[tokio::test]
async fn what_a_change_settles_is_told_by_the_answer_and_in_the_journal() {
    let hub = hub();
    let versions = ["device:5f1e0c9a|2026-11-02|absent|||2026-11-02", "national|2026-11-03|partial|||2026-11-03"];
    hub.contradict("275", DocKind::Partners, "presence|MSA", versions);
    let hours = ["device:5f1e0c9a|2026-11-02|closed|works", "department:49|2026-11-03|hours|event|10:00-11:00"];
    hub.contradict("275", DocKind::Schedule, "on|2026-12-24..2026-12-24|*", hours);
    let address = "/v1/sites/275/partners/MSA";
    let change = serde_json::json!({ "mode": "reachable" });
    let (status, body) = hub.ask(Method::PATCH, "department", address, change.clone()).await;
    let settled = body["settled"].as_array().unwrap();
    assert_eq!((status, settled.len(), &settled[0]["key"]), (200, 1, &"presence|MSA".into()), "{body}");
    let by: Vec<_> = settled[0]["versions"].as_array().unwrap().iter().map(|version| &version["author"]).collect();
    assert_eq!(by, ["device:5f1e0c9a", "national"], "{body}");
    let last = || journal::list(&Connection::open(hub._dir.path().join("hub.db")).unwrap(), 0, 100).unwrap().pop();
    let line = last().unwrap();
    assert!(line.detail.ends_with(&format!("settled presence|MSA = {}", versions.join(" ≠ "))), "{line:?}");
    // Nothing was contradicted any more: nothing is told of it.
    let (_, body) = hub.ask(Method::PATCH, "department", address, serde_json::json!({ "mode": "absent" })).await;
    assert_eq!((&body["changed"], &body["settled"]), (&true.into(), &serde_json::json!([])));
    assert!(!last().unwrap().detail.contains("settled"));
    let left = hub.get("local-admin", "/v1/conflicts").await.1;
    assert_eq!(left["conflicts"].as_array().unwrap().len(), 1, "what was not changed stands");
}

#[tokio::test]
async fn pages_of_partners_are_of_sites_that_have_some() {
    let hub = hub();
    for site in ["361", "597"] {
        hub.say(site, DocKind::Partners, &[("presence|MSA", "reachable|3646||2026-11-02")]);
    }
    open_house(&hub, "275");
    let (_, first) = hub.get("national", "/v1/partners?limit=1&day=2026-12-03").await;
    assert_eq!((&first["partners"][0]["site"], first["partners"].as_array().unwrap().len()), (&"361".into(), 1));
    let next = first["next"].as_str().unwrap();
    let (_, second) = hub.get("national", &format!("/v1/partners?limit=1&day=2026-12-03&cursor={next}")).await;
    assert_eq!((&second["partners"][0]["site"], &second["next"]), (&"597".into(), &Value::Null));
}

#[tokio::test]
async fn closures_that_begin_together_all_stand_and_none_lasts_for_years() {
    let hub = hub();
    let put = async |to: &str, label: &str, more: Value| {
        let mut body = serde_json::json!({
            "scope": "department:49", "from": "2027-03-01", "to": to, "reason": "training", "label": label,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hub.ask(Method::PUT, "department", "/v1/closures", body).await
    };
    let none = || serde_json::json!({});
    assert_eq!(put("2027-03-14", "Formation", none()).await.1["replaced"], Value::Null);
    assert_eq!(put("2027-03-01", "Réunion", none()).await.1["replaced"], Value::Null);
    let listed = async || {
        let (_, body) = hub.get("house", "/v1/closures").await;
        let all = body["closures"].as_array().unwrap();
        all.iter().map(|closure| closure["label"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(listed().await, ["Formation", "Réunion"].map(str::to_owned).into());
    // Of the same days, or by its id, one takes the other's place: which one is told.
    let (status, body) = put("2027-03-14", "Formation longue", none()).await;
    assert_eq!((status, &body["replaced"]["label"], &body["changed"]), (200, &"Formation".into(), &true.into()));
    let (_, again) = put("2027-03-14", "Formation longue", none()).await;
    assert_eq!((&again["replaced"], &again["changed"]), (&Value::Null, &false.into()));
    let (_, body) = put("2027-03-02", "Réunion", serde_json::json!({ "id": "department-49-2027-03-01" })).await;
    assert_eq!((&body["replaced"]["to"], listed().await.len()), (&"2027-03-01".into(), 2));

    for (to, status) in [("2028-04-03", 200), ("2028-04-04", 422), ("2099-03-01", 422)] {
        let (found, body) = put(to, "Longue", none()).await;
        assert_eq!((found, body["field"].as_str()), (status, (status == 422).then_some("to")), "{to}");
        let own = serde_json::json!({ "from": "2027-03-01", "to": to, "reason": "works" });
        let (found, body) = hub.ask(Method::PUT, "department", "/v1/sites/275/closures", own).await;
        assert_eq!((found, body["field"].as_str()), (status, (status == 422).then_some("to")), "{to}");
    }
}

#[tokio::test]
async fn a_closure_belongs_to_its_scope_by_whatever_id_it_is_named() {
    let hub = hub();
    let put = async |token: &str, scope: &str, id: Option<&str>| {
        let body = serde_json::json!({
            "scope": scope, "from": "2027-03-01", "reason": "training", "label": scope, "id": id,
        });
        let (status, body) = hub.ask(Method::PUT, token, "/v1/closures", body).await;
        (status, body["field"].as_str().map(str::to_owned))
    };
    hub.write(&format!(
        "INSERT INTO token SELECT 'other', x'{}', label, 'department:61', role, expires, revoked FROM token WHERE id = 'department'",
        data_encoding::HEXLOWER.encode(&token_hash("other")),
    ));
    assert_eq!(put("department", "department:49", None).await, (200, None));
    assert_eq!(put("department", "department:49", Some("portes-ouvertes")).await, (200, None));
    // Neither taken over, by the id that it was given or the one that it has, nor taken back.
    for id in ["portes-ouvertes", "department-49-2027-03-01"] {
        assert_eq!(put("other", "department:49", Some(id)).await.0, 403);
        assert_ne!(put("other", "department:61", Some(id)).await.0, 200);
        assert_eq!(hub.ask(Method::DELETE, "other", &format!("/v1/closures/{id}"), Value::Null).await.0, 403);
    }
    // Nor is one kept from closing by whoever was there first.
    for id in ["department-49-2027-04-01", "region-52-2027-04-01", "national-2027-04-01", "department-6-x"] {
        assert_eq!(put("other", "department:61", Some(id)).await, (422, Some("id".to_owned())), "{id}");
    }
    assert_eq!(put("other", "department:61", Some("department-61-x")).await, (200, None));
}
