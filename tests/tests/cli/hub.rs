//! `msap-hub`.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Hub, run};
use msap_tests::generator::SiteList;

use crate::hub_with;

/// Management commands and the exit codes they must have on a hub that knows 361 and 275.
fn managed(hub: &Hub) -> Result<()> {
    let sites = hub.json(&["site", "list"])?;
    assert_eq!(sites.as_array().context("sites")?.len(), 2);
    hub.cli(&["site", "show", "275"])?.expect_code(0)?;
    hub.cli(&["site", "show", "nowhere"])?.expect_code(4)?;
    hub.cli(&["site", "show"])?.expect_code(2)?;
    hub.cli(&["site", "set", "275", "life=closed"])?.expect_code(5)?;
    hub.cli(&["site", "set", "275", "colour=blue"])?.expect_code(2)?;
    hub.cli(&["site", "set", "275", "bearer=la_poste"])?.expect_code(0)?;
    assert_eq!(hub.json(&["site", "show", "275"])?["bearer"], "la_poste");
    hub.cli(&["site", "add", "Été", "name=x", "department=49"])?.expect_code(5)?;
    hub.cli(&["site", "add", "275", "name=x", "department=49"])?.expect_code(5)?;
    hub.cli(&["device", "list"])?.expect_code(0)?;
    hub.cli(&["device", "show", "0000000000000000"])?.expect_code(4)?;
    hub.cli(&["token", "create", "--label", "x", "--scope", "planet", "--role", "reader"])?.expect_code(5)?;
    hub.cli(&["token", "create", "--label", "x", "--scope", "national", "--role", "king"])?.expect_code(5)?;
    hub.cli(&["counts", "--from", "2026-01-01", "--to", "2026-12-31", "--by", "site"])?.expect_code(0)?;
    hub.cli(&["counts", "--from", "2026-12-31", "--to", "2026-01-01"])?.expect_code(5)?;
    hub.cli(&["counts", "--by", "planet"])?.expect_code(5)?;
    hub.cli(&["counts", "--departement", "49"])?.expect_code(2)?;
    hub.cli(&["check"])?.expect_code(0)?;
    hub.cli(&["refused", "list"])?.expect_code(0)?;
    hub.cli(&["flagged", "list"])?.expect_code(0)?;
    hub.cli(&["document", "list"])?.expect_code(0)?;
    hub.cli(&["document", "export", "site/275/visits/1999-01"])?.expect_code(4)?;
    let journal = hub.json(&["journal", "list"])?;
    assert!(journal.as_array().context("journal")?.iter().any(|line| line["subject"] == "275"));
    Ok(())
}

#[test]
fn management_works_while_the_hub_runs_and_while_it_does_not() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["361", "275"])?;
        managed(&hub)?;
        hub.stop()?;
        managed(&hub)?;
        // What was done meanwhile is there when it runs again.
        hub.cli(&["site", "alias", "275", "chemille"])?.expect_code(0)?;
        let made = hub.make_token("national", "reader")?;
        let code = hub.invite("chemille")?;
        hub.start()?;
        assert_eq!(hub.get("/v1/visits", Some(&made))?.status, 200);
        cluster.agent("poste").join(&code, "accueil")?.expect_code(0)?;
        assert_eq!(hub.devices()?[0]["site"], "275");
        // Nor does a command on a hub that was killed find it in the way.
        hub.kill()?;
        managed(&hub)?;
        hub.start()?;
        managed(&hub)?;
        Ok(())
    });
}

