//! What the pages say of a house: all that it has said, and nothing that it has not.

use super::house::{form, put, week};
use super::*;

const EXCEPTIONS: &str = "/api/schedule/exceptions";

async fn page(site: &Site, path: &str) -> String {
    let (status, _, page) = site.raw(Method::GET, path, None).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

fn has(page: &str, all: &[&str]) {
    for words in all {
        assert!(page.contains(words), "{words:?} is missing: {page}");
    }
}

#[tokio::test]
async fn the_page_of_hours_says_who_is_away_what_holds_and_what_comes() {
    let site = Site::new(false);
    week(&site).await;
    let odd = json!({ "sa": "10:00-12:00", "variant": "odd", "from": "2026-11-01" });
    assert_eq!(put(&site, "/api/schedule/hours", odd).await.0, 200);
    assert_eq!(put(&site, "/api/schedule/staff", json!({ "agents": 1 })).await.0, 200);
    for (id, from) in [("a1", "2026-11-24"), ("a2", "2026-11-10")] {
        let away = json!({ "id": id, "from": from, "hours": "9:00-12:00", "kind": "illness" });
        assert_eq!(site.ask(Method::POST, "/api/schedule/absences", away).await.0, 200);
    }
    let closed = json!({ "from": "2026-12-03", "reason": "works" });
    assert_eq!(site.ask(Method::POST, EXCEPTIONS, closed).await.0, 200);
    let told = page(&site, "/schedule").await;
    has(
        &told,
        &[
            "Demain : personne de 9 h à 12 h",
            "<span class=\"line\">personne de 9 h à 12 h</span>",
            "Absence : ",
            "33 h 30 d’ouverture par semaine",
            "Prochaine fermeture : jeudi 3 décembre",
            "Règles particulières, qui passent avant",
            "10 h – 12 h",
            "id=\"days-mo\" name=\"mo\" value=\"09:00-12:00, 14:00-17:30\"",
        ],
    );
    assert_eq!(told.matches("Absence : ").count() / told.matches("Retirer : Absence : ").count(), 2, "of one absence");
    assert!(!told.contains("10 novembre"), "an absence that is over");
    let later = page(&site, "/schedule?from=2026-12-09").await;
    has(&later, &["Semaine du lundi 7 décembre 2026", "/schedule?from=2026-12-14"]);
    assert!(!later.contains("Semaine du lundi 23"));
}

#[tokio::test]
async fn the_next_opening_is_told_only_as_far_as_the_days_are_known() {
    let site = Site::new(false);
    // Open on Mondays and from Wednesday on, of Tuesday nobody says anything.
    let closed = json!({ "from": "2026-11-23", "reason": "works" });
    assert_eq!(site.ask(Method::POST, EXCEPTIONS, closed).await.0, 200);
    let open = json!({ "kind": "hours", "from": "2026-11-25", "hours": "9:00-12:00" });
    assert_eq!(site.ask(Method::POST, EXCEPTIONS, open).await.0, 200);
    let told = page(&site, "/schedule").await;
    has(&told, &["Fermé", "fermeture : travaux"]);
    assert!(!told.contains("Prochaine ouverture"), "{told}");
    week(&site).await;
    has(&page(&site, "/schedule").await, &["Prochaine ouverture : mardi 24 novembre à 9 h"]);
}

#[tokio::test]
async fn the_page_of_partners_says_what_is_sure_and_offers_what_can_be_done() {
    let site = Site::new(false);
    week(&site).await;
    for (operator, weekday) in [("CNAF", "mo"), ("CNAM", "tu")] {
        let body = json!({ "operator": operator, "weekday": weekday, "hours": "9:00-12:00", "from": "2026-11-01" });
        assert_eq!(put(&site, "/api/schedule/permanences", body).await.0, 200);
    }
    let off = json!({ "operator": "CNAF", "reason": "strike" });
    assert_eq!(put(&site, "/api/schedule/permanences/off", off).await.0, 200);
    let closed = json!({ "from": "2026-11-24", "reason": "works" });
    assert_eq!(site.ask(Method::POST, EXCEPTIONS, closed).await.0, 200);
    for (operator, said) in [
        ("CNAV", json!({ "mode": "reachable", "contact": "3960", "checked": "2026-09-01" })),
        ("LOCAL:ecrivain", json!({ "mode": "absent" })),
    ] {
        assert_eq!(put(&site, &format!("/api/partners/{operator}"), said).await.0, 200);
    }
    let label = json!({ "label": "Écrivain public" });
    assert_eq!(put(&site, "/api/partners/LOCAL:ecrivain/label", label).await.0, 200);
    let told = page(&site, "/partners").await;
    has(
        &told,
        &[
            "Permanence annulée, grève",
            "À confirmer",
            "il y a plus de 45 jours",
            "<option value=\"LOCAL:ecrivain\">Écrivain public</option>",
        ],
    );
    // The permanence of a day on which the house is shut cannot be had back alone.
    assert_eq!(told.matches(">Rétablir</button>").count(), 1, "{told}");
    assert_eq!(form(&site, "/partners", "action=confirm&operator=CNAV").await.0, 303);
    assert!(!page(&site, "/partners").await.contains("À confirmer"));
}
