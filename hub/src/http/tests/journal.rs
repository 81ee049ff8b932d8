//! Claims about the journal over HTTP.

use super::*;
use crate::store::journal::record;

fn written(hub: &Hub, lines: &[(&str, Who, &str, &str)]) {
    let mut store = Store::open(hub._dir.path(), None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    for (at, who, action, subject) in lines {
        store.act_for(who.clone());
        store.write(|conn, _| record(conn, at.parse().unwrap(), action, subject, "")).unwrap();
    }
}

fn of(body: &Value) -> Vec<String> {
    let lines = body["journal"].as_array().unwrap();
    lines.iter().map(|line| line["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lines_are_filtered_by_day_by_who_and_by_kind() {
    let hub = hub();
    let (agent, token) = ("user:agent".parse::<Who>().unwrap(), "token:abc".parse::<Who>().unwrap());
    written(
        &hub,
        &[
            // The hub's days are those of Paris.
            ("2026-11-19T22:59:59Z", Who::Operator, "site.set", "a"),
            ("2026-11-19T23:00:00Z", Who::Operator, "site.set", "b"),
            ("2026-11-20T22:59:59Z", agent, "closure.set", "c"),
            ("2026-11-20T23:00:00Z", token, "closure.set", "d"),
            ("2026-11-21T12:00:00Z", Who::Hub, "session.refuse", "e"),
        ],
    );
    for (question, subjects) in [
        ("", vec!["a", "b", "c", "d", "e"]),
        ("?from=2026-11-20&to=2026-11-20", vec!["b", "c"]),
        ("?from=2026-11-20&to=2026-11-21", vec!["b", "c", "d", "e"]),
        ("?who=operator", vec!["a", "b"]),
        ("?who=user:agent,token:abc", vec!["c", "d"]),
        ("?kind=site,session", vec!["a", "b", "e"]),
        ("?kind=closure&who=token:abc&from=2026-11-21&to=2026-11-21", vec!["d"]),
        ("?kind=user", vec![]),
    ] {
        let (status, body) = hub.get("admin", &format!("/v1/journal{question}")).await;
        // The epoch that began with the file is the hub's own affair.
        let found: Vec<_> = of(&body).into_iter().filter(|subject| !subject.is_empty()).collect();
        assert_eq!((status, found), (200, subjects.iter().map(ToString::to_string).collect()), "{question}");
    }
    for (question, status, parameter) in [
        ("from=2026-11-20", 400, "to"),
        ("from=2026-11-20&to=2026-11-19", 422, "to"),
        ("who=nobody", 422, "who"),
        ("who=user:É", 422, "who"),
        ("kind=sites", 422, "kind"),
        ("cursor=eA", 400, "cursor"),
        ("limit=0", 422, "limit"),
        ("qui=hub", 400, "qui"),
    ] {
        let (found, body) = hub.get("admin", &format!("/v1/journal?{question}")).await;
        assert_eq!((found, body["parameter"].as_str()), (status, Some(parameter)), "{question}");
    }
}

#[tokio::test]
async fn pages_neither_miss_nor_repeat_a_line_that_is_written_meanwhile() {
    let hub = hub();
    let (mut seen, mut cursor, mut n) = (Vec::new(), String::new(), 0);
    loop {
        // A clock that goes back is no matter: pages follow the commits.
        for _ in 0..if n < 12 { 3 } else { 0 } {
            let at = format!("2026-11-{:02}T12:00:00Z", 28 - n);
            written(&hub, &[(&at, Who::Operator, "site.set", &n.to_string())]);
            n += 1;
        }
        let (status, body) = hub.get("admin", &format!("/v1/journal?kind=site&limit=2{cursor}")).await;
        assert_eq!(status, 200);
        seen.extend(of(&body));
        let Some(next) = body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_line_says_on_whose_behalf_it_was_written() {
    let hub = hub();
    let closure = r#"{"from":"2026-12-24","reason":"works","label":"travaux"}"#;
    let request = Request::put("/v1/closures").header("authorization", "Bearer department");
    assert_eq!(hub.send(request.body(Body::from(closure)).unwrap()).await.0, 200);
    let (_, body) = hub.get("admin", "/v1/journal?kind=closure").await;
    let line = &body["journal"][0];
    assert_eq!((&line["who"], &line["action"]), (&"token:department".into(), &"closure.set".into()), "{line}");
}
