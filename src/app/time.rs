//! One time for all machines: each process goes by the database's clock.

use std::time::Duration;

use crate::clock::Clock;
use crate::db::Pool;

/// How often the machine's clock is compared; workers also do it with each heartbeat.
const COMPARE: Duration = Duration::from_secs(30);

/// Compares the machine's clock with the database's, and says so where it is wrong.
pub(super) async fn go_by_database(pool: &Pool, clock: &Clock) {
    let Ok(mut conn) = pool.get().await else { return };
    let Ok(reference) = crate::db::time(&mut conn).await else { return };
    if let Some(ahead) = clock.follow(reference) {
        let seconds = ahead.as_seconds_f32();
        tracing::warn!(
            seconds,
            "this machine's clock is ahead of the database's by so many seconds (behind where \
             negative); Carillon goes by the \
             database's. Check the time synchronisation of both machines"
        );
    }
}

/// Compares for as long as it is polled.
pub(super) async fn keep(pool: Pool, clock: Clock) {
    loop {
        tokio::time::sleep(COMPARE).await;
        go_by_database(&pool, &clock).await;
    }
}
