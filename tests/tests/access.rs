//! People who sign in at a real hub, and what its journal tells of them.

use std::fs::File;

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Answer, Cluster, Hub, request, run};

use crate::hub_with;

const PASSWORD: &str = "quatre mots sans accent";

/// Runs a command into which the password is piped.
fn typed(cluster: &Cluster, hub: &Hub, args: &[&str], password: &str) -> Result<i32> {
    let path = cluster.path().join("mot de passe");
    std::fs::write(&path, format!("{password}\n"))?;
    let done = hub.cli_fed(args, File::open(&path)?.into())?;
    assert!(!format!("{}{}", done.out, done.err).contains(password), "a password is not shown: {}", done.out);
    done.code.context("it ended")
}

fn sign_in(hub: &Hub, login: &str, password: &str) -> Result<Answer> {
    let body = serde_json::json!({ "login": login, "password": password }).to_string();
    request(hub.http()?, "POST", "/v1/session", &[], &body)
}

/// The cookie of somebody who signs in.
fn cookie(hub: &Hub, login: &str, password: &str) -> Result<String> {
    let answer = sign_in(hub, login, password)?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("a cookie")?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

fn status(hub: &Hub, cookie: &str) -> Result<u16> {
    Ok(request(hub.http()?, "GET", "/v1/sites/275", &[("Cookie", cookie)], "")?.status)
}

const ADD: [&str; 7] = ["user", "add", "prefecture-49", "--scope", "department:49", "--role", "coordinator"];

#[test]
fn a_person_is_added_signs_in_and_is_out_at_once_when_that_ends() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275", "361"])?;
        assert_eq!(typed(cluster, &hub, &ADD, "trop court")?, 5);
        assert_eq!(typed(cluster, &hub, &ADD, PASSWORD)?, 0);
        assert_eq!(typed(cluster, &hub, &ADD, PASSWORD)?, 5);
        let file = std::fs::read(hub.data().join("hub.db"))?;
        assert!(!file.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));

        assert_eq!(sign_in(&hub, "prefecture-49", "un autre mot de passe")?.status, 401);
        let first = cookie(&hub, "prefecture-49", PASSWORD)?;
        assert_eq!(status(&hub, &first)?, 200);
        let beyond = request(hub.http()?, "GET", "/v1/sites/361", &[("Cookie", &first)], "")?;
        assert_eq!((beyond.status, beyond.json()?["scope"].as_str()), (403, Some("department:49")));
        // A session outlives a restart of the hub, and nothing that changes the person.
        hub.stop()?;
        hub.start()?;
        assert_eq!(status(&hub, &first)?, 200);
        let made = hub.json(&["user", "passwd", "prefecture-49", "--generate"])?;
        assert_eq!(status(&hub, &first)?, 401);
        let second = cookie(&hub, "prefecture-49", made["password"].as_str().context("a password")?)?;
        hub.cli(&["user", "set", "prefecture-49", "--role", "reader"])?.expect_code(0)?;
        assert_eq!(status(&hub, &second)?, 401);
        let third = cookie(&hub, "prefecture-49", made["password"].as_str().context("a password")?)?;
        hub.cli(&["user", "disable", "prefecture-49"])?.expect_code(0)?;
        assert_eq!(status(&hub, &third)?, 401);
        let listed = hub.json(&["user", "list"])?;
        assert_eq!((&listed[0]["disabled"], &listed[0]["role"]), (&true.into(), &"reader".into()));
        assert!(!listed.to_string().contains("argon2"), "{listed}");
        for args in [["user", "disable", "personne"], ["user", "enable", "personne"]] {
            hub.cli(&args)?.expect_code(4)?;
        }
        hub.cli(&["user", "add", "Préfet", "--scope", "national", "--role", "reader", "--generate"])?.expect_code(5)?;
        hub.cli(&["user", "add", "x", "--scope", "planet", "--role", "reader", "--generate"])?.expect_code(5)?;

        let told = hub.json(&["journal", "list", "--kind", "user,session"])?;
        let told: Vec<_> =
            told.as_array().context("a list")?.iter().map(|line| (&line["who"], &line["action"])).collect();
        let expected = [
            ("operator", "user.add"),
            ("hub", "session.refuse"),
            ("user:prefecture-49", "session.begin"),
            ("operator", "user.passwd"),
            ("user:prefecture-49", "session.begin"),
            ("operator", "user.set"),
            ("user:prefecture-49", "session.begin"),
            ("operator", "user.disable"),
        ];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(told.iter().zip(expected).all(|(line, expected)| (*line.0 == *expected.0) && (*line.1 == *expected.1)));
        Ok(())
    });
}

#[test]
fn a_backup_brings_people_back_and_nobody_who_was_signed_in() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        assert_eq!(typed(cluster, &hub, &ADD, PASSWORD)?, 0);
        let before = cookie(&hub, "prefecture-49", PASSWORD)?;
        let backup = cluster.path().join("copie.db");
        let backup = backup.to_str().context("a text")?;
        hub.cli(&["backup", backup])?.expect_code(0)?;
        assert_eq!(status(&hub, &before)?, 200);
        hub.stop()?;
        hub.cli(&["restore", backup])?.expect_code(0)?;
        hub.start()?;
        assert_eq!(status(&hub, &before)?, 401);
        assert_eq!(status(&hub, &cookie(&hub, "prefecture-49", PASSWORD)?)?, 200);
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}
