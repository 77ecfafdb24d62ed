//! A request's body that is written in time or not at all: the connection asks for it when all else
//! is ready, and this is the last moment at which a program can decide.
//!
//! A process may be suspended while the connection is being made, however carefully it looked at
//! the clock before. Without its body, whose length the head of the request promises, the other
//! side has nothing that it could act upon. What is left is the moment between the look at the
//! clock and the system call that writes, some microseconds, and what lies in the buffers of the
//! kernel.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::fail_point::FailPoint;
use crate::types::deadline::Deadline;

/// The body.
pub(super) struct Timely {
    bytes: Option<Bytes>,
    until: Deadline,
    handed: Handed,
}

/// What became of the body.
#[derive(Clone, Default)]
pub(super) struct Handed(Arc<AtomicU8>);

const GIVEN: u8 = 1;
const WITHHELD: u8 = 2;

/// The body came too late to be written.
#[derive(Debug)]
pub(super) struct TooLate;

impl Timely {
    /// A body of these bytes that is written before a moment.
    pub(super) fn new(bytes: &[u8], until: Deadline) -> (Self, Handed) {
        let handed = Handed::default();
        (Self { bytes: Some(Bytes::copy_from_slice(bytes)), until, handed: handed.clone() }, handed)
    }
}

impl Handed {
    /// Whether it may have been written.
    pub(super) fn was_given(&self) -> bool {
        self.0.load(Ordering::SeqCst) == GIVEN
    }

    /// Whether it was asked for too late.
    pub(super) fn was_withheld(&self) -> bool {
        self.0.load(Ordering::SeqCst) == WITHHELD
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        FailPoint::Writing.reach();
        if self.until.has_passed() {
            self.handed.0.store(WITHHELD, Ordering::SeqCst);
            return Poll::Ready(Some(Err(TooLate)));
        }
        self.handed.0.store(GIVEN, Ordering::SeqCst);
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
