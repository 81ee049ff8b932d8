//! What a hub's commands say of files that are lost, and what puts them right.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Hub, run};

use crate::hub_with;

/// What the doctor says of one point that is not in order.
fn told(hub: &Hub, check: &str) -> Result<Option<String>> {
    let output = hub.cli(&["doctor", "--json"])?;
    let found: Vec<serde_json::Value> = serde_json::from_str(&output.out)?;
    let found = found.iter().find(|finding| finding["check"] == check && finding["state"] != "good");
    Ok(found.map(|finding| format!("{} {}", finding["detail"], finding["next"])))
}

/// Databases that a restored one has replaced.
fn replaced(hub: &Hub) -> Result<usize> {
    let names = std::fs::read_dir(hub.data())?.map(|entry| Ok(entry?.file_name()));
    let names: Vec<_> = names.collect::<std::io::Result<_>>()?;
    Ok(names.iter().filter(|name| name.to_string_lossy().starts_with("hub.db.before-")).count())
}

#[test]
fn a_database_that_is_lost_beside_whole_keys_is_called_lost_and_put_back() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let keys = cluster.path().join("clés à part");
        let saved = cluster.path().join("sauvegarde.db");
        let (keys_text, saved) = (keys.to_str().context("a text")?, saved.to_str().context("a text")?);
        hub.cli(&["backup", saved])?.expect_code(0)?;
        hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        for asked in [&["site", "list"][..], &["check"], &["backup", "copie.db"], &["doctor"]] {
            let ended = hub.cli(asked)?.expect_code(9)?;
            let words = format!("{}{}", ended.out, ended.err);
            assert!(words.contains("la base manque") && words.contains("msap-hub restore"), "{asked:?}: {words}");
            assert!(words.contains("device approve --all-certified"), "{asked:?}: {words}");
        }
        // The whole directory is lost, and the keys were elsewhere.
        std::fs::rename(hub.data().join("keys"), &keys)?;
        std::fs::remove_dir_all(hub.data())?;
        let ended = hub.cli(&["--keys", keys_text, "site", "list"])?.expect_code(9)?;
        assert!(ended.err.contains("la base manque"), "{}", ended.err);
        hub.cli(&["site", "list"])?.expect_code(4)?;
        hub.cli(&["restore", saved])?.expect_code(4)?;
        assert!(!hub.data().exists(), "a look makes no directory");
        hub.cli(&["--keys", keys_text, "restore", saved])?.expect_code(0)?;
        assert_eq!(hub.json(&["--keys", keys_text, "site", "show", "275"])?["id"], "275");
        Ok(())
    });
}

#[test]
fn databases_that_were_replaced_are_told_and_the_oldest_go_once_the_hub_has_started() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let saved = cluster.path().join("sauvegarde.db");
        let saved = saved.to_str().context("a text")?;
        hub.cli(&["backup", saved])?.expect_code(0)?;
        hub.stop()?;
        for _ in 0..5 {
            hub.cli(&["restore", saved])?.expect_code(0)?;
        }
        assert_eq!(replaced(&hub)?, 5);
        assert!(hub.cli(&["doctor"])?.out.contains("hub.db.before-"));
        hub.start()?;
        hub.stop()?;
        assert_eq!(replaced(&hub)?, 3);
        Ok(())
    });
}

#[test]
fn a_list_of_revocations_that_is_not_whole_is_called_whole_by_a_person() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let device = "00112233445566ff";
        hub.cli(&["device", "revoke", device, "--reason", "volé"])?.expect_code(0)?;
        let list = hub.data().join("keys/revocations");
        for runs in [true, false] {
            let whole = std::fs::read_to_string(&list)?;
            std::fs::write(&list, format!("{} !\n", whole.trim_end()))?;
            let words = told(&hub, "keys")?.context("the doctor names it")?;
            assert!(words.contains("device revocations --confirm"), "{words}");
            let shown = hub.json(&["device", "revocations"])?;
            assert!(shown["incomplete"].is_string() && shown["revocations"][0]["device"] == device, "{shown}");
            if !runs {
                hub.stop()?;
            }
            hub.cli(&["device", "revocations", "--confirm", "--reason", ""])?.expect_code(5)?;
            hub.cli(&["device", "revocations", "--confirm", "--reason", "un seul poste volé"])?.expect_code(0)?;
            assert_eq!(told(&hub, "keys")?, None);
            assert!(hub.json(&["device", "revocations"])?["incomplete"].is_null());
            let journal = hub.json(&["journal", "list"])?;
            let confirmed = |line: &serde_json::Value| line["action"] == "revocations.confirm";
            assert!(journal.as_array().context("lines")?.iter().any(confirmed), "{journal}");
        }
        // What was on it still is, and is known to be all after a loss of the database.
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        hub.start()?;
        assert!(hub.json(&["device", "revocations"])?["incomplete"].is_null());
        assert!(hub.devices()?.iter().any(|row| row["id"] == device && row["standing"] == "revoked"));
        Ok(())
    });
}
