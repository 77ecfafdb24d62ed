//! The data of a measurement: a connected account with its sender, a template, contacts, and
//! automations on demand.

use std::net::SocketAddr;
use std::ops::Range;

use serde_json::{Value, json};

use crate::Outcome;
use crate::fake_twilio::{ACCOUNT_SID, AUTH_TOKEN, SENDER};
use crate::http::{self, Connection};
use crate::postgres_cluster::Cluster;

const BODY: &str = "Hi {{ contact.first_name }}, your order {{ event.order_id }} is on its way. \
                    Reply STOP to opt out.";

/// The prepared installation, reached through its API.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    key: String,
    pub(crate) connection_id: String,
    pub(crate) sender_id: String,
    pub(crate) template_id: String,
    /// The number of contacts of the benchmark.
    contacts: usize,
    /// The distance between two contacts of the benchmark in the database, so that they are not
    /// neighbours there.
    stride: usize,
}

/// An automation whose trigger is an event of its own.
pub(crate) struct Automation {
    pub(crate) id: String,
    pub(crate) event: String,
}

/// The kinds of automations.
pub(crate) enum AutomationKind {
    /// An automation that sends one SMS.
    Sends,
    /// An automation that waits longer than any measurement and then sends one SMS.
    WaitsThenSends,
}

/// The prefix of the contacts of the benchmark: Seattle.
const SEATTLE: &str = "+1206";
/// The prefix of the contacts that send STOP: Bellevue.
const BELLEVUE: &str = "+1425";

/// The phone number of the contact with an index; all of them are valid numbers.
fn phone(area: &str, index: usize) -> String {
    format!("{area}{:07}", FIRST_NUMBER + index)
}

/// The last seven digits of the first contact's number.
pub(crate) const FIRST_NUMBER: usize = 2_000_000;

impl World {
    /// Prepares a product for a benchmark with `contacts` contacts; adds those that are missing.
    pub(crate) async fn prepare(
        address: SocketAddr,
        key: String,
        cluster: &Cluster,
        contacts: usize,
        concurrency: usize,
    ) -> Outcome<Self> {
        let existing = count_contacts(cluster, SEATTLE).await?;
        if existing < contacts {
            add_contacts(cluster, SEATTLE, existing..contacts).await?;
        }
        // Even, because the contacts of the history that have sent STOP are at odd positions.
        let stride = ((existing / contacts.max(1)) & !1).max(1);
        let mut world = Self {
            address,
            key,
            connection_id: String::new(),
            sender_id: String::new(),
            template_id: String::new(),
            contacts,
            stride,
        };
        let existing = world.call("GET", "/connections", &Value::Null).await?["data"][0].clone();
        let connection = if existing.is_null() {
            let keys = json!(
                {
                    "name": "Bench",
                    "account_sid": ACCOUNT_SID,
                    "auth_token": AUTH_TOKEN,
                    "sender": SENDER
                }
            );
            world.call("POST", "/connections", &keys).await?
        } else {
            // The database is reused.
            existing
        };
        world.connection_id = text(&connection["id"])?;
        world.sender_id = text(&connection["senders"][0]["id"])?;
        // Twilio's default concurrency limit is far too low for these rates at a latency of 100 ms.
        let limit = json!({ "max_concurrency": concurrency.min(5_000) });
        world.call("PATCH", &format!("/connections/{}", world.connection_id), &limit).await?;
        // Removes the default limit of a long code, one part per second: the machine is the limit.
        world
            .call(
                "PATCH",
                &format!("/senders/{}", world.sender_id),
                &json!({ "parts_per_second": null }),
            )
            .await?;
        let name = format!("Order {}", unique());
        world.template_id = text(
            &world.call("POST", "/templates", &json!({ "name": name, "body": BODY })).await?["id"],
        )?;
        Ok(world)
    }