#[test]
fn a_directory_without_a_hub_is_not_made_one_by_a_command() {
    run(|cluster| {
        let hub = cluster.hub("rien");
        hub.cli(&["site", "list"])?.expect_code(4)?;
        hub.cli(&["site", "invite", "275"])?.expect_code(4)?;
        assert!(!hub.data().exists());
        hub.cli(&["version"])?.expect_code(0)?;
        hub.cli(&["serve", "--sync", "nowhere"])?.expect_code(2)?;
        hub.cli(&["config", "show"])?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn a_code_of_a_hub_with_default_settings_works_on_its_network() {
    run(|cluster| {
        let mut hub = cluster.hub("hub");
        hub.start_at("[::]:0")?;
        hub.add_sites(&["275"])?;
        let invited = hub.cli(&["site", "invite", "275"])?.expect_code(0)?;
        assert!(invited.err.contains("sync.advertise"), "{}", invited.err);
        let mut agent = cluster.agent("poste");
        agent.join(invited.out.trim(), "accueil")?.expect_code(0)?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        // A machine that the database never knew can be turned away too, and is shown.
        hub.cli(&["device", "revoke", "00112233445566ff", "--reason", "volé"])?.expect_code(0)?;
        assert!(hub.devices()?.iter().any(|row| row["id"] == "00112233445566ff" && row["standing"] == "revoked"));
        hub.cli(&["device", "revoke", "nobody", "--reason", "volé"])?.expect_code(4)?;
        Ok(())
    });
}

#[test]
fn one_directory_has_one_hub() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let second = hub.cli(&["serve", "--sync", "127.0.0.1:0", "--http", "127.0.0.1:0"])?.expect_code(5)?;
        assert!(second.err.contains("déjà"), "{}", second.err);
        assert_eq!(hub.get("/healthz", None)?.status, 200);
        Ok(())
    });
}

#[test]
fn the_list_is_imported_once_and_a_bad_row_stops_nothing() {
    run(|cluster| {
        let hub = hub_with(cluster, &["361"])?;
        let list = SiteList::load()?;
        let path = cluster.path().join("liste.csv");
        let file = path.to_str().context("a text")?;
        // A time zone that does not exist, in the middle.
        let text = list.csv(&["361", "597", "275"])?.replacen("Europe/Paris", "Europe/Chemille", 3);
        let text = text.replacen("Europe/Chemille", "Europe/Paris", 1);
        let text = text.replacen("Europe/Chemille", "Europe/Paris", 1);
        std::fs::write(&path, text)?;
        let rehearsed: serde_json::Value =
            serde_json::from_str(&hub.cli(&["site", "import", file, "--dry-run", "--json"])?.expect_code(0)?.out)?;
        assert_eq!((&rehearsed["added"], &rehearsed["rejected"]), (&1.into(), &1.into()), "{rehearsed}");
        assert_eq!(hub.json(&["site", "list"])?.as_array().context("sites")?.len(), 1);
        let done: serde_json::Value =
            serde_json::from_str(&hub.cli(&["site", "import", file, "--json"])?.expect_code(0)?.out)?;
        assert_eq!((&rehearsed["dry_run"], &done["dry_run"]), (&true.into(), &false.into()));
        let mut told = rehearsed;
        told["dry_run"] = false.into();
        assert_eq!(done, told);
        let problems = done["problems"].as_array().context("problems")?;
        assert!(problems.iter().any(|problem| problem["field"] == "timezone" && problem["rejected"] == true), "{done}");
        assert_eq!(hub.json(&["site", "show", "597"])?["parent"], "361");
        std::fs::write(&path, list.csv(&["361", "597", "275"])?)?;
        let again = hub.json(&["site", "import", file])?;
        assert_eq!((&again["added"], &again["unchanged"]), (&1.into(), &2.into()), "{again}");
        let again = hub.json(&["site", "import", file])?;
        assert_eq!((&again["changed"], &again["unchanged"]), (&0.into(), &3.into()), "{again}");
        Ok(())
    });
}

#[test]
fn the_published_list_is_imported_whatever_wrote_it_and_nothing_else_is() {
    run(|cluster| {
        let hub = hub_with(cluster, &[])?;
        let path = cluster.path().join("liste-fs-20240801.csv");
        let file = path.to_str().context("a text")?;
        // As a spreadsheet writes it: Windows' alphabet, semicolons, CRLF.
        let list = b"id_fs;insee_dep;lib_fs;labellisation\r\n275;49;Chemill\xe9;Espace labellis\xe9 01/01/2020\r\n";
        std::fs::write(&path, list)?;
        let report = hub.json(&["site", "import", file])?;
        assert_eq!((&report["added"], &report["list_date"]), (&1.into(), &"2024-08-01".into()), "{report}");
        let site = hub.json(&["site", "show", "275"])?;
        assert_eq!(
            (&site["name"], &site["region"], &site["life"]),
            (&"Chemillé".into(), &"52".into(), &"labelled".into())
        );
        std::fs::write(&path, b"%PDF-1.7 \xe2\xe3")?;
        let refused = hub.cli(&["site", "import", file])?.expect_code(5)?;
        assert!(refused.err.contains("pas une liste"), "{}", refused.err);
        hub.cli(&["site", "import", "absent.csv"])?.expect_code(4)?;
        Ok(())
    });
}

