//! What the desks counted beside what the hub says.

use anyhow::Result;

use super::stage::{PROJECTS, Stage, short};
use super::{Lang, say};

/// Shows the table; whether everything is equal, visits and requests, site by site and in all.
pub(super) fn show(stage: &Stage<'_>, lang: Lang) -> Result<bool> {
    let header = match lang {
        Lang::Fr => ["Site", "Compté au poste", "Total du hub", "Égal"],
        Lang::En => ["Site", "Counted at the desk", "The hub's total", "Equal"],
    };
    say("");
    say(&row(header.map(str::to_owned)));
    say(&"─".repeat(96));
    let mut equal = true;
    let mut sums = (0, 0);
    for player in stage.players() {
        let mut desk = (0, 0);
        for month in &player.months {
            let (visits, requests) = player.agent.tally(&month.to_string())?;
            desk = (desk.0 + visits, desk.1 + requests);
        }
        sums = (sums.0 + desk.0, sums.1 + desk.1);
        // The house alone: its antenna has a row of its own.
        let hub = stage.hub().total(&format!("site={}&antennas=apart", player.site))?;
        equal &= hub == desk;
        say(&row([format!("{} ({})", player.name, player.site), figures(desk), figures(hub), mark(hub == desk)]));
    }
    for site in PROJECTS {
        let project = stage.hub().view(&format!("/v1/sites/{site}"))?;
        let name = short(project["name"].as_str().unwrap_or_default());
        let what = lang.pick("en projet", "project").to_owned();
        say(&row([format!("{name} ({site})"), what, "–".to_owned(), String::new()]));
    }
    let hub = stage.hub().total("")?;
    equal &= hub == sums;
    say(&"─".repeat(96));
    say(&row([lang.pick("Ensemble", "All").to_owned(), figures(sums), figures(hub), mark(hub == sums)]));
    say(lang.pick("(visites / demandes)", "(visits / requests)"));
    Ok(equal)
}

fn figures((visits, requests): (i64, i64)) -> String {
    format!("{} / {}", grouped(visits), grouped(requests))
}

/// Thousands apart, as both languages can read it.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && digit.is_ascii_digit() && (digits.len() - n).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

fn mark(equal: bool) -> String {
    if equal { "✓" } else { "✗" }.to_owned()
}

fn row([site, desk, hub, equal]: [String; 4]) -> String {
    format!("{site:<50} {desk:>19} {hub:>19} {equal:>5}")
}
