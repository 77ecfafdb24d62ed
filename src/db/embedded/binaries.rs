//! Finds the installed server programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::EmbeddedError;

/// The oldest major version that Carillon is tested with (Debian 12 has 15, Ubuntu 22.04 has 14).
const OLDEST_MAJOR: u32 = 14;

/// A directory with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The newest usable installation; that of the major version of the cluster, if one already
    /// exists.
    pub(super) fn find(cluster_version: Option<u32>) -> Result<Self, EmbeddedError> {
        choose(installed(), cluster_version)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn choose(
    installed: Vec<Binaries>,
    cluster_version: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let newest =
        installed.iter().map(|binaries| binaries.major).max().ok_or(EmbeddedError::NotInstalled)?;
    let wanted = cluster_version.unwrap_or(newest);
    if wanted < OLDEST_MAJOR {
        return Err(EmbeddedError::WrongVersion {
            found: newest,
            needed: format!("{OLDEST_MAJOR} or later"),
            wanted: 15,
        });
    }
    installed.into_iter().find(|binaries| binaries.major == wanted).ok_or_else(|| {
        EmbeddedError::WrongVersion {
            found: newest,
            needed: format!("version {wanted}, which wrote the data,"),
            wanted,
        }
    })
}

/// All installations, in order of preference: that of `pg_config`, Debian's, those on the PATH.
fn installed() -> Vec<Binaries> {
    let configured = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .ok()
        .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let debian = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"]
        .into_iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    configured
        .into_iter()
        .chain(debian.map(|entry| entry.path().join("bin")))
        .chain(std::env::split_paths(&path))
        .filter(|directory| {
            directory.is_absolute()
                && directory.join("postgres").is_file()
                && directory.join("initdb").is_file()
        })
        .filter_map(|directory| major_of(&directory).map(|major| Binaries { directory, major }))
        .collect()
}

fn major_of(directory: &Path) -> Option<u32> {
    let output = Command::new(directory.join("postgres"))
        .arg("--version")
        .env("LC_ALL", "C")
        .output()
        .ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// Reads 15 from `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, and 18 from `… 18beta1`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(majors: &[u32]) -> Vec<Binaries> {
        majors
            .iter()
            .map(|major| Binaries {
                directory: PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")),
                major: *major,
            })
            .collect()
    }

    #[test]
    fn the_newest_is_chosen_unless_the_data_need_another() {
        assert_eq!(choose(of(&[15, 17, 14]), None).unwrap().major, 17);
        assert_eq!(choose(of(&[15, 17, 14]), Some(15)).unwrap().major, 15);
    }

    #[test]
    fn a_missing_server_is_reported_with_the_command_that_installs_it() {
        for (found, cluster_version, text) in [
            (of(&[]), None, "apt-get install postgresql`, or set DATABASE_URL"),
            (
                of(&[17]),
                Some(15),
                "PostgreSQL 17 is installed, but version 15, which wrote the data, is needed: run \
                 `apt-get install postgresql-15`",
            ),
            (of(&[13]), None, "PostgreSQL 13 is installed, but 14 or later is needed"),
        ] {
            let error = choose(found, cluster_version).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn versions_are_read_as_postgres_prints_them() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("hello"), None);
    }
}
