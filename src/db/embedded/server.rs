//! A server process: started with settings that suit Carillon, watched, and stopped in order.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::account::SystemAccount;
use super::binaries::Binaries;
use super::cluster::{Cluster, end_leftovers};
use super::error::EmbeddedError;
use super::memory::Memory;
use super::options::Durability;
use super::stop::StopSignal;
use crate::db::waits::SAID_AFTER;

/// Crash recovery replays at most `max_wal_size`: that takes well under this.
const START_PATIENCE: Duration = Duration::from_mins(3);
/// A fast shutdown writes what is in memory: seconds on slow disks.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
const MAX_LOG: u64 = 20 * 1024 * 1024;

const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "200"),
    ("work_mem", "8MB"),
    ("maintenance_work_mem", "128MB"),
    ("random_page_cost", "1.1"),
    // Short statements all over: compiling them costs more than it saves.
    ("jit", "off"),
    ("min_wal_size", "256MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("autovacuum_naptime", "15s"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("logging_collector", "off"),
    // No statements, parameters or row contents in the log: they hold phone numbers and texts.
    // Carillon logs refused statements itself.
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_statement", "none"),
    ("log_checkpoints", "off"),
    ("log_line_prefix", "%m [%p] "),
];

const DURABLE: &[(&str, &str)] =
    &[("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")];
const VOLATILE: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("shared_buffers", "192MB"),
];

/// A running server.
pub(super) struct Server(Child);

impl Server {
    /// Starts the server and waits until it accepts connections; ends early when asked to stop.
    pub(super) fn start(cluster: &Cluster, stop: &StopSignal) -> Result<Self, EmbeddedError> {
        let (account, binaries) = cluster.prepare()?;
        clear_the_way(cluster, stop)?;
        let log = cluster.log();
        let unwritable = |source| EmbeddedError::Directory {
            what: "opening",
            path: log.display().to_string(),
            source,
        };
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > MAX_LOG) {
            fs::rename(&log, log.with_extension("log.old")).map_err(unwritable)?;
        }
        let output = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&log)
            .map_err(unwritable)?;
        let said_before = output.metadata().map_err(unwritable)?.len();
        let directory = cluster.directory();
        let mut command = account.command(&binaries.program("postgres"), &directory);
        command.arg("-D").arg(&directory).arg("-k").arg(cluster.socket_dir());
        let durability =
            if cluster.durability() == Durability::Durable { DURABLE } else { VOLATILE };
        for (name, value) in SETTINGS.iter().chain(durability) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
            .arg("-c")
            .arg(format!("wal_compression={}", wal_compression(cluster, &account, &binaries)));
        if cluster.durability() == Durability::Durable {
            let memory = Memory::of_this_machine();
            command.arg("-c").arg(format!("shared_buffers={}", memory.shared_buffers()));
            command
                .arg("-c")
                .arg(format!("effective_cache_size={}", memory.effective_cache_size()));
        }
        let failed =
            |reason: String| EmbeddedError::Start { reason, log: log.display().to_string() };
        command.stdout(output.try_clone().map_err(unwritable)?).stderr(output);
        let mut server = Self(command.spawn().map_err(|error| failed(error.to_string()))?);
        let pid = server.pid();
        let started = Instant::now();
        let mut said = false;
        loop {
            if !said && started.elapsed() > SAID_AFTER {
                said = true;
                let last = last_words(&log, said_before).unwrap_or_default();
                tracing::info!(
                    pid = pid.as_raw(),
                    last,
                    "waiting for PostgreSQL to get ready: after a crash it reads what it had \
                     written"
                );
            }
            if cluster.ready_server() == Some(pid) {
                tracing::info!(version = binaries.major, pid = pid.as_raw(), "PostgreSQL is ready");
                return Ok(server);
            }
            if let Some(status) = server.exited() {
                return Err(failed(
                    last_words(&log, said_before).unwrap_or_else(|| status.to_string()),
                ));
            }
            if started.elapsed() > START_PATIENCE {
                server.stop();
                return Err(failed(format!(
                    "it was not ready after {} seconds",
                    START_PATIENCE.as_secs()
                )));
            }
            if stop.within(Duration::from_millis(10)) {
                server.stop();
                return Err(EmbeddedError::Stopped);
            }
        }
    }

    /// How it ended, if it did.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Fast shutdown: connections are cut, everything is written, no recovery is needed. Harsher
    /// when that takes too long.
    pub(super) fn stop(mut self) {
        for (signal, patience) in [
            (Signal::SIGINT, STOP_PATIENCE),
            (Signal::SIGQUIT, Duration::from_secs(5)),
            (Signal::SIGKILL, STOP_PATIENCE),
        ] {
            // The child was not waited for yet, so that its id cannot be another's.
            if self.exited().is_some() || kill(self.pid(), signal).is_err() {
                break;
            }
            let asked = Instant::now();
            while asked.elapsed() < patience {
                if self.exited().is_some() {
                    return;
                }
                // Nobody unparks this thread.
                std::thread::park_timeout(Duration::from_millis(10));
            }
            tracing::warn!(%signal, "PostgreSQL does not stop; trying harder");
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }
}

