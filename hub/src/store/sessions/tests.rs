//! Claims about sessions in the store.

use super::super::users::{self, UserRow};
use super::super::{Store, empty};
use super::*;
use crate::password::Kept;

fn user(login: &str) -> UserRow {
    let (scope, role) = ("national".to_owned(), "reader".to_owned());
    UserRow { login: login.parse().unwrap(), password: Kept::nobodys(), scope, role, disabled: false }
}

fn count(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM session", [], |row| row.get(0)).unwrap()
}

#[test]
fn one_person_has_so_many_sessions_and_those_that_are_over_make_room() {
    let conn = empty();
    let (agent, other) = (user("agent"), user("autre"));
    assert!(users::insert(&conn, &agent).unwrap() && users::insert(&conn, &other).unwrap());
    begin(&conn, &[200; 32], &other.login, 1_000).unwrap();
    for n in 0..SESSIONS_MAX + 5 {
        let n = u8::try_from(n).unwrap();
        let pushed_out = begin(&conn, &[n; 32], &agent.login, 1_000 + i64::from(n)).unwrap();
        assert_eq!(pushed_out, usize::from(u32::from(n) >= SESSIONS_MAX));
    }
    assert_eq!(count(&conn), i64::from(SESSIONS_MAX) + 1);
    assert!(find(&conn, &[4; 32]).unwrap().is_none(), "the oldest made room");
    assert!(find(&conn, &[5; 32]).unwrap().is_some() && find(&conn, &[200; 32]).unwrap().is_some());
    begin(&conn, &[201; 32], &other.login, 1_000 + IDLE_S + 100).unwrap();
    assert_eq!(count(&conn), 1, "all others have been idle for too long");
}

#[test]
fn a_session_ends_by_idleness_or_by_age_whichever_comes_first() {
    let conn = empty();
    let agent = user("agent");
    users::insert(&conn, &agent).unwrap();
    begin(&conn, &[1; 32], &agent.login, 1_000).unwrap();
    let until = || find(&conn, &[1; 32]).unwrap().unwrap().until();
    assert_eq!(until(), 1_000 + IDLE_S);
    note(&conn, &[1; 32], 5_000).unwrap();
    assert_eq!(until(), 5_000 + IDLE_S);
    // A clock that goes back takes nothing away.
    note(&conn, &[1; 32], 4_000).unwrap();
    assert_eq!(until(), 5_000 + IDLE_S);
    note(&conn, &[1; 32], 1_000 + LONGEST_S - 1).unwrap();
    assert_eq!(until(), 1_000 + LONGEST_S);
    assert!(end(&conn, &[1; 32]).unwrap() && !end(&conn, &[1; 32]).unwrap());
}

#[test]
fn another_epoch_ends_every_session_and_keeps_every_user() {
    let mut store =
        Store::over(Connection::open_in_memory().unwrap(), "hub.db".into(), None, Box::new(|| [7; 16])).unwrap();
    let agent = user("agent");
    store
        .write(|conn, _| {
            users::insert(conn, &agent)?;
            begin(conn, &[1; 32], &agent.login, 1_000).map(drop)
        })
        .unwrap();
    store.write(|_, turn| turn.begin_epoch()).unwrap();
    assert_eq!(count(store.connection()), 0);
    assert_eq!(users::list(store.connection()).unwrap(), [agent]);
}
