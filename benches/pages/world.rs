//! The world that pages are measured in: made once by the files in `world/`, kept, and used again.

use carillon::types::token::RandomToken;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::browser::Browser;
use crate::cluster::Cluster;
use crate::fake_twilio::AUTH_TOKEN;
use crate::filling::{self, step};

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Size {
    pub(crate) contacts: i64,
    pub(crate) messages: i64,
}

/// What is written without indexes, which are built afterwards.
const GROWS: &str = "contacts, contact_tags, suppressions, consent_records, events, enrollments, messages, attempts, delivery_events, audit_log";

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
            Err(format!(
                "the directory has a world of another size: {there:?}. Name another directory, \
                     or remove it"
            )
            .into())
        };
    }
    let cluster = filling::fill(cluster, GROWS, async |cluster| make(cluster, size).await).await?;
    Ok((cluster, true))
}

async fn make(cluster: &Cluster, size: Size) -> Outcome<()> {
    for (what, sql) in FILES {
        let sql = sql
            .replace(":contacts", &size.contacts.to_string())
            .replace(":messages", &size.messages.to_string());
        step(&format!("making {what}"), cluster.execute(&sql)).await?;
    }
    Ok(())
}

/// What addresses name, by what `cases.rs` calls it.
pub(crate) async fn names(cluster: &Cluster) -> Outcome<Vec<(String, String)>> {
    let rows = cluster.rows(include_str!("world/names.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Signs an admin in: the token for the cookie.
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

/// Gives every connection keys that the double of Twilio knows: the program seals them, and only it
/// can.
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

/// Has the program count all messages anew, and fails where its ledger says something else.
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
        let said: Value = serde_json::from_str(&browser.call("GET", &path, "")?)?;
        if said["differences"].as_array().is_none_or(|differences| !differences.is_empty()) {
            return Err(format!("the ledger of the world is wrong: {path} says {said}").into());
        }
    }
    Ok(())
}
