//! The files that are installed beside the programs, held against the programs themselves.
//!
//! A setting that is renamed, or a unit that starts a command which no longer exists, is found
//! here and not on somebody's server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use msap_tests::cluster::{Program, Programs};
use serde_json::Value;

/// The exit code of invalid data.
const INVALID: i32 = 5;
/// Highest exposure that `systemd-analyze security` may give a unit, in tenths of ten.
const EXPOSURE_MAX: u32 = 20;

/// One setting as its file documents it.
#[derive(Debug, PartialEq, Eq)]
struct Documented {
    key: String,
    value: String,
    comment: String,
}

struct Installed {
    program: Program,
    name: &'static str,
    variables: &'static str,
}

fn installed() -> Result<[Installed; 2]> {
    let Programs { hub, agent } = Programs::beside_this_test()?;
    Ok([
        Installed { program: hub, name: "hub", variables: "MSAP_HUB_" },
        Installed { program: agent, name: "agent", variables: "MSAP_AGENT_" },
    ])
}

impl Installed {
    fn settings_file(&self) -> PathBuf {
        deploy().join(format!("{}.toml", self.name))
    }

    fn unit(&self) -> PathBuf {
        deploy().join(format!("msap-{}.service", self.name))
    }

    /// `config show`, as (key, value, where it came from).
    fn shown(&self, file: Option<&Path>, env: &[(String, String)]) -> Result<Vec<(String, String, String)>> {
        let data = tempfile::tempdir()?;
        let mut args: Vec<OsString> = vec!["--data".into(), data.path().into(), "--json".into()];
        if let Some(file) = file {
            args.extend(["--config".into(), file.into()]);
        }
        args.extend(["config".into(), "show".into()]);
        let json = self.program.run(&args, env)?.json()?;
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let entry = |entry: &Value| {
            // The agent says the kind and the place apart, the hub in one.
            let origin = format!("{} {}", text(entry, "origin"), text(entry, "place"));
            (text(entry, "key"), text(entry, "value"), origin.trim_end().to_owned())
        };
        Ok(json.as_array().context("a list of settings")?.iter().map(entry).collect())
    }

    fn checked(&self, file: &Path) -> Result<msap_tests::cluster::Output> {
        let data = tempfile::tempdir()?;
        let args =
            ["--data".into(), data.path().into(), "--config".into(), file.into(), "config".into(), "check".into()];
        self.program.run(&args, &[])
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package of the tests lies in the workspace")
}

fn deploy() -> PathBuf {
    root().join("deploy")
}

/// The settings of a commented file, with the comment above each.
fn documented(file: &Path) -> Result<Vec<Documented>> {
    let (mut section, mut comment, mut found) = (String::new(), String::new(), Vec::new());
    for line in std::fs::read_to_string(file)?.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some(words) = line.strip_prefix('#') {
            comment.push_str(words);
            comment.push('\n');
        } else if let Some((name, value)) = line.split_once(" = ") {
            // The programs show an empty list as they show an empty text.
            let value = value.trim_matches('"').trim_start_matches("[]").to_owned();
            found.push(Documented { key: format!("{section}.{name}"), value, comment: std::mem::take(&mut comment) });
        } else {
            ensure!(line.is_empty(), "{}: what is {line:?}?", file.display());
            comment.clear();
        }
    }
    Ok(found)
}

fn variable(installed: &Installed, key: &str) -> String {
    format!("{}{}", installed.variables, key.replace('.', "__").to_uppercase())
}

#[test]
fn settings_files_load_and_unknown_keys_in_them_do_not() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for installed in installed()? {
        let file = installed.settings_file();
        installed.checked(&file)?.expect_code(0)?;
        let copy = dir.path().join(format!("{} réglages.toml", installed.name));
        let text = std::fs::read_to_string(&file)?;
        let in_a_section = text.replace("[log]\n", "[log]\ncolour = \"blue\"\n");
        let in_its_own = format!("{text}\n[colours]\nlog = \"blue\"\n");
        for (text, named) in [(in_a_section, "log.colour"), (in_its_own, "colours.log")] {
            std::fs::write(&copy, text)?;
            let said = installed.checked(&copy)?.expect_code(INVALID)?.err;
            ensure!(said.contains(named), "{named} gave {said}");
        }
    }
    Ok(())
}

#[test]
fn settings_files_document_every_setting_with_its_default_and_nothing_else() -> Result<()> {
    for installed in installed()? {
        let documented = documented(&installed.settings_file())?;
        let mut written: Vec<_> = documented.iter().map(|one| (one.key.clone(), one.value.clone())).collect();
        let defaults = installed.shown(None, &[])?;
        let mut known: Vec<_> = defaults.into_iter().map(|(key, value, _)| (key, value)).collect();
        written.sort();
        known.sort();
        assert_eq!(written, known, "{}", installed.name);
        for (key, _, origin) in installed.shown(Some(&installed.settings_file()), &[])? {
            ensure!(origin.contains(".toml"), "{key} came from {origin}");
        }
    }
    Ok(())
}

