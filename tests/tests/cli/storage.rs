//! Data directories: odd names, damage, other versions.

use std::path::Path;

use anyhow::{Context as _, Result};
use msap_tests::cluster::run;

use crate::hub_with;

/// Writes over the middle of a file.
fn damage(path: &Path) -> Result<()> {
    let mut bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let end = bytes.len().min(8_192);
    bytes[..end].fill(0x5a);
    std::fs::write(path, bytes)?;
    Ok(())
}

/// A database of a version that does not exist yet.
fn from_the_future(path: &Path) -> Result<()> {
    let database = rusqlite::Connection::open(path)?;
    database.pragma_update(None, "user_version", 9_999)?;
    database.close().map_err(|(_, error)| error)?;
    Ok(())
}

#[test]
fn both_programs_work_in_directories_with_spaces_and_accents() {
    run(|cluster| {
        let mut hub = cluster.hub("Données du hub, été 2026");
        hub.start()?;
        hub.add_sites(&["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "Poste d’accueil n° 1 — Chemillé")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (2, 2));
        assert_eq!(hub.devices()?[0]["label"], "Poste d’accueil n° 1 — Chemillé");
        agent.stop()?;
        hub.stop()?;
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn an_agent_on_a_damaged_or_newer_database_says_so_and_writes_nothing() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        agent.stop()?;
        let damaged = agent.cloned("endommagé")?;
        damage(&damaged.data().join("agent.db"))?;
        let ended = damaged.cli(&["run", "--listen", "127.0.0.1:0"])?.expect_code(9)?;
        assert!(ended.err.contains("agent.db") || ended.err.contains("base"), "{}", ended.err);
        assert_eq!(damaged.cli(&["doctor"])?.code, Some(9));

        let newer = agent.cloned("plus récent")?;
        from_the_future(&newer.data().join("agent.db"))?;
        newer.cli(&["run", "--listen", "127.0.0.1:0"])?.expect_code(9)?;
        let database = rusqlite::Connection::open(newer.data().join("agent.db"))?;
        let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
        assert_eq!(version, 9_999);

        // The machine itself, unharmed, goes on.
        agent.start()?;
        assert_eq!(agent.this_month()?, (1, 1));
        Ok(())
    });
}

#[test]
fn a_hub_on_a_damaged_or_newer_database_or_without_its_keys_does_not_start() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        hub.stop()?;
        let serve = ["serve", "--sync", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let copy = |name: &str| -> Result<msap_tests::cluster::Hub> {
            let copy = cluster.hub(name);
            msap_tests::cluster::copy_directory(hub.data(), copy.data())?;
            Ok(copy)
        };
        let damaged = copy("endommagé")?;
        damage(&damaged.data().join("hub.db"))?;
        damaged.cli(&serve)?.expect_code(9)?;
        damaged.cli(&["site", "list"])?.expect_code(9)?;
        for asked in [&["check"][..], &["doctor"]] {
            let ended = damaged.cli(asked)?.expect_code(9)?;
            assert!(format!("{}{}", ended.out, ended.err).contains("msap-hub restore"), "{asked:?}: {}", ended.err);
        }

        let newer = copy("plus récent")?;
        from_the_future(&newer.data().join("hub.db"))?;
        newer.cli(&serve)?.expect_code(9)?;
        newer.cli(&["site", "set", "275", "life=open"])?.expect_code(9)?;
        for asked in [&["check"][..], &["doctor"]] {
            let ended = newer.cli(asked)?.expect_code(9)?;
            assert!(format!("{}{}", ended.out, ended.err).contains("installez"), "{asked:?}: {}", ended.err);
        }

        // Never a second authority beside an existing database.
        let keyless = copy("sans clés")?;
        std::fs::remove_dir_all(keyless.data().join("keys"))?;
        let ended = keyless.cli(&serve)?.expect_code(9)?;
        assert!(!keyless.data().join("keys/ca.key").exists(), "{}", ended.err);

        hub.start()?;
        assert_eq!(hub.get("/readyz", None)?.status, 200);
        Ok(())
    });
}
