//! The row `send`: one event per contact, until each message is recorded with its SID.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::fake_twilio::Post;
use crate::row_result::{Figure, RowResult};
use crate::world::{Automation, AutomationKind, RequestSize};
use crate::{Outcome, load_tool};

/// The number of events per request. They arrive like a shop's backlog, in concurrent batches,
/// within the measured time.
const BATCH: usize = 500;
const CONNECTIONS: usize = 4;
/// How long the measurement waits without progress before it fails.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The sent messages of a run, for callbacks about them.
pub(crate) struct Sent {
    pub(crate) automation: Automation,
    pub(crate) posts: Vec<Post>,
}

/// Sends `count` messages and checks that each contact gets exactly one.
pub(crate) async fn measure(
    bench: &Environment,
    count: usize,
    latency: Duration,
) -> Outcome<(RowResult, Sent)> {
    let automation = bench.world.automation(AutomationKind::Sends).await?;
    let requests = bench.world.reports(&automation, count, RequestSize::Batch(BATCH));
    bench.fake.begin(latency);
    let before = bench.processes().snapshot()?;
    let started = Instant::now();
    let reported =
        load_tool::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 202).await?;
    let posted = wait_for_posts(bench, &automation, count).await?;
    wait_for_records(bench, &automation, count).await?;
    let elapsed = started.elapsed();
    let cost = bench.processes().since(&before)?;
    bench.world.pause(&automation).await?;

    let posts = bench.fake.posts();
    check(bench, &automation, count, &posts).await?;
    let first = posts.iter().map(|post| post.at).min().unwrap_or(started);
    let line = RowResult::new("messages", format!("{} ms", latency.as_millis()))
        .figure(Figure::rate("messages", load_tool::per_second(count, elapsed)))
        .figure(Figure::new("events in after", "s", reported.elapsed.as_secs_f64()))
        .figure(Figure::new("first POST after", "s", (first - started).as_secs_f64()))
        .figure(Figure::new("last POST after", "s", (posted - started).as_secs_f64()))
        .figure(Figure::new("all recorded after", "s", elapsed.as_secs_f64()))
        .with_cost(cost, count);
    // Without a latency, the fake Twilio responds immediately, so that no requests accumulate.
    let line = if latency.is_zero() {
        line
    } else {
        line.figure(Figure::count("most in flight", bench.fake.peak_in_flight()))
    };
    Ok((line, Sent { automation, posts }))
}

/// Waits until Twilio has all messages; returns the time of the last one.
async fn wait_for_posts(
    bench: &Environment,
    automation: &Automation,
    count: usize,
) -> Outcome<Instant> {
    let (mut last_count, mut last_progress) = (0, Instant::now());
    loop {
        let posts = bench.fake.count();
        if posts >= count {
            return Ok(Instant::now());
        }
        if posts > last_count {
            (last_count, last_progress) = (posts, Instant::now());
        }
        if last_progress.elapsed() > TIMEOUT {
            let statuses = statuses(bench, automation).await?;
            return Err(format!(
                "no progress after {posts} of {count} messages; the database has {statuses:?}"
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until every message has its SID in the database.
async fn wait_for_records(
    bench: &Environment,
    automation: &Automation,
    count: usize,
) -> Outcome<()> {
    let sql = "SELECT count(*) /* bench: */ FROM messages WHERE automation_id = $1::text::uuid
                  AND twilio_sid IS NOT NULL";
    let started = Instant::now();
    while bench.cluster.count(sql, &[&automation.id]).await? < i64::try_from(count)? {
        if started.elapsed() > TIMEOUT {
            return Err(format!(
                "not every message was recorded with its SID; the database has {:?}",
                statuses(bench, automation).await?
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn statuses(bench: &Environment, automation: &Automation) -> Outcome<Vec<(String, i64)>> {
    let sql = "SELECT status, count(*) /* bench: */ FROM messages
                  WHERE automation_id = $1::text::uuid GROUP BY 1 ORDER BY 1";
    let rows = bench.cluster.rows(sql, &[&automation.id]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Checks that Twilio has one message for each contact, and that the database has each with its
/// SID.
async fn check(
    bench: &Environment,
    automation: &Automation,
    count: usize,
    posts: &[Post],
) -> Outcome<()> {
    let expected: HashSet<String> = (0..count).map(|index| bench.world.phone(index)).collect();
    let reached: HashSet<String> = posts.iter().map(|post| post.to.clone()).collect();
    if posts.len() != count || reached != expected {
        return Err(format!(
            "Twilio got {} messages for {} numbers instead of one for each of {count}",
            posts.len(),
            reached.len()
        )
        .into());
    }
    let at_twilio: HashMap<&str, &str> = posts
        .iter()
        .map(|post| {
            (post.status_callback.rsplit('/').next().unwrap_or_default(), post.sid.as_str())
        })
        .collect();
    let sql = "SELECT m.id::text, m.twilio_sid, m.status, count(a.outcome),
                  bool_and(a.outcome = 'accepted') /* bench: */
               FROM messages m LEFT JOIN attempts a ON a.message_id = m.id
                   WHERE m.automation_id = $1::text::uuid GROUP BY m.id";
    let rows = bench.cluster.rows(sql, &[&automation.id]).await?;
    for row in &rows {
        let (id, sid, status): (&str, Option<&str>, &str) = (row.get(0), row.get(1), row.get(2));
        let (attempts, accepted): (i64, Option<bool>) = (row.get(3), row.get(4));
        if sid.is_none()
            || at_twilio.get(id).copied() != sid
            || status != "queued"
            || attempts != 1
            || accepted != Some(true)
        {
            return Err(format!(
                "message {id} has status {status}, SID {sid:?} and {attempts} attempts, \
                     accepted: {accepted:?}"
            )
            .into());
        }
    }
    if rows.len() != count {
        return Err(format!("the database has {} messages instead of {count}", rows.len()).into());
    }
    Ok(())
}
