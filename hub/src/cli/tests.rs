//! Claims about the command line.

use clap::FromArgMatches;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    let arguments = std::iter::once("msap-hub").chain(line.split_whitespace());
    command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches))
}

#[test]
fn the_command_line_is_well_formed() {
    command().debug_assert();
}

#[test]
fn the_commands_that_scripts_rely_on_parse() {
    for line in [
        "serve --sync 127.0.0.1:0 --http 127.0.0.1:0 --metrics 127.0.0.1:0 --data d --keys k --config c",
        "site import sites.csv --dry-run --json",
        "site list --department 49 --kind house",
        "site show 275",
        "site add x name=A department=49",
        "site import liste-fs-20240801.csv --date 2024-08-01 --retire-missing",
        "site retire 275",
        "site retire 275 --from 2026-12-31",
        "site set-parent 597 --parent 361 --from 2026-01-01",
        "site set 275 department=49 bearer=mairie life=open --from 2026-01-01",
        "site invite 275 --replaces 0011223344556677",
        "site alias 275 fs-275",
        "site set-parent 597 --parent 361",
        "site set 275 life=labelled bearer=mairie",
        "site invite 275 --expires 12h",
        "device list",
        "device show 00",
        "device approve --all-certified",
        "device approve 00",
        "device revoke 00 --reason vol",
        "device revocations",
        "device revocations --confirm --reason comparé",
        "token create --label x --scope national --role reader --expires 365d",
        "token list",
        "token revoke x",
        "user add prefecture-49 --scope department:49 --role coordinator --generate",
        "user passwd prefecture-49",
        "user set prefecture-49 --role reader",
        "user list",
        "user disable prefecture-49",
        "user enable prefecture-49",
        "counts --from 2026-11-01 --to 2026-11-30 --by day,site --operator CNAF --help-kind online --format csv",
        "counts --compare year --by month,department --format csv-fr",
        "counts --from 2026-11-01 --to 2026-11-30 --as-of 2026-12-05 --json",
        "completeness --month 2026-10 --by department,month --format csv-fr",
        "completeness --from 2026-11-01 --to 2026-11-30 --site 275 --as-of 2026-12-05 --json",
        "label --department 49 --check hours --state at_risk,not_met",
        "site set 275 charter=2026-01-15 trained_agents=2 --from 2026-06-01",
        "fleet --department 49 --state silent,refused --version 0.1.0 --kind house --format csv-fr",
        "fleet --site 275 --bearer mairie --region 52 --json",
        "check --rebuild",
        "check --seal",
        "restore copie.db --other-keys",
        "site import liste.csv --retire-missing --even-most",
        "refused list",
        "flagged list --lang en",
        "flagged list --site 275 --reason day",
        "flagged show abcde-fghij",
        "flagged settle abcde-fghij --count --reason vu",
        "flagged settle abcde-fghij --leave-out --reason vu",
        "refused show 3",
        "refused settle 3 --reason vu",
        "document list",
        "document export site/275/visits/2026-11",
        "journal list --after 3",
        "journal list --from 2026-11-01 --to 2026-11-30 --who user:prefecture-49 --kind session,user",
        "doctor",
        "config show",
        "config check",
        "completions bash",
        "man out",
        "version",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn a_mistyped_command_is_refused() {
    for line in [
        "",
        "sit list",
        "counts --departement 49",
        "device approve",
        "device approve 00 --all-certified",
        "device revoke 00",
        "device revocations --confirm",
        "device revocations --reason comparé",
        "site set 275",
        "site set 275 life",
        "site set 275 life=open --from demain",
        "site import sites.csv --date 2024-13-01",
        "flagged settle abcde-fghij --reason vu",
        "flagged settle abcde-fghij --count --leave-out --reason vu",
        "flagged settle abcde-fghij --count",
        "refused settle 3",
        "site invite 275 --expires 7",
        "site invite 275 --expires 0d",
        "site invite 275 --expires é",
        "site invite 275 --expires 3651d",
        "token create --label x --scope national",
        "user add x --scope national",
        "user add x --role reader",
        "user set x",
        "user passwd x secret",
        "serve --sync localhost",
        "counts --format xml",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn help_is_in_french_everywhere() {
    fn walk(command: &mut clap::Command, path: &str) {
        let help = command.render_long_help().to_string();
        for english in ["Usage:", "Commands:", "Print help", "Print version"] {
            assert!(!help.contains(english), "{path} --help says {english}:\n{help}");
        }
        for below in command.get_subcommands_mut() {
            let path = format!("{path} {}", below.get_name());
            walk(below, &path);
        }
    }
    let mut command = command();
    command.build();
    walk(&mut command, "msap-hub");
}
