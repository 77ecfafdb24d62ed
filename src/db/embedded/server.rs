//! A server process: started with settings that suit Carillon, watched, and stopped cleanly.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::binaries::Binaries;
use super::cluster_files::{Cluster, signal_leftovers};
use super::error::EmbeddedError;
use super::memory_settings::Memory;
use super::options::Durability;
use super::stop_signal::StopSignal;
use super::system_account::SystemAccount;
use crate::db::startup_wait_log::LOG_AFTER;

/// How long a start may take; crash recovery, which replays at most `max_wal_size`, takes well
/// under this.
const START_TIMEOUT: Duration = Duration::from_mins(3);
/// How long a fast shutdown may take: it writes what is in memory, which takes seconds on slow
/// disks.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
const MAX_LOG_BYTES: u64 = 20 * 1024 * 1024;

const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "200"),
    ("work_mem", "8MB"),
    ("maintenance_work_mem", "128MB"),
    ("random_page_cost", "1.1"),
    // The statements are short: compiling them costs more than it saves.
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
    // No statements, parameters or row contents in the log: they contain phone numbers and texts.
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
    /// Starts the server and waits until it accepts connections; returns early if it is to stop.
    pub(super) fn start(cluster: &Cluster, stop: &StopSignal) -> Result<Self, EmbeddedError> {
        let (account, binaries) = cluster.prepare()?;
        wait_for_leftovers(cluster, stop)?;
        let log = cluster.log();
        let unwritable = |source| EmbeddedError::FileOperation {
            operation: "opening",
            path: log.display().to_string(),
            source,
        };
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES) {
            fs::rename(&log, log.with_extension("log.old")).map_err(unwritable)?;
        }
        let output = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&log)
            .map_err(unwritable)?;
        let log_start = output.metadata().map_err(unwritable)?.len();
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
            |reason: String| EmbeddedError::StartFailed { reason, log: log.display().to_string() };
        command.stdout(output.try_clone().map_err(unwritable)?).stderr(output);
        let mut server = Self(command.spawn().map_err(|error| failed(error.to_string()))?);
        let pid = server.pid();
        let started = Instant::now();
        let mut logged = false;
        loop {
            if !logged && started.elapsed() > LOG_AFTER {
                logged = true;
                let last = last_log_message(&log, log_start).unwrap_or_default();
                tracing::info!(
                    pid = pid.as_raw(),
                    last,
                    "waiting for PostgreSQL to get ready: after a crash it replays its log"
                );
            }
            if cluster.ready_server() == Some(pid) {
                tracing::info!(version = binaries.major, pid = pid.as_raw(), "PostgreSQL is ready");
                return Ok(server);
            }
            if let Some(status) = server.exited() {
                return Err(failed(
                    last_log_message(&log, log_start).unwrap_or_else(|| status.to_string()),
                ));
            }
            if started.elapsed() > START_TIMEOUT {
                server.stop();
                return Err(failed(format!(
                    "it was not ready after {} seconds",
                    START_TIMEOUT.as_secs()
                )));
            }
            if stop.within(Duration::from_millis(10)) {
                server.stop();
                return Err(EmbeddedError::StoppedBeforeReady);
            }
        }
    }

    /// The exit status, if the server has ended.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Stops the server by a fast shutdown: connections are cut, everything is written, no recovery
    /// is needed. Sends a stronger signal if that takes too long.
    pub(super) fn stop(mut self) {
        for (signal, timeout) in [
            (Signal::SIGINT, STOP_TIMEOUT),
            (Signal::SIGQUIT, Duration::from_secs(5)),
            (Signal::SIGKILL, STOP_TIMEOUT),
        ] {
            // The child is not reaped yet, so that its id cannot be that of another process.
            if self.exited().is_some() || kill(self.pid(), signal).is_err() {
                break;
            }
            let signalled_at = Instant::now();
            while signalled_at.elapsed() < timeout {
                if self.exited().is_some() {
                    return;
                }
                // No thread unparks this one: it sleeps for the whole time.
                std::thread::park_timeout(Duration::from_millis(10));
            }
            tracing::warn!(%signal, "PostgreSQL does not stop; sending a stronger signal");
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }
}

/// The compression of full pages in the WAL: lz4 if the server supports it (from version 15 on, if
/// it was built with it). pglz, which all support, took a fifth of PostgreSQL's CPU time per
/// message; no compression takes less CPU than that, and more disk.
fn wal_compression(
    cluster: &Cluster,
    account: &SystemAccount,
    binaries: &Binaries,
) -> &'static str {
    if cluster.durability() == Durability::Volatile || binaries.major < 15 {
        return "on";
    }
    let mut probe = account.command(&binaries.program("postgres"), &cluster.directory());
    probe.arg("-D").arg(cluster.directory()).args([
        "-c",
        "wal_compression=lz4",
        "-C",
        "wal_compression",
    ]);
    let known = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if known.is_ok_and(|status| status.success()) { "lz4" } else { "on" }
}

/// Waits for the end of a server whose owner was killed. This process holds the lock, so that no
/// other can be its owner.
fn wait_for_leftovers(cluster: &Cluster, stop: &StopSignal) -> Result<(), EmbeddedError> {
    let found = Instant::now();
    let mut interrupted = false;
    let mut forced = false;
    loop {
        let leftovers = cluster.leftovers();
        if leftovers.is_empty() {
            return cluster.remove_stale_files();
        }
        if !interrupted {
            let processes: Vec<i32> = leftovers.iter().map(|pid| pid.as_raw()).collect();
            tracing::warn!(?processes, "a PostgreSQL was left behind; waiting for its end");
            // The server got this signal when its owner was killed. To its other processes, which
            // may be in the list, it means “cancel”.
            signal_leftovers(&leftovers, Signal::SIGINT);
            interrupted = true;
        }
        if !forced && found.elapsed() > Duration::from_secs(20) {
            signal_leftovers(&leftovers, Signal::SIGQUIT);
            forced = true;
        }
        if found.elapsed() > STOP_TIMEOUT {
            return Err(cluster.other_server_not_ready());
        }
        if stop.within(Duration::from_millis(20)) {
            return Err(EmbeddedError::StoppedBeforeReady);
        }
    }
}

/// The first FATAL or PANIC that the server wrote to its log since `from`, else its last line.
fn last_log_message(log: &Path, from: u64) -> Option<String> {
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
