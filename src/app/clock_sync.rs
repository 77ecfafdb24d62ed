//! Clock synchronisation: every process corrects its clock to the database's.

use std::time::Duration;

use crate::clock::Clock;
use crate::db::Pool;

/// How often the clock is compared with the database's. Workers also compare it with each
/// heartbeat.
const INTERVAL: Duration = Duration::from_secs(30);

/// Corrects the process's clock to the database's, and logs a warning if the machine's clock is
/// wrong.
pub(super) async fn sync_with_database(pool: &Pool, clock: &Clock) {
    let Ok(mut conn) = pool.get().await else { return };
    let Ok(reference) = crate::db::time(&mut conn).await else { return };
    if let Some(ahead) = clock.follow(reference) {
        let seconds = ahead.as_seconds_f32();
        tracing::warn!(
            seconds,
            "this machine's clock is off from the database's by this many seconds (negative: \
             behind); Carillon uses the database's time. Check the time synchronisation of both \
             machines"
        );
    }
}

/// Corrects the clock periodically, for as long as it is polled.
pub(super) async fn sync_periodically(pool: Pool, clock: Clock) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        sync_with_database(&pool, &clock).await;
    }
}
