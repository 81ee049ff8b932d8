//! Claims about people who sign in.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::*;
use crate::http::entrance::Peer;
use crate::password::Kept;
use crate::store::users::{self, UserRow};
use crate::store::{journal, sessions};

const PASSWORD: &str = "quatre mots sans accent";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A hub with two people: of department 49, and one who is disabled.
fn peopled(public_url: Option<&str>) -> (Hub, Arc<Entrance>) {
    let hub = hub();
    let password = Kept::of(PASSWORD, &[7; 16]).unwrap();
    let mut store = hub.store();
    for (login, disabled) in [("prefecture-49", false), ("ancien", true)] {
        let (scope, role) = ("department:49".to_owned(), "coordinator".to_owned());
        let user = UserRow { login: login.parse().unwrap(), password: password.clone(), scope, role, disabled };
        assert!(store.write(|conn, _| users::insert(conn, &user)).unwrap());
    }
    let entrance = Entrance::new(public_url.map(|url| url.parse().unwrap()), Vec::new());
    hub.behind(entrance)
}

impl Hub {
    /// The same hub behind this door.
    fn behind(self, entrance: Entrance) -> (Self, Arc<Entrance>) {
        let entrance = Arc::new(entrance);
        let file = File { path: self._dir.path().join("hub.db"), writer: true, almanac: Arc::default() };
        (Self { router: router(file, entrance.clone()), ..self }, entrance)
    }

    fn store(&self) -> Store {
        Store::open(self._dir.path(), None, Box::new(rand::random::<[u8; 16]>)).unwrap()
    }

