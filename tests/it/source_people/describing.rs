//! Descriptions of people: before and after their number is known, newer and older ones.

use carillon::sources::ItemOutcome;
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use serde_json::{Map, Value, json};

use super::{Sending, at, describe, is_accepted, report};
use crate::harness::fixtures::send_sms;
use crate::harness::{HANDSET, OTHER_HANDSET};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_before_the_number_becomes_the_contacts() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    let template = sending.app.template("Welcome {{ contact.first_name }}.").await;
    let steps = json!([send_sms(&template, &twilio)]);
    sending.app.automation(json!({ "type": "contact_created" }), steps).await;

    let ann = || json!({ "user_id": "8" });
    let described = describe(&ann(), json!({ "first_name": "Ann", "city": "Bonn" }));
    assert_eq!(sending.send_one(described).await, ItemOutcome::Unreachable);
    let early = report(&ann(), "viewed", "1");
    assert_eq!(sending.send_one(early).await, ItemOutcome::Unreachable, "there is no contact yet");

    let with_number = json!({ "user_id": "8", "phone": HANDSET, "email": "ann@example.com" });
    assert!(is_accepted(&sending.send_one(describe(&with_number, json!({ "vip": true }))).await));
    let ann_now = format!(r#"{HANDSET} 8 Ann ann@example.com {{"vip": true, "city": "Bonn"}}"#);
    assert_eq!(sending.contacts().await, [ann_now]);
    assert!(is_accepted(&sending.send_one(report(&ann(), "viewed", "2")).await));
    assert_eq!(sending.events("viewed").await, [HANDSET]);

    sending.app.run_until_idle().await;
    assert_eq!(sending.app.received(HANDSET), ["Welcome Ann."], "they are welcomed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_described_by_user_id_once_it_is_known() {
    let sending = Sending::start().await;
    sending.app.contact(HANDSET).await;
    let both = json!({ "user_id": "8", "phone": HANDSET });
    sending.send_one(describe(&both, json!({ "first_name": "Ann", "city": "Bonn" }))).await;
    let ann = json!({ "user_id": "8" });
    sending.send_one(describe(&ann, json!({ "first_name": "Anna", "city": null }))).await;
    assert_eq!(sending.contacts().await, [format!("{HANDSET} 8 Anna {{}}")]);
    assert_eq!(sending.app.count("profiles").await, 1);
    assert_eq!(sending.app.count("profile_keys").await, 0, "the external id is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_description_only_fills_in_what_is_missing() {
    let sending = Sending::start().await;
    let ann = || json!({ "user_id": "8", "phone": HANDSET });
    let newest = describe(&ann(), json!({ "first_name": "Anna", "city": "Bonn" }));
    sending.send_one(at(sending.ago(5), newest)).await;
    let moved = json!({ "user_id": "8", "phone": OTHER_HANDSET });
    let older = describe(&moved, json!({ "first_name": "Ann", "last_name": "Smith", "zip": 7 }));
    assert!(is_accepted(&sending.send_one(at(sending.ago(60), older)).await));
    let filled_in = format!(r#"{HANDSET} 8 Anna Smith {{"zip": 7, "city": "Bonn"}}"#);
    assert_eq!(sending.contacts().await, [filled_in], "their number stays, too");

    // A clock that is ahead cannot outdo what is said later.
    let ahead = describe(&ann(), json!({ "first_name": "Zoe" }));
    sending.send_one(at(sending.ago(-600), ahead)).await;
    sending.app.clock.advance(TimeDelta::minutes(1));
    sending.send_one(describe(&ann(), json!({ "first_name": "Ann" }))).await;
    assert!(sending.contacts().await[0].contains(" Ann Smith "));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_descriptions_before_the_number_counts_as_well() {
    let sending = Sending::start().await;
    let ann = || json!({ "user_id": "8" });
    sending.send_one(at(sending.ago(5), describe(&ann(), json!({ "city": "Bonn" })))).await;
    sending.send_one(at(sending.ago(9), describe(&ann(), json!({ "city": "Köln", "a": 1 })))).await;
    let number = describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({}));
    sending.send_one(at(sending.ago(7), number)).await;
    assert_eq!(sending.contacts().await, [format!(r#"{HANDSET} 8 {{"a": 1, "city": "Bonn"}}"#)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_has_64_attributes_and_the_surplus_is_left_out() {
    let sending = Sending::start().await;
    let numbered = |numbers: std::ops::Range<u32>| {
        Value::Object(numbers.map(|n| (format!("a{n}"), json!(n))).collect::<Map<_, _>>())
    };
    let ann = || json!({ "user_id": "8", "phone": HANDSET });
    sending.send_one(describe(&ann(), numbered(0..63))).await;
    assert!(is_accepted(&sending.send_one(describe(&ann(), numbered(60..70))).await));
    let count = "SELECT (SELECT count(*) FROM jsonb_object_keys(attributes))::text AS text \
                 FROM contacts";
    assert_eq!(sending.app.texts(count).await, ["64"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_known_people_wait_for_no_lock_on_their_contacts() {
    let sending = Sending::start().await;
    sending.send_one(describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({}))).await;
    let mut other = sending.app.database.connect().await;
    let lock = "BEGIN; SELECT FROM contacts FOR UPDATE; SELECT FROM profiles FOR UPDATE";
    other.batch_execute(lock).await.unwrap();
    let events = (0..100).map(|n| report(&json!({ "user_id": "8" }), "viewed", &n.to_string()));
    let outcomes = sending.send(events.collect()).await;
    assert!(outcomes.iter().all(is_accepted));
    assert_eq!(sending.app.count("events WHERE source_id IS NOT NULL").await, 100);
}
