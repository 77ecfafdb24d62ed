//! The world that pages are measured in: made once by the files in `world/`, kept, and used again.

use std::time::Instant;

use carillon::types::token::Token;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::browser::Browser;
use crate::cluster::Cluster;
use crate::fake_twilio::AUTH_TOKEN;

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Size {
    pub(crate) contacts: i64,
    pub(crate) messages: i64,
}

/// What is written without indexes, which are built afterwards.
const GROWS: &str =
    "contacts, contact_tags, suppressions, consent_records, events, enrollments, messages, attempts, delivery_events, audit_log";

/// In this order; each may use what those before it have left in the schema `bench`.
const FILES: &[(&str, &str)] = &[
    ("words", include_str!("world/1-words.sql")),
    ("settings", include_str!("world/2-settings.sql")),
    ("contacts", include_str!("world/3-contacts.sql")),
    ("messages", include_str!("world/4-messages.sql")),
    ("what belongs to messages", include_str!("world/5-around-messages.sql")),
    ("the queue", include_str!("world/6-queue.sql")),
    ("the ledger", include_str!("world/7-ledger.sql")),
];

/// Makes sure that the world is there, in this size; says whether it was made now.
pub(crate) async fn ensure(cluster: Cluster, size: Size) -> Outcome<(Cluster, bool)> {
    if cluster.count("SELECT count(*) FROM pg_namespace WHERE nspname = 'bench'", &[]).await? > 0 {
        let row = cluster.rows("SELECT contacts, messages FROM bench.size", &[]).await?;
        let there = row.first().map(|row| Size { contacts: row.get(0), messages: row.get(1) });
        return if there == Some(size) {
            Ok((cluster, false))
        } else {
            Err(format!("the directory has a world of another size: {there:?}. Name another directory, or remove it").into())
        };
    }
    // What is written into a table that the same transaction has emptied needs no log.
    cluster.execute("ALTER SYSTEM SET wal_level = minimal").await?;
    cluster.execute("ALTER SYSTEM SET max_wal_senders = 0").await?;
    let cluster = cluster.restart().await?;
    make(&cluster, size).await?;
    cluster.execute("ALTER SYSTEM RESET wal_level").await?;
    cluster.execute("ALTER SYSTEM RESET max_wal_senders").await?;
    let cluster = cluster.restart().await?;
    step("vacuuming", cluster.settle()).await?;
    Ok((cluster, true))
}

async fn make(cluster: &Cluster, size: Size) -> Outcome<()> {
    let indexes = cluster
        .rows(
            "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = ANY (string_to_array($1, ', '))
             AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)",
            &[&GROWS],
        )
        .await?;
    // Without triggers: what the ledger's would have counted is counted at the end.
    cluster.execute("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET work_mem = '128MB'").await?;
    cluster.execute(&format!("SET synchronous_commit = off; BEGIN; TRUNCATE {GROWS} CASCADE")).await?;
    for index in &indexes {
        cluster.execute(&format!("DROP INDEX {}", index.get::<_, &str>(0))).await?;
    }
    for (what, sql) in FILES {
        let sql = sql.replace(":contacts", &size.contacts.to_string()).replace(":messages", &size.messages.to_string());
        step(&format!("making {what}"), cluster.execute(&sql)).await?;
    }
    for index in &indexes {
        step(&format!("building {}", index.get::<_, &str>(0)), cluster.execute(index.get(1))).await?;
    }
    step("writing it to the disk", cluster.execute("COMMIT")).await
}

/// What addresses name, by what `cases.rs` calls it.
pub(crate) async fn names(cluster: &Cluster) -> Outcome<Vec<(String, String)>> {
    let rows = cluster.rows(include_str!("world/names.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Signs an admin in: the token for the cookie.
pub(crate) async fn sign_in(cluster: &Cluster) -> Outcome<String> {
    let token = Token::generate();
    let hash = token.hash().to_vec();
    let session = "INSERT INTO sessions (token_hash, id, user_id, created_at, seen_at, expires_at, browser)
        SELECT $1, gen_random_uuid(), id, now(), now(), now() + interval '1 day', 'bench-pages' FROM users WHERE email = 'user3@example.com'";
    cluster.rows(session, &[&hash]).await?;
    Ok(token.expose().to_owned())
}

/// Gives every connection keys that the double of Twilio knows: the program seals them, and only it can.
pub(crate) async fn enter_keys(browser: &mut Browser, cluster: &Cluster) -> Outcome<()> {
    let keys = json!({ "auth_token": AUTH_TOKEN, "former_auth_token": "refuse" }).to_string();
    for connection in cluster.rows("SELECT id::text FROM connections", &[]).await? {
        browser.call("PUT", &format!("/connections/{}/keys", connection.get::<_, &str>(0)), &keys)?;
    }
    Ok(())
}

/// Has the program count all messages anew, and fails where its ledger says something else.
pub(crate) async fn check_ledger(browser: &mut Browser, cluster: &Cluster) -> Outcome<()> {
    let months = "SELECT day::date::text, (day + interval '30 days')::date::text FROM bench.size,
        generate_series(bench.time(ends) - interval '401 days', bench.time(ends), interval '31 days') AS day";
    for month in cluster.rows(months, &[]).await? {
        let path = format!("/ledger/check?from={}&to={}", month.get::<_, &str>(0), month.get::<_, &str>(1));
        let said: Value = serde_json::from_str(&browser.call("GET", &path, "")?)?;
        if said["differences"].as_array().is_none_or(|differences| !differences.is_empty()) {
            return Err(format!("the ledger of the world is wrong: {path} says {said}").into());
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the progress of a command")]
async fn step(what: &str, work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let begun = Instant::now();
    work.await?;
    println!("{what}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