#[test]
fn every_setting_is_documented_with_the_variable_that_overrides_it() -> Result<()> {
    for installed in installed()? {
        let documented = documented(&installed.settings_file())?;
        for one in &documented {
            let name = variable(&installed, &one.key);
            ensure!(one.comment.contains(&name), "{} does not name {name}", one.key);
        }
        let env: Vec<_> = documented.iter().map(|one| (variable(&installed, &one.key), one.value.clone())).collect();
        for (key, _, origin) in installed.shown(Some(&installed.settings_file()), &env)? {
            ensure!(origin.contains(&variable(&installed, &key)), "{key} came from {origin}");
        }
    }
    Ok(())
}

#[test]
fn units_start_a_command_line_that_exists() -> Result<()> {
    for installed in installed()? {
        let unit = std::fs::read_to_string(installed.unit())?;
        let start = value(&unit, "ExecStart")?;
        let mut words = start.split(' ');
        let path = words.next().unwrap_or_default();
        assert_eq!(path, format!("/usr/bin/msap-{}", installed.name));
        let mut args: Vec<OsString> = words.map(OsString::from).collect();
        // With help asked for, a command or an option that does not exist is still a usage error.
        args.push("--help".into());
        installed.program.run(&args, &[])?.expect_code(0)?;
        if let Some(file) = start.split(' ').skip_while(|word| *word != "--config").nth(1) {
            let name = Path::new(file).file_name().context("a file")?;
            ensure!(deploy().join(name).exists(), "{file} is not among the files to install");
        }
        args.insert(0, "--no-such-option".into());
        installed.program.run(&args, &[])?.expect_code(2)?;
    }
    Ok(())
}

#[test]
fn units_run_apart_keep_their_state_and_do_not_restart_on_damaged_storage() -> Result<()> {
    for installed in installed()? {
        let unit = std::fs::read_to_string(installed.unit())?;
        let name = format!("msap-{}", installed.name);
        for (key, expected) in [
            ("Type", "notify"),
            ("User", name.as_str()),
            ("StateDirectory", name.as_str()),
            ("Restart", "on-failure"),
            ("CapabilityBoundingSet", ""),
        ] {
            assert_eq!(value(&unit, key)?, expected, "{name}: {key}");
        }
        ensure!(value(&unit, "RestartPreventExitStatus")?.split(' ').any(|code| code == "9"), "{name}");
        ensure!(value(&unit, "RestrictAddressFamilies")?.split(' ').any(|family| family == "AF_UNIX"), "{name}");
        let accounts = std::fs::read_to_string(deploy().join("sysusers.conf"))?;
        ensure!(accounts.lines().any(|line| line.starts_with(&format!("u {name} "))), "{name} has no account");
    }
    Ok(())
}

#[test]
fn units_parse_and_stay_confined() -> Result<()> {
    let Some(()) = systemd_analyze()? else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    for installed in installed()? {
        // systemd looks whether the program is there: it is, elsewhere.
        let unit = std::fs::read_to_string(installed.unit())?;
        let built = installed.program.path.display().to_string();
        let path = dir.path().join(installed.unit().file_name().context("a file")?);
        std::fs::write(&path, unit.replace(&format!("/usr/bin/msap-{}", installed.name), &built))?;

        let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output()?;
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        // A word systemd does not know is only a warning to it, and ends the confinement all the same.
        let about_us: Vec<&str> = said.lines().filter(|line| line.contains("msap-")).collect();
        ensure!(verified.status.success() && about_us.is_empty(), "{said}");

        let exposed = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(format!("--threshold={EXPOSURE_MAX}"))
            .arg(&path)
            .output()?;
        let said = String::from_utf8_lossy(&exposed.stdout).into_owned();
        ensure!(exposed.status.success(), "{said}{}", String::from_utf8_lossy(&exposed.stderr));
    }
    Ok(())
}

/// Whether units can be checked here; where they must be, that they cannot is a failure.
fn systemd_analyze() -> Result<Option<()>> {
    if Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(Some(()));
    }
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        bail!("systemd-analyze is missing (Debian package systemd)");
    }
    eprintln!("skipped: systemd-analyze is missing (Debian package systemd)");
    Ok(None)
}

/// The last value of a key of a unit.
fn value<'a>(unit: &'a str, key: &str) -> Result<&'a str> {
    let of_line = |line: &'a str| line.split_once('=').filter(|(name, _)| *name == key).map(|(_, value)| value);
    unit.lines().filter_map(of_line).next_back().with_context(|| format!("no {key}"))
}
