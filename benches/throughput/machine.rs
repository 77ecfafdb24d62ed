//! The machine that the figures are measured on.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use carillon::clock::Clock;
use serde::Serialize;

use crate::Outcome;
use crate::load_tool::{per_second, percentile};
use crate::postgres_cluster::Cluster;

/// The machine, the commit and the database of a measurement.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) measured_at: String,
    /// The commit, with a `+` if the working tree has changes.
    pub(crate) commit: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    /// The median time to write 8 kB to the disk, in milliseconds.
    pub(crate) fsync_ms: f64,
    pub(crate) postgres: Vec<(String, String)>,
}

/// Collects the description of the machine.
pub(crate) async fn describe(cluster: &Cluster, directory: &Path) -> Outcome<Machine> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal")
        .trim_end_matches(" kB")
        .parse::<f64>()
        .unwrap_or_default();
    let mut fsync_times = fsyncs(directory, 100)?;
    fsync_times.sort_unstable();
    Ok(Machine {
        measured_at: Clock::system().now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        commit: commit(),
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        cores: thread::available_parallelism()?.get(),
        memory_gb: memory / (1024.0 * 1024.0),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        fsync_ms: percentile(&fsync_times, 0.5),
        postgres: cluster.settings().await?,
    })
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])
        .is_some_and(|changes| !changes.is_empty());
    let commit = git(&["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    if changed { format!("{commit}+") } else { commit }
}

/// The current speed of the machine, independent of Carillon: round trips of one byte per second
/// between two threads over TCP.
///
/// Other load on the hardware slows down system calls and context switches before it slows down
/// computation. So figures of different hours can be compared relative to the pulse before them.
pub(crate) fn pulse() -> Outcome<f64> {
    const DURATION: Duration = Duration::from_millis(300);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).and_then(|()| there.write_all(&byte)).is_ok() {}
    });
    let (started, mut count, mut byte) = (Instant::now(), 0, [0]);
    while started.elapsed() < DURATION {
        here.write_all(&byte)?;
        here.read_exact(&mut byte)?;
        count += 1;
    }
    let rate = per_second(count, started.elapsed());
    drop(here);
    echo.join().map_err(|_| "the echo thread panicked")?;
    Ok(rate)
}

/// The durations of `count` writes of 8 kB to the disk.
pub(crate) fn fsyncs(directory: &Path, count: usize) -> Outcome<Vec<Duration>> {
    let path = directory.join("fsync");
    let mut file = File::create(&path)?;
    let mut durations = Vec::with_capacity(count);
    for _ in 0..count {
        file.write_all(&[0; 8192])?;
        let started = Instant::now();
        file.sync_data()?;
        durations.push(started.elapsed());
    }
    fs::remove_file(path)?;
    Ok(durations)
}
