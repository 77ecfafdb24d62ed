//! Sources of Segment's protocol, with the clients that people use: those of Segment and
//! RudderStack from npm and PyPI, unchanged but for the URL (`tests/clients/`).
//!
//! Each story runs all of them ([`client`]), often through a [`relay`] that shows what they send.
//! This file tells what arrives, and [`resending`] that it counts once, whatever goes wrong.

mod client;
mod relay;
mod resending;

use carillon::clock::Clock;
use chrono::{SecondsFormat, TimeDelta};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::fixtures::{id, send_sms};
use crate::harness::test_database::DatabaseServer;
use crate::harness::{TestApp, TestOptions, hours};
use client::{CLIENTS, Client, Sending, installed};
use relay::Relay;

/// A source, as the API has made it.
struct SourceWithKey {
    id: String,
    key: String,
}

/// A Carillon with the clock of the machine, which the clients have, too.
async fn app_for_clients(database_server: DatabaseServer) -> TestApp {
    installed().await;
    let clock = Clock::system();
    TestApp::with(TestOptions { clock, database_server, ..TestOptions::default() }).await
}

impl TestApp {
    /// Makes a source of Segment's protocol.
    async fn segment_source(&self, name: &str) -> SourceWithKey {
        let new = json!({ "name": name, "kind": "segment" });
        let made = self.api().post("/sources", new).await.ok();
        assert_eq!(made["url"], self.url, "the clients add the path");
        SourceWithKey { id: id(&made), key: made["key"].as_str().unwrap().to_owned() }
    }

    /// A figure of a source: `accepted`, `repeated`, `unreachable` or `rejected`.
    async fn source_count(&self, source: &SourceWithKey, figure: &str) -> i64 {
        let source = self.api().get(&format!("/sources/{}", source.id)).await.ok();
        source["counts"]["last_7_days"][figure].as_i64().unwrap_or_else(|| panic!("{source:#}"))
    }

    /// The events of the contact with a number, as pairs of name and properties, by name.
    async fn events_of(&self, phone: &str) -> Vec<(String, Value)> {
        let contact = self.contact_of(phone).await;
        let query = format!(
            "SELECT json_build_array(name, properties)::text AS text FROM events
                WHERE contact_id = '{}' ORDER BY name, id",
            id(&contact)
        );
        let rows = self.texts(&query).await;
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// A contact that a client calls by its user id.
    async fn contact_of_client(&self, client: Client) {
        let contact = json!({ "phone": client.handset(), "external_id": client.user_id() });
        self.api().post("/contacts", contact).await.ok();
    }
}

impl Client {
    /// The number of the person of whom it tells.
    fn handset(self) -> String {
        format!("+1206555014{}", self.number())
    }

    /// What it calls this person.
    fn user_id(self) -> String {
        format!("user-{}", self.number())
    }

