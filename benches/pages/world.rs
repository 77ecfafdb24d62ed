//! The data that pages are measured with: created once from the files in `world/`, and reused.

use carillon::types::token::RandomToken;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::browser::Browser;
use crate::bulk_load::{self, timed_step};
use crate::fake_twilio::AUTH_TOKEN;
use crate::postgres_cluster::Cluster;

/// The size of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Size {
    pub(crate) contacts: i64,
    pub(crate) messages: i64,
}

/// The tables that are loaded without indexes, which are built afterwards.
const LARGE_TABLES: &str = "contacts, contact_tags, suppressions, consent_records, events, \
                            enrollments, messages, attempts, delivery_events, audit_log";

/// The SQL files in the order of execution; each may use objects of earlier ones in schema `bench`.
const FILES: &[(&str, &str)] = &[
    ("words", include_str!("world/1-words.sql")),
    ("settings", include_str!("world/2-settings.sql")),
    ("contacts", include_str!("world/3-contacts.sql")),
    ("messages", include_str!("world/4-messages.sql")),
    ("the rows of messages", include_str!("world/5-around-messages.sql")),
    ("the queue", include_str!("world/6-queue.sql")),
    ("the ledger", include_str!("world/7-ledger.sql")),
];

/// Ensures that the world exists in a size; the flag says whether it was created now.
pub(crate) async fn ensure(cluster: Cluster, size: Size) -> Outcome<(Cluster, bool)> {
    if cluster.count("SELECT count(*) FROM pg_namespace WHERE nspname = 'bench'", &[]).await? > 0 {
        let row = cluster.rows("SELECT contacts, messages FROM bench.size", &[]).await?;
        let existing = row.first().map(|row| Size { contacts: row.get(0), messages: row.get(1) });
        return if existing == Some(size) {
            Ok((cluster, false))
        } else {
            Err(format!(
                "the directory has a world of another size: {existing:?}. Choose another \
                     directory, or remove it"
            )
            .into())
        };
    }
    let cluster =
        bulk_load::fill(cluster, LARGE_TABLES, async |cluster| create(cluster, size).await).await?;
    Ok((cluster, true))
}

async fn create(cluster: &Cluster, size: Size) -> Outcome<()> {
    for (what, sql) in FILES {
        let sql = sql
            .replace(":contacts", &size.contacts.to_string())
            .replace(":messages", &size.messages.to_string());
        timed_step(&format!("creating {what}"), cluster.execute(&sql)).await?;
    }
    Ok(())
}

/// The ids and texts for the placeholders in `cases.rs`, by name.
pub(crate) async fn names(cluster: &Cluster) -> Outcome<Vec<(String, String)>> {
    let rows = cluster.rows(include_str!("world/names.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Signs in an admin; returns the token for the session cookie.
pub(crate) async fn sign_in(cluster: &Cluster) -> Outcome<String> {
    let token = RandomToken::generate();
    let hash = token.hash().to_vec();
    let session = "INSERT INTO sessions (token_hash, id, user_id, created_at, seen_at, expires_at,
                      browser)
        SELECT $1, gen_random_uuid(), id, now(), now(), now() + interval '1 day', 'bench-pages'
            FROM users WHERE email = 'user3@example.com'";
    cluster.rows(session, &[&hash]).await?;
    Ok(token.expose().to_owned())
}

/// Gives every connection keys that the fake Twilio accepts. Only the program can do this, because
/// it seals them.
pub(crate) async fn enter_keys(browser: &mut Browser, cluster: &Cluster) -> Outcome<()> {
    let keys = json!({ "auth_token": AUTH_TOKEN, "former_auth_token": "refuse" }).to_string();
    for connection in cluster.rows("SELECT id::text FROM connections", &[]).await? {
        browser.call(
            "PUT",
            &format!("/connections/{}/keys", connection.get::<_, &str>(0)),
            &keys,
        )?;
    }
    Ok(())
}

/// Lets the program recount all messages; fails if its ledger differs.
pub(crate) async fn check_ledger(browser: &mut Browser, cluster: &Cluster) -> Outcome<()> {
    let months = "SELECT day::date::text, (day + interval '30 days')::date::text FROM bench.size,
        generate_series(bench.time(ends) - interval '401 days', bench.time(ends),
            interval '31 days') AS day";
    for month in cluster.rows(months, &[]).await? {
        let path = format!(
            "/ledger/check?from={}&to={}",
            month.get::<_, &str>(0),
            month.get::<_, &str>(1)
        );
        let report: Value = serde_json::from_str(&browser.call("GET", &path, "")?)?;
        if report["differences"].as_array().is_none_or(|differences| !differences.is_empty()) {
            return Err(format!("the ledger of the world is wrong: {path} returns {report}").into());
        }
    }
    Ok(())
}
