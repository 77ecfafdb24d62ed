//! The row `ingest`: events through the API, committed with their enrollments and jobs. The row
//! `latency`: the time from a single event to its message.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::http::Connection;
use crate::row_result::{Figure, RowResult};
use crate::world::{Automation, AutomationKind, RequestSize};
use crate::{Outcome, load_tool};

const TIMEOUT: Duration = Duration::from_mins(1);
/// The pause between two events of the latency row, long enough for the product to become idle.
const SPACING: Duration = Duration::from_millis(50);

/// The rows of events: the number of connections and the events per request.
pub(crate) const ROWS: [(usize, RequestSize); 2] =
    [(64, RequestSize::Single), (16, RequestSize::Batch(100))];

/// The number of reported events for a number of sent messages.
pub(crate) const fn count_for(messages: usize, request_size: RequestSize) -> usize {
    match request_size {
        RequestSize::Single => messages,
        RequestSize::Batch(_) => 5 * messages / 2,
    }
}

/// Reports `count` events. The automation starts with a wait: enrollment and job are committed with
/// the event, and no worker is needed until the wait ends.
pub(crate) async fn measure(
    bench: &Environment,
    count: usize,
    connections: usize,
    request_size: RequestSize,
) -> Outcome<RowResult> {
    let automation = bench.world.automation(AutomationKind::WaitsThenSends).await?;
    let requests = bench.world.reports(&automation, count, request_size);
    let before = bench.processes().snapshot()?;
    let burst =
        load_tool::burst(&bench.load, bench.world.address, connections, requests, 202).await?;
    let cost = bench.processes().since(&before)?;
    wait_until_advanced(bench, &automation, count).await?;
    bench.world.pause(&automation).await?;

    let sql = "SELECT count(*) /* bench: */ FROM events WHERE client_id LIKE $1";
    let events = bench.cluster.count(sql, &[&format!("{}-%", automation.event)]).await?;
    if events != i64::try_from(count)? {
        let error = format!("{count} events were answered with 202, but {events} are stored");
        return Err(error.into());
    }
    delete_waiting_jobs(bench).await?;
    let how = match request_size {
        RequestSize::Single => format!("one per request, {connections} connections"),
        RequestSize::Batch(size) => format!("batches of {size}, {connections} connections"),
    };
    Ok(RowResult::new("events", how)
        .figure(Figure::rate("events", load_tool::per_second(count, burst.elapsed)))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .with_cost(cost, count))
}

/// Deletes the jobs of the automation's wait, which would become due in a month.
pub(crate) async fn delete_waiting_jobs(bench: &Environment) -> Outcome<()> {
    let sql = "DELETE /* bench: */ FROM jobs WHERE run_at > now() + interval '1 day'";
    bench.cluster.execute(sql).await
}

/// Waits until every enrollment is at its second step, and checks that each has a job for the end
/// of its wait.
pub(crate) async fn wait_until_advanced(
    bench: &Environment,
    automation: &Automation,
    count: usize,
) -> Outcome<()> {
    let expected = i64::try_from(count)?;
    let at_step_1 = "SELECT count(*) /* bench: */ FROM enrollments
                    WHERE automation_id = $1::text::uuid
                    AND step = 1 AND due_at > now()";
    let started = Instant::now();
    loop {
        let advanced = bench.cluster.count(at_step_1, &[&automation.id]).await?;
        if advanced == expected {
            break;
        }
        if started.elapsed() > TIMEOUT {
            return Err(
                format!("of {count} events, {advanced} created a waiting enrollment").into()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The planner has no statistics about the new jobs yet: a nested loop would take a minute.
    bench.cluster.execute("SET enable_nestloop = off").await?;
    let waiting = "SELECT count(*) /* bench: */ FROM enrollments e JOIN jobs j ON j.subject = e.id
                   WHERE e.automation_id = $1::text::uuid AND j.run_at = e.due_at
                       AND j.kind = 'advance'";
    let jobs = bench.cluster.count(waiting, &[&automation.id]).await?;
    bench.cluster.execute("RESET enable_nestloop").await?;
    if jobs == expected {
        Ok(())
    } else {
        Err(format!("of {count} waiting enrollments, {jobs} have a job for the end of the wait")
            .into())
    }
}

/// Reports events one by one, with pauses, and measures the time from each 202 to the POST at
/// Twilio.
pub(crate) async fn measure_latency(bench: &Environment, count: usize) -> Outcome<RowResult> {
    let automation = bench.world.automation(AutomationKind::Sends).await?;
    let requests = bench.world.reports(&automation, count, RequestSize::Single);
    bench.fake.begin(Duration::ZERO);
    let before = bench.processes().snapshot()?;
    let address = bench.world.address;
    let spaced = async move {
        let mut connection = Connection::open(address).await?;
        let (mut answered, mut request_times) = (Vec::new(), Vec::new());
        for request in &requests {
            let started = Instant::now();
            let (status, _) = connection.exchange(request).await?;
            if status != 202 {
                return Err(format!("an event was answered with {status}").into());
            }
            answered.push(Instant::now());
            request_times.push(started.elapsed());
            tokio::time::sleep(SPACING).await;
        }
        Outcome::Ok((answered, request_times))
    };
    let (answered, mut request_times) = bench.load.spawn(spaced).await??;
    let started = Instant::now();
    while bench.fake.count() < count {
        if started.elapsed() > TIMEOUT {
            return Err(format!("of {count} events, {} became messages", bench.fake.count()).into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let cost = bench.processes().since(&before)?;
    bench.world.pause(&automation).await?;

    let posted: HashMap<String, Instant> =
        bench.fake.posts().into_iter().map(|post| (post.to, post.at)).collect();
    // Saturating: a message may be posted before the load tool has read the 202.
    let latency = |(index, answered): (usize, &Instant)| {
        posted.get(&bench.world.phone(index)).map(|at| at.saturating_duration_since(*answered))
    };
    let mut latencies: Vec<Duration> = answered.iter().enumerate().filter_map(latency).collect();
    if latencies.len() != count {
        return Err(format!("of {count} events, {} became messages", latencies.len()).into());
    }
    latencies.sort_unstable();
    request_times.sort_unstable();
    Ok(RowResult::new("latency", format!("{count} events, one every {} ms", SPACING.as_millis()))
        .figure(Figure::new("p50", "ms", load_tool::percentile(&latencies, 0.5)))
        .figure(Figure::new("p99", "ms", load_tool::percentile(&latencies, 0.99)))
        .figure(Figure::new("slowest", "ms", load_tool::percentile(&latencies, 1.0)))
        .figure(Figure::new(
            "the 202 itself, p50",
            "ms",
            load_tool::percentile(&request_times, 0.5),
        ))
        .figure(Figure::new(
            "the 202 itself, p99",
            "ms",
            load_tool::percentile(&request_times, 0.99),
        ))
        .with_cost(cost, count))
}
