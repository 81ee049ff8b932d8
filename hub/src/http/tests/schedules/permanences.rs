//! One partner's permanences over many sites, as a calendar.

use icalendar::{Calendar, Component};

use super::*;

impl Hub {
    async fn text(&self, token: &str, address: &str) -> String {
        let request = Request::get(address).header("authorization", format!("Bearer {token}"));
        let (status, headers, body) = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (status.as_u16(), &headers["content-type"]),
            (200, &"text/calendar; charset=utf-8".parse().unwrap())
        );
        String::from_utf8(body).unwrap()
    }
}

#[tokio::test]
async fn a_partners_permanences_at_many_sites_read_back_as_events() {
    let hub = hub();
    zones(&hub);
    for site in ["275", "361"] {
        open_house(&hub, site);
        let said = [
            ("permanence|2026-01-05|CNAF|every|th|-", "09:00-11:00"),
            ("permanence|2026-01-05|MSA|every|fr|-", "09:00-11:00"),
        ];
        hub.say(site, DocKind::Schedule, &said);
    }
    hub.say("361", DocKind::Schedule, &[("off|2026-12-03|CNAF|-", "cancelled|strike")]);
    let address = "/v1/partners.ics?operator=CNAF&from=2026-12-01&to=2026-12-27";
    let calendar: Calendar = hub.text("operator", address).await.parse().unwrap();
    let mut events: Vec<(String, String)> = calendar
        .events()
        .map(|event| (event.get_uid().unwrap().to_owned(), event.property_value("STATUS").unwrap().to_owned()))
        .collect();
    events.sort();
    let expected: Vec<(String, String)> = ["275", "361"]
        .iter()
        .flat_map(|site| ["03", "10", "17", "24"].map(|day| (site, day)))
        .map(|(site, day)| {
            let cancelled = (*site, day) == ("361", "03");
            let status = if cancelled { "CANCELLED" } else { "CONFIRMED" };
            (format!("{site}-2026-12-{day}-CNAF-site-1@msap"), status.to_owned())
        })
        .collect();
    assert_eq!(events, expected);
    let first = calendar.events().find(|event| event.get_uid().unwrap().starts_with("275-2026-12-03")).unwrap();
    assert!(first.get_summary().unwrap().ends_with("Chemillé"), "{first:?}");

    let of_one = hub.text("department", &format!("{address}&department=49")).await;
    assert_eq!(of_one.matches("BEGIN:VEVENT").count(), 4, "{of_one}");
    for (token, question, status) in [
        ("operator", "operator=MSA", 403),
        ("operator", "operator=CNAF,MSA", 422),
        ("department", "operator=CNAF", 403),
        ("department", "operator=CNAF&department=61", 403),
        ("house", "operator=CNAF&site=361", 200),
        ("national", "", 422),
        ("national", "operator=caf", 422),
        ("national", "operator=CNAF&day=2026-12-03", 400),
        ("national", "operator=CNAF&from=2026-12-03&to=2026-12-02", 422),
        ("national", "operator=CNAF&from=2026-12-03&to=2028-12-02", 422),
    ] {
        let request =
            Request::get(format!("/v1/partners.ics?{question}")).header("authorization", format!("Bearer {token}"));
        let (found, _, body) = hub.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(found.as_u16(), status, "{token} {question}: {}", String::from_utf8_lossy(&body));
    }
}
