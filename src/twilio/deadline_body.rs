//! A request body that is written before a deadline or not at all. The connection requests it once
//! it is otherwise ready, which is the last point at which a program can decide.
//!
//! A process may be suspended while connecting, even if it checked the clock before. Without the
//! body, whose length the request's head announces, the server has nothing to act upon. A gap of
//! some microseconds remains between checking the clock and the system call, plus the kernel's
//! buffers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::fail_point::FailPoint;
use crate::types::deadline::Deadline;

/// A request body with a deadline.
pub(super) struct DeadlineBody {
    bytes: Option<Bytes>,
    until: Deadline,
    state: BodyState,
}

/// Whether the body was released to the connection, shared with the caller.
#[derive(Clone, Default)]
pub(super) struct BodyState(Arc<AtomicU8>);

const RELEASED: u8 = 1;
const WITHHELD: u8 = 2;

/// The error of a body whose deadline had passed.
#[derive(Debug)]
pub(super) struct TooLate;

impl DeadlineBody {
    /// A body of `bytes` that is written before `until`.
    pub(super) fn new(bytes: &[u8], until: Deadline) -> (Self, BodyState) {
        let state = BodyState::default();
        (Self { bytes: Some(Bytes::copy_from_slice(bytes)), until, state: state.clone() }, state)
    }
}

impl BodyState {
    /// Whether it may have been written.
    pub(super) fn was_released(&self) -> bool {
        self.0.load(Ordering::SeqCst) == RELEASED
    }

    /// Whether the deadline had passed when the connection requested it.
    pub(super) fn was_withheld(&self) -> bool {
        self.0.load(Ordering::SeqCst) == WITHHELD
    }
}

impl Body for DeadlineBody {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        FailPoint::Writing.reach();
        if self.until.has_passed() {
            self.state.0.store(WITHHELD, Ordering::SeqCst);
            return Poll::Ready(Some(Err(TooLate)));
        }
        self.state.0.store(RELEASED, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time for this request had passed before it was written")
    }
}

impl std::error::Error for TooLate {}
