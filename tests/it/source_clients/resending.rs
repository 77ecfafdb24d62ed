//! Clients that repeat: after a lost answer, while the database is away, and when Carillon is
//! killed. A repeat has the same message ids, so that each event counts once.

use carillon::app::ProcessRole;
use carillon::db::Durability;
use futures::future::join_all;
use serde_json::{Value, json};

use super::client::{CLIENTS, Client, Sending};
use super::relay::{Passed, Relay};
use super::{SourceWithKey, app_for_clients};
use crate::crash::{hold_lock, release_lock};
use crate::harness::TestApp;
use crate::harness::test_database::{DatabaseServer, Reachable};

/// Three events in the order of their names.
fn events(client: Client) -> Vec<Value> {
    ["A", "B", "C"].map(|name| client.track(name, json!({}))).into()
}

/// A Carillon that texts on the last of the [`events`], with a contact for each client.
async fn prepared(database_server: DatabaseServer) -> (TestApp, SourceWithKey) {
    let app = app_for_clients(database_server).await;
    let twilio = app.connect_twilio().await;
    app.sms_on("C", &twilio, "Thank you.").await;
    let source = app.segment_source("Everything").await;
    for client in CLIENTS {
        app.contact_of_client(client).await;
    }
    (app, source)
}

/// Asserts that each event of a client was recorded once, and had its consequences once.
async fn assert_counted_once(app: &TestApp, client: Client) {
    let events = app.events_of(&client.handset()).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"], "{client:?}");
    app.run_until_idle().await;
    assert_eq!(app.received(&client.handset()), ["Thank you."], "{client:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_loses_an_answer_repeats_and_counts_once() {
    let (app, source) = prepared(DatabaseServer::Shared).await;
    let mut repeated = 0;
    for client in CLIENTS {
        let relay = Relay::to(&app.url).await;
        relay.lose_an_answer();
        relay.lose_an_answer();
        client.deliver(Sending::new(&relay.url(), &source.key, events(client))).await;
        let passed = relay.passed();
        let first = passed[0].message_ids();
        for request in &passed[..3] {
            assert_eq!(request.message_ids(), first, "{client:?}: a repeat has the same ids");
            assert_eq!(request.status, Some(200), "{client:?}");
        }
        repeated += 2 * i64::try_from(first.len()).unwrap();
        assert_counted_once(&app, client).await;

        // Carillon knows an event by the id that the client gave it.
        let known = app.texts("SELECT client_id AS text FROM events").await;
        for message_id in passed.iter().flat_map(Passed::message_ids) {
            let count = known.iter().filter(|known| known.ends_with(&message_id)).count();
            assert_eq!(count, 1, "{client:?}");
        }
    }
    assert_eq!(app.source_count(&source, "accepted").await, 12);
    assert_eq!(app.source_count(&source, "repeated").await, repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_wait_while_the_database_is_away() {
    let (app, source) = prepared(DatabaseServer::Shared).await;
    let relays = join_all(CLIENTS.map(|_| Relay::to(&app.url))).await;
    app.database.set_reachable(Reachable::No).await;
    let clients: Vec<_> = CLIENTS
        .into_iter()
        .zip(&relays)
        .map(|(client, relay)| {
            let sending = Sending::new(&relay.url(), &source.key, events(client));
            tokio::spawn(async move { client.deliver(sending).await })
        })
        .collect();
    let has_refused = |relay: &Relay| {
        let passed = relay.passed();
        assert!(passed.iter().all(|request| request.status == Some(503)), "{passed:#?}");
        !passed.is_empty()
    };
    app.eventually("every client is asked to wait", async || {
        relays.iter().all(has_refused).then_some(())
    })
    .await;
    app.database.set_reachable(Reachable::Yes).await;
    for client in clients {
        client.await.unwrap();
    }
    for client in CLIENTS {
        assert_counted_once(&app, client).await;
    }
}

/// When a server is killed that records events.
#[derive(Debug, Clone, Copy)]
enum Killed {
    BeforeItCommits,
    /// Committed, but neither the server nor the client knows.
    AfterItCommits,
}

impl Killed {
    fn database_server(self) -> DatabaseServer {
        match self {
            Self::BeforeItCommits => DatabaseServer::Shared,
            Self::AfterItCommits => DatabaseServer::Dedicated(Durability::Durable),
        }
    }

    /// Kills the server while it records the first events of a client, and starts it again at the
    /// same address.
    async fn while_it_records(self, app: &TestApp, source: &SourceWithKey, client: Client) {
        let server = app.process(ProcessRole::Web).await;
        let url = format!("http://{}", server.bind());
        let before = app.count("events").await;
        let lock = hold_lock(app, "LOCK TABLE events IN SHARE MODE").await;
        let sending = Sending::new(&url, &source.key, events(client));
        let sending = tokio::spawn(async move { client.deliver(sending).await });
        let blocked = app.database.wait_until_blocked().await;
        let bind = match self {
            Self::BeforeItCommits => {
                let bind = server.kill().await;
                app.database.terminate(&blocked).await;
                release_lock(lock).await;
                assert_eq!(app.count("events").await, before, "{client:?}: it did not commit");
                bind
            }
            Self::AfterItCommits => {
                app.database.cluster().hold_commits().await;
                release_lock(lock).await;
                app.database.cluster().wait_for_held_commit(&blocked).await;
                let bind = server.kill().await;
                app.database.cluster().release_commits().await;
                assert!(app.count("events").await > before, "{client:?}: it committed");
                bind
            }
        };
        let server = app.process_at(ProcessRole::Web, &bind).await;
        sending.await.unwrap();
        server.kill().await;
    }

    async fn story(self) {
        let (app, source) = prepared(self.database_server()).await;
        for client in CLIENTS {
            self.while_it_records(&app, &source, client).await;
            assert_counted_once(&app, client).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_before_it_commits_loses_no_event_of_a_client() {
    Killed::BeforeItCommits.story().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_after_it_commits_records_no_event_of_a_client_twice() {
    Killed::AfterItCommits.story().await;
}