    async fn asked(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, HeaderMap, Value) {
        let request = Request::builder().method(method).uri(address).header("host", "hub.example.fr:8080");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer("127.0.0.1".parse::<IpAddr>().unwrap()));
        let (status, headers, body) = self.send(request).await;
        (status.as_u16(), headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn sign_in(&self, login: &str, password: &str, from: &str) -> (u16, HeaderMap, Value) {
        let body = serde_json::json!({ "login": login, "password": password }).to_string();
        self.asked("POST", "/v1/session", &[("x-forwarded-for", from)], &body).await
    }

    /// The cookie of somebody who has signed in.
    async fn signed_in(&self) -> String {
        let (status, headers, body) = self.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await;
        assert_eq!(status, 200, "{body}");
        headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    async fn with_cookie(&self, cookie: &str) -> u16 {
        self.asked("GET", "/v1/visits?department=49", &[("cookie", cookie)], "").await.0
    }

    fn journal(&self) -> Vec<(String, String, String, String)> {
        let lines = journal::list(self.store().connection(), 0, 10_000).unwrap();
        lines.into_iter().map(|line| (line.who, line.action, line.subject, line.detail)).collect()
    }
}

#[tokio::test]
async fn a_person_signs_in_reads_what_she_may_and_signs_out() {
    let (hub, _) = peopled(None);
    let (status, headers, body) = hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (&body["who"], &body["scope"], &body["role"]),
        (&"user:prefecture-49".into(), &"department:49".into(), &"coordinator".into())
    );
    let set = headers["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let secret = cookie.strip_prefix("msap_session=").unwrap();
    assert_eq!(secret.len(), 43, "256 bits");
    let file = std::fs::read(hub._dir.path().join("hub.db")).unwrap();
    assert!(!file.windows(43).any(|window| window == secret.as_bytes()), "the secret is not stored");

    assert_eq!(hub.with_cookie(cookie).await, 200);
    assert_eq!(hub.asked("GET", "/v1/visits", &[("cookie", cookie)], "").await.0, 403);
    let (_, _, me) = hub.asked("GET", "/v1/session", &[("cookie", &format!("a=b; {cookie}; c"))], "").await;
    assert_eq!(me["who"], "user:prefecture-49");
    let until: Timestamp = me["until"].as_str().unwrap().parse().unwrap();
    let left = until.as_second() - Timestamp::now().as_second();
    assert!((sessions::IDLE_S - 120..=sessions::IDLE_S).contains(&left), "{me}");

    let (status, headers, _) = hub.asked("DELETE", "/v1/session", &[("cookie", cookie), OWN], "").await;
    assert_eq!((status, headers["set-cookie"].to_str().unwrap().contains("Max-Age=0")), (204, true));
    assert_eq!(hub.with_cookie(cookie).await, 401);
    let told: Vec<_> = hub.journal().into_iter().map(|(who, action, subject, _)| (who, action, subject)).collect();
    let line = |action: &str| ("user:prefecture-49".to_owned(), action.to_owned(), "prefecture-49".to_owned());
    assert_eq!(told[told.len() - 2..], [line("session.begin"), line("session.end")]);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_the_hosts_own_and_never_travels_in_the_clear() {
    let (hub, _) = peopled(Some("https://hub.example.fr"));
    let cookie = hub.signed_in().await;
    assert!(cookie.starts_with("__Host-msap_session="), "{cookie}");
    let (_, headers, _) = hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await;
    let set = headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("; Path=/; ") && set.ends_with("; Secure") && !set.contains("Domain"), "{set}");
    assert_eq!(hub.with_cookie(&cookie).await, 200);
    // A cookie of the other name may have been set by whoever is in the way.
    assert_eq!(hub.with_cookie(cookie.trim_start_matches("__Host-")).await, 401);
    for (origin, status) in [
        ("https://hub.example.fr", 200),
        ("https://hub.example.fr:443", 200),
        ("http://hub.example.fr", 403),
        ("https://hub.example.fr:8080", 403),
        ("https://hub.example.fr.evil.example", 403),
    ] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        let body = r#"{"mode":"absent"}"#;
        let (found, ..) = hub.asked("PATCH", "/v1/sites/275/partners/CNAF", &headers, body).await;
        assert_eq!(found, status, "{origin}");
    }
}

#[tokio::test]
async fn a_session_changes_something_only_from_a_page_of_the_hub() {
    let (hub, _) = peopled(None);
    let cookie = hub.signed_in().await;
    let cases: [(&[(&str, &str)], u16); 9] = [
        (&[OWN], 200),
        (&[("origin", "http://hub.example.fr:8080")], 200),
        (&[OWN, ("origin", "http://hub.example.fr:8080")], 200),
        (&[], 403),
        (&[("sec-fetch-site", "none")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://hub.example.fr:8080")], 403),
        (&[OWN, ("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
    ];
    for (headers, status) in cases {
        let headers = [headers, &[("cookie", cookie.as_str())]].concat();
        let body = r#"{"from":"2026-12-24","reason":"works"}"#;
        let (found, _, body) = hub.asked("PUT", "/v1/sites/275/closures", &headers, body).await;
        assert_eq!(found, status, "{headers:?}: {body}");
        // Reading changes nothing.
        assert_eq!(hub.asked("GET", "/v1/sites/275", &headers, "").await.0, 200, "{headers:?}");
    }
    // Nor does another page sign its visitor in; a program may.
    let body = serde_json::json!({ "login": "prefecture-49", "password": PASSWORD }).to_string();
    for (headers, status) in [(("sec-fetch-site", "cross-site"), 403), (("origin", "null"), 403), (OWN, 200)] {
        assert_eq!(hub.asked("POST", "/v1/session", &[headers], &body).await.0, status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_and_a_cookie_together_are_refused() {
    let (hub, _) = peopled(None);
    let cookie = hub.signed_in().await;
    for cookie in [cookie.as_str(), "msap_session=unknown"] {
        let headers = [("cookie", cookie), ("authorization", "Bearer admin")];
        let (status, _, body) = hub.asked("GET", "/v1/visits?department=49", &headers, "").await;
        assert_eq!((status, &body["type"]), (400, &"urn:msap:problem:two-callers".into()), "{cookie}");
    }
    let foreign = [("cookie", "other=1"), ("authorization", "Bearer admin")];
    assert_eq!(hub.asked("GET", "/v1/visits", &foreign, "").await.0, 200);
    for cookie in [format!("{cookie}; {cookie}"), "msap_session=".to_owned(), "msap_session".to_owned()] {
        assert_eq!(hub.with_cookie(&cookie).await, 401, "{cookie}");
    }
}

#[tokio::test]
async fn an_unknown_login_a_wrong_password_and_a_disabled_user_look_the_same() {
    let (hub, _) = peopled(None);
    let long = "a".repeat(1_000);
    let mut answers = Vec::new();
    for (login, password) in [
        ("prefecture-49", "quatre mots avec accent"),
        ("prefecture-49", long.as_str()),
        ("personne", PASSWORD),
        ("ancien", PASSWORD),
        ("quatre mots à la place du nom", PASSWORD),
    ] {
        let (status, headers, body) = hub.sign_in(login, password, "192.0.2.1").await;
        assert!(!headers.contains_key("set-cookie"));
        answers.push((status, body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].0 == 401, "{answers:?}");
    let told: Vec<_> = hub.journal().into_iter().filter(|line| line.1 == "session.refuse").collect();
    let subjects: Vec<_> = told.iter().map(|line| line.2.as_str()).collect();
    assert_eq!(subjects, ["prefecture-49", "prefecture-49", "", "ancien", ""]);
    assert!(told.iter().all(|line| line.0 == "hub"), "{told:?}");
    for never in ["quatre", "192.0.2"] {
        assert!(!format!("{told:?}").contains(never), "neither what was typed nor from where: {told:?}");
    }
}

#[tokio::test]
async fn attempts_are_limited_by_login_and_by_address() {
    let (hub, entrance) = peopled(None);
    // Every password is checked; what is claimed here needs none of that work.
    let spend = |login: &str, from: &str, times: usize| {
        let (login, from) = (login.parse().ok(), from.parse().unwrap());
        let now = std::time::Instant::now();
        (0..times).filter(|_| entrance.attempts().take(login.as_ref(), from, now).is_ok()).count()
    };
    // A stranger who spends all that he has keeps out nobody else.
    assert_eq!(spend("prefecture-49", "198.51.100.1", 30), 10);
    assert_eq!(hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await.0, 200);
    assert_eq!(spend("prefecture-49", "192.0.2.1", 10), 10);
    let (status, headers, body) = hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await;
    assert_eq!((status, &body["type"]), (429, &"urn:msap:problem:too-many-attempts".into()));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    for n in 0..3 {
        assert_eq!(spend(&format!("autre-{n}"), "203.0.113.1", 10), 10);
    }
    assert_eq!(hub.sign_in("ancien", PASSWORD, "203.0.113.1").await.0, 429);
    assert_eq!(hub.sign_in("ancien", PASSWORD, "203.0.113.2").await.0, 401);
    // Whoever says that he stands behind somebody else is believed only by a proxy.
    let client = |peer: &str, forwarded: &str| {
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), forwarded.parse().unwrap())]);
        entrance.client(Some(Peer(peer.parse().unwrap())), &headers).to_string()
    };
    assert_eq!(client("192.0.2.9", "203.0.113.1"), "192.0.2.9");
    assert_eq!(client("127.0.0.1", "203.0.113.1, 203.0.113.2"), "203.0.113.2");
}

#[tokio::test]
async fn signing_in_all_day_leaves_one_line_and_no_address() {
    let (hub, _) = peopled(None);
    let lines = || {
        let lines = hub.journal().into_iter().filter(|line| line.1.starts_with("session."));
        lines.map(|(who, action, subject, detail)| format!("{who} {action} {subject} {detail}")).collect::<Vec<_>>()
    };
    let [begin, room, out] = [
        "user:prefecture-49 session.begin prefecture-49 ",
        "user:prefecture-49 session.end prefecture-49 made room for another",
        "user:prefecture-49 session.end prefecture-49 signed out",
    ];
    for _ in 1..sessions::SESSIONS_MAX {
        hub.signed_in().await;
    }
    let earlier = |conn: &Connection| conn.execute("UPDATE session SET seen = seen - 100", []);
    earlier(&Connection::open(hub._dir.path().join("hub.db")).unwrap()).unwrap();
    let mut cookie = hub.signed_in().await;
    assert_eq!(lines(), [begin]);
    hub.signed_in().await;
    hub.signed_in().await;
    assert_eq!(lines(), [begin, room], "who was pushed out is told");
    for _ in 0..2 {
        assert_eq!(hub.asked("DELETE", "/v1/session", &[("cookie", &cookie), OWN], "").await.0, 204);
        cookie = hub.signed_in().await;
    }
    assert_eq!(lines(), [begin, room, out]);
    // Whoever signs in after somebody has changed the user is told again.
    hub.store().write(|conn, _| journal::record(conn, Timestamp::now(), "user.passwd", "prefecture-49", "")).unwrap();
    hub.signed_in().await;
    assert_eq!(lines(), [begin, room, out, room, begin]);
}

#[tokio::test]
async fn nothing_is_changed_with_rights_that_were_taken_away_meanwhile() {
    let (hub, _) = peopled(None);
    let file = File { path: hub._dir.path().join("hub.db"), writer: true, almanac: Arc::default() };
    let hash = token_hash(hub.signed_in().await.strip_prefix("msap_session=").unwrap());
    let caller = |who: &str, scope: &str, role: &str, session| auth::Caller {
        scope: scope.parse().unwrap(),
        role: role.parse().unwrap(),
        who: who.parse().unwrap(),
        until_s: i64::MAX,
        session,
    };
    let person = |role: &str| caller("user:prefecture-49", "department:49", role, Some(hash));
    let program = |role: &str| caller("token:department", "department:49", role, None);
    let may = async |caller: auth::Caller| auth::change(&file, caller, |_, _, _| Ok(())).await.is_ok();
    assert!(may(person("coordinator")).await && may(program("coordinator")).await);
    assert!(!may(person("admin")).await && !may(program("admin")).await, "another role than is granted now");
    hub.write("UPDATE session SET seen = 0, begun = 0; UPDATE token SET expires = 1 WHERE id = 'department'");
    assert!(!may(person("coordinator")).await && !may(program("coordinator")).await, "over");
    hub.write("DELETE FROM session; UPDATE token SET expires = 4000000000, revoked = 1 WHERE id = 'department'");
    assert!(!may(person("coordinator")).await && !may(program("coordinator")).await, "taken away");
}

#[tokio::test]
async fn a_flood_of_sign_ins_takes_no_memory_and_is_told_to_come_back() {
    let (hub, _) = peopled(None);
    let mut hurried = Entrance::new(None, Vec::new());
    hurried.patience = Duration::ZERO;
    let (hub, entrance) = hub.behind(hurried);
    let all = entrance.checks.clone().acquire_many_owned(2).await.unwrap();
    assert_eq!(entrance.checks.available_permits(), 0, "two at once");
    let (status, _, body) = hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await;
    assert_eq!((status, &body["type"]), (503, &"urn:msap:problem:unavailable".into()));
    drop(all);
    assert_eq!(hub.sign_in("prefecture-49", PASSWORD, "192.0.2.1").await.0, 200);
}

#[tokio::test]
async fn sessions_end_with_whatever_changes_their_user() {
    let (hub, _) = peopled(None);
    let changes: [fn(&mut UserRow); 4] = [
        |user| user.password = Kept::of("un autre mot de passe", &[8; 16]).unwrap(),
        |user| user.role = "reader".to_owned(),
        |user| user.disabled = true,
        |user| user.disabled = false,
    ];
    for change in changes {
        let login = "prefecture-49".parse().unwrap();
        let mut user = users::find(hub.store().connection(), &login).unwrap().unwrap();
        (user.disabled, user.password) = (false, Kept::of(PASSWORD, &[7; 16]).unwrap());
        let put = |user: &UserRow| assert!(hub.store().write(|conn, _| users::replace(conn, user)).unwrap());
        put(&user);
        let cookie = hub.signed_in().await;
        assert_eq!(hub.with_cookie(&cookie).await, 200);
        change(&mut user);
        put(&user);
        assert_eq!(hub.with_cookie(&cookie).await, 401);
    }
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_after_a_day_in_any_case() {
    let (hub, _) = peopled(None);
    let cookie = hub.signed_in().await;
    let set = |field: &str, ago_s: i64| {
        let sql = format!("UPDATE session SET {field} = unixepoch() - {ago_s}");
        Connection::open(hub._dir.path().join("hub.db")).unwrap().execute_batch(&sql).unwrap();
    };
    let seen_ago = || {
        let sql = "SELECT unixepoch() - seen FROM session";
        let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
        conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // A request keeps it going; the next one within the same minute costs no commit.
    set("seen", sessions::IDLE_S - 30);
    assert_eq!(hub.with_cookie(&cookie).await, 200);
    assert!(seen_ago() < 30);
    set("seen", 45);
    assert_eq!(hub.with_cookie(&cookie).await, 200);
    assert!(seen_ago() >= 45);
    set("seen", sessions::IDLE_S);
    assert_eq!(hub.with_cookie(&cookie).await, 401);
    set("seen", 0);
    assert_eq!(hub.with_cookie(&cookie).await, 200);
    set("begun", sessions::LONGEST_S);
    assert_eq!(hub.with_cookie(&cookie).await, 401);
}

#[tokio::test]
async fn of_a_token_the_last_day_of_use_is_noted_and_nothing_finer() {
    let hub = hub();
    let used = || {
        let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
        let tokens = crate::store::tokens::list(&conn).unwrap();
        tokens.into_iter().filter_map(|token| Some((token.id, token.used?))).collect::<Vec<_>>()
    };
    assert_eq!(used(), []);
    hub.get("national", "/v1/visits").await;
    hub.get("expired", "/v1/visits").await;
    assert_eq!(used(), [("national".to_owned(), crate::ask::today(Timestamp::now()))]);
}
