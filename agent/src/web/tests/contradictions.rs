//! What two people set without knowing of each other, and what the network closes: told by the API
//! and the pages, and settled by them.

use msap_shared::document::DocId;
use msap_shared::frame::{DeviceStanding, Edits, Frame, Mark, Reference, Welcome};
use msap_shared::id::{Epoch, WriterId};
use msap_shared::reference::{CLOSURES, to_bytes, value_hash};
use msap_shared::register::Registers;
use msap_shared::schedule::closures::{ClosureRow, Closures};
use msap_shared::time::Day;

use super::house::{day, form};
use super::*;

fn value(device: u8, body: &str) -> String {
    format!("device:{}|2026-11-20|{body}", format!("{device:02x}").repeat(8))
}

/// What two machines say of these keys without knowing of each other.
fn contradiction(document: &str, keys: &[(&str, &str, &str)]) -> Input {
    let edit = |writer: u8, facts: Vec<(String, String)>| {
        Registers::default().author(WriterId::new([writer; 16]), &facts).unwrap().unwrap()
    };
    let of = |device: u8, pick: fn(&(&str, &str, &str)) -> String| {
        keys.iter().map(|said| (said.0.to_owned(), value(device, &pick(said)))).collect()
    };
    let edits = vec![edit(1, of(1, |said| said.1.to_owned())), edit(2, of(2, |said| said.2.to_owned()))];
    let document: DocId = document.parse().unwrap();
    Input::Frame(Frame::Edits(Edits { document, edits, mark: Some(Mark { commit: 1, tag: 1 }) }))
}

/// A house whose people contradict each other on today's hours and on a partner, and which the
/// network closes on two days, of which one is over.
fn contradicted() -> Site {
    let welcome = Welcome {
        epoch: Epoch::new([1; 16]),
        mark: Mark { commit: 1, tag: 1 },
        protocol: 2,
        clock_ms: "2026-11-23T09:42:00Z".parse::<Timestamp>().unwrap().as_millisecond(),
        in_sync: true,
        standing: DeviceStanding::Active,
    };
    let closure = |id: &str, day: &str| {
        let day = day.parse::<Day>().unwrap().number();
        let [reason, label, scope] = ["training", "Formation", "national"].map(str::to_owned);
        ClosureRow { id: id.to_owned(), from: day, to: day, reason, label, scope }
    };
    let closures = to_bytes(&Closures { closures: vec![closure("a", "2026-11-20"), closure("b", "2026-11-26")] });
    let reference = Reference { kind: CLOSURES, epoch: None, n: 0, hash: value_hash(&closures), value: closures };
    let hours: Vec<(String, &str)> =
        ["mo", "tu", "we", "th", "fr"].map(|day| (format!("hours|2026-11-01|every|{day}|-"), "09:00-12:00")).into();
    let mut schedule: Vec<(&str, &str, &str)> =
        hours.iter().map(|(key, slots)| (key.as_str(), *slots, *slots)).collect();
    schedule[0].2 = "10:00-12:00";
    schedule.push(("on|2026-11-26..2026-11-26|-", "hours|event|10:00-11:00", "hours|event|10:00-11:00"));
    schedule.push(("text", "Sur rendez-vous", "Sur rendez-vous"));
    let partners = [("presence|MSA", "absent|||2026-11-20", "reachable|3230||2026-11-20")];
    let frames = vec![
        Input::Connected { transport: "quic" },
        Input::Drained,
        Input::Frame(Frame::Welcome(welcome)),
        Input::Frame(Frame::Reference(reference)),
        contradiction("site/275/schedule", &schedule),
        contradiction("site/275/partners", &partners),
    ];
    Site::linked(false, frames)
}

#[tokio::test]
async fn both_versions_are_told_and_the_one_that_is_chosen_stands() {
    for by_form in [false, true] {
        let site = contradicted();
        let (_, all) = site.get("/api/conflicts").await;
        assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
        assert_eq!(site.get("/api/status").await.1["conflicts"], 2);
        let monday = day(&site, "2026-11-23").await;
        assert_eq!((&monday["state"], monday["versions"].as_array().map(Vec::len)), (&json!("conflict"), Some(2)));
        let (status, problem) = site.ask(Method::PUT, "/api/schedule/staff", json!({ "agents": 1 })).await;
        assert_eq!((status, &problem["field"]), (422, &json!("hours")), "one of them has to be chosen first");

        for conflict in all.as_array().unwrap() {
            let id = conflict["id"].as_str().unwrap();
            let chosen = &conflict["versions"][1];
            assert_eq!((&conflict["versions"][0]["version"], &chosen["version"]), (&json!(1), &json!(2)));
            let path = if conflict["document"] == "partners" { "/partners" } else { "/schedule" };
            if by_form {
                let (_, _, page) = site.raw(Method::GET, path, None).await;
                assert!(page.contains(&format!(
                    "name=\"id\" value=\"{id}\"><input type=\"hidden\" name=\"version\" value=\"2\">"
                )));
                assert_eq!(form(&site, path, &format!("action=settle&id={id}&version=2")).await.0, 303);
            } else {
                let at = format!("/api/conflicts/{id}");
                assert_eq!(site.ask(Method::POST, &at, json!({ "version": 3 })).await.0, 422);
                assert_eq!(site.ask(Method::POST, &at, json!({ "version": 2 })).await.0, 200);
            }
            let said = if path == "/partners" {
                site.get("/api/partners").await.1["partners"][0]["said"][0]["mode"].clone()
            } else {
                day(&site, "2026-11-23").await["intervals"][0]["from"].clone()
            };
            let value = chosen["value"].as_str().unwrap();
            assert!(value.starts_with(said.as_str().unwrap()), "{said} is not of {value}");
        }
        assert_eq!(site.get("/api/conflicts").await.1, json!([]));
    }
}

#[tokio::test]
async fn the_pages_say_what_is_contradicted_and_what_the_network_closes() {
    let site = contradicted();
    let (_, _, page) = site.raw(Method::GET, "/schedule", None).await;
    for words in [
        "À départager",
        "Horaires en texte, à entrer ci-dessous : « Sur rendez-vous »",
        "Deux versions d’aujourd’hui : 9 h – 12 h ou 10 h – 12 h",
        "selon",
        "jeudi 26 novembre 2026 : fermeture du réseau, Formation",
        "prévaut sur la fermeture du réseau « Formation »",
        "Les jours fériés de 2026 n’ont pas été reçus du hub",
    ] {
        assert!(page.contains(words), "{words:?} is missing: {page}");
    }
    assert!(!page.contains("20 novembre 2026 : fermeture du réseau"), "that one is over");
    let (_, _, page) = site.raw(Method::GET, "/partners", None).await;
    for words in ["À départager", "Deux versions : ", "En conflit"] {
        assert!(page.contains(words), "{words:?} is missing: {page}");
    }
    assert!(!page.contains("Toujours vrai"), "nobody can say which of them is still true");
    let thursday = day(&site, "2026-11-26").await;
    assert_eq!((&thursday["state"], &thursday["prevailing"][0]["label"]), (&json!("open"), &json!("Formation")));
    let (_, schedule) = site.get("/api/schedule").await;
    assert_eq!(schedule["network_closures"].as_array().map(Vec::len), Some(1));
}
