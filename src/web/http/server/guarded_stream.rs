//! The bytes of a connection, with timeouts for a request that does not arrive and for a response
//! that is not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::{ConnectionPermit, HttpConnection, Phase};
use crate::web::http::intake::MIN_BYTES_PER_SECOND;

/// How long the server waits for the peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For the next request on a connection that stays open.
    pub(super) idle: Duration,
    /// For the head of a request, once it has begun.
    pub(super) head: Duration,
    /// For the reader of a response.
    pub(super) answer: Duration,
}

/// A stream that fails when its peer exceeds a timeout, or when its connection is evicted.
pub(super) struct GuardedStream<T> {
    io: T,
    permit: ConnectionPermit,
    timeouts: Timeouts,
    reading: Timer,
    writing: Timer,
    slow_write: Option<SlowWrite>,
}

/// A write that has to wait for the peer to read.
#[derive(Clone, Copy)]
struct SlowWrite {
    since: Instant,
    written: usize,
}

/// A timer that is allocated when it is first needed.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl<T> GuardedStream<T> {
    pub(super) fn new(io: T, permit: ConnectionPermit, timeouts: Timeouts) -> Self {
        Self {
            io,
            permit,
            timeouts,
            reading: Timer::default(),
            writing: Timer::default(),
            slow_write: None,
        }
    }

    pub(super) fn connection(&self) -> &Arc<HttpConnection> {
        self.permit.connection()
    }

    fn check_not_evicted(&self, cx: &Context<'_>) -> io::Result<()> {
        if self.connection().is_evicted(cx.waker()) {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the connection was evicted at capacity",
            ));
        }
        Ok(())
    }

    /// Fails if the connection has waited longer than its phase allows; called when no bytes have
    /// arrived.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let (phase, waited) = self.connection().phase();
            let timeout = match phase {
                Phase::Idle => self.timeouts.idle,
                Phase::Head => self.timeouts.head,
                // The handler waits, or its client does; the phase changes when that ends.
                Phase::Body | Phase::Answer => Duration::MAX,
            };
            let Some(left) = timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "no request came",
                )));
            };
            // A change of phase does not wake this task, which therefore checks it again after the
            // shortest timeout at the latest.
            if self.reading.poll_at(Instant::now() + left.min(self.timeouts.head), cx).is_pending()
            {
                return Poll::Pending;
            }
        }
    }
}

impl SlowWrite {
    /// When the peer must have read more of the response.
    fn deadline(self, timeout: Duration) -> Instant {
        self.since + timeout + Duration::from_secs((self.written / MIN_BYTES_PER_SECOND) as u64)
    }

    /// The state after the next bytes are written; `None` if those were all.
    fn after(self, written: usize, of: usize) -> Option<Self> {
        (written < of).then_some(Self { written: self.written + written, ..self })
    }
}

impl Timer {
    /// Becomes ready at the first `time` that was given since it was last ready.
    fn poll_at(&mut self, time: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(time)));
        let done = sleep.as_mut().poll(cx);
        if done.is_ready() {
            self.0 = None;
        }
        done
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GuardedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_not_evicted(cx)?;
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                if read.is_err() || buffer.filled().len() == before {
                    self.connection().mark_closed_by_peer();
                } else if self.connection().phase().0 == Phase::Idle {
                    self.connection().enter(Phase::Head);
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_timeout(cx),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GuardedStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_not_evicted(cx)?;
        match Pin::new(&mut self.io).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => {
                self.slow_write =
                    self.slow_write.and_then(|slow_write| slow_write.after(written, bytes.len()));
                Poll::Ready(Ok(written))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => loop {
                let now = Instant::now();
                let slow_write =
                    *self.slow_write.get_or_insert(SlowWrite { since: now, written: 0 });
                let deadline = slow_write.deadline(self.timeouts.answer);
                if now >= deadline {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the answer was not read",
                    )));
                }
                if self.writing.poll_at(deadline, cx).is_pending() {
                    return Poll::Pending;
                }
            },
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_not_evicted(cx)?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_read_too_slowly_ends_and_an_idle_stream_does_not() {
        let (since, timeout) = (Instant::now(), Duration::from_secs(30));
        let slow_write = SlowWrite { since, written: 0 };
        assert_eq!(slow_write.deadline(timeout), since + timeout);
        let trickling =
            (0..30).try_fold(slow_write, |slow_write, _| slow_write.after(1, 100)).unwrap();
        assert_eq!(trickling.deadline(timeout), since + timeout, "a byte a second is too slow");
        let slow = slow_write.after(60 * MIN_BYTES_PER_SECOND, usize::MAX).unwrap();
        assert_eq!(slow.deadline(timeout), since + timeout + Duration::from_mins(1));
        assert!(
            slow.after(100, 100).is_none(),
            "all was written: the time until the next write does not count"
        );
    }
}
