//! The cluster on disk: its directories, its creation, and what an earlier server left behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sha2::{Digest, Sha256};

use super::binaries::Binaries;
use super::error::EmbeddedError;
use super::options::{Durability, EmbeddedOptions, NAME};
use super::system_account::SystemAccount;
use crate::clock::Clock;

/// The longest path that the kernel allows for a socket, in bytes (`sun_path` without its final
/// zero).
const MAX_SOCKET_PATH: usize = 107;
const SOCKET_NAME: &str = "/.s.PGSQL.5432";

/// A cluster on disk, created or not yet.
#[derive(Debug)]
pub(super) struct Cluster {
    data_dir: PathBuf,
    socket_dir: PathBuf,
    durability: Durability,
}

impl Cluster {
    /// Creates the data directory if needed, and determines all paths, which are the same for every
    /// process.
    pub(super) fn locate(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let failed = |source| EmbeddedError::FileOperation {
            operation: "making",
            path: options.data_dir.display().to_string(),
            source,
        };
        // Other users may pass through (the server may run as one), but not list it.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&options.data_dir)
            .map_err(failed)?;
        let data_dir = fs::canonicalize(&options.data_dir).map_err(failed)?;
        Ok(Self { socket_dir: socket_dir(&data_dir), data_dir, durability: options.durability })
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub(super) const fn durability(&self) -> Durability {
        self.durability
    }

    /// PostgreSQL's own directory, which it calls PGDATA.
    pub(super) fn directory(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    /// Opens the lock file; the process that holds its lock runs the server.
    pub(super) fn open_lock(&self) -> Result<File, EmbeddedError> {
        let path = self.data_dir.join("postgres.lock");
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    EmbeddedError::OwnedByAnotherUser(self.data_dir.display().to_string())
                }
                _ => EmbeddedError::FileOperation {
                    operation: "opening",
                    path: path.display().to_string(),
                    source,
                },
            })
    }

    /// Tries to take the lock, which the kernel releases when this process ends in any way; `false`
    /// while another process holds it.
    pub(super) fn try_lock(&self, lock: &File) -> Result<bool, EmbeddedError> {
        match lock.try_lock() {
            Ok(()) => {
                self.write_holder(lock);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(EmbeddedError::FileOperation {
                operation: "locking",
                path: self.data_dir.display().to_string(),
                source,
            }),
        }
    }

    /// Writes this process and the time into the lock file, for the log of processes that wait for
    /// it.
    fn write_holder(&self, mut lock: &File) {
        let holder = format!(
            "process {}, since {}\n",
            std::process::id(),
            Clock::system().now().format("%Y-%m-%d %H:%M:%S UTC")
        );
        let written = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(holder.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(
                %error,
                directory = %self.data_dir.display(),
                "the holder of the lock could not be written into the lock file"
            );
        }
    }

    /// A description of the process that holds the lock.
    pub(super) fn holder(&self) -> String {
        let holder = fs::read_to_string(self.data_dir.join("postgres.lock")).unwrap_or_default();
        let holder = holder.trim();
        if holder.is_empty() { "another process".to_owned() } else { holder.to_owned() }
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn other_server_not_ready(&self) -> EmbeddedError {
        EmbeddedError::OtherServerNotReady(self.data_dir.display().to_string())
    }

    /// Creates the directories and, on first start, the cluster; returns the account and the
    /// programs to run it with.
    pub(super) fn prepare(&self) -> Result<(SystemAccount, Binaries), EmbeddedError> {
        let account = SystemAccount::choose(&self.directory())?;
        account.ensure_accessible(&self.data_dir)?;
        account.create_private_directory(&self.socket_dir)?;
        let binaries = Binaries::find(self.major_version())?;
        if self.major_version().is_none() {
            self.init(&account, &binaries)?;
        }
        Ok((account, binaries))
    }

    /// The server's process id, once it accepts connections; PostgreSQL writes both to
    /// `postmaster.pid`, which `pg_ctl` reads as well.
    pub(super) fn ready_server(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.directory().join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let pid = Pid::from_raw(lines.first()?.trim().parse().ok()?);
        // EPERM means that it runs as another user.
        let lives = !matches!(kill(pid, None), Err(nix::Error::ESRCH));
        (lives && lines.get(7)?.trim() == "ready").then_some(pid)
    }

    /// The processes of an earlier server that still run, because its owner or the server itself
    /// was killed. Their working directory is the cluster's.
    pub(super) fn leftovers(&self) -> Vec<Pid> {
        let directory = self.directory();
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        processes
            .flatten()
            .filter(|process| {
                fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == directory)
                    && fs::read_to_string(process.path().join("comm"))
                        .is_ok_and(|name| name.trim() == "postgres")
            })
            .filter_map(|process| process.file_name().to_str()?.parse().ok().map(Pid::from_raw))
            .collect()
    }

    /// Removes the pid and lock files and the socket of a killed server; call it only when none of
    /// its processes is left. The process id in them may by now be that of another program, as it
    /// nearly always is in a container, or of the old server until PID 1 reaps it.
    pub(super) fn remove_stale_files(&self) -> Result<(), EmbeddedError> {
        if !Path::new("/proc/self").exists() {
            return Ok(());
        }
        let socket = |ending: &str| self.socket_dir.join(format!("{}{ending}", &SOCKET_NAME[1..]));
        for path in [self.directory().join("postmaster.pid"), socket(".lock"), socket("")] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(EmbeddedError::FileOperation {
                        operation: "removing",
                        path: path.display().to_string(),
                        source: error,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The major version that created the cluster; `None` before it exists.
    fn major_version(&self) -> Option<u32> {
        fs::read_to_string(self.directory().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Creates the cluster in a temporary directory and renames that, so that it exists completely
    /// or not at all.
    fn init(&self, account: &SystemAccount, binaries: &Binaries) -> Result<(), EmbeddedError> {
        tracing::info!(
            version = binaries.major,
            directory = %self.directory().display(),
            "creating a PostgreSQL cluster"
        );
        let temporary = self.data_dir.join("postgres.new");
        let failed = |operation, path: &Path, source| EmbeddedError::FileOperation {
            operation,
            path: path.display().to_string(),
            source,
        };
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removing", &temporary, error));
            }
            _ => {}
        }
        account.create_private_directory(&temporary)?;
        let mut initdb = account.command(&binaries.program("initdb"), &temporary);
        initdb.arg("--pgdata").arg(&temporary).args([
            "--username",
            NAME,
            "--encoding=UTF8",
            "--auth=trust",
            "--no-instructions",
        ]);
        initdb.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
        if self.durability == Durability::Volatile {
            initdb.arg("--no-sync");
        }
        let output =
            initdb.output().map_err(|error| EmbeddedError::InitdbFailed(error.to_string()))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let reason: Vec<&str> =
                stderr.lines().map(str::trim).filter(|line| line.starts_with("initdb: ")).collect();
            return Err(EmbeddedError::InitdbFailed(if reason.is_empty() {
                output.status.to_string()
            } else {
                reason.join(" ")
            }));
        }
        // Without PG_VERSION the directory is not PostgreSQL's; an empty one may have been created
        // manually.
        match fs::remove_dir(self.directory()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("replacing", &self.directory(), error));
            }
            _ => {}
        }
        fs::rename(&temporary, self.directory())
            .map_err(|error| failed("making", &self.directory(), error))
    }
}

