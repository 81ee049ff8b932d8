//! What the page says.

use super::*;

#[tokio::test]
async fn the_page_tells_of_a_full_disk_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let core = core(dir.path());
    core.connection().query_row("PRAGMA max_page_count = 1", [], |_| Ok(())).unwrap();
    let site = Site::of(core, dir, false);
    let mut refused = 0;
    for n in 0..200 {
        let id = format!("01931f2a-7a00-7000-8000-0000000001{n:02x}");
        refused += u32::from(site.tap(&id, "CNAF").await.0 == 503);
    }
    assert!(refused > 0, "the disk never filled");
    let (status, _, html) = site.raw(Method::GET, "/", None).await;
    assert!(status == 200 && html.contains("Le disque de ce poste est plein"), "{html}");
    assert!(!html.contains("Tout continue de fonctionner"), "{html}");
    assert_eq!(site.get("/api/status").await.1["storage"], "full");
}

#[tokio::test]
async fn the_page_shows_the_day_and_escapes_what_it_shows() {
    let site = Site::new(false);
    site.tap(ID, "CNAF").await;
    let (status, headers, html) = site.raw(Method::GET, "/", None).await;
    assert_eq!(status, 200);
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
    for words in [
        "lundi 23 novembre 2026",
        "10:42",
        "data-operator=\"CNAF\"",
        "<b>1</b> démarche",
        "en attente",
        "Tout continue de fonctionner : 1 opération est gardée sur ce poste",
        "Clore la journée",
    ] {
        assert!(html.contains(words), "{words:?} is missing");
    }
    assert!(!html.contains("Chemillé <en> Anjou"), "the site's name is not escaped");
    assert!(!html.contains("data-operator=\"DGFIP\""), "an operator that is not in the settings is shown");
    for inline in ["style=", "<style", "onclick", "javascript:"] {
        assert!(!html.contains(inline), "{inline} would be stopped by the page's own policy");
    }
}

#[tokio::test]
async fn the_page_says_who_refuses_in_french_and_the_status_in_its_own_words() {
    for (state, words) in [
        ("offline", "Hors ligne"),
        ("revoked", "plus autorisé"),
        ("refused", "Le hub refuse ce poste"),
        ("untrusted", "pas le hub de ce réseau"),
    ] {
        let site = Site::linked(false, vec![Input::Disconnected { state, why: None, attempt: None }]);
        let (_, _, html) = site.raw(Method::GET, "/", None).await;
        assert!(html.contains(words) && !html.contains(state), "{state}: {html}");
        // What leaves by itself, and what does not.
        assert_eq!(html.contains("partiront seules"), state == "offline", "{state}");
        assert_eq!(html.contains("note bad\"><svg"), state != "offline", "{state}");
        assert_eq!(site.get("/api/status").await.1["state"], state);
    }
}

#[tokio::test]
async fn the_page_asks_for_the_day_when_the_clock_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let core = core(dir.path());
    // A clock five days behind the hub's, as last measured.
    crate::store::meta::set_clock_offset_ms(core.connection(), -5 * 86_400_000).unwrap();
    let shown: Timestamp = "2026-11-23T09:40:00Z".parse().unwrap();
    crate::store::meta::set_last_contact(core.connection(), shown.as_second()).unwrap();
    let core = Core::new(core.into_connection(), Box::new(|| [3; 16])).unwrap();
    let site = Site::of(core, dir, false);
    let (_, _, html) = site.raw(Method::GET, "/", None).await;
    let asks = ["data-asked=\"true\"", "Quel jour sommes-nous", "data-give=\"2026-11-28\"", "id=\"day-given\""];
    assert!(asks.iter().all(|part| html.contains(part)), "{html}");
    let (status, problem) = site.tap(ID, "CNAF").await;
    assert_eq!((status, &problem["field"]), (422, &json!("day")), "{problem}");
    // A day that the page's own clock gave is no answer of a person.
    let from_clock = json!({ "id": ID, "operator": "CNAF", "day": "2026-11-23" });
    assert_eq!(site.ask(Method::POST, "/api/visits", from_clock).await.0, 422);
    assert_eq!(site.ask(Method::PUT, "/api/today", json!({ "day": "2031-01-01" })).await.0, 422);
    assert_eq!(site.ask(Method::PUT, "/api/today", json!({ "day": "2026-11-28" })).await.0, 200);
    assert_eq!(site.tap(ID, "CNAF").await.1["day"], "2026-11-28");
    let (_, _, html) = site.raw(Method::GET, "/", None).await;
    assert!(html.contains("data-asked=\"false\"") && html.contains("sont comptées le samedi 28 novembre"), "{html}");
}
