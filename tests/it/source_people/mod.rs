//! What sources say about people: who they are, by which keys, and what happens to their contacts.
//! [`Sending`] gives items to `sources::ingest` as a batch of a source.

mod batches;
mod describing;
mod keys;
mod stop;

use carillon::contacts::{Email, ExternalId, Name};
use carillon::db;
use carillon::error::Error;
use carillon::events::{ClientId, EventName, Properties};
use carillon::queue::Receiver;
use carillon::sources::{
    Description, IngestRequest, Ingested, Item, ItemEvent, ItemOutcome, PersonKeys, ingest,
    is_ingest_conflict,
};
use carillon::types::id::SourceId;
use carillon::types::phone::PhoneNumber;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::TestApp;

/// A Carillon with a source.
struct Sending {
    app: TestApp,
    source_id: SourceId,
}

impl Sending {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let source_id = SourceId::new();
        let insert = format!(
            "INSERT INTO sources (id, name, kind, mapping, verification, created_at, updated_at)
             VALUES ('{source_id}', 'Shop', 'segment', '{{}}', '{{}}', now(), now())"
        );
        app.run_sql(&insert).await;
        Self { app, source_id }
    }

    /// Sends items as one request, and starts over after conflicts.
    async fn send(&self, items: Vec<Item>) -> Vec<ItemOutcome> {
        let mut ingested = self.try_send(items).await.unwrap();
        ingested.outcomes.remove(0)
    }

    async fn try_send(&self, items: Vec<Item>) -> Result<Ingested, Error> {
        let source_id = self.source_id;
        let requests = [IngestRequest { source_id, items, rejected: 0, delivery: None }];
        let now = self.app.clock.now();
        let mut conn = self.app.conn().await;
        loop {
            let sent = db::transaction(&mut conn, async |tx| {
                ingest(tx, &requests, Receiver::AnyWorker, now).await
            });
            match sent.await {
                Err(error) if is_ingest_conflict(&error) => {}
                ended => return ended,
            }
        }
    }

    /// Sends one item.
    async fn send_one(&self, item: Item) -> ItemOutcome {
        self.send(vec![item]).await.remove(0)
    }

    /// The time, `minutes` before now.
    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.app.clock.now() - TimeDelta::minutes(minutes)
    }

    /// All contacts by number: `+1… 8 Ann Smith ann@example.com {"city": "Bonn"}`.
    async fn contacts(&self) -> Vec<String> {
        let query = "SELECT concat_ws(' ', phone, coalesce(external_id, '-'), first_name, \
                     last_name, email, attributes::text) AS text FROM contacts ORDER BY phone";
        self.app.texts(query).await
    }

    /// The numbers of the contacts whose events of this name were recorded, in order.
    async fn events(&self, name: &str) -> Vec<String> {
        let query = format!(
            "SELECT phone AS text FROM events JOIN contacts ON contacts.id = contact_id
             WHERE name = '{name}' ORDER BY events.id"
        );
        self.app.texts(&query).await
    }
}

/// An item that describes a person: keys (`user_id`, `anonymous_id`, `email`, `phone`,
/// `previous_id`) and traits (`first_name`, `last_name`, attributes).
fn describe(keys: &Value, traits: Value) -> Item {
    let text = |name: &str| keys[name].as_str();
    let Value::Object(mut attributes) = traits else { panic!("traits are an object") };
    let mut name = |name: &str| {
        attributes.remove(name).map(|name| Name::parse(name.as_str().unwrap()).unwrap())
    };
    let (first_name, last_name) = (name("first_name"), name("last_name"));
    Item {
        person: PersonKeys {
            user_id: text("user_id").map(|id| ExternalId::parse(id).unwrap()),
            anonymous_id: text("anonymous_id").map(str::to_owned),
            email: text("email").map(|email| Email::parse(email).unwrap()),
            phone: text("phone").map(|phone| PhoneNumber::from_e164(phone).unwrap()),
        },
        description: Description { first_name, last_name, attributes },
        event: None,
        previous_id: text("previous_id").map(str::to_owned),
        at: None,
    }
}

/// An item that reports an event and describes nothing.
fn report(keys: &Value, name: &str, client_id: &str) -> Item {
    let event = ItemEvent {
        client_id: Some(ClientId::parse(client_id).unwrap()),
        name: EventName::parse(name).unwrap(),
        properties: Properties::default(),
    };
    Item { event: Some(event), ..describe(keys, json!({})) }
}

fn at(time: DateTime<Utc>, item: Item) -> Item {
    Item { at: Some(time), ..item }
}

fn is_accepted(outcome: &ItemOutcome) -> bool {
    matches!(outcome, ItemOutcome::Accepted { .. })
}
