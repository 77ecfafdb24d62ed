//! The row `sources`: events by Segment's protocol, committed with their enrollments and jobs, and
//! webhooks that arrive at a steady rate.

use std::time::{Duration, Instant};

use carillon::clock::Clock;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::http::{self, Connection};
use crate::row_result::{Figure, RowResult};
use crate::world::{Automation, AutomationKind};
use crate::{Outcome, ingest, load_tool};

/// The number of messages in one request, as clients send them.
const BATCH: usize = 100;
const CONNECTIONS: usize = 16;
/// The number of webhooks, and their rate: one every 40 ms over each of 8 connections.
const WEBHOOKS: usize = 1_000;
const WEBHOOK_CONNECTIONS: usize = 8;
const WEBHOOK_SPACING: Duration = Duration::from_millis(40);
/// The sources and keys that an installation may have.
const OTHER_SOURCES: usize = 100;
const OTHER_KEYS: usize = 1_000;

/// A source that the benchmark created.
struct Source {
    id: String,
    key: String,
}

/// Reports events of known people by Segment's protocol, with many other sources and keys in the
/// database.
pub(crate) async fn measure_segment(bench: &Environment, count: usize) -> Outcome<RowResult> {
    let automation = bench.world.automation(AutomationKind::WaitsThenSends).await?;
    let source = create(bench, json!({ "name": automation.event, "kind": "segment" })).await?;
    add_other_sources(bench).await?;
    name_contacts(bench).await?;
    let numbers: Vec<usize> = (0..count).collect();
    let requests = numbers.chunks(BATCH).map(|chunk| batch(bench, &source, &automation, chunk));
    let requests: Vec<Vec<u8>> = requests.collect();
    let before = bench.processes().snapshot()?;
    let burst =
        load_tool::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 200).await?;
    let cost = bench.processes().since(&before)?;
    ingest::wait_until_advanced(bench, &automation, count).await?;
    bench.world.pause(&automation).await?;

    let sql = "SELECT count(*) /* bench: */ FROM events WHERE client_id LIKE $1";
    let stored = bench.cluster.count(sql, &[&format!("{}:%", source.id.replace('-', ""))]).await?;
    if stored != i64::try_from(count)? {
        let error = format!("{count} events were answered with 200, but {stored} are stored");
        return Err(error.into());
    }
    ingest::delete_waiting_jobs(bench).await?;
    Ok(RowResult::new("sources", format!("Segment, batches of {BATCH}, {CONNECTIONS} connections"))
        .figure(Figure::rate("events", load_tool::per_second(count, burst.elapsed)))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .with_cost(cost, count))
}

/// Sends webhooks at a rate of 200 per second, each of which is stored and mapped to an event.
pub(crate) async fn measure_webhooks(bench: &Environment) -> Outcome<RowResult> {
    let mapping = json!({
        "phone": "$.customer.phone", "event": "bench_webhook", "id": "$.id", "properties": "$"
    });
    let name = format!("webhook {:08x}", rand::random::<u32>());
    let source =
        create(bench, json!({ "name": name, "kind": "webhook", "mapping": mapping })).await?;
    let before = bench.processes().snapshot()?;
    let senders = (0..WEBHOOK_CONNECTIONS).map(|sender| {
        let requests: Vec<Vec<u8>> = (sender..WEBHOOKS)
            .step_by(WEBHOOK_CONNECTIONS)
            .map(|number| webhook(bench, &source, number))
            .collect();
        let address = bench.world.address;
        let begin = WEBHOOK_SPACING * u32::try_from(sender).unwrap_or_default()
            / u32::try_from(WEBHOOK_CONNECTIONS).unwrap_or(1);
        bench.load.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let (started, mut latencies) = (Instant::now() + begin, Vec::new());
            for (request, turn) in requests.iter().zip(0_u32..) {
                tokio::time::sleep_until((started + WEBHOOK_SPACING * turn).into()).await;
                let sent = Instant::now();
                let (status, _) = connection.exchange(request).await?;
                if status != 200 {
                    return Err(format!("a webhook was answered with {status}").into());
                }
                latencies.push(sent.elapsed());
            }
            Outcome::Ok(latencies)
        })
    });
    let mut latencies = Vec::new();
    for sent in try_join_all(senders).await? {
        latencies.extend(sent?);
    }
    let cost = bench.processes().since(&before)?;
    let sql = "SELECT count(*) /* bench: */ FROM events WHERE client_id LIKE $1";
    let stored = bench.cluster.count(sql, &[&format!("{}:%", source.id.replace('-', ""))]).await?;
    if stored != i64::try_from(WEBHOOKS)? {
        let error = format!("{WEBHOOKS} webhooks were answered with 200, {stored} are stored");
        return Err(error.into());
    }
    latencies.sort_unstable();
    Ok(RowResult::new("sources", "webhooks, 200 per second".to_owned())
        .figure(Figure::new("p50", "ms", load_tool::percentile(&latencies, 0.5)))
        .figure(Figure::new("p99", "ms", load_tool::percentile(&latencies, 0.99)))
        .with_cost(cost, WEBHOOKS))
}

