//! Power cuts at the worst moments.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use msap_tests::cluster::{Shell, history, run, wait_equal, wait_until};
use msap_tests::generator::{Model, Period, SiteList};

use crate::hub_with;

/// A month that many visits fit in.
fn busy_month(people: u32) -> Result<Period> {
    Ok(Period { from: "2024-03-01".parse()?, to: "2024-03-31".parse()?, people })
}

#[test]
fn a_hub_killed_again_and_again_while_it_is_filled_loses_and_doubles_nothing() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["361"])?;
        let mut agent = cluster.enrol(&hub, "361", "accueil")?;
        let (model, site) = (Model::load()?, SiteList::load()?.site("361")?);
        let entered = history::enter(agent.data(), model.visits(&site, busy_month(4_000)?, 1), 1)?;
        agent.start()?;
        for round in 1..=4 {
            // A little further each time, and never to the end: the next kill is under way.
            let before = hub.total("")?.1;
            let until = Instant::now() + Duration::from_secs(5);
            wait_until("something more arrived", || {
                let now = hub.total("")?.1;
                Ok(now > before || now == entered.requests || Instant::now() > until)
            })?;
            eprintln!("ROUND {round} {:?} of {entered:?} {:?}", hub.total("")?, Instant::now());
            hub.kill()?;
            hub.start()?;
            let checked = hub.cli(&["check"])?;
            assert_eq!(checked.code, Some(0), "round {round}: {} {}", checked.out, checked.err);
        }
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (entered.visits, entered.requests));
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
