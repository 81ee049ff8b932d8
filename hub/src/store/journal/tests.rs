//! Claims about the journal.

use super::super::{Store, empty};
use super::*;

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

#[test]
fn lines_are_only_ever_added() {
    let conn = empty();
    record(&conn, now(), "site.set", "275", "life=open").unwrap();
    record(&conn, now(), "site.set", "361", "").unwrap();
    let before = list(&conn, 0, 10).unwrap();
    for sql in [
        "UPDATE journal SET detail = '' WHERE n = 1",
        "UPDATE journal SET n = 9 WHERE n = 1",
        "DELETE FROM journal WHERE n = 1",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal (n, at, action, subject) VALUES (1, 0, 'site.set', 'x')",
        "REPLACE INTO journal (n, at, action, subject) VALUES (2, 0, 'site.set', 'x')",
    ] {
        let refused = conn.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("the journal is only added to"), "{sql}: {refused}");
        assert_eq!(list(&conn, 0, 10).unwrap(), before, "{sql}");
    }
}

#[test]
fn a_line_says_who_acts_and_a_turn_that_fails_leaves_nobody_acting() {
    let mut store =
        Store::over(Connection::open_in_memory().unwrap(), "hub.db".into(), None, Box::new(|| [7; 16])).unwrap();
    let mut write = |who: Who, fails: bool| {
        store.act_for(who);
        let done = store.write(|conn, _| {
            record(conn, now(), "site.set", "275", "")?;
            if fails { Err(StoreError::corrupt("a test")) } else { Ok(()) }
        });
        assert_eq!(done.is_err(), fails);
    };
    write(Who::Operator, false);
    write("user:agent".parse().unwrap(), true);
    write(Who::Hub, false);
    write("token:abc".parse().unwrap(), false);
    let who: Vec<_> = list(store.connection(), 0, 10).unwrap().into_iter().map(|line| line.who).collect();
    assert_eq!(who, ["operator", "hub", "token:abc"]);
}

#[test]
fn the_hubs_days_begin_at_its_own_midnight() {
    for (day, begins) in [("2026-11-20", "2026-11-19T23:00:00Z"), ("2026-07-14", "2026-07-13T22:00:00Z")] {
        assert_eq!(Timestamp::from_second(first_second(day.parse().unwrap())).unwrap().to_string(), begins);
    }
}