    /// Creates an active automation.
    pub(crate) async fn automation(&self, kind: AutomationKind) -> Outcome<Automation> {
        let event = format!("order_completed_{}", unique());
        let send = json!(
            { "type": "send_sms", "template_id": self.template_id, "sender_id": self.sender_id }
        );
        let steps = match kind {
            AutomationKind::Sends => json!([send]),
            AutomationKind::WaitsThenSends => {
                json!([{ "type": "wait", "seconds": 30 * 24 * 60 * 60 }, send])
            }
        };
        let new = json!(
            {
                "name": event,
                "trigger": { "type": "event", "name": event },
                "steps": steps,
                "status": "active"
            }
        );
        let id = text(&self.call("POST", "/automations", &new).await?["id"])?;
        Ok(Automation { id, event })
    }

    /// Pauses an automation.
    pub(crate) async fn pause(&self, automation: &Automation) -> Outcome<()> {
        self.call(
            "PATCH",
            &format!("/automations/{}", automation.id),
            &json!({ "status": "paused" }),
        )
        .await
        .map(drop)
    }

    /// The phone number of a contact of the benchmark.
    pub(crate) fn phone(&self, index: usize) -> String {
        phone(SEATTLE, index % self.contacts * self.stride)
    }

    /// Requests that report `count` events, for all contacts in turn.
    pub(crate) fn reports(
        &self,
        automation: &Automation,
        count: usize,
        request_size: RequestSize,
    ) -> Vec<Vec<u8>> {
        let event = |number: usize| {
            json!({
                "id": format!("{}-{number}", automation.event),
                "name": automation.event,
                "contact": { "phone": self.phone(number) },
                "properties": {
                    "order_id": format!("A-{number:06}"),
                    "total": 49.9,
                    "currency": "USD"
                },
            })
        };
        let numbers: Vec<usize> = (0..count).collect();
        match request_size {
            RequestSize::Single => numbers
                .iter()
                .map(|number| self.request("POST", "/events", &event(*number)))
                .collect(),
            RequestSize::Batch(size) => numbers
                .chunks(size)
                .map(|chunk| {
                    let events: Vec<Value> = chunk.iter().map(|number| event(*number)).collect();
                    self.request("POST", "/events", &json!({ "events": events }))
                })
                .collect(),
        }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::request(method, self.address, &format!("/api/v1{path}"), &headers, body.as_bytes())
    }

    /// Calls the API; fails unless it succeeds.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let mut connection = Connection::open(self.address).await?;
        let (status, answer) = connection.exchange(&self.request(method, path, body)).await?;
        let body = String::from_utf8_lossy(connection.body(&answer)).into_owned();
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path} was answered with {status}: {body}").into());
        }
        Ok(serde_json::from_str(&body)?)
    }
}

/// Adds contacts for STOP texts and returns their numbers.
pub(crate) async fn add_opt_out_contacts(cluster: &Cluster, count: usize) -> Outcome<Vec<String>> {
    let existing = count_contacts(cluster, BELLEVUE).await?;
    let added = existing..existing + count;
    add_contacts(cluster, BELLEVUE, added.clone()).await?;
    Ok(added.map(|index| phone(BELLEVUE, index)).collect())
}

async fn count_contacts(cluster: &Cluster, area: &str) -> Outcome<usize> {
    let sql = "SELECT count(*) /* bench: */ FROM contacts WHERE phone LIKE $1";
    Ok(usize::try_from(cluster.count(sql, &[&format!("{area}%")]).await?)?)
}

/// Adds contacts with SQL, because this is not part of the measurement.
async fn add_contacts(cluster: &Cluster, area: &str, indexes: Range<usize>) -> Outcome<()> {
    let Range { start, end } = indexes;
    let insert = format!(
        "INSERT /* bench: */ INTO contacts
             (id, phone, first_name, attributes, created_at, updated_at)
         SELECT gen_random_uuid(), '{area}' || (i + {FIRST_NUMBER}), 'Ada',
             '{{\"city\": \"Seattle\"}}', now(), now()
         FROM generate_series({start}, {end} - 1) AS i"
    );
    cluster.execute(&insert).await
}

/// The number of events in one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RequestSize {
    Single,
    Batch(usize),
}

fn text(value: &Value) -> Outcome<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("the API returned {value} instead of a string").into())
}

fn unique() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}
