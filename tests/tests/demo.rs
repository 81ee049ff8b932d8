//! The demonstration shows what is so, and leaves nothing running.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use msap_tests::cluster::{Program, wait_for};

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

#[test]
fn the_demonstration_ends_with_every_figure_equal() -> Result<()> {
    let demo = Program { path: DEMO.into(), first: None, namespace: None };
    let shown = demo.run(&["--once".into()], &[])?.expect_code(0)?;
    assert!(!shown.out.contains('✗'), "{}", shown.out);
    // Sixteen sites that count, and all of them together.
    assert_eq!(shown.out.matches('✓').count(), 17, "{}", shown.out);
    // As published: 8,000 in 2018 and 5,600 in the first half of 2019; 216 and the 7 counted offline.
    assert!(shown.out.contains("13\u{a0}600 / ") && shown.out.contains("223 / "), "{}", shown.out);
    assert_eq!(shown.out.matches("en projet").count(), 2, "{}", shown.out);
    assert!(shown.err.contains("7 gardées sur le poste"), "{}", shown.err);
    Ok(())
}

#[test]
fn the_demonstration_stays_until_it_is_stopped_and_takes_everything_with_it() -> Result<()> {
    let mut demo = Command::new(DEMO).args(["--lang", "en"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut page = None;
    for line in BufReader::new(demo.stdout.take().context("its output")?).lines() {
        let line = line?;
        if let Some((_, address)) = line.split_once("Perseigne: http://") {
            page = Some(address.trim_end_matches('/').to_owned());
        }
        // The last thing it says.
        if line.starts_with("Token") {
            break;
        }
    }
    let page = page.context("the address of a page")?;
    TcpStream::connect(&page).context("the page answers while the demonstration runs")?;
    let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\""]).arg(demo.id().to_string()).status()?;
    assert!(asked.success());
    let ended = wait_for("the demonstration stops", || Ok(demo.try_wait()?));
    let Ok(status) = ended else {
        demo.kill()?;
        bail!("the demonstration did not stop");
    };
    assert_eq!(status.code(), Some(0));
    assert!(TcpStream::connect(&page).is_err(), "an agent outlives the demonstration");
    Ok(())
}