    /// An event of this person.
    fn track(self, event: &str, properties: Value) -> Value {
        let mut call = json!({ "type": "track", "userId": self.user_id(), "event": event });
        call["properties"] = properties;
        call
    }
}

/// A person who looks around, says who they are, and buys.
fn visit(client: Client) -> Vec<Value> {
    let (user_id, device) = (client.user_id(), format!("device-{}", client.number()));
    let phone = client.handset();
    let (area, line) = (&phone[2..5], &phone[8..]);
    vec![
        json!({ "type": "identify", "anonymousId": device, "traits": { "colour": "teal" } }),
        json!(
            {
                "type": "identify",
                "userId": user_id,
                "traits": {
                    "phone": format!("+1 ({area}) 555-{line}"),
                    "email": format!("{user_id}@example.com"),
                    "firstName": "Ada",
                    "lastName": "Lovelace",
                    "plan": "pro",
                    "shoe size": 38,
                    "newsletter": true,
                    "address": { "city": "London" },
                    "interests": ["engines"]
                }
            }
        ),
        json!({ "type": "alias", "previousId": device, "userId": user_id }),
        json!(
            {
                "type": "group",
                "userId": user_id,
                "groupId": "acme",
                "traits": { "name": "Acme", "seats": 12 }
            }
        ),
        client.track("Order Completed", json!({ "order_id": "A-17", "total": 42.5 })),
        json!(
            {
                "type": "page",
                "userId": user_id,
                "category": "Docs",
                "name": "Pricing",
                "properties": { "url": "https://example.com/pricing" }
            }
        ),
        json!({ "type": "screen", "userId": user_id, "name": "Home", "properties": { "tab": 2 } }),
        json!({ "type": "track", "anonymousId": device, "event": "Coupon Seen" }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_work_unchanged() {
    let app = app_for_clients(DatabaseServer::Shared).await;
    let twilio = app.connect_twilio().await;
    app.sms_on("Order Completed", &twilio, "Thank you for {{ event.order_id }}.").await;
    let welcome = app.template("Welcome, {{ contact.first_name | default(value='?') }}.").await;
    let steps = json!([send_sms(&welcome, &twilio)]);
    app.automation(json!({ "type": "contact_created" }), steps).await;
    for client in CLIENTS {
        let source = app.segment_source(&format!("{client:?}")).await;
        let relay = Relay::to(&app.url).await;
        client.deliver(Sending::new(&relay.url(), &source.key, visit(client))).await;

        let contact = app.contact_of(&client.handset()).await;
        assert_eq!(contact["first_name"], "Ada", "{client:?}");
        assert_eq!(contact["last_name"], "Lovelace", "{client:?}");
        assert_eq!(contact["email"], format!("{}@example.com", client.user_id()), "{client:?}");
        assert_eq!(contact["external_id"], client.user_id(), "{client:?}");
        let attributes = json!(
            {
                "address_city": "London",
                "colour": "teal",
                "group_id": "acme",
                "group_name": "Acme",
                "group_seats": 12,
                "newsletter": true,
                "plan": "pro",
                "shoe_size": 38
            }
        );
        assert_eq!(contact["attributes"], attributes, "{client:?}");

        let page = json!(
            { "category": "Docs", "name": "Pricing", "url": "https://example.com/pricing" }
        );
        let expected = [
            ("Coupon Seen", json!({})),
            ("Order Completed", json!({ "order_id": "A-17", "total": 42.5 })),
            ("page", page),
            ("screen", json!({ "name": "Home", "tab": 2 })),
        ];
        let expected = expected.map(|(name, properties)| (name.to_owned(), properties));
        assert_eq!(app.events_of(&client.handset()).await, expected, "{client:?}");
        assert_eq!(app.count(&format!("events WHERE source_id = '{}'", source.id)).await, 4);

        app.run_until_idle().await;
        let mut received = app.received(&client.handset());
        received.sort();
        assert_eq!(received, ["Thank you for A-17.", "Welcome, Ada."], "{client:?}");

        // The device is unreachable until its person is known, unless both are in one batch.
        let accepted = app.source_count(&source, "accepted").await;
        let unreachable = app.source_count(&source, "unreachable").await;
        assert_eq!((accepted + unreachable, unreachable <= 1), (8, true), "{client:?}");
        assert_client_is_what_it_seems(client, &relay);
    }
    assert_eq!(app.count("contacts").await, 4);
}

/// Asserts what makes each client a test: were it otherwise, another one would have to take its
/// place.
fn assert_client_is_what_it_seems(client: Client, relay: &Relay) {
    let passed = relay.passed();
    let requests = if client == Client::RudderstackNode { 2 } else { 1 };
    assert_eq!(passed.len(), requests, "{client:?}");
    for request in passed {
        assert_eq!((&*request.path, request.status), ("/v1/batch", Some(200)), "{client:?}");
        let is_compressed = request.header("content-encoding") == Some("gzip");
        assert_eq!(is_compressed, client != Client::SegmentNode, "{client:?}");
        let has_header = request.header("authorization").is_some();
        assert_eq!(has_header, client != Client::SegmentPython234, "{client:?}");
        let has_key_in_body = request.body["writeKey"].is_string();
        assert_eq!(has_key_in_body, client != Client::RudderstackNode, "{client:?}");
        let content_type = match client {
            Client::RudderstackNode => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        assert_eq!(request.header("content-type"), Some(content_type), "{client:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_events_arrive_once_each() {
    const EVENTS: u64 = 250;
    let app = app_for_clients(DatabaseServer::Shared).await;
    let source = app.segment_source("Everything").await;
    for client in CLIENTS {
        app.contact_of_client(client).await;
    }
    join_all(CLIENTS.map(|client| {
        let calls = (0..EVENTS).map(|number| client.track("Seen", json!({ "number": number })));
        client.deliver(Sending::new(&app.url, &source.key, calls.collect()).uncompressed())
    }))
    .await;
    for client in CLIENTS {
        let events = app.events_of(&client.handset()).await;
        let mut numbers: Vec<u64> =
            events.iter().map(|(_, event)| event["number"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..EVENTS).collect::<Vec<_>>(), "{client:?}");
    }
    assert_eq!(app.source_count(&source, "accepted").await, 1_000);
    assert_eq!(app.source_count(&source, "repeated").await, 0);
}

/// The clients in Python fill a batch until it has 475,000 bytes or more: with an event of 32 kB it
/// may have 508,000.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_batches_of_the_clients_are_accepted() {
    const EVENTS: usize = 16;
    let app = app_for_clients(DatabaseServer::Shared).await;
    let source = app.segment_source("Everything").await;
    for client in CLIENTS {
        app.contact_of_client(client).await;
        let relay = Relay::to(&app.url).await;
        let event = client.track("Seen", json!({ "note": "x".repeat(31_300) }));
        let sending = Sending::new(&relay.url(), &source.key, vec![event; EVENTS]);
        client.deliver(sending.clone()).await;
        client.deliver(sending.uncompressed()).await;
        assert_eq!(app.events_of(&client.handset()).await.len(), 2 * EVENTS, "{client:?}");
        let largest = relay.passed().iter().map(|request| request.bytes).max().unwrap();
        let is_python = matches!(client, Client::SegmentPython234 | Client::SegmentPythonNewest);
        assert!(largest > if is_python { 500_000 } else { 470_000 }, "{client:?}: {largest}");
    }
}

/// Without a time, a call has happened now, whatever the clock of the client says.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_clock_is_off_reports_what_happens_now() {
    let app = app_for_clients(DatabaseServer::Shared).await;
    let twilio = app.connect_twilio().await;
    app.sms_on("Order Completed", &twilio, "Thank you.").await;
    let source = app.segment_source("Everything").await;
    for client in CLIENTS {
        app.contact_of_client(client).await;
        for ahead in [hours(-49), hours(3)] {
            let calls = vec![client.track("Order Completed", json!({}))];
            let sending = Sending::new(&app.url, &source.key, calls).with_clock_ahead_by(ahead);
            client.deliver(sending).await;
            let off = "SELECT (occurred_at - received_at)::text AS text FROM events
                WHERE abs(extract(epoch FROM occurred_at - received_at)) > 60";
            assert!(app.texts(off).await.is_empty(), "{client:?} ahead by {ahead}");
        }
        app.run_until_idle().await;
        assert_eq!(app.received(&client.handset()), ["Thank you."; 2], "{client:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_says_when_it_happened_keeps_its_time() {
    let app = app_for_clients(DatabaseServer::Shared).await;
    let source = app.segment_source("Everything").await;
    let hour_ago = app.clock.now() - TimeDelta::hours(1);
    let stated = hour_ago.to_rfc3339_opts(SecondsFormat::Millis, false);
    for client in CLIENTS {
        app.contact_of_client(client).await;
        let mut call = client.track("Order Completed", json!({}));
        call["timestamp"] = stated.clone().into();
        client.deliver(Sending::new(&app.url, &source.key, vec![call])).await;
    }
    let times = "SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')
        || '+00:00' AS text FROM events";
    assert_eq!(app.texts(times).await, vec![stated; CLIENTS.len()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_can_never_work_takes_no_other_with_it() {
    let app = app_for_clients(DatabaseServer::Shared).await;
    for client in CLIENTS {
        let source = app.segment_source(&format!("{client:?}")).await;
        app.contact_of_client(client).await;
        let calls = vec![
            client.track("First", json!({})),
            // The name of an event has at most 120 characters.
            client.track(&"x".repeat(200), json!({})),
            client.track("Last", json!({})),
        ];
        client.deliver(Sending::new(&app.url, &source.key, calls)).await;
        let events = app.events_of(&client.handset()).await;
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["First", "Last"], "{client:?}");
        assert_eq!(app.source_count(&source, "rejected").await, 1, "{client:?}");
    }
}

/// The client in Python 2.3.4 repeats a refusal for a quarter of an hour, unless it is text or has
/// a `code` and a `message` at its top.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_learns_it_at_once_and_does_not_repeat() {
    let app = app_for_clients(DatabaseServer::Shared).await;
    let source = app.segment_source("Everything").await;
    let path = format!("/sources/{}", source.id);
    app.api().patch(&path, json!({ "enabled": false })).await.ok();
    for client in CLIENTS {
        app.contact_of_client(client).await;
        for (key, status) in [("sk_unknown", 401), (&*source.key, 403)] {
            let relay = Relay::to(&app.url).await;
            let calls = vec![client.track("Seen", json!({}))];
            let sending = Sending::new(&relay.url(), key, calls).with_retries(2);
            assert!(!client.send(sending).await.delivered, "{client:?}: {status}");
            let statuses: Vec<_> = relay.passed().iter().map(|request| request.status).collect();
            assert_eq!(statuses, [Some(status)], "{client:?}");
        }
    }
    assert_eq!(app.count("events").await, 0);
    app.api().patch(&path, json!({ "enabled": true })).await.ok();
    for client in CLIENTS {
        let calls = vec![client.track("Seen", json!({}))];
        client.deliver(Sending::new(&app.url, &source.key, calls)).await;
    }
    assert_eq!(app.count("events").await, 4);
}
