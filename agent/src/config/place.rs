//! Where the data directory and the settings file are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// No data directory can be told.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DataDirError {
    /// Given, but empty: most likely an unset variable in a script.
    #[error("le répertoire de données donné par {0} est vide")]
    Empty(&'static str),
    /// Nothing says where this user's files are.
    #[error("aucun répertoire personnel : indiquez le répertoire de données par --data ou MSAP_AGENT_DATA")]
    NoHome,
}

/// The data directory: the option, else `MSAP_AGENT_DATA`, else the service manager's, else the
/// user's. `variable` reads the environment.
///
/// # Errors
/// When none can be told, or an empty one was given on purpose or by mistake.
pub fn data_dir(option: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, DataDirError> {
    for (given, name) in [(option, "--data"), (variable("MSAP_AGENT_DATA").map(PathBuf::from), "MSAP_AGENT_DATA")] {
        match given {
            Some(path) if path.as_os_str().is_empty() => return Err(DataDirError::Empty(name)),
            Some(path) => return Ok(path),
            None => {}
        }
    }
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(directories) = set("STATE_DIRECTORY") {
        // The service manager separates several directories with colons; ours is the first.
        let first = directories.to_string_lossy().split(':').next().map(PathBuf::from);
        return Ok(first.unwrap_or(directories));
    }
    let base = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| set("HOME").map(|home| home.join(".local").join("share")))
    };
    base.map(|base| base.join("msap-agent")).ok_or(DataDirError::NoHome)
}

/// The settings file: the option, else `MSAP_AGENT_CONFIG`, else the first that exists of the
/// data directory's and the system's. One that was asked for must exist; its reader says so.
pub fn settings_file(
    option: Option<PathBuf>,
    variable: impl Fn(&str) -> Option<OsString>,
    data: &Path,
) -> Option<PathBuf> {
    option.or_else(|| variable("MSAP_AGENT_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)).or_else(|| {
        [data.join("agent.toml"), PathBuf::from("/etc/msap/agent.toml")].into_iter().find(|path| path.exists())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn the_data_directory_is_the_most_explicit_one() {
        let option = Some(PathBuf::from("/o"));
        assert_eq!(data_dir(option, env(&[("MSAP_AGENT_DATA", "/v")])), Ok("/o".into()));
        assert_eq!(
            data_dir(None, env(&[("MSAP_AGENT_DATA", "/srv/Données du poste"), ("STATE_DIRECTORY", "/s")])),
            Ok("/srv/Données du poste".into())
        );
        assert_eq!(data_dir(None, env(&[("STATE_DIRECTORY", "/s:/t"), ("HOME", "/h")])), Ok("/s".into()));
        assert_eq!(data_dir(None, env(&[])), Err(DataDirError::NoHome));
    }

    #[test]
    #[cfg(unix)]
    fn the_users_own_directory_is_the_last_resort() {
        assert_eq!(data_dir(None, env(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")])), Ok("/x/msap-agent".into()));
        assert_eq!(data_dir(None, env(&[("HOME", "/h")])), Ok("/h/.local/share/msap-agent".into()));
        // The base directory specification: a relative path is to be ignored.
        assert_eq!(
            data_dir(None, env(&[("XDG_DATA_HOME", "x"), ("HOME", "/h")])),
            Ok("/h/.local/share/msap-agent".into())
        );
    }

    #[test]
    fn an_empty_data_directory_is_an_error_and_not_the_default() {
        assert_eq!(data_dir(Some(PathBuf::new()), env(&[("HOME", "/h")])), Err(DataDirError::Empty("--data")));
        assert_eq!(
            data_dir(None, env(&[("MSAP_AGENT_DATA", ""), ("HOME", "/h")])),
            Err(DataDirError::Empty("MSAP_AGENT_DATA"))
        );
    }

    #[test]
    fn the_settings_file_beside_the_data_is_found_in_a_directory_with_spaces_and_accents() {
        let base = tempfile::tempdir().unwrap();
        let data = base.path().join("Données de l’agent");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("agent.toml"), "").unwrap();
        assert_eq!(settings_file(None, env(&[]), &data), Some(data.join("agent.toml")));
        assert_eq!(settings_file(None, env(&[("MSAP_AGENT_CONFIG", "/c")]), &data), Some("/c".into()));
        assert_eq!(settings_file(Some("/o".into()), env(&[("MSAP_AGENT_CONFIG", "/c")]), &data), Some("/o".into()));
    }
}
