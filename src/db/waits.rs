//! Waits of a start: whatever takes longer than two seconds is said in the log, with who holds it
//! up.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Conn, Target};

/// How long a start waits for something in silence.
pub(super) const SAID_AFTER: Duration = Duration::from_secs(2);

/// How often a wait that goes on is said again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// When a wait is to be said: after two seconds, and then every half minute.
pub(super) struct Silence {
    until: Instant,
    started: Instant,
}

impl Silence {
    pub(super) fn begin() -> Self {
        let started = Instant::now();
        Self { until: started + SAID_AFTER, started }
    }

    /// How many seconds have been waited, when it is time to say so.
    pub(super) fn is_over(&mut self) -> Option<u64> {
        let now = Instant::now();
        if now < self.until {
            return None;
        }
        self.until = now + AGAIN_AFTER;
        Some((now - self.started).as_secs())
    }
}

/// A client of the database, as an admin finds it in `pg_stat_activity`.
#[derive(QueryableByName)]
pub(super) struct DatabaseClient {
    #[diesel(sql_type = Text)]
    words: String,
}

/// The columns of `pg_stat_activity` that tell an admin who a client is; some are hidden from users
/// that are no superusers.
const WORDS: &str = "format('PostgreSQL process %s (%s at %s), connected since %s, %s since %s', a.pid,
    coalesce(nullif(a.application_name, ''), 'a program without a name'), coalesce(host(a.client_addr), 'a local socket'),
    coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', 'a time that is not shown'),
    coalesce(a.state, 'in an unknown state'),
    coalesce(to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', 'a time that is not shown')) AS words";

/// Who holds a session's advisory lock, in words.
pub(super) async fn holders(conn: &mut Conn, lock: i64) -> diesel::QueryResult<String> {
    // PostgreSQL shows the key's halves.
    let query = format!(
        "SELECT {WORDS} FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = $1"
    );
    Ok(list(sql_query(query).bind::<BigInt, _>(lock).load(conn).await?))
}

/// Says who holds up a session that does something long, for as long as the handle lives. A
/// database that refuses a second connection is watched by nobody: the work goes on all the same.
pub(super) fn watch(target: &Target, pid: i32, what: &'static str) -> AbortOnDropHandle<()> {
    let target = target.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut silence = Silence::begin();
        tokio::time::sleep(SAID_AFTER).await;
        let Ok(mut conn) = target.connect().await else { return };
        loop {
            let blocking = blockers(&mut conn, pid).await.unwrap_or_default();
            if let Some(seconds) = silence.is_over() {
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

/// The sessions for whose locks a session waits, in words.
async fn blockers(conn: &mut Conn, pid: i32) -> diesel::QueryResult<String> {
    let pids: Vec<Blocking> =
        sql_query("SELECT pg_blocking_pids($1) AS pids").bind::<Integer, _>(pid).load(conn).await?;
    let pids: Vec<i32> = pids.into_iter().flat_map(|row| row.pids).collect();
    let query = format!("SELECT {WORDS} FROM pg_stat_activity a WHERE a.pid = ANY ($1)");
    Ok(list(sql_query(query).bind::<Array<Integer>, _>(pids).load(conn).await?))
}

#[derive(QueryableByName)]
struct Blocking {
    #[diesel(sql_type = Array<Integer>)]
    pids: Vec<i32>,
}

fn list(clients: Vec<DatabaseClient>) -> String {
    clients.into_iter().map(|client| client.words).collect::<Vec<_>>().join(", and ")
}
