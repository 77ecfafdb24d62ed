//! Fail points: places where a story suspends the whole process, in builds for development only.
//!
//! `CARILLON_TEST_SUSPEND_AT` names the place. A process that comes to it stops there once, as by
//! SIGSTOP, until it gets SIGCONT.

/// A place where a process may be suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// A claim is committed, and no request has begun.
    Claimed,
    /// The connection to Twilio stands, and the request is about to be written.
    Writing,
}

impl FailPoint {
    /// The value of `CARILLON_TEST_SUSPEND_AT` that names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Writing => "writing",
        }
    }

    /// Suspends this process, if this is where it is to be, and if it has not been before.
    #[cfg(debug_assertions)]
    pub fn reach(self) {
        use std::ffi::OsString;
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicBool, Ordering};

        static PLACE: LazyLock<Option<OsString>> =
            LazyLock::new(|| std::env::var_os("CARILLON_TEST_SUSPEND_AT"));
        static REACHED: AtomicBool = AtomicBool::new(false);
        if PLACE.as_deref().is_some_and(|place| place == self.as_str())
            && !REACHED.swap(true, Ordering::SeqCst)
        {
            // Without a signal the story waits in vain, and says so.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        }
    }

    /// Nothing in a release.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub const fn reach(self) {}
}
