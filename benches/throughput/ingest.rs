//! Row 4: events through the API, committed with their enrollments and jobs; and row 5: how soon a
//! single one becomes a message.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Figure, Line};
use crate::http::Connection;
use crate::world::{Automation, Does, InOne};
use crate::{Outcome, load};

const TIMEOUT: Duration = Duration::from_mins(1);
/// Between two events of the latency row: the product has nothing else to do.
const SPACING: Duration = Duration::from_millis(50);

/// The rows of events: over how many connections, and how many in one request.
pub(crate) const ROWS: [(usize, InOne); 2] = [(64, InOne::Event), (16, InOne::Batch(100))];

/// How many events are reported where so many messages are sent.
pub(crate) const fn count_for(messages: usize, in_one: InOne) -> usize {
    match in_one {
        InOne::Event => messages,
        InOne::Batch(_) => 5 * messages / 2,
    }
}

/// Reports `count` events. The automation waits first: enrollment and job are committed with the
/// event, and no worker is needed until the wait is over.
pub(crate) async fn ingest(
    bench: &Bench,
    count: usize,
    connections: usize,
    in_one: InOne,
) -> Outcome<Line> {
    let automation = bench.world.automation(Does::WaitsThenSends).await?;
    let requests = bench.world.reports(&automation, count, in_one);
    let mark = bench.processes().mark()?;
    let burst = load::burst(&bench.load, bench.world.address, connections, requests, 202).await?;
    let cost = bench.processes().since(&mark)?;
    wait_until_advanced(bench, &automation, count).await?;
    bench.world.pause(&automation).await?;

    let sql = "SELECT count(*) /* bench: */ FROM events WHERE client_id LIKE $1";
    let events = bench.cluster.count(sql, &[&format!("{}-%", automation.event)]).await?;
    if events != i64::try_from(count)? {
        return Err(format!("{count} events were answered with 202, but {events} are kept").into());
    }
    // They would come due a month from now.
    bench
        .cluster
        .execute("DELETE /* bench: */ FROM jobs WHERE run_at > now() + interval '1 day'")
        .await?;
    let how = match in_one {
        InOne::Event => format!("one per request, {connections} connections"),
        InOne::Batch(size) => format!("batches of {size}, {connections} connections"),
    };
    Ok(Line::new("events", how)
        .figure(Figure::rate("events", load::per_second(count, burst.elapsed)))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .costing(cost, count))
}

/// Waits until every enrollment stands at its second step, and checks that each has a job for when
/// its wait is over.
async fn wait_until_advanced(bench: &Bench, automation: &Automation, count: usize) -> Outcome<()> {
    let expected = i64::try_from(count)?;
    let moved = "SELECT count(*) /* bench: */ FROM enrollments WHERE automation_id = $1::text::uuid
                    AND step = 1 AND due_at > now()";
    let asked = Instant::now();
    loop {
        let advanced = bench.cluster.count(moved, &[&automation.id]).await?;
        if advanced == expected {
            break;
        }
        if asked.elapsed() > TIMEOUT {
            return Err(
                format!("of {count} events, {advanced} became an enrollment that waits").into()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Nobody has counted the rows of the new jobs yet: a nested loop would take a minute.
    bench.cluster.execute("SET enable_nestloop = off").await?;
    let waiting = "SELECT count(*) /* bench: */ FROM enrollments e JOIN jobs j ON j.subject = e.id
                   WHERE e.automation_id = $1::text::uuid AND j.run_at = e.due_at
                       AND j.kind = 'advance'";
    let jobs = bench.cluster.count(waiting, &[&automation.id]).await?;
    bench.cluster.execute("RESET enable_nestloop").await?;
    if jobs == expected {
        Ok(())
    } else {
        Err(format!("of {count} enrollments that wait, {jobs} have a job for when it is over")
            .into())
    }
}

/// Reports one event after the other, with pauses, and notes how long after the 202 Twilio had the
/// message.
pub(crate) async fn latency(bench: &Bench, count: usize) -> Outcome<Line> {
    let automation = bench.world.automation(Does::Sends).await?;
    let requests = bench.world.reports(&automation, count, InOne::Event);
    bench.fake.begin(Duration::ZERO);
    let mark = bench.processes().mark()?;
    let address = bench.world.address;
    let spaced = async move {
        let mut connection = Connection::open(address).await?;
        let (mut answered, mut took) = (Vec::new(), Vec::new());
        for request in &requests {
            let begun = Instant::now();
            let (status, _) = connection.exchange(request).await?;
            if status != 202 {
                return Err(format!("an event was answered with {status}").into());
            }
            answered.push(Instant::now());
            took.push(begun.elapsed());
            tokio::time::sleep(SPACING).await;
        }
        Outcome::Ok((answered, took))
    };
    let (answered, mut took) = bench.load.spawn(spaced).await??;
    let asked = Instant::now();
    while bench.fake.count() < count {
        if asked.elapsed() > TIMEOUT {
            return Err(format!("of {count} events, {} became messages", bench.fake.count()).into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let cost = bench.processes().since(&mark)?;
    bench.world.pause(&automation).await?;

    let posted: HashMap<String, Instant> =
        bench.fake.posts().into_iter().map(|post| (post.to, post.at)).collect();
    // A message may well leave before the load tool has read the 202.
    let after = |(place, answered): (usize, &Instant)| {
        posted.get(&bench.world.phone(place)).map(|at| at.saturating_duration_since(*answered))
    };
    let mut latencies: Vec<Duration> = answered.iter().enumerate().filter_map(after).collect();
    if latencies.len() != count {
        return Err(format!("of {count} events, {} became messages", latencies.len()).into());
    }
    latencies.sort_unstable();
    took.sort_unstable();
    Ok(Line::new("latency", format!("{count} events, one every {} ms", SPACING.as_millis()))
        .figure(Figure::new("p50", "ms", load::percentile(&latencies, 0.5)))
        .figure(Figure::new("p99", "ms", load::percentile(&latencies, 0.99)))
        .figure(Figure::new("slowest", "ms", load::percentile(&latencies, 1.0)))
        .figure(Figure::new("the 202 itself, p50", "ms", load::percentile(&took, 0.5)))
        .figure(Figure::new("the 202 itself, p99", "ms", load::percentile(&took, 0.99)))
        .costing(cost, count))
}