#[test]
fn a_visit_after_the_last_day_waits_for_a_person_and_counts_once_settled() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        hub.cli(&["site", "retire", "275", "--from", "2020-01-01"])?.expect_code(0)?;
        // Its machine is not turned away, and what it brings is taken.
        agent.count("MSA", 1)?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (0, 0));
        let listed = hub.json(&["flagged", "list", "--site", "275", "--reason", "retired"])?;
        let ids: Vec<_> = listed.as_array().context("flagged")?.iter().filter_map(|row| row["id"].as_str()).collect();
        let [first, second] = ids[..] else { anyhow::bail!("{listed}") };
        hub.cli(&["flagged", "settle", first, "--count", "--reason", "dernier jour"])?.expect_code(0)?;
        assert_eq!(hub.total("")?, (1, 1));
        hub.stop()?;
        hub.cli(&["flagged", "settle", second, "--leave-out", "--reason", "essai"])?.expect_code(0)?;
        hub.cli(&["flagged", "settle", "zzzzz-zzzzz", "--count", "--reason", "x"])?.expect_code(4)?;
        assert_eq!(hub.json(&["flagged", "show", second])?["verdict"], "leave_out");
        hub.cli(&["check", "--rebuild"])?.expect_code(0)?;
        hub.start()?;
        assert_eq!(hub.total("")?, (1, 1));
        assert_eq!(hub.view("/v1/flagged")?["flagged"], serde_json::json!([]));
        Ok(())
    });
}

#[test]
fn people_read_tables_and_mistakes_in_french_and_in_english_on_demand() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        for (args, french, english) in [
            (
                &["site", "list"][..],
                &["identifiant\tsorte", "\tmaison\t", "\tà jour\t"][..],
                &["id\tkind", "up to date"][..],
            ),
            (&["site", "show", "275"], &["étape\t", "état\tà jour", "statut"], &["life\t", "state\tup to date"]),
            (&["device", "list"], &["\ten service\t"], &["\tactive\t"]),
            (&["doctor"], &["point\tétat", "base\tbon"], &["check\tstate", "database\tgood"]),
            (&["counts", "--by", "help"], &["aide\tvisites", "Démarche en ligne"], &["help\tvisits", "online"]),
        ] {
            let told = hub.cli(args)?;
            french.iter().for_each(|word| assert!(told.out.contains(word), "{args:?}: {}", told.out));
            let told = hub.cli(&[args, &["--lang", "en"]].concat())?;
            english.iter().for_each(|word| assert!(told.out.contains(word), "{args:?}: {}", told.out));
        }
        assert_eq!(hub.json(&["site", "show", "275"])?["state"], "up_to_date");
        let told = hub.cli(&["site", "lst"])?.expect_code(2)?;
        assert!(told.err.contains("erreur : ") && told.err.contains("Utilisation :"), "{}", told.err);
        let told = hub.cli(&["site", "lst", "--lang", "en"])?.expect_code(2)?;
        assert!(told.err.contains("error: "), "{}", told.err);
        Ok(())
    });
}

#[test]
fn an_address_that_is_taken_is_named_with_what_to_do() {
    run(|cluster| {
        let first = hub_with(cluster, &[])?;
        let second = cluster.hub("second");
        let told = second.cli(&["serve", "--sync", first.sync()?, "--http", "127.0.0.1:0"])?.expect_code(1)?;
        assert!(told.err.contains(first.sync()?) && told.err.contains("déjà prise"), "{}", told.err);
        assert!(told.err.contains("sync.listen"), "{}", told.err);
        let taken = first.http()?;
        let told = second.cli(&["serve", "--sync", "127.0.0.1:0", "--http", taken])?.expect_code(1)?;
        assert!(told.err.contains(taken) && told.err.contains("http.listen"), "{}", told.err);
        let elsewhere = "192.0.2.1:4433";
        let told = second.cli(&["serve", "--sync", elsewhere, "--http", "127.0.0.1:0"])?.expect_code(1)?;
        assert!(told.err.contains(elsewhere) && told.err.contains("n’a pas cette adresse"), "{}", told.err);
        Ok(())
    });
}
