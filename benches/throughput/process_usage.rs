//! CPU time and memory of processes, from `/proc`.

use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Outcome, threads};

/// The unit of CPU times in `/proc`: 10 ms, independent of the kernel's own tick.
const TICK: Duration = Duration::from_millis(10);

/// The processes whose CPU time is measured.
#[derive(Clone, Copy)]
pub(crate) struct Processes {
    /// `carillon serve`.
    pub(crate) serve: u32,
    /// The main process of PostgreSQL; the CPU time of its children is added.
    pub(crate) postmaster: u32,
}

/// The CPU time used until a moment.
pub(crate) struct Snapshot {
    at: Instant,
    used: Cpu,
}

/// CPU time by process.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Cpu {
    pub(crate) serve: Duration,
    pub(crate) postgres: Duration,
    pub(crate) fake_twilio: Duration,
    pub(crate) load: Duration,
    /// The CPU time of all other processes, and the time that the host took (steal).
    pub(crate) others: Duration,
}

/// The cost of a measured period.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Cpu,
}

impl Processes {
    pub(crate) fn snapshot(self) -> Outcome<Snapshot> {
        Ok(Snapshot { at: Instant::now(), used: self.used()? })
    }

    /// The cost since a snapshot.
    pub(crate) fn since(self, before: &Snapshot) -> Outcome<Cost> {
        let (now, then) = (self.used()?, &before.used);
        let cpu = Cpu {
            serve: now.serve.saturating_sub(then.serve),
            postgres: now.postgres.saturating_sub(then.postgres),
            fake_twilio: now.fake_twilio.saturating_sub(then.fake_twilio),
            load: now.load.saturating_sub(then.load),
            others: now.others.saturating_sub(then.others),
        };
        Ok(Cost { wall: before.at.elapsed(), cpu })
    }

    fn used(self) -> Outcome<Cpu> {
        let serve = ProcessTimes::of(&format!("/proc/{}/stat", self.serve))?.own;
        let postmaster = ProcessTimes::of(&format!("/proc/{}/stat", self.postmaster))?;
        let mut postgres = postmaster.own + postmaster.ended_children;
        for process in fs::read_dir("/proc")?.flatten() {
            if !process.file_name().as_encoded_bytes()[0].is_ascii_digit() {
                continue;
            }
            // The process may have ended since the listing.
            if let Ok(times) = ProcessTimes::of(&process.path().join("stat").to_string_lossy())
                && times.parent == self.postmaster
            {
                postgres += times.own;
            }
        }
        let (mut fake_twilio, mut load) = (Duration::ZERO, Duration::ZERO);
        for thread in fs::read_dir("/proc/self/task")?.flatten() {
            let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            let Ok(times) = ProcessTimes::of(&thread.path().join("stat").to_string_lossy()) else {
                continue;
            };
            match name.trim() {
                threads::FAKE_TWILIO => fake_twilio += times.own,
                threads::LOAD => load += times.own,
                _ => {}
            }
        }
        let ours = ProcessTimes::of("/proc/self/stat")?.own;
        let others = machine_cpu()?.saturating_sub(serve + postgres + ours);
        Ok(Cpu { serve, postgres, fake_twilio, load, others })
    }
}

impl Cost {
    /// The share of the machine that other processes used, from 0 to 1.
    pub(crate) fn others_share(&self) -> f64 {
        let cores =
            u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1);
        self.cpu.others.as_secs_f64() / (self.wall * cores).as_secs_f64()
    }
}

/// The CPU time per unit of work, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn microseconds_each(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}

/// The memory of a process in MB: current and peak.
pub(crate) fn memory(process: u32) -> Outcome<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes =
            line.and_then(|value| value.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or(format!("/proc has no {name}"))
    };
    Ok((megabytes("VmRSS")?, megabytes("VmHWM")?))
}

/// The CPU times in `/proc/…/stat`.
struct ProcessTimes {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

impl ProcessTimes {
    fn of(path: &str) -> Outcome<Self> {
        let text = fs::read_to_string(path)?;
        // The process name before it may contain spaces and parentheses.
        let fields: Vec<&str> =
            text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<u32>().ok())
                .ok_or("a process without times")
        };
        Ok(Self {
            parent: number(1)?,
            own: TICK * (number(11)? + number(12)?),
            ended_children: TICK * (number(13)? + number(14)?),
        })
    }
}

/// The CPU time that the whole machine has used, including the time that the host took (steal).
fn machine_cpu() -> Outcome<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    let numbers: Vec<u32> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|one| one.parse().ok())
        .collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal
    Ok(TICK * [0, 1, 2, 5, 6, 7].into_iter().filter_map(|index| numbers.get(index)).sum::<u32>())
}
