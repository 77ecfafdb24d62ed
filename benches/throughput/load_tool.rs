//! The load tool: sends prepared requests over keep-alive connections and measures the latency of
//! each response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::runtime::Handle;

use crate::Outcome;
use crate::http::Connection;

/// The result of a burst of requests that were all answered as expected.
pub(crate) struct Burst {
    pub(crate) elapsed: Duration,
    /// The latencies in ascending order.
    latencies: Vec<Duration>,
}

/// Sends the requests in order over a number of connections; fails if a response has another status
/// than `expected`.
///
/// The measured time is from the first request to the last response, without opening connections.
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
        let started = Instant::now();
        let senders = opened.into_iter().map(|connection| {
            let sending = send(connection, Arc::clone(&requests), Arc::clone(&next), expected);
            async { tokio::spawn(sending).await? }
        });
        let latencies = try_join_all(senders).await?;
        let elapsed = started.elapsed();
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
        let started = Instant::now();
        let (status, answer) = connection.exchange(request).await?;
        latencies.push(started.elapsed());
        if status != expected {
            let text = String::from_utf8_lossy(connection.body(&answer))
                .chars()
                .take(500)
                .collect::<String>();
            return Err(format!(
                "a request was answered with {status} instead of {expected}: {text}"
            )
            .into());
        }
    }
    Ok(latencies)
}

impl Burst {
    /// The number of requests per second.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.latencies.len(), self.elapsed)
    }

    /// A percentile of the latencies, in milliseconds; `share` is from 0 to 1.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.latencies, share)
    }
}

/// The rate per second of `count` events in a time.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// A percentile of durations in ascending order, in milliseconds; `share` is from 0 to 1.
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
