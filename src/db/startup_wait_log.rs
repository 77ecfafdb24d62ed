//! Waits at startup: those of more than two seconds are logged, with the clients that cause them.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Conn, Target};

/// How long startup waits before it logs the wait.
pub(super) const LOG_AFTER: Duration = Duration::from_secs(2);

/// The interval at which a continuing wait is logged again.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Decides when a wait is logged: after two seconds, then every half minute.
pub(super) struct WaitLog {
    next_log_at: Instant,
    started_at: Instant,
}

impl WaitLog {
    pub(super) fn start() -> Self {
        let started_at = Instant::now();
        Self { next_log_at: started_at + LOG_AFTER, started_at }
    }

    /// The seconds waited so far, if it is time to log them.
    pub(super) fn seconds_if_due(&mut self) -> Option<u64> {
        let now = Instant::now();
        if now < self.next_log_at {
            return None;
        }
        self.next_log_at = now + LOG_INTERVAL;
        Some((now - self.started_at).as_secs())
    }
}

/// A client of the database, as an admin finds it in `pg_stat_activity`.
#[derive(QueryableByName)]
pub(super) struct DatabaseClient {
    #[diesel(sql_type = Text)]
    words: String,
}

/// A description of a client from `pg_stat_activity`, by which an admin recognises it; some columns
/// are hidden from users who are not superusers.
const DESCRIPTION: &str = "format(
    'PostgreSQL process %s (%s at %s), connected since %s, %s since %s',
    a.pid,
    coalesce(nullif(a.application_name, ''), 'a program without a name'),
    coalesce(host(a.client_addr), 'a local socket'),
    coalesce(
        to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
        'a time that is not shown'
    ),
    coalesce(a.state, 'in an unknown state'),
    coalesce(
        to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
        'a time that is not shown'
    )
) AS words";

/// A description of the sessions that hold an advisory lock.
pub(super) async fn holders(conn: &mut Conn, lock: i64) -> diesel::QueryResult<String> {
    // PostgreSQL shows the key as two halves.
    let query = format!(
        "SELECT {DESCRIPTION} FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = $1"
    );
    Ok(describe(sql_query(query).bind::<BigInt, _>(lock).load(conn).await?))
}

/// Logs which clients block a long-running session, until the handle is dropped. If the database
/// refuses a second connection, nothing is logged, and the work continues.
pub(super) fn watch(target: &Target, pid: i32, what: &'static str) -> AbortOnDropHandle<()> {
    let target = target.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut wait_log = WaitLog::start();
        tokio::time::sleep(LOG_AFTER).await;
        let Ok(mut conn) = target.connect().await else { return };
        loop {
            let blocking = blockers(&mut conn, pid).await.unwrap_or_default();
            if let Some(seconds) = wait_log.seconds_if_due() {
                if blocking.is_empty() {
                    tracing::info!(seconds, "{what}: still at work");
                } else {
                    tracing::warn!(
                        seconds,
                        "{what}: waiting for a lock that is held by {blocking}"
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }))
}

/// A description of the sessions whose locks a session waits for.
async fn blockers(conn: &mut Conn, pid: i32) -> diesel::QueryResult<String> {
    let pids: Vec<Blocking> =
        sql_query("SELECT pg_blocking_pids($1) AS pids").bind::<Integer, _>(pid).load(conn).await?;
    let pids: Vec<i32> = pids.into_iter().flat_map(|row| row.pids).collect();
    let query = format!("SELECT {DESCRIPTION} FROM pg_stat_activity a WHERE a.pid = ANY ($1)");
    Ok(describe(sql_query(query).bind::<Array<Integer>, _>(pids).load(conn).await?))
}

#[derive(QueryableByName)]
struct Blocking {
    #[diesel(sql_type = Array<Integer>)]
    pids: Vec<i32>,
}

fn describe(clients: Vec<DatabaseClient>) -> String {
    clients.into_iter().map(|client| client.words).collect::<Vec<_>>().join(", and ")
}
