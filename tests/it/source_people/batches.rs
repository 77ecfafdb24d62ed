//! Batches: of all kinds of items, sent twice, at once, and in random order.

use std::collections::BTreeMap;

use carillon::sources::{Item, ItemOutcome, PersonKeys};
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{Sending, at, describe, is_accepted, report};
use crate::harness::{HANDSET, OTHER_HANDSET, seed};

impl Sending {
    /// The counts of the source: accepted, repeated, unreachable, rejected.
    async fn counts(&self) -> String {
        let query = "SELECT concat_ws(' ', sum(accepted), sum(repeated), sum(unreachable), \
                     sum(rejected)) AS text FROM source_counts";
        self.app.texts(query).await.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_batch_has_items_of_every_kind_and_a_bad_one_stands_alone() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    sending.app.sms_on("bought", &twilio, "Thank you.").await;
    let nameless = Item { person: PersonKeys::default(), ..report(&json!({}), "bought", "0") };
    let endless = "x".repeat(3_000);
    let outcomes = sending
        .send(vec![
            report(&json!({ "anonymous_id": "stranger" }), "bought", "1"),
            describe(&json!({ "anonymous_id": "device" }), json!({ "city": "Bonn" })),
            nameless,
            describe(&json!({ "user_id": "8", "previous_id": "device" }), json!({})),
            describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({ "first_name": "Ann" })),
            report(&json!({ "anonymous_id": "device" }), "bought", "2"),
            report(&json!({ "anonymous_id": "device" }), "bought", "2"),
            report(&json!({ "phone": OTHER_HANDSET }), "bought", "3"),
            describe(&json!({ "anonymous_id": endless }), json!({})),
        ])
        .await;
    let words: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            ItemOutcome::Accepted { event_id: Some(_), started: 1 } => "started",
            ItemOutcome::Accepted { event_id: None, started: 0 } => "described",
            ItemOutcome::Accepted { .. } => "accepted",
            ItemOutcome::Repeated(_) => "repeated",
            ItemOutcome::Unreachable => "unreachable",
            ItemOutcome::Rejected(_) => "rejected",
        })
        .collect();
    // The device turned out to be Ann's within the batch.
    let expected = [
        "unreachable",
        "described",
        "rejected",
        "described",
        "described",
        "started",
        "repeated",
        "started",
        "rejected",
    ];
    assert_eq!(words, expected);
    assert_eq!(sending.counts().await, "5 1 1 2");
    let both =
        [format!(r#"{HANDSET} 8 Ann {{"city": "Bonn"}}"#), format!("{OTHER_HANDSET} - {{}}")];
    assert_eq!(sending.contacts().await, both);
    sending.app.run_until_idle().await;
    assert_eq!(sending.app.received(HANDSET), ["Thank you."]);
    assert_eq!(sending.app.received(OTHER_HANDSET), ["Thank you."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_sent_twice_counts_once() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    sending.app.sms_on("bought", &twilio, "Thank you.").await;
    let time = sending.ago(10);
    let batch = || {
        let ann = || json!({ "user_id": "8", "phone": HANDSET, "anonymous_id": "device" });
        vec![
            at(time, describe(&ann(), json!({ "first_name": "Ann", "city": "Bonn" }))),
            at(time, report(&ann(), "bought", "1")),
        ]
    };
    assert!(sending.send(batch()).await.iter().all(is_accepted));
    let rows = "SELECT (contacts.updated_at, profiles.updated_at)::text AS text \
                FROM contacts JOIN profiles ON contact_id = contacts.id";
    let stored = (sending.contacts().await, sending.app.texts(rows).await);
    sending.app.clock.advance(TimeDelta::minutes(1));
    let again = sending.send(batch()).await;
    assert!(is_accepted(&again[0]) && matches!(again[1], ItemOutcome::Repeated(_)), "{again:?}");
    assert_eq!((sending.contacts().await, sending.app.texts(rows).await), stored);

    // After the number has changed, the old batch does not bring it back.
    let moved = json!({ "user_id": "8", "phone": OTHER_HANDSET });
    sending.send_one(describe(&moved, json!({}))).await;
    sending.send(batch()).await;
    assert_eq!(sending.contacts().await.len(), 1);
    assert!(sending.contacts().await[0].starts_with(OTHER_HANDSET));
    sending.app.run_until_idle().await;
    assert_eq!(sending.app.count("messages").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_about_the_same_people_in_opposite_order_do_not_deadlock() {
    const PEOPLE: usize = 30;
    let sending = Sending::start().await;
    for round in 0..6 {
        let phone = |person: usize| format!("+1206555{:04}", round * PEOPLE + person);
        let of = |person: usize, sender: &str| {
            let user_id = format!("{round}-{person}");
            let keys = json!({
                "user_id": user_id,
                "phone": phone(person),
                "anonymous_id": format!("{sender}-{user_id}"),
                "email": format!("{user_id}@example.com"),
            });
            let bought = report(&json!({ "user_id": user_id }), "bought", &format!("{user_id}!"));
            [describe(&keys, json!({ "first_name": sender })), bought]
        };
        let forwards = (0..PEOPLE).flat_map(|person| of(person, "Ann")).collect();
        let backwards = (0..PEOPLE).rev().flat_map(|person| of(person, "Bob")).collect();
        // A program reports events of the same numbers meanwhile.
        let events: Vec<Value> = (0..PEOPLE)
            .rev()
            .map(|person| json!({ "name": "seen", "contact": { "phone": phone(person) } }))
            .collect();
        let api = sending.app.api();
        let (one, other, reported) = tokio::join!(
            sending.try_send(forwards),
            sending.try_send(backwards),
            api.post("/events", json!({ "events": events })),
        );
        reported.ok();
        let outcomes = [one.unwrap(), other.unwrap()].map(|it| it.outcomes.concat());
        let is_event = |outcome: &&ItemOutcome| {
            matches!(outcome, ItemOutcome::Accepted { event_id: Some(_), .. })
        };
        let stored = outcomes.iter().flatten().filter(is_event).count();
        assert_eq!(stored, PEOPLE, "each event is stored once");
        let people = i64::try_from((round + 1) * PEOPLE).unwrap();
        assert_eq!(sending.app.count("contacts").await, people);
        assert_eq!(sending.app.count("contacts WHERE external_id IS NOT NULL").await, people);
        assert_eq!(sending.app.count("profiles").await, people);
        assert_eq!(sending.app.count("events WHERE name = 'bought'").await, people);
    }
}

/// Random items about few people, whose ids and numbers are distinct for each `family`.
fn random_items(seed: u64, sending: &Sending, family: usize) -> Vec<Item> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut some = |names: &[&'static str]| {
        let picked: usize = random.random_range(0..=names.len());
        (names.get(picked).copied(), random.random_range(0..100))
    };
    let own = |name: Option<&str>| json!(name.map(|name| format!("{name}{family}")));
    let item = |number: usize| {
        let (user_id, _) = some(&["ann", "bob", "cid"]);
        let (anonymous_id, _) = some(&["phone", "laptop", "tablet"]);
        let (phone, minutes) = some(&["+1206555010", "+1206555011", "+1206555012"]);
        let (previous_id, is_alias) = some(&["ann", "laptop", "tablet"]);
        let (city, kind) = some(&["Bonn", "Köln"]);
        let mut keys = json!({
            "user_id": own(user_id),
            "anonymous_id": own(anonymous_id),
            "phone": own(phone),
        });
        let item = if is_alias < 10 {
            keys["previous_id"] = own(previous_id);
            describe(&keys, json!({}))
        } else if kind < 50 {
            describe(&keys, json!({ "city": city, "n": number % 3 }))
        } else {
            report(&keys, "seen", &format!("{family}-{number}"))
        };
        at(sending.ago(minutes), item)
    };
    (0..8).map(item).collect()
}

impl Sending {
    /// Whom the keys of a family name, and what is known about them, without the family's number.
    async fn known(&self, family: usize) -> BTreeMap<String, String> {
        let suffix = family.to_string();
        let query = format!(
            "WITH key AS (
                 SELECT 'user_id ' || external_id AS key, id AS contact_id, NULL::jsonb AS traits
                 FROM contacts WHERE external_id LIKE '%{suffix}'
                 UNION ALL
                 SELECT phone, id, NULL FROM contacts WHERE phone LIKE '+1206555%{suffix}'
                 UNION ALL
                 SELECT kind || ' ' || value, contact_id, traits FROM profile_keys
                 JOIN profiles ON profiles.id = profile_id
                 WHERE value LIKE '%{suffix}' AND NOT (kind = 'user_id' AND EXISTS (
                     SELECT FROM contacts WHERE external_id = value
                 ))
             )
             SELECT key || '=' || coalesce(phone || attributes::text, traits::text) AS text
             FROM key LEFT JOIN contacts ON contacts.id = contact_id"
        );
        let rows = self.app.texts(&query).await;
        rows.iter()
            .map(|row| {
                let (key, known) = row.split_once('=').unwrap();
                let (key, known) = (key.strip_suffix(&suffix).unwrap(), known.to_owned());
                let known = match known.split_once('{') {
                    Some((phone, traits)) if !phone.is_empty() => {
                        format!("{}{{{traits}", phone.strip_suffix(&suffix).unwrap())
                    }
                    _ => known,
                };
                (key.to_owned(), known)
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_the_result_of_its_items_one_by_one() {
    let sending = Sending::start().await;
    let seed = seed("random items about few people");
    for round in 0..60 {
        let (together, alone) = (1, 2);
        let items = random_items(seed.wrapping_add(round), &sending, together);
        let shown = format!("round {round}: {items:#?}");
        sending.send(items).await;
        for item in random_items(seed.wrapping_add(round), &sending, alone) {
            sending.send_one(item).await;
        }
        assert_eq!(sending.known(together).await, sending.known(alone).await, "{shown}");
        sending.app.run_sql("DELETE FROM contacts").await;
        sending.app.run_sql("DELETE FROM profiles").await;
        sending.app.run_sql("DELETE FROM events").await;
    }
}
