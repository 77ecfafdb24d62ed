//! The body of a request as it arrives: how long it may take, and how much memory it may use.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::{FREE_BYTES, Intake, MIN_BYTES_PER_SECOND, PERMIT_BYTES};
use crate::web::http::server::connections::{HttpConnection, Phase};

/// How long a whole body may take, as a multiple of the timeout for one pause.
const MAX_TIMEOUTS: u32 = 12;

/// Why a body is not accepted, although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::web) enum BodyFailure {
    /// The body stalls, or arrives too slowly.
    #[error("the body of the request did not arrive in time")]
    TooSlow,
    /// Other requests use all memory for bodies.
    #[error("too many large requests arrive at the moment")]
    Busy,
}

/// The progress and the memory of one body, until its request is answered.
pub(in crate::web) struct BodyTracker {
    begun: Instant,
    timeout: Duration,
    received: Cell<usize>,
    charged: Cell<usize>,
    failure: Cell<Option<BodyFailure>>,
    complete: Cell<bool>,
    budget: Arc<Semaphore>,
    held: RefCell<Option<OwnedSemaphorePermit>>,
    connection: Option<Arc<HttpConnection>>,
}

/// The stream of a body's bytes. It fails when they arrive too slowly, and when no memory is
/// available.
pub(super) struct IncomingBody {
    payload: Payload,
    body: Rc<BodyTracker>,
    timer: Option<Pin<Box<Sleep>>>,
    last_chunk_at: Instant,
    is_waiting: bool,
}

impl BodyTracker {
    pub(super) fn new(
        intake: &Intake,
        timeout: Duration,
        connection: Option<Arc<HttpConnection>>,
    ) -> Self {
        Self {
            begun: Instant::now(),
            timeout,
            received: Cell::default(),
            charged: Cell::default(),
            failure: Cell::default(),
            complete: Cell::default(),
            budget: Arc::clone(&intake.body_budget),
            held: RefCell::default(),
            connection,
        }
    }

    /// Why the body was not accepted.
    pub(in crate::web) fn failure(&self) -> Option<BodyFailure> {
        self.failure.get()
    }

    /// Whether the body was read to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// Charges the memory of more bytes to the budget, until the request is answered.
    pub(in crate::web) fn charge(&self, bytes: usize) -> Result<(), BodyFailure> {
        let charged = self.charged.get() + bytes;
        self.charged.set(charged);
        let mut held = self.held.borrow_mut();
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = charged.saturating_sub(FREE_BYTES).div_ceil(PERMIT_BYTES).saturating_sub(has);
        if missing == 0 {
            return Ok(());
        }
        let wanted = u32::try_from(missing).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.budget).try_acquire_many_owned(wanted) else {
            return Err(self.fail(BodyFailure::Busy));
        };
        match held.as_mut() {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }

    /// When the next bytes must have arrived.
    fn deadline(&self, last_chunk_at: Instant) -> Instant {
        let earned = Duration::from_secs((self.received.get() / MIN_BYTES_PER_SECOND) as u64);
        let steady = self.begun + self.timeout + earned;
        (last_chunk_at + self.timeout).min(steady).min(self.begun + MAX_TIMEOUTS * self.timeout)
    }

    fn fail(&self, failure: BodyFailure) -> BodyFailure {
        self.failure.set(Some(failure));
        failure
    }

    fn enter(&self, phase: Phase) {
        if let Some(connection) = &self.connection {
            connection.enter(phase);
        }
    }
}

impl IncomingBody {
    pub(super) fn new(payload: Payload, body: Rc<BodyTracker>) -> Self {
        let last_chunk_at = body.begun;
        Self { payload, body, timer: None, last_chunk_at, is_waiting: false }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.body.deadline(self.last_chunk_at);
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // Bytes have arrived since the timer was set.
            self.timer = None;
        }
    }
}

impl Stream for IncomingBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(failure) = self.body.failure() {
            return Poll::Ready(Some(Err(failure.into())));
        }
        let next = Pin::new(&mut self.payload).poll_next(cx);
        let is_waiting = next.is_pending();
        if is_waiting != self.is_waiting {
            self.is_waiting = is_waiting;
            self.body.enter(if is_waiting { Phase::Body } else { Phase::Answer });
        }
        match next {
            Poll::Ready(Some(Ok(bytes))) => {
                self.last_chunk_at = Instant::now();
                self.body.received.set(self.body.received.get() + bytes.len());
                if self.last_chunk_at >= self.body.deadline(self.last_chunk_at) {
                    return Poll::Ready(Some(Err(self.body.fail(BodyFailure::TooSlow).into())));
                }
                Poll::Ready(Some(self.body.charge(bytes.len()).map(|()| bytes).map_err(Into::into)))
            }
            Poll::Ready(end) => {
                self.body.complete.set(end.is_none());
                Poll::Ready(end)
            }
            Poll::Pending => match self.poll_deadline(cx) {
                Poll::Ready(()) => {
                    self.body.enter(Phase::Answer);
                    Poll::Ready(Some(Err(self.body.fail(BodyFailure::TooSlow).into())))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl From<BodyFailure> for PayloadError {
    fn from(error: BodyFailure) -> Self {
        let kind = match error {
            BodyFailure::TooSlow => io::ErrorKind::TimedOut,
            BodyFailure::Busy => io::ErrorKind::OutOfMemory,
        };
        Self::Io(io::Error::new(kind, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn body(budget: &Arc<Semaphore>) -> Rc<BodyTracker> {
        Rc::new(BodyTracker {
            begun: Instant::now(),
            timeout: TIMEOUT,
            received: Cell::default(),
            charged: Cell::default(),
            failure: Cell::default(),
            complete: Cell::default(),
            budget: Arc::clone(budget),
            held: RefCell::default(),
            connection: None,
        })
    }

    #[test]
    fn a_body_may_be_slow_but_may_not_stall_or_trickle_or_last_for_ever() {
        let body = body(&Arc::new(Semaphore::new(0)));
        let until = |last_chunk_at: u64, received: usize| {
            body.received.set(received);
            (body.deadline(body.begun + Duration::from_secs(last_chunk_at)) - body.begun).as_secs()
        };
        assert_eq!(until(0, 0), 10, "nothing came");
        assert_eq!(until(9, 9), 10, "it trickles");
        assert_eq!(until(9, 3 * MIN_BYTES_PER_SECOND), 13, "a little faster");
        assert_eq!(until(9, 1 << 20), 19, "it came fast, and stands still");
        assert_eq!(until(118, 4 << 20), 120, "however steadily it comes");
    }

    #[test]
    fn the_memory_for_bodies_is_shared_and_returned() {
        let budget = Arc::new(Semaphore::new(100));
        let (one, other) = (body(&budget), body(&budget));
        one.charge(FREE_BYTES).unwrap();
        assert_eq!(budget.available_permits(), 100, "every body has some for itself");
        one.charge(60 * PERMIT_BYTES).unwrap();
        one.charge(PERMIT_BYTES / 2).unwrap();
        assert_eq!(budget.available_permits(), 39);
        assert_eq!(other.charge(FREE_BYTES + 50 * PERMIT_BYTES), Err(BodyFailure::Busy));
        assert_eq!(other.failure(), Some(BodyFailure::Busy));
        drop(one);
        assert_eq!(budget.available_permits(), 100);
    }
}
