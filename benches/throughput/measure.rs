//! What processes have cost: CPU time and memory, as the kernel counts them.

use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Outcome, helper};

/// The kernel counts CPU time in hundredths of a second, whatever its own tick is.
const TICK: Duration = Duration::from_millis(10);

/// Whose CPU time is told apart.
#[derive(Clone, Copy)]
pub(crate) struct Processes {
    /// `carillon serve`.
    pub(crate) serve: u32,
    /// The main process of PostgreSQL; its children count with it.
    pub(crate) postmaster: u32,
}

/// CPU time used up to a moment.
pub(crate) struct Mark {
    at: Instant,
    used: Cpu,
}

/// CPU time by who used it.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Cpu {
    pub(crate) serve: Duration,
    pub(crate) postgres: Duration,
    pub(crate) fake_twilio: Duration,
    pub(crate) load: Duration,
    /// Whatever else ran on this machine, and what its host took.
    pub(crate) others: Duration,
}

/// What a measured stretch of time has cost.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Cpu,
}

impl Processes {
    pub(crate) fn mark(self) -> Outcome<Mark> {
        Ok(Mark { at: Instant::now(), used: self.used()? })
    }

    /// What was used since then.
    pub(crate) fn since(self, mark: &Mark) -> Outcome<Cost> {
        let (now, then) = (self.used()?, &mark.used);
        let cpu = Cpu {
            serve: now.serve.saturating_sub(then.serve),
            postgres: now.postgres.saturating_sub(then.postgres),
            fake_twilio: now.fake_twilio.saturating_sub(then.fake_twilio),
            load: now.load.saturating_sub(then.load),
            others: now.others.saturating_sub(then.others),
        };
        Ok(Cost { wall: mark.at.elapsed(), cpu })
    }

    fn used(self) -> Outcome<Cpu> {
        let serve = Times::of(&format!("/proc/{}/stat", self.serve))?.own;
        let postmaster = Times::of(&format!("/proc/{}/stat", self.postmaster))?;
        let mut postgres = postmaster.own + postmaster.ended_children;
        for process in fs::read_dir("/proc")?.flatten() {
            if !process.file_name().as_encoded_bytes()[0].is_ascii_digit() {
                continue;
            }
            // A process may end while it is looked at.
            if let Ok(times) = Times::of(&process.path().join("stat").to_string_lossy())
                && times.parent == self.postmaster
            {
                postgres += times.own;
            }
        }
        let (mut fake_twilio, mut load) = (Duration::ZERO, Duration::ZERO);
        for thread in fs::read_dir("/proc/self/task")?.flatten() {
            let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            let Ok(times) = Times::of(&thread.path().join("stat").to_string_lossy()) else {
                continue;
            };
            match name.trim() {
                helper::FAKE => fake_twilio += times.own,
                helper::LOAD => load += times.own,
                _ => {}
            }
        }
        let ours = Times::of("/proc/self/stat")?.own;
        let others = machine()?.saturating_sub(serve + postgres + ours);
        Ok(Cpu { serve, postgres, fake_twilio, load, others })
    }
}

impl Cost {
    /// The share of the machine that others had meanwhile, from 0 to 1.
    pub(crate) fn disturbance(&self) -> f64 {
        let cores =
            u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1);
        self.cpu.others.as_secs_f64() / (self.wall * cores).as_secs_f64()
    }
}

/// What one of `count` pieces of work used, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn microseconds_each(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}

/// The memory of a process in MB: now, and the most that it ever was.
pub(crate) fn memory(process: u32) -> Outcome<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes =
            line.and_then(|value| value.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kilobytes
            .map(|kilobytes| kilobytes / 1024.0)
            .ok_or(format!("the kernel does not say {name}"))
    };
    Ok((megabytes("VmRSS")?, megabytes("VmHWM")?))
}

/// A line of `/proc/…/stat`.
struct Times {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

impl Times {
    fn of(path: &str) -> Outcome<Self> {
        let text = fs::read_to_string(path)?;
        // The name before it may hold blanks and parentheses.
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

/// CPU time that the whole machine has used, or that its host took from it.
fn machine() -> Outcome<Duration> {
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
