//! The system account that runs the server: PostgreSQL refuses to run as root, so root runs it as
//! another account.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use nix::sys::signal::Signal;
use nix::unistd::{Uid, User, geteuid, getpid};

use super::error::EmbeddedError;

/// An account to run programs and own files as.
#[derive(Debug, Clone)]
pub(super) struct SystemAccount {
    name: String,
    uid: u32,
    gid: u32,
    /// Whether programs must switch to it, because it is not our own account; only root can.
    must_switch: bool,
}

impl SystemAccount {
    /// Our own account; as root, the current owner of the cluster, else `postgres`, else the
    /// unprivileged system account.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let own_uid = geteuid();
        let owner = fs::metadata(cluster).ok().map(|metadata| (metadata.uid(), metadata.gid()));
        if !own_uid.is_root() {
            return match owner {
                Some((uid, _)) if uid != own_uid.as_raw() => {
                    Err(EmbeddedError::OwnedByAnotherUser(cluster.display().to_string()))
                }
                _ => Ok(Self {
                    name: name_of(own_uid),
                    uid: own_uid.as_raw(),
                    gid: nix::unistd::getegid().as_raw(),
                    must_switch: false,
                }),
            };
        }
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { name: name_of(Uid::from_raw(uid)), uid, gid, must_switch: true });
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
                must_switch: true,
            })
            .ok_or(EmbeddedError::NoUnprivilegedAccount)
    }

    /// Prepares a command that runs as this account, in `directory`, with a clean environment, and
    /// is told by a signal to stop when this process ends.
    pub(super) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        // No PGDATA, PGPORT, LC_* or TZ of the caller, so that the server behaves the same wherever
        // it is started.
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        // Its own process group: Ctrl-C in a terminal must reach only this process, or the server
        // would stop before its clients.
        command.current_dir(directory).stdin(std::process::Stdio::null()).process_group(0);
        if self.must_switch {
            // Also drops the supplementary groups of root.
            command.uid(self.uid).gid(self.gid);
        }
        stop_with_parent(&mut command);
        command
    }

    /// Creates `path`, if needed, as a directory that only this account can enter.
    pub(super) fn create_private_directory(&self, path: &Path) -> Result<(), EmbeddedError> {
        let failed = |source| EmbeddedError::FileOperation {
            operation: "making",
            path: path.display().to_string(),
            source,
        };
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        // Links are not followed: in /tmp, any user could have created one.
        let found = fs::symlink_metadata(path).map_err(failed)?;
        let ours = [self.uid, geteuid().as_raw()].contains(&found.uid());
        if !found.is_dir() || !ours {
            return Err(EmbeddedError::OwnedByAnotherUser(path.display().to_string()));
        }
        if self.must_switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(failed)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
    }

    /// Checks that the account can enter every directory above `data_dir`, and makes `data_dir`
    /// itself, which is ours, passable.
    pub(super) fn ensure_accessible(&self, data_dir: &Path) -> Result<(), EmbeddedError> {
        if !self.must_switch {
            return Ok(());
        }
        let failed = |path: &Path, source| EmbeddedError::FileOperation {
            operation: "reading",
            path: path.display().to_string(),
            source,
        };
        for directory in data_dir.ancestors().skip(1) {
            let metadata = fs::metadata(directory).map_err(|error| failed(directory, error))?;
            if !self.may_enter(&metadata) {
                return Err(EmbeddedError::DirectoryInaccessible {
                    account: self.name.clone(),
                    directory: directory.display().to_string(),
                });
            }
        }
        let metadata = fs::metadata(data_dir).map_err(|error| failed(data_dir, error))?;
        if self.may_enter(&metadata) {
            return Ok(());
        }
        // Its contents (the key, the cluster) have their own permissions.
        fs::set_permissions(data_dir, fs::Permissions::from_mode(metadata.mode() & 0o7777 | 0o011))
            .map_err(|error| failed(data_dir, error))
    }

    fn may_enter(&self, directory: &fs::Metadata) -> bool {
        let bit = match () {
            () if directory.uid() == self.uid => 0o100,
            () if directory.gid() == self.gid => 0o010,
            () => 0o001,
        };
        directory.mode() & bit != 0
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Makes the kernel send SIGINT (PostgreSQL's fast shutdown) to the program when the thread that
/// started it ends, even by kill -9.
#[cfg(target_os = "linux")]
fn stop_with_parent(command: &mut Command) {
    let parent = getpid();
    let in_child = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
        // The parent may have ended before the call above.
        if nix::unistd::getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::NotFound))
        }
    };
    #[expect(
        unsafe_code,
        reason = "between fork and exec only two system calls are made, which is allowed there; it \
                  allocates nothing"
    )]
    // SAFETY: see the reason above.
    unsafe {
        command.pre_exec(in_child);
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_with_parent(_: &mut Command) {}
