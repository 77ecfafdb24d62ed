//! Fail points: places where a test can suspend the whole process, in debug builds only.
//!
//! `CARILLON_TEST_SUSPEND_AT` names the place. A process that reaches it stops there once, as by
//! SIGSTOP, until it receives SIGCONT.

/// A place where a test can suspend the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// After a claim is committed, before any request starts.
    Claimed,
    /// After the connection to Twilio is open, before the request is written.
    Writing,
}

impl FailPoint {
    /// The value of `CARILLON_TEST_SUSPEND_AT` that selects this fail point.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Writing => "writing",
        }
    }

    /// Suspends this process the first time that it reaches the selected fail point.
    #[cfg(debug_assertions)]
    pub fn reach(self) {
        use std::ffi::OsString;
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicBool, Ordering};

        static SELECTED: LazyLock<Option<OsString>> =
            LazyLock::new(|| std::env::var_os("CARILLON_TEST_SUSPEND_AT"));
        static REACHED: AtomicBool = AtomicBool::new(false);
        if SELECTED.as_deref().is_some_and(|selected| selected == self.as_str())
            && !REACHED.swap(true, Ordering::SeqCst)
        {
            // If the signal cannot be raised, the test times out and reports that.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        }
    }

    /// Does nothing in release builds.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub const fn reach(self) {}
}
