//! Fail points: places where a test can suspend the whole process, or end one of its tasks by a
//! panic, in debug builds only.
//!
//! `CARILLON_TEST_SUSPEND_AT` and `CARILLON_TEST_PANIC_AT` name the place. A process that reaches
//! the former stops there once, as by SIGSTOP, until it receives SIGCONT.

/// A place where a test can interrupt the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// After a claim is committed, before any request starts.
    Claimed,
    /// After the connection to Twilio is open, before the request is written.
    Writing,
    /// In the worker's own task, after the worker has started.
    WorkerStarted,
}

impl FailPoint {
    /// The value of the environment variable that selects this fail point.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Writing => "writing",
            Self::WorkerStarted => "worker_started",
        }
    }

    /// Suspends this process the first time that it reaches the selected fail point, or panics.
    #[cfg(debug_assertions)]
    pub fn reach(self) {
        use std::ffi::{OsStr, OsString};
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicBool, Ordering};

        static SUSPEND_AT: LazyLock<Option<OsString>> =
            LazyLock::new(|| std::env::var_os("CARILLON_TEST_SUSPEND_AT"));
        static PANIC_AT: LazyLock<Option<OsString>> =
            LazyLock::new(|| std::env::var_os("CARILLON_TEST_PANIC_AT"));
        static REACHED: AtomicBool = AtomicBool::new(false);
        let is_selected = |place: Option<&OsStr>| place.is_some_and(|name| name == self.as_str());
        let is_panicking = is_selected(PANIC_AT.as_deref());
        assert!(!is_panicking, "the fail point {} is selected", self.as_str());
        if is_selected(SUSPEND_AT.as_deref()) && !REACHED.swap(true, Ordering::SeqCst) {
            // If the signal cannot be raised, the test times out and reports that.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        }
    }

    /// Does nothing in release builds.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub const fn reach(self) {}
}
