//! Power cuts at the worst moments.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use msap_tests::cluster::{PATIENCE, Shell, history, run, wait_equal, wait_until};
use msap_tests::generator::{Model, Period, SiteList};

use crate::hub_with;

/// A month that many visits fit in.
fn busy_month(people: u32) -> Result<Period> {
    Ok(Period { from: "2024-03-01".parse()?, to: "2024-03-31".parse()?, people })
}

#[test]
fn a_hub_killed_again_and_again_while_it_is_filled_loses_and_doubles_nothing() {
    const SITES: [&str; 3] = ["361", "275", "908"];
    run(|cluster| {
        let mut hub = hub_with(cluster, &SITES)?;
        let (model, list) = (Model::load()?, SiteList::load()?);
        let mut agents = Vec::new();
        let mut all = (0, 0);
        for id in SITES {
            let agent = cluster.enrol(&hub, id, id)?;
            let site = list.site(id)?;
            let visits = model.visits(&site, busy_month(4_000)?, 1);
            let entered = history::enter(agent.data(), visits, 1)?;
            all = (all.0 + entered.visits, all.1 + entered.requests);
            agents.push(agent);
        }
        // The token is there before the race.
        assert_eq!(hub.total("")?, (0, 0));
        for agent in &mut agents {
            agent.start()?;
        }
        let mut cut_short = 0;
        for round in 1..=4 {
            let before = hub.total("")?;
            let mut now = before;
            let until = Instant::now() + PATIENCE;
            // As soon as something more has arrived; looking at every moment.
            while now == before && now != all && Instant::now() < until {
                now = hub.total("")?;
            }
            hub.kill()?;
            cut_short += usize::from(now != before && now != all);
            hub.start()?;
            let checked = hub.cli(&["check"])?;
            assert_eq!(checked.code, Some(0), "round {round}: {} {}", checked.out, checked.err);
            // The sites lose power too: otherwise each round waits until they notice.
            for agent in &mut agents {
                agent.kill()?;
                agent.start()?;
            }
        }
        assert!(cut_short > 0, "no kill fell into the filling: the test shows nothing");
        for agent in &agents {
            agent.wait_confirmed()?;
        }
        assert_eq!(hub.total("")?, all);
        Ok(())
    });
}

#[test]
fn an_agent_finds_a_hub_again_that_was_killed_without_a_word() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        hub.kill()?;
        agent.count("CNAF", 2)?;
        hub.start()?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}

/// Counts `taps` visits, each asked for by the same UUID until it is answered.
fn tap_until_answered(shell: &Shell, taps: usize, done: &AtomicUsize) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(120);
    for _ in 0..taps {
        let id = uuid::Uuid::new_v4().to_string();
        loop {
            let output = shell.cli(&["count", "CNAF", "--id", &id])?;
            match output.code {
                Some(0) => break,
                // Not running, or cut off before the answer.
                Some(1 | 3) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                _ => bail!("{} ended with {:?}: {}", output.command, output.code, output.err),
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn an_agent_killed_while_four_shells_count_counts_each_tap_once() {
    const SHELLS: usize = 4;
    const TAPS: usize = 15;
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| -> Result<()> {
            let shells: Vec<_> = (0..SHELLS)
                .map(|_| {
                    let (shell, done) = (agent.shell(), &done);
                    scope.spawn(move || tap_until_answered(&shell, TAPS, done))
                })
                .collect();
            // The shells give up by themselves when the agent does not come back.
            let killed = (1..=5).try_for_each(|round| -> Result<()> {
                wait_until("taps go on", || Ok(done.load(Ordering::Relaxed) >= round * SHELLS * TAPS / 6))?;
                agent.kill()?;
                if round % 2 == 0 {
                    hub.kill()?;
                    hub.start()?;
                }
                agent.start()
            });
            for shell in shells {
                match shell.join() {
                    Ok(outcome) => outcome?,
                    Err(_) => bail!("a shell panicked"),
                }
            }
            killed
        })?;
        let expected = i64::try_from(SHELLS * TAPS)?;
        assert_eq!(agent.this_month()?, (expected, expected));
        agent.wait_confirmed()?;
        wait_equal("the hub has each tap once", (expected, expected), || hub.total(""))?;
        Ok(())
    });
}
