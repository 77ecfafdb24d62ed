//! A connection's bytes, with an end to waiting: for a request that does not arrive, and for an
//! answer that is not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::{ConnectionPermit, HttpConnection, Phase};
use crate::web::http::intake::MIN_BYTES_PER_SECOND;

/// How long the server waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the next request on a connection that stays open.
    pub(super) idle: Duration,
    /// For the head of a request, once it has begun.
    pub(super) head: Duration,
    /// For the reader of an answer.
    pub(super) answer: Duration,
}

/// A stream that fails when its other side keeps it waiting, or when its place is needed.
pub(super) struct Guarded<T> {
    io: T,
    place: ConnectionPermit,
    patience: Patience,
    reading: Alarm,
    writing: Alarm,
    stalled: Option<Stalled>,
}

/// An answer that is written more slowly than it could be.
#[derive(Clone, Copy)]
struct Stalled {
    since: Instant,
    written: usize,
}

/// Wakes at a time; made when it is first needed.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl<T> Guarded<T> {
    pub(super) fn new(io: T, place: ConnectionPermit, patience: Patience) -> Self {
        Self {
            io,
            place,
            patience,
            reading: Alarm::default(),
            writing: Alarm::default(),
            stalled: None,
        }
    }

    pub(super) fn connection(&self) -> &Arc<HttpConnection> {
        self.place.connection()
    }

    fn check_place(&self, cx: &Context<'_>) -> io::Result<()> {
        if self.connection().is_put_out(cx.waker()) {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the place of this connection was needed",
            ));
        }
        Ok(())
    }

    /// Nothing came: whether that has lasted too long, by what the connection waits for.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let (phase, waited) = self.connection().phase();
            let patience = match phase {
                Phase::Idle => self.patience.idle,
                Phase::Head => self.patience.head,
                // Its handler waits, or somebody for it; when that ends, the phase is another one.
                Phase::Body | Phase::Answer => Duration::MAX,
            };
            let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "no request came",
                )));
            };
            // The phase changes without waking this: looked at again at the latest when the
            // shortest patience is over.
            if self.reading.poll_at(Instant::now() + left.min(self.patience.head), cx).is_pending()
            {
                return Poll::Pending;
            }
        }
    }
}

impl Stalled {
    /// When more of it must have been read.
    fn until(self, patience: Duration) -> Instant {
        self.since + patience + Duration::from_secs((self.written / MIN_BYTES_PER_SECOND) as u64)
    }

    /// What is left of it after some of the bytes were taken; nothing after all.
    fn after(self, written: usize, of: usize) -> Option<Self> {
        (written < of).then_some(Self { written: self.written + written, ..self })
    }
}

impl Alarm {
    /// Ready once the time has come that it was first set to since it was last ready.
    fn poll_at(&mut self, time: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(time)));
        let done = sleep.as_mut().poll(cx);
        if done.is_ready() {
            self.0 = None;
        }
        done
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_place(cx)?;
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                if read.is_err() || buffer.filled().len() == before {
                    self.connection().hang_up();
                } else if self.connection().phase().0 == Phase::Idle {
                    self.connection().enter(Phase::Head);
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_patience(cx),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_place(cx)?;
        match Pin::new(&mut self.io).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => {
                self.stalled = self.stalled.and_then(|stalled| stalled.after(written, bytes.len()));
                Poll::Ready(Ok(written))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => loop {
                let now = Instant::now();
                let stalled = *self.stalled.get_or_insert(Stalled { since: now, written: 0 });
                let until = stalled.until(self.patience.answer);
                if now >= until {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the answer was not read",
                    )));
                }
                if self.writing.poll_at(until, cx).is_pending() {
                    return Poll::Pending;
                }
            },
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_place(cx)?;
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
    fn an_answer_that_is_read_too_slowly_ends_and_a_quiet_stream_of_news_does_not() {
        let (since, patience) = (Instant::now(), Duration::from_secs(30));
        let stalled = Stalled { since, written: 0 };
        assert_eq!(stalled.until(patience), since + patience);
        let trickling = (0..30).try_fold(stalled, |stalled, _| stalled.after(1, 100)).unwrap();
        assert_eq!(trickling.until(patience), since + patience, "a byte a second is no reading");
        let slow = stalled.after(60 * MIN_BYTES_PER_SECOND, usize::MAX).unwrap();
        assert_eq!(slow.until(patience), since + patience + Duration::from_mins(1));
        assert!(
            slow.after(100, 100).is_none(),
            "all was taken: the time until there is more does not count"
        );
    }
}
