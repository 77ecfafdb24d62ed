//! What the figures were measured on.

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
use crate::cluster::Cluster;
use crate::load::{per_second, percentile};

/// Machine, source and database of a measurement.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) measured_at: String,
    /// The commit, with a `+` when the source differs from it.
    pub(crate) commit: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    /// Writing 8 kB and having it on the disk, half of the times within this.
    pub(crate) fsync_ms: f64,
    pub(crate) postgres: Vec<(String, String)>,
}

/// Looks around.
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
    let mut took = fsyncs(directory, 100)?;
    took.sort_unstable();
    Ok(Machine {
        measured_at: Clock::system().now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        commit: commit(),
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        cores: thread::available_parallelism()?.get(),
        memory_gb: memory / (1024.0 * 1024.0),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        fsync_ms: percentile(&took, 0.5),
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

/// How fast the machine is at this moment, with nothing of Carillon in it: round trips of a byte
/// between two threads over TCP, a second.
///
/// What others on the same hardware do is felt in system calls and changes of threads before it is
/// felt in calculations: figures of different hours can be compared with what was measured right
/// before them.
pub(crate) fn pulse() -> Outcome<f64> {
    const LASTS: Duration = Duration::from_millis(300);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).and_then(|()| there.write_all(&byte)).is_ok() {}
    });
    let (begun, mut count, mut byte) = (Instant::now(), 0, [0]);
    while begun.elapsed() < LASTS {
        here.write_all(&byte)?;
        here.read_exact(&mut byte)?;
        count += 1;
    }
    let rate = per_second(count, begun.elapsed());
    drop(here);
    echo.join().map_err(|_| "the echo ended before its time")?;
    Ok(rate)
}

/// How long each of `count` writes of 8 kB took to reach the disk.
pub(crate) fn fsyncs(directory: &Path, count: usize) -> Outcome<Vec<Duration>> {
    let path = directory.join("fsync");
    let mut file = File::create(&path)?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        file.write_all(&[0; 8192])?;
        let begun = Instant::now();
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    fs::remove_file(path)?;
    Ok(took)
}