async fn create(bench: &Environment, new: Value) -> Outcome<Source> {
    let created = bench.world.call("POST", "/sources", &new).await?;
    let text = |field: &str| created[field].as_str().unwrap_or_default().to_owned();
    Ok(Source { id: text("id"), key: text("key") })
}

/// Adds sources and keys with SQL, up to the numbers that an installation may have.
async fn add_other_sources(bench: &Environment) -> Outcome<()> {
    let sources = format!(
        "INSERT /* bench: */ INTO sources
             (id, name, kind, mapping, verification, created_at, updated_at)
         SELECT gen_random_uuid(), 'Other ' || i, 'segment', '{{}}', '{{\"type\": \"key\"}}',
             now(), now()
         FROM generate_series(1, {OTHER_SOURCES}) AS i
         ON CONFLICT DO NOTHING"
    );
    bench.cluster.execute(&sources).await?;
    let keys = format!(
        "INSERT /* bench: */ INTO source_keys (id, source_id, prefix, key_hash, created_at)
         SELECT gen_random_uuid(), id, 'sk_others', sha256(gen_random_uuid()::text::bytea), now()
         FROM sources, generate_series(1, {})
         WHERE name LIKE 'Other %'
             AND (SELECT count(*) FROM source_keys) < {OTHER_KEYS}",
        OTHER_KEYS / OTHER_SOURCES
    );
    bench.cluster.execute(&keys).await
}

/// Gives the contacts of the benchmark ids in the user's system.
async fn name_contacts(bench: &Environment) -> Outcome<()> {
    let sql = "UPDATE /* bench: */ contacts SET external_id = 'bench ' || phone
               WHERE phone LIKE '+1206%' AND external_id IS NULL";
    bench.cluster.execute(sql).await?;
    bench.cluster.vacuum_and_checkpoint().await
}

fn batch(
    bench: &Environment,
    source: &Source,
    automation: &Automation,
    numbers: &[usize],
) -> Vec<u8> {
    let now = Clock::system().now().to_rfc3339();
    let track = |number: &usize| {
        json!({
            "type": "track",
            "event": automation.event,
            "messageId": format!("{}-{number}", automation.event),
            "userId": format!("bench {}", bench.world.phone(*number)),
            "anonymousId": null,
            "timestamp": now,
            "properties": {
                "order_id": format!("A-{number:06}"), "total": 49.9, "currency": "USD"
            },
            "context": { "library": { "name": "bench", "version": "1" } },
            "integrations": {},
        })
    };
    let batch: Vec<Value> = numbers.iter().map(track).collect();
    let body = json!({ "batch": batch, "writeKey": source.key, "sentAt": now });
    let headers = [("Content-Type", "application/json")];
    http::request("POST", bench.world.address, "/v1/batch", &headers, body.to_string().as_bytes())
}

fn webhook(bench: &Environment, source: &Source, number: usize) -> Vec<u8> {
    let body = json!({
        "id": format!("W-{number:06}"),
        "customer": { "phone": bench.world.phone(number), "name": "Ada" },
        "total": 49.9,
        "items": [{ "sku": "A", "quantity": 1 }, { "sku": "B", "quantity": 2 }],
    });
    let headers = [("Content-Type", "application/json"), ("X-Carillon-Key", source.key.as_str())];
    let path = format!("/in/{}", source.id);
    http::request("POST", bench.world.address, &path, &headers, body.to_string().as_bytes())
}
