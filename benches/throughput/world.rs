//! What there is to measure with: a connected account with its sender, a template, contacts, and
//! automations as they are needed.

use std::net::SocketAddr;
use std::ops::Range;

use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::fake_twilio::{ACCOUNT_SID, AUTH_TOKEN, SENDER};
use crate::http::{self, Connection};

const BODY: &str = "Hi {{ contact.first_name }}, your order {{ event.order_id }} is on its way. \
                    Reply STOP to opt out.";

/// The prepared installation, reached through its API.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    key: String,
    pub(crate) connection_id: String,
    pub(crate) sender_id: String,
    pub(crate) template_id: String,
    /// What contacts are numbered by, from 0.
    contacts: usize,
    /// Only every so many of the contacts in the database take part, so that they are not
    /// neighbours there.
    stride: usize,
}

/// An automation that waits for an event of its own.
pub(crate) struct Automation {
    pub(crate) id: String,
    pub(crate) event: String,
}

/// What an automation does.
pub(crate) enum Does {
    /// It sends one SMS.
    Sends,
    /// It waits for longer than any measurement, then sends one.
    WaitsThenSends,
}

/// Seattle, where the contacts that take part have their numbers.
const SEATTLE: &str = "+1206";
/// Bellevue, where those have them who say STOP.
const BELLEVUE: &str = "+1425";

/// The number of the contact with this index; all are valid.
fn phone(area: &str, index: usize) -> String {
    format!("{area}{:07}", FIRST_NUMBER + index)
}

/// The last seven digits of the first contact's number.
pub(crate) const FIRST_NUMBER: usize = 2_000_000;

impl World {
    /// Prepares a product; of the contacts that there are, `contacts` take part.
    pub(crate) async fn prepare(
        address: SocketAddr,
        key: String,
        cluster: &Cluster,
        contacts: usize,
        concurrency: usize,
    ) -> Outcome<Self> {
        let present = contacts_in(cluster, SEATTLE).await?;
        if present < contacts {
            add_contacts(cluster, SEATTLE, present..contacts).await?;
        }
        // Even, since those who have said STOP have odd places.
        let stride = ((present / contacts.max(1)) & !1).max(1);
        let mut world = Self {
            address,
            key,
            connection_id: String::new(),
            sender_id: String::new(),
            template_id: String::new(),
            contacts,
            stride,
        };
        let known = world.call("GET", "/connections", &Value::Null).await?["data"][0].clone();
        let connection = if known.is_null() {
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
            // A database that is used again.
            known
        };
        world.connection_id = text(&connection["id"])?;
        world.sender_id = text(&connection["senders"][0]["id"])?;
        // Twilio's usual bound for an account is far below what 100 ms of latency needs at these
        // rates.
        let most = json!({ "max_concurrency": concurrency.min(5_000) });
        world.call("PATCH", &format!("/connections/{}", world.connection_id), &most).await?;
        // A long code sends one part a second unless told otherwise; here the machine is to be the
        // limit.
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
    pub(crate) async fn automation(&self, does: Does) -> Outcome<Automation> {
        let event = format!("order_completed_{}", unique());
        let send = json!(
            { "type": "send_sms", "template_id": self.template_id, "sender_id": self.sender_id }
        );
        let steps = match does {
            Does::Sends => json!([send]),
            Does::WaitsThenSends => json!([{ "type": "wait", "seconds": 30 * 24 * 60 * 60 }, send]),
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

    /// Pauses an automation that has served.
    pub(crate) async fn pause(&self, automation: &Automation) -> Outcome<()> {
        self.call(
            "PATCH",
            &format!("/automations/{}", automation.id),
            &json!({ "status": "paused" }),
        )
        .await
        .map(drop)
    }

    /// The number of a contact that takes part, by its place among those.
    pub(crate) fn phone(&self, place: usize) -> String {
        phone(SEATTLE, place % self.contacts * self.stride)
    }

    /// Requests that report `count` events, one after the other for each contact.
    pub(crate) fn reports(
        &self,
        automation: &Automation,
        count: usize,
        in_one: InOne,
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
        match in_one {
            InOne::Event => numbers
                .iter()
                .map(|number| self.request("POST", "/events", &event(*number)))
                .collect(),
            InOne::Batch(size) => numbers
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

    async fn call(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let mut connection = Connection::open(self.address).await?;
        let (status, answer) = connection.exchange(&self.request(method, path, body)).await?;
        let said = String::from_utf8_lossy(connection.body(&answer)).into_owned();
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path} was answered with {status}: {said}").into());
        }
        Ok(serde_json::from_str(&said)?)
    }
}

/// Adds contacts that take part in nothing, and returns their numbers.
pub(crate) async fn add_leaving_contacts(cluster: &Cluster, count: usize) -> Outcome<Vec<String>> {
    let present = contacts_in(cluster, BELLEVUE).await?;
    let added = present..present + count;
    add_contacts(cluster, BELLEVUE, added.clone()).await?;
    Ok(added.map(|index| phone(BELLEVUE, index)).collect())
}

async fn contacts_in(cluster: &Cluster, area: &str) -> Outcome<usize> {
    let sql = "SELECT count(*) /* bench: */ FROM contacts WHERE phone LIKE $1";
    Ok(usize::try_from(cluster.count(sql, &[&format!("{area}%")]).await?)?)
}

/// Adds contacts through SQL, since that is not what is measured.
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

/// How many events one request reports.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InOne {
    Event,
    Batch(usize),
}

fn text(value: &Value) -> Outcome<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("the API answered {value} where a text was expected").into())
}

fn unique() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}
