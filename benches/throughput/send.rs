//! Rows 1 and 2: one event per contact, until each has its message recorded with Twilio's SID.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Figure, Line};
use crate::fake_twilio::Post;
use crate::world::{Automation, Does, InOne};
use crate::{Outcome, load};

/// Events come in as a shop's backlog does: in batches, some at a time. That is part of the
/// measured time.
const BATCH: usize = 500;
const CONNECTIONS: usize = 4;
/// Nothing moves for so long: something is wrong.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The messages of a run, which callbacks can report on.
pub(crate) struct Sent {
    pub(crate) automation: Automation,
    pub(crate) posts: Vec<Post>,
}

/// One run: sends `count` messages and checks that each contact got exactly one.
pub(crate) async fn send(bench: &Bench, count: usize, latency: Duration) -> Outcome<(Line, Sent)> {
    let automation = bench.world.automation(Does::Sends).await?;
    let requests = bench.world.reports(&automation, count, InOne::Batch(BATCH));
    bench.fake.begin(latency);
    let mark = bench.processes().mark()?;
    let begun = Instant::now();
    let reported =
        load::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 202).await?;
    let posted = wait_for_posts(bench, &automation, count).await?;
    wait_for_records(bench, &automation, count).await?;
    let elapsed = begun.elapsed();
    let cost = bench.processes().since(&mark)?;
    bench.world.pause(&automation).await?;

    let posts = bench.fake.posts();
    check(bench, &automation, count, &posts).await?;
    let first = posts.iter().map(|post| post.at).min().unwrap_or(begun);
    let line = Line::new("messages", format!("{} ms", latency.as_millis()))
        .figure(Figure::rate("messages", load::per_second(count, elapsed)))
        .figure(Figure::new("events in after", "s", reported.elapsed.as_secs_f64()))
        .figure(Figure::new("first POST after", "s", (first - begun).as_secs_f64()))
        .figure(Figure::new("last POST after", "s", (posted - begun).as_secs_f64()))
        .figure(Figure::new("all recorded after", "s", elapsed.as_secs_f64()))
        .costing(cost, count);
    // The fake answers at once, or one after the other: only with a latency is there a flight.
    let line = if latency.is_zero() {
        line
    } else {
        line.figure(Figure::count("most in flight", bench.fake.most_in_flight()))
    };
    Ok((line, Sent { automation, posts }))
}

/// Waits until Twilio has got them all; returns when that was.
async fn wait_for_posts(bench: &Bench, automation: &Automation, count: usize) -> Outcome<Instant> {
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let posts = bench.fake.count();
        if posts >= count {
            return Ok(Instant::now());
        }
        if posts > last {
            (last, moved) = (posts, Instant::now());
        }
        if moved.elapsed() > TIMEOUT {
            let statuses = statuses(bench, automation).await?;
            return Err(format!(
                "after {posts} of {count} messages nothing moves any more; the database has \
                     {statuses:?}"
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until every message has its SID in the database.
async fn wait_for_records(bench: &Bench, automation: &Automation, count: usize) -> Outcome<()> {
    let sql = "SELECT count(*) /* bench: */ FROM messages WHERE automation_id = $1::text::uuid
                  AND twilio_sid IS NOT NULL";
    let asked = Instant::now();
    while bench.cluster.count(sql, &[&automation.id]).await? < i64::try_from(count)? {
        if asked.elapsed() > TIMEOUT {
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

async fn statuses(bench: &Bench, automation: &Automation) -> Outcome<Vec<(String, i64)>> {
    let sql = "SELECT status, count(*) /* bench: */ FROM messages
                  WHERE automation_id = $1::text::uuid GROUP BY 1 ORDER BY 1";
    let rows = bench.cluster.rows(sql, &[&automation.id]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Twilio got one message for each contact, and the database knows each by the SID that Twilio gave
/// it.
async fn check(
    bench: &Bench,
    automation: &Automation,
    count: usize,
    posts: &[Post],
) -> Outcome<()> {
    let expected: HashSet<String> = (0..count).map(|place| bench.world.phone(place)).collect();
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