/// How the pages in the log are made smaller: by lz4 where the server knows it (from version 15 on,
/// if it was built with it). The method that all know, pglz, cost a fifth of the CPU time of
/// PostgreSQL's share in a message; pages as they are cost less than that, and disk.
fn wal_compression(
    cluster: &Cluster,
    account: &SystemAccount,
    binaries: &Binaries,
) -> &'static str {
    if cluster.durability() == Durability::Volatile || binaries.major < 15 {
        return "on";
    }
    let mut asking = account.command(&binaries.program("postgres"), &cluster.directory());
    asking.arg("-D").arg(cluster.directory()).args([
        "-c",
        "wal_compression=lz4",
        "-C",
        "wal_compression",
    ]);
    let known = asking.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if known.is_ok_and(|status| status.success()) { "lz4" } else { "on" }
}

/// Waits for the end of a server whose owner was killed. We hold the lock: nobody else can be its
/// owner.
fn clear_the_way(cluster: &Cluster, stop: &StopSignal) -> Result<(), EmbeddedError> {
    let found = Instant::now();
    let mut asked = false;
    let mut forced = false;
    loop {
        let leftovers = cluster.leftovers();
        if leftovers.is_empty() {
            return cluster.remove_stale_notes();
        }
        if !asked {
            let processes: Vec<i32> = leftovers.iter().map(|pid| pid.as_raw()).collect();
            tracing::warn!(?processes, "a PostgreSQL was left behind; waiting for its end");
            // The server of a killed owner has had this signal already. Its other processes may be
            // in the list: to them it means “cancel”.
            end_leftovers(&leftovers, Signal::SIGINT);
            asked = true;
        }
        if !forced && found.elapsed() > Duration::from_secs(20) {
            end_leftovers(&leftovers, Signal::SIGQUIT);
            forced = true;
        }
        if found.elapsed() > STOP_PATIENCE {
            return Err(cluster.busy());
        }
        if stop.within(Duration::from_millis(20)) {
            return Err(EmbeddedError::Stopped);
        }
    }
}

/// The first FATAL or PANIC that the server wrote to its log since `from`, else its last line.
fn last_words(log: &Path, from: u64) -> Option<String> {
    let mut file = fs::File::open(log).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(64 * 1024).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let fatal = text.lines().find_map(|line| {
        ["FATAL:  ", "PANIC:  "].iter().find_map(|mark| line.split_once(mark)).map(|(_, said)| said)
    });
    fatal
        .or_else(|| text.lines().rfind(|line| !line.trim().is_empty()))
        .map(|said| said.trim().to_owned())
}
