//! Claims about people who sign in, as operators manage them.

use super::*;
use crate::password::Kept;
use crate::store::users;

fn add(login: &str, scope: &str, role: &str) -> Change {
    let (login, scope, role) = (login.to_owned(), scope.to_owned(), role.to_owned());
    Change::UserAdd { login, password: Kept::nobodys(), scope, role }
}

#[test]
fn people_are_added_changed_and_disabled_by_name() {
    let mut desk = Desk::new();
    desk.change(&Change::SiteAlias { site: "275".to_owned(), alias: "chemille".to_owned() }).unwrap();
    let Reply::User(user) = desk.change(&add("agent", "site:chemille", "reader")).unwrap() else { panic!() };
    assert_eq!((user.scope.as_str(), user.disabled), ("site:275", false), "an alias would see nothing");
    let set = |scope: Option<&str>, role: Option<&str>| Change::UserSet {
        login: "agent".to_owned(),
        scope: scope.map(str::to_owned),
        role: role.map(str::to_owned),
    };
    let disable = |disabled| Change::UserDisable { login: "agent".to_owned(), disabled };
    desk.change(&set(None, Some("coordinator"))).unwrap();
    desk.change(&set(Some("department:49"), None)).unwrap();
    let password = Kept::of("quatre mots sans accent", &[1; 16]).unwrap();
    desk.change(&Change::UserPasswd { login: "agent".to_owned(), password: password.clone() }).unwrap();
    desk.change(&disable(true)).unwrap();
    let row = users::find(&desk.0, &"agent".parse().unwrap()).unwrap().unwrap();
    assert_eq!((row.scope.as_str(), row.role.as_str(), row.disabled), ("department:49", "coordinator", true));
    assert_eq!(row.password, password);
    desk.change(&disable(false)).unwrap();
    let Reply::Users(listed) = desk.look(&Look::Users) else { panic!() };
    assert_eq!((listed.len(), listed[0].disabled), (1, false));
    let lines = journal::list(&desk.0, 0, 1_000).unwrap();
    let told: Vec<_> = lines.iter().filter(|line| line.action.starts_with("user.")).collect();
    assert!(told.iter().all(|line| line.subject == "agent"));
    let told: Vec<_> = told.iter().map(|line| format!("{} {}", line.action, line.detail)).collect();
    let expected = [
        "user.add scope=site:275 role=reader",
        "user.set scope=site:275 role=coordinator",
        "user.set scope=department:49 role=coordinator",
        "user.passwd ",
        "user.disable ",
        "user.enable ",
    ];
    assert_eq!(told, expected, "and nothing of a password");
}

#[test]
fn whoever_cannot_be_added_or_found_is_named_with_the_next_step() {
    let mut desk = Desk::new();
    desk.change(&add("agent", "national", "reader")).unwrap();
    let unknown = Change::UserDisable { login: "Personne".to_owned(), disabled: true };
    for (change, exit, named, next) in [
        (add("agent", "national", "reader"), Exit::Invalid, "agent", "user passwd"),
        (add("Préfet", "national", "reader"), Exit::Invalid, "Préfet", "a-z"),
        (add("autre", "planet", "reader"), Exit::Invalid, "planet", "department:49"),
        (add("autre", "national", "king"), Exit::Invalid, "king", "coordinator"),
        (add("autre", "site:999", "reader"), Exit::NotFound, "999", ""),
        (unknown, Exit::NotFound, "Personne", "user list"),
        (Change::TokenRevoke { id: "zzz".to_owned() }, Exit::NotFound, "zzz", "token list"),
    ] {
        let (found, message) = desk.refused(&change);
        assert_eq!(found, exit, "{message}");
        assert!(message.contains(named) && message.contains(next), "{message}");
    }
}

#[test]
fn a_token_that_is_ended_twice_is_journalled_once_and_stays_listed() {
    let mut desk = Desk::new();
    let (label, scope, role) = ("essai".to_owned(), "national".to_owned(), "reader".to_owned());
    let made = desk.change(&Change::TokenCreate { label, scope, role, valid_s: 86_400 }).unwrap();
    let Reply::TokenMade { token, .. } = made else { panic!() };
    for _ in 0..2 {
        desk.change(&Change::TokenRevoke { id: token.id.clone() }).unwrap();
    }
    let Reply::Tokens(listed) = desk.look(&Look::Tokens) else { panic!() };
    assert_eq!((listed[0].revoked, &listed[0].last_used), (true, &None));
    let lines = journal::list(&desk.0, 0, 1_000).unwrap();
    assert_eq!(lines.iter().filter(|line| line.action == "token.revoke").count(), 1);
}
