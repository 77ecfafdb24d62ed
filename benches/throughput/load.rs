//! The load tool: sends prepared requests over connections that stay open, and notes how long each
//! answer took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::runtime::Handle;

use crate::Outcome;
use crate::http::Connection;

/// What came of a burst of requests: each was answered as expected.
pub(crate) struct Burst {
    pub(crate) elapsed: Duration,
    /// In rising order.
    latencies: Vec<Duration>,
}

/// Sends every request once, in their order, over so many connections; fails when one is answered
/// with another status.
///
/// The clock runs from the first request to the last answer; the connections are open before.
pub(crate) async fn burst(
    on: &Handle,
    address: SocketAddr,
    connections: usize,
    requests: Vec<Vec<u8>>,
    expected: u16,
) -> Outcome<Burst> {
    let requests: Arc<[Vec<u8>]> = requests.into();
    on.spawn(async move {
        let opened = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let senders = opened.into_iter().map(|connection| {
            let sending = send(connection, Arc::clone(&requests), Arc::clone(&next), expected);
            async { tokio::spawn(sending).await? }
        });
        let latencies = try_join_all(senders).await?;
        let elapsed = begun.elapsed();
        let mut latencies = latencies.concat();
        latencies.sort_unstable();
        Outcome::Ok(Burst { elapsed, latencies })
    })
    .await?
}

async fn send(
    mut connection: Connection,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
    expected: u16,
) -> Outcome<Vec<Duration>> {
    let mut latencies = Vec::new();
    while let Some(request) = requests.get(next.fetch_add(1, Relaxed)) {
        let begun = Instant::now();
        let (status, answer) = connection.exchange(request).await?;
        latencies.push(begun.elapsed());
        if status != expected {
            let said = String::from_utf8_lossy(connection.body(&answer))
                .chars()
                .take(500)
                .collect::<String>();
            return Err(format!(
                "a request was answered with {status} instead of {expected}: {said}"
            )
            .into());
        }
    }
    Ok(latencies)
}

impl Burst {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.latencies.len(), self.elapsed)
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.latencies, share)
    }
}

/// So many in that time, a second.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// What this share of the durations, which are in rising order, did not exceed, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into the list"
)]
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.saturating_sub(1)).map_or(f64::NAN, |duration| duration.as_secs_f64() * 1e3)
}
