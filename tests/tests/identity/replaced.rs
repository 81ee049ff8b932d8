//! Machines that take another's place.

use anyhow::{Context as _, Result};
use msap_shared::time::Day;
use msap_tests::cluster::{Agent, Hub, run, wait_equal, wait_until};

use crate::hub_with;

/// The devices with this standing.
fn with_standing(hub: &Hub, standing: &str) -> Result<Vec<String>> {
    let devices = hub.devices()?;
    let ids = devices.iter().filter(|device| device["standing"] == standing);
    Ok(ids.filter_map(|device| device["id"].as_str()).map(str::to_owned).collect())
}

#[test]
fn a_machine_that_joins_with_a_new_invitation_leaves_no_second_one_behind() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.wait_confirmed()?;
        let old = with_standing(&hub, "active")?;
        agent.stop()?;
        agent.join(&hub.invite("275")?, "accueil")?.expect_code(0)?;
        agent.start()?;
        agent.count("MSA", 1)?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (3, 3));
        assert_eq!(with_standing(&hub, "replaced")?, old);
        assert_eq!(with_standing(&hub, "active")?.len(), 1);
        assert!(hub.devices()?.iter().all(|device| device["forked"] == false));
        Ok(())
    });
}

#[test]
fn a_replaced_machine_goes_on_at_the_new_one_before_and_after_its_months_have_come() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut old = cluster.enrol(&hub, "275", "ancien")?;
        old.start()?;
        let today: Day = old.status()?["today"].as_str().context("a day")?.parse()?;
        let days = [today, today.plus_days(-40), today.plus_days(-80)];
        for day in &days {
            old.cli(&["count", "CNAF", "-n", "2", "--day", &day.to_string()])?.expect_code(0)?;
        }
        old.wait_confirmed()?;
        let device = with_standing(&hub, "active")?.pop().context("a device")?;
        let code = hub.cli(&["site", "invite", "275", "--replaces", &device])?.expect_code(0)?.out;
        let mut new = cluster.agent("nouveau");
        new.join(code.trim(), "nouveau")?.expect_code(0)?;
        wait_until("the old machine is turned away", || Ok(old.status()?["state"] == "revoked"))?;

        // The first tap waits for nothing, not even for the hub.
        hub.stop()?;
        new.start()?;
        new.count("MSA", 1)?;
        assert_eq!(new.this_month()?, (1, 1));
        hub.start()?;
        new.wait_confirmed()?;
        let mut months: Vec<String> = days.iter().map(|day| day.month().to_string()).collect();
        months.dedup();
        let visits = |agent: &Agent| {
            let tallies: Result<Vec<_>> = months.iter().map(|month| agent.tally(month)).collect();
            Ok(tallies?.into_iter().map(|(visits, _)| visits).sum::<i64>())
        };
        wait_equal("every month has come to the new machine", 7, || visits(&new))?;
        assert_eq!(hub.total("")?.0, 7);

        // What the old one still counts stays there, and is told so; the new one goes on.
        old.count("CNAF", 1)?;
        old.cli(&["status", "--wait", "confirmed", "--timeout", "30s"])?.expect_code(6)?;
        new.count("MSA", 1)?;
        new.wait_confirmed()?;
        assert_eq!(hub.total("")?.0, 8);
        assert!(hub.devices()?.iter().all(|device| device["forked"] == false));
        Ok(())
    });
}

#[test]
fn a_new_machine_takes_the_place_of_the_one_that_its_invitation_names() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut old = cluster.enrol(&hub, "275", "ancien")?;
        old.start()?;
        old.count("CNAF", 2)?;
        old.wait_confirmed()?;
        let device = with_standing(&hub, "active")?.pop().context("a device")?;
        let code = hub.cli(&["site", "invite", "275", "--replaces", &device])?.expect_code(0)?.out;
        assert_eq!(with_standing(&hub, "active")?, [device.as_str()], "nothing happens before the new one joins");
        let mut new = cluster.agent("nouveau");
        new.join(code.trim(), "nouveau")?.expect_code(0)?;
        wait_until("the old machine is turned away", || Ok(old.status()?["state"] == "revoked"))?;
        assert_eq!(with_standing(&hub, "revoked")?, [device.as_str()]);
        assert!(hub.device(&device)?["reason"].as_str().is_some_and(|reason| reason.contains("remplacé")));
        new.start()?;
        new.count("MSA", 1)?;
        new.wait_confirmed()?;
        wait_equal("the new machine has every month", (3, 3), || new.this_month())?;
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}