/// Signals processes of an orphaned server.
pub(super) fn signal_leftovers(leftovers: &[Pid], signal: Signal) {
    for pid in leftovers {
        match kill(*pid, signal) {
            // The process has ended by itself.
            Ok(()) | Err(nix::Error::ESRCH) => {}
            Err(error) => {
                tracing::warn!(
                    %error,
                    pid = pid.as_raw(),
                    "a PostgreSQL left behind cannot be stopped"
                );
            }
        }
    }
}

/// The directory of the socket: in the data directory, or in /tmp if the path is too long for a
/// socket, or has characters that PostgreSQL reads as a list.
fn socket_dir(data_dir: &Path) -> PathBuf {
    let inside = data_dir.join("run");
    let plain = inside
        .to_str()
        .is_some_and(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)));
    if plain && inside.as_os_str().len() + SOCKET_NAME.len() <= MAX_SOCKET_PATH {
        return inside;
    }
    let hash = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    let short = hash[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    PathBuf::from(format!("/tmp/carillon-{short}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_lies_in_the_data_directory_unless_its_path_is_too_long_or_odd() {
        assert_eq!(socket_dir(Path::new("/var/lib/carillon")), Path::new("/var/lib/carillon/run"));
        let just =
            format!("/{}", "d".repeat(MAX_SOCKET_PATH - SOCKET_NAME.len() - "/run".len() - 1));
        assert_eq!(socket_dir(Path::new(&just)), Path::new(&just).join("run"));
        for path in [format!("{just}d"), "/srv/a, b".to_owned(), "/srv/ö".to_owned()] {
            let socket = socket_dir(Path::new(&path));
            assert!(socket.starts_with("/tmp") && socket == socket_dir(Path::new(&path)), "{path}");
        }
        assert_ne!(socket_dir(Path::new("/srv/a b")), socket_dir(Path::new("/srv/a c")));
    }
}
