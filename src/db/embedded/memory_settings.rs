//! The memory settings of the embedded PostgreSQL: fractions of the memory of the machine, or of
//! its container.

use std::fs;
use std::path::Path;

const MB: u64 = 1024 * 1024;

/// The total that is assumed if the system does not report one: small enough for any server.
const FALLBACK_TOTAL: u64 = 1024 * MB;

/// The memory from which the sizes of PostgreSQL's caches follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// The bytes that processes on this machine may use.
    total: u64,
}

impl Memory {
    /// The memory of this machine, or the limit of the container that it is.
    pub(super) fn of_this_machine() -> Self {
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
            .map(|file| read(file, limit));
        let machine = read("/proc/meminfo", total);
        Self {
            total: limits.into_iter().chain([machine]).flatten().min().unwrap_or(FALLBACK_TOTAL),
        }
    }

    /// An eighth of the memory, from 128 MB to 2 GB. With millions of messages, each new one
    /// touches random index pages; pages that are not cached here must be read again while others
    /// are evicted.
    pub(super) fn shared_buffers(self) -> String {
        megabytes((self.total / 8).clamp(128 * MB, 2048 * MB))
    }

    /// Half of the memory: what PostgreSQL may assume to be cached, including by the system's file
    /// cache.
    pub(super) fn effective_cache_size(self) -> String {
        megabytes((self.total / 2).max(256 * MB))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}MB", bytes / MB)
}

fn read(file: impl AsRef<Path>, parse: impl FnOnce(&str) -> Option<u64>) -> Option<u64> {
    parse(&fs::read_to_string(file).ok()?)
}

/// `MemTotal:       24593412 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A number of bytes, or `max`.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caches_are_a_part_of_the_memory_within_bounds() {
        let sizes = |megabytes: u64| {
            let memory = Memory { total: megabytes * MB };
            (memory.shared_buffers(), memory.effective_cache_size())
        };
        assert_eq!(sizes(256), ("128MB".to_owned(), "256MB".to_owned()));
        assert_eq!(sizes(4_096), ("512MB".to_owned(), "2048MB".to_owned()));
        assert_eq!(sizes(262_144), ("2048MB".to_owned(), "131072MB".to_owned()));
    }

    #[test]
    fn a_container_has_no_more_than_its_limit() {
        assert_eq!(total("MemFree: 7 kB\nMemTotal:       24593412 kB\n"), Some(24_593_412 * 1024));
        assert_eq!((limit("max\n"), limit("536870912\n")), (None, Some(512 * MB)));
        assert!(Memory::of_this_machine().total >= 128 * MB);
    }
}
