//! The body of a request as it arrives: how long it may take, and how much memory it gets.

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

use super::{FREE_BYTES, Intake, MIN_BYTES_PER_SECOND, UNIT};
use crate::web::http::server::connections::{HttpConnection, Phase};

/// How often the patience with one pause a whole body may take.
const WHOLE: u32 = 12;

/// Why a body is not taken in, although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::web) enum BodyFailure {
    /// It stands still, or comes too slowly.
    #[error("the body of the request did not arrive in time")]
    TooSlow,
    /// Others take all the memory that there is for bodies.
    #[error("too many large requests arrive at the moment")]
    Busy,
}

/// The account of one body: what has come, and what it holds until the request is answered.
pub(in crate::web) struct Body {
    begun: Instant,
    patience: Duration,
    received: Cell<usize>,
    charged: Cell<usize>,
    failure: Cell<Option<BodyFailure>>,
    whole: Cell<bool>,
    budget: Arc<Semaphore>,
    held: RefCell<Option<OwnedSemaphorePermit>>,
    connection: Option<Arc<HttpConnection>>,
}

/// A body's bytes; fails when they come too slowly, and when there is no memory for them.
pub(super) struct Incoming {
    payload: Payload,
    body: Rc<Body>,
    alarm: Option<Pin<Box<Sleep>>>,
    last: Instant,
    waits: bool,
}

impl Body {
    pub(super) fn new(
        intake: &Intake,
        patience: Duration,
        connection: Option<Arc<HttpConnection>>,
    ) -> Self {
        Self {
            begun: Instant::now(),
            patience,
            received: Cell::default(),
            charged: Cell::default(),
            failure: Cell::default(),
            whole: Cell::default(),
            budget: Arc::clone(&intake.bodies),
            held: RefCell::default(),
            connection,
        }
    }

    /// Why it was not taken in.
    pub(in crate::web) fn failure(&self) -> Option<BodyFailure> {
        self.failure.get()
    }

    /// Whether it was read to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.get()
    }

    /// Takes memory for so many bytes more, until the request is answered.
    pub(in crate::web) fn charge(&self, bytes: usize) -> Result<(), BodyFailure> {
        let charged = self.charged.get() + bytes;
        self.charged.set(charged);
        let mut held = self.held.borrow_mut();
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = charged.saturating_sub(FREE_BYTES).div_ceil(UNIT).saturating_sub(has);
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

    /// When the next bytes must have come.
    fn deadline(&self, last: Instant) -> Instant {
        let earned = Duration::from_secs((self.received.get() / MIN_BYTES_PER_SECOND) as u64);
        let steady = self.begun + self.patience + earned;
        (last + self.patience).min(steady).min(self.begun + WHOLE * self.patience)
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

impl Incoming {
    pub(super) fn new(payload: Payload, body: Rc<Body>) -> Self {
        let last = body.begun;
        Self { payload, body, alarm: None, last, waits: false }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.body.deadline(self.last);
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // Bytes have come since it was set.
            self.alarm = None;
        }
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(failure) = self.body.failure() {
            return Poll::Ready(Some(Err(failure.into())));
        }
        let next = Pin::new(&mut self.payload).poll_next(cx);
        let waits = next.is_pending();
        if waits != self.waits {
            self.waits = waits;
            self.body.enter(if waits { Phase::Body } else { Phase::Answer });
        }
        match next {
            Poll::Ready(Some(Ok(bytes))) => {
                self.last = Instant::now();
                self.body.received.set(self.body.received.get() + bytes.len());
                if self.last >= self.body.deadline(self.last) {
                    return Poll::Ready(Some(Err(self.body.fail(BodyFailure::TooSlow).into())));
                }
                Poll::Ready(Some(self.body.charge(bytes.len()).map(|()| bytes).map_err(Into::into)))
            }
            Poll::Ready(end) => {
                self.body.whole.set(end.is_none());
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

    fn body(budget: &Arc<Semaphore>) -> Rc<Body> {
        Rc::new(Body {
            begun: Instant::now(),
            patience: TIMEOUT,
            received: Cell::default(),
            charged: Cell::default(),
            failure: Cell::default(),
            whole: Cell::default(),
            budget: Arc::clone(budget),
            held: RefCell::default(),
            connection: None,
        })
    }

    #[test]
    fn a_body_may_be_slow_but_not_stand_still_nor_trickle_nor_go_on_for_ever() {
        let body = body(&Arc::new(Semaphore::new(0)));
        let until = |last: u64, received: usize| {
            body.received.set(received);
            (body.deadline(body.begun + Duration::from_secs(last)) - body.begun).as_secs()
        };
        assert_eq!(until(0, 0), 10, "nothing came");
        assert_eq!(until(9, 9), 10, "it trickles");
        assert_eq!(until(9, 3 * MIN_BYTES_PER_SECOND), 13, "a little faster");
        assert_eq!(until(9, 1 << 20), 19, "it came fast, and stands still");
        assert_eq!(until(118, 4 << 20), 120, "however steadily it comes");
    }

    #[test]
    fn the_memory_for_bodies_is_shared_and_given_back() {
        let budget = Arc::new(Semaphore::new(100));
        let (one, other) = (body(&budget), body(&budget));
        one.charge(FREE_BYTES).unwrap();
        assert_eq!(budget.available_permits(), 100, "every body has some for itself");
        one.charge(60 * UNIT).unwrap();
        one.charge(UNIT / 2).unwrap();
        assert_eq!(budget.available_permits(), 39);
        assert_eq!(other.charge(FREE_BYTES + 50 * UNIT), Err(BodyFailure::Busy));
        assert_eq!(other.failure(), Some(BodyFailure::Busy));
        drop(one);
        assert_eq!(budget.available_permits(), 100);
    }
}
