//! Sources through the API: made, changed and deleted, with their keys, secrets, counts and last
//! deliveries, and automations that wait for the events of one source.

use carillon::automations::report_events;
use carillon::db;
use carillon::error::Result;
use carillon::events::{ContactRef, EventName, NewEvent, Properties};
use carillon::queue::Receiver;
use carillon::sources::source_key::authenticate;
use carillon::sources::{self, ItemCounts, SourceKeySecret, counts};
use carillon::types::id::SourceId;
use carillon::types::phone::PhoneNumber;
use carillon::users::Role;
use futures::future::join_all;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::fixtures::{id, send_sms};
use crate::harness::{HANDSET, TestApp, days, hours, seconds};

/// Creates a source.
async fn source(app: &TestApp, name: &str, kind: &str) -> Value {
    app.api().post("/sources", json!({ "name": name, "kind": kind })).await.ok()
}

fn source_id(answer: &Value) -> SourceId {
    id(answer).parse().unwrap()
}

fn key(answer: &Value) -> SourceKeySecret {
    SourceKeySecret::parse(answer["key"].as_str().unwrap()).unwrap()
}

/// The sources of keys, as a request with each key would find them.
async fn found(app: &TestApp, keys: &[SourceKeySecret]) -> Vec<Option<String>> {
    let found = authenticate(&mut *app.conn().await, keys, app.clock.now()).await.unwrap();
    found.into_iter().map(|source| source.map(|source| source.name)).collect()
}

/// Reports an event of a handset for a source, and returns how many automations it started.
async fn report(app: &TestApp, name: &str, source_id: Option<SourceId>) -> usize {
    let event = NewEvent {
        client_id: None,
        name: EventName::parse(name).unwrap(),
        contact: ContactRef::Phone(PhoneNumber::from_e164(HANDSET).unwrap()),
        properties: Properties::default(),
        occurred_at: None,
        source_id,
    };
    let now = app.clock.now();
    let reported: Result<_> = db::transaction(&mut *app.conn().await, async |tx| {
        report_events(tx, &[event], Receiver::AnyWorker, now).await
    })
    .await;
    reported.unwrap().enrolled.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_has_a_key_that_is_shown_once() {
    let app = TestApp::start().await;
    let shop = source(&app, " Web shop ", "webhook").await;
    let public_url = app.context.config.public_url.clone();
    assert_eq!(shop["url"], public_url.join(&format!("/in/{}", id(&shop))));
    assert_eq!(
        (&shop["name"], &shop["kind"], &shop["enabled"], &shop["mapping"], &shop["last_seen_at"]),
        (&json!("Web shop"), &json!("webhook"), &json!(true), &json!({}), &Value::Null)
    );
    assert_eq!(shop["verification"], json!({ "type": "key", "has_secret": false }));
    let none = json!({ "accepted": 0, "repeated": 0, "unreachable": 0, "rejected": 0 });
    assert_eq!(shop["counts"], json!({ "today": none, "last_7_days": none }));
    let platform = source(&app, "Platform", "segment").await;
    assert_eq!(platform["url"], public_url.as_str());
    assert_eq!(platform["mapping"], json!({ "phone_trait": "phone" }));

    let path = format!("/sources/{}", id(&shop));
    let shown = app.api().get(&path).await.ok();
    assert!(shown["key"].is_null() && shown["name"] == "Web shop", "{shown:#}");
    let listed = app.api().get("/sources").await.ok();
    let names: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Platform", "Web shop"]);
    assert!(!listed.to_string().contains("sk_"), "{listed:#}");
    let keys = [key(&shop), key(&platform)];
    assert_eq!(
        found(&app, &keys).await,
        ["Web shop", "Platform"].map(|name| Some(name.to_owned()))
    );
    let rows = app.texts("SELECT row(source_keys.*)::text AS text FROM source_keys").await;
    assert!(rows.iter().all(|row| keys.iter().all(|key| !row.contains(key.expose()))), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_key_is_accepted_for_a_day_and_two_at_most() {
    let app = TestApp::start().await;
    let first = source(&app, "Shop", "segment").await;
    let path = format!("/sources/{}/key", id(&first));
    let replaced = async || key(&app.api().post(&path, json!({})).await.ok());
    let (first, second) = (key(&first), replaced().await);
    let is = |accepted: &[bool]| -> Vec<Option<String>> {
        accepted.iter().map(|accepted| accepted.then(|| "Shop".to_owned())).collect()
    };
    let keys = [first.clone(), second.clone()];
    assert_eq!(found(&app, &keys).await, is(&[true, true]));
    app.advance(hours(24) - seconds(1)).await;
    assert_eq!(found(&app, &keys).await, is(&[true, true]));
    app.advance(seconds(1)).await;
    assert_eq!(found(&app, &keys).await, is(&[false, true]));

    // A key that has leaked is replaced twice.
    let (third, fourth) = (replaced().await, replaced().await);
    let keys = [first, second, third, fourth];
    assert_eq!(found(&app, &keys).await, is(&[false, false, true, true]));
    assert_eq!(app.count("source_keys").await, 2);
    let nothing = uuid::Uuid::now_v7();
    app.api().post(&format!("/sources/{nothing}/key"), json!({})).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_a_source_holds_at_once_and_deleting_it_ends_its_keys() {
    let app = TestApp::start().await;
    let shop = source(&app, "Shop", "segment").await;
    let (key, path) = (key(&shop), format!("/sources/{}", id(&shop)));
    let enabled = async || {
        let keys = std::slice::from_ref(&key);
        let found = authenticate(&mut *app.conn().await, keys, app.clock.now()).await;
        found.unwrap().remove(0).map(|source| source.enabled)
    };
    assert_eq!(enabled().await, Some(true));
    let disabled = app.api().patch(&path, json!({ "enabled": false })).await.ok();
    assert_eq!((&disabled["enabled"], enabled().await), (&json!(false), Some(false)));
    app.api().patch(&path, json!({ "enabled": true })).await.ok();
    assert_eq!(enabled().await, Some(true));
    app.api().delete(&path).await.ok();
    assert_eq!(enabled().await, None);
    app.api().get(&path).await.refused(404);
    app.api().delete(&path).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_of_a_source_are_named_all_at_once() {
    let app = TestApp::start().await;
    let shop = source(&app, "Shop", "webhook").await;
    let wrong = json!(
        {
            "name": " ",
            "kind": "segment",
            "mapping": { "phone": "$.phone" },
            "verification": { "type": "hmac" }
        }
    );
    let error = app.api().post("/sources", wrong).await.refused(422);
    let fields: Vec<&String> = error["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["mapping.phone", "name", "verification.type"]);
    let create = async |body: Value| app.api().post("/sources", body).await;
    create(json!({ "name": "A", "kind": "ftp" })).await.field("kind");
    create(json!({ "name": "A" })).await.field("kind");
    create(json!({ "name": "A", "kind": "webhook", "key": "x" })).await.field("key");
    let taken = create(json!({ "name": "SHOP", "kind": "webhook" })).await.field("name");
    assert_eq!(taken, "Another source has this name. Choose a different one.");
    source(&app, "Store", "webhook").await;
    let path = format!("/sources/{}", id(&shop));
    app.api().patch(&path, json!({ "name": "Store" })).await.field("name");
    app.api().patch(&path, json!({ "mapping": [] })).await.field("mapping");
    app.api().patch(&path, json!({ "kind": "segment" })).await.field("kind");
    app.api().patch(&path, json!({ "name": "a\u{0}" })).await.field("name");
    assert_eq!(app.count("sources").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_verification_is_sealed_kept_and_never_returned() {
    const SECRET: &str = "shpss_0123456789";
    let app = TestApp::start().await;
    let hmac = json!({ "type": "hmac", "preset": "shopify", "secret": SECRET });
    let shop = json!({ "name": "Shop", "kind": "webhook", "verification": hmac });
    let shop = app.api().post("/sources", shop).await.ok();
    let shown = json!({ "type": "hmac", "preset": "shopify", "has_secret": true });
    assert_eq!(shop["verification"], shown);
    let (path, id) = (format!("/sources/{}", id(&shop)), source_id(&shop));
    let secret = async || {
        let source = sources::find(&mut *app.conn().await, id).await.unwrap();
        let secret = source.secret(&app.context.secret_key).unwrap();
        secret.map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(secret().await.as_deref(), Some(SECRET));
    let change = async |verification: Value| {
        app.api().patch(&path, json!({ "verification": verification })).await
    };

    // What was read can be sent back; another type needs a secret of its own.
    change(shown).await.ok();
    assert_eq!(secret().await.as_deref(), Some(SECRET));
    let header = json!({ "type": "header", "name": "X-Token" });
    change(header).await.field("verification.secret");
    let header = json!({ "type": "header", "name": "X-Token", "secret": "other" });
    change(header).await.ok();
    assert_eq!(secret().await.as_deref(), Some("other"));
    let by_key = change(json!({ "type": "key" })).await.ok();
    assert_eq!(by_key["verification"], json!({ "type": "key", "has_secret": false }));
    assert_eq!(secret().await, None);

    // A shop shows its secret once it knows the address: it may follow.
    let hmac = json!({ "type": "hmac", "preset": "stripe" });
    let later = json!({ "name": "Later", "kind": "webhook", "verification": hmac });
    let later = app.api().post("/sources", later).await.ok();
    assert_eq!(later["verification"]["has_secret"], false);

    let tables = ["sources", "audit_log"];
    for table in tables {
        let rows = format!("SELECT row({table}.*)::text AS text FROM {table}");
        let rows = app.texts(&rows).await.join("\n");
        assert!(!rows.contains(SECRET) && !rows.contains("other"), "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_changes_of_sources_what_it_may() {
    let app = TestApp::start().await;
    let path = format!("/sources/{}", id(&source(&app, "Shop", "webhook").await));
    let (viewer, marketer) = (app.api_as(Role::Viewer).await, app.api_as(Role::Marketer).await);
    for path in ["/sources", &path, &format!("{path}/deliveries")] {
        viewer.get(path).await.ok();
    }
    viewer.patch(&path, json!({ "enabled": false })).await.refused(403);
    marketer.patch(&path, json!({ "mapping": { "phone": "$.phone" } })).await.ok();
    marketer.patch(&path, json!({ "verification": { "type": "key" } })).await.refused(403);
    let new = json!({ "name": "A", "kind": "webhook" });
    marketer.post("/sources", new).await.refused(403);
    marketer.post(&format!("{path}/key"), json!({})).await.refused(403);
    marketer.delete(&path).await.refused(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_can_wait_for_the_events_of_one_source() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (shop, other) =
        (source(&app, "Shop", "segment").await, source(&app, "Other", "segment").await);
    let template = app.template("Thank you.").await;
    let of = |source_id: &str| json!({ "type": "event", "name": "order", "source_id": source_id });
    let steps = json!([send_sms(&template, &twilio)]);
    let automation = app.automation(of(&id(&shop)), steps).await;
    let path = format!("/automations/{automation}");
    assert_eq!(app.api().get(&path).await.ok()["trigger"], of(&id(&shop)));
    let unknown = of(&uuid::Uuid::now_v7().to_string());
    let refused = app.api().patch(&path, json!({ "trigger": unknown })).await;
    assert_eq!(refused.field("trigger.source_id"), "There is no such source.");

    assert_eq!(report(&app, "order", Some(source_id(&other))).await, 0);
    assert_eq!(report(&app, "order", None).await, 0);
    assert_eq!(app.event("order", HANDSET, json!({})).await["enrollments"], 0);
    assert_eq!(report(&app, "order", Some(source_id(&shop))).await, 1);
    let sources =
        app.texts("SELECT coalesce(source_id::text, '') AS text FROM events ORDER BY id").await;
    assert_eq!(sources, [id(&other), String::new(), String::new(), id(&shop)]);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Thank you."]);

    // The editor keeps the source, and offers the others.
    let site = app.sign_in_as(Role::Marketer).await;
    let edit = format!("{path}/edit");
    let form = site.open(&edit).await.ok().form(&edit);
    assert_eq!(form.value("trigger.source_id"), Some(id(&shop).as_str()));
    site.send(&form.clone().with("name", "Orders").pressing("do", "save"))
        .await
        .ok()
        .must_say("from one source");
    assert_eq!(app.api().get(&path).await.ok()["trigger"], of(&id(&shop)));
    let form = site.open(&edit).await.ok().form(&edit);
    site.send(&form.with("trigger.source_id", "").pressing("do", "save")).await.ok();
    let trigger = json!({ "type": "event", "name": "order" });
    assert_eq!(app.api().get(&path).await.ok()["trigger"], trigger);
    assert_eq!(report(&app, "order", None).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_comes_from_the_source_that_the_trigger_names() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let shop = source(&app, "Shop", "segment").await;
    let template = app.template("Thank you.").await;
    let trigger = json!({ "type": "event", "name": "order", "source_id": id(&shop) });
    let automation = app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    let site = app.sign_in_as(Role::Marketer).await;
    site.open(&format!("/automations/{automation}"))
        .await
        .ok()
        .must_say("It starts when its source reports the event.");
    let path = format!("/automations/{automation}/test-event");
    let form = site.open(&path).await.ok().form(&path).with("to", HANDSET);
    site.send(&form).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Thank you."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_an_active_automation_waits_for_cannot_be_deleted() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let shop = source(&app, "Shop", "segment").await;
    let template = app.template("Thank you.").await;
    let trigger = json!({ "type": "event", "name": "order", "source_id": id(&shop) });
    let automation = app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    report(&app, "order", Some(source_id(&shop))).await;
    let path = format!("/sources/{}", id(&shop));
    let error = app.api().delete(&path).await.refused(409);
    assert!(error["message"].as_str().unwrap().contains("Pause it first"), "{error}");

    let automation = format!("/automations/{automation}");
    app.api().patch(&automation, json!({ "status": "paused" })).await.ok();
    app.api().delete(&path).await.ok();
    assert_eq!((app.count("events").await, app.count("source_keys").await), (1, 0));
    app.api().get(&automation).await.ok();
    let again = app.api().patch(&automation, json!({ "status": "active" })).await;
    assert_eq!(again.field("trigger.source_id"), "There is no such source.");
    let site = app.sign_in_as(Role::Marketer).await;
    let edit = format!("{automation}/edit");
    let form = site.open(&edit).await.ok().form(&edit);
    let wrong = site.send(&form.with("trigger.max_age_seconds", "2").pressing("do", "save")).await;
    assert_eq!(wrong.status, 422);
    wrong.must_say("There is no such source.");
    app.run_until_idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_add_up_by_day_in_the_time_zone_of_the_organization() {
    let app = TestApp::start().await;
    let shop = source(&app, "Shop", "segment").await;
    let (path, shop) = (format!("/sources/{}", id(&shop)), source_id(&shop));
    let other = source_id(&source(&app, "Other", "segment").await);
    let one = ItemCounts { accepted: 1, repeated: 2, unreachable: 3, rejected: 4 };
    let add = async |counted: &[(SourceId, ItemCounts)]| {
        counts::add(&mut *app.conn().await, counted, app.clock.now()).await.unwrap();
    };
    add(&[(shop, one)]).await;
    app.advance(days(6)).await;
    // Batches at the same time, in both orders, of one source several times, and of an unknown one.
    let unknown = SourceId::new();
    let batches = [
        vec![(shop, one), (other, one), (shop, one)],
        vec![(other, one), (unknown, one), (shop, one)],
    ];
    join_all((0..20).map(|n| add(&batches[n % 2]))).await;

    let numbers = |times: i64| {
        json!(
            {
                "accepted": times,
                "repeated": 2 * times,
                "unreachable": 3 * times,
                "rejected": 4 * times
            }
        )
    };
    let expected = json!({ "today": numbers(30), "last_7_days": numbers(31) });
    let shown = app.api().get(&path).await.ok();
    assert_eq!(shown["counts"], expected);
    let listed = app.api().get("/sources").await.ok();
    assert_eq!(listed["data"][1]["counts"], expected);
    assert_eq!(
        listed["data"][0]["counts"],
        json!({ "today": numbers(20), "last_7_days": numbers(20) })
    );
    let seen = async || app.api().get(&path).await.ok()["last_seen_at"].clone();
    let first = seen().await;
    assert!(first.is_string());
    app.clock.advance(seconds(59));
    add(&[(shop, one)]).await;
    assert_eq!(seen().await, first);
    app.clock.advance(seconds(1));
    add(&[(shop, one)]).await;
    assert_ne!(seen().await, first);

    app.advance(days(1)).await;
    let next_day = app.api().get(&path).await.ok();
    assert_eq!(
        next_day["counts"],
        json!({ "today": numbers(0), "last_7_days": numbers(32) }),
        "the first day is more than seven days ago"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_deliveries_are_listed_with_the_reason_of_each_rejection() {
    let app = TestApp::start().await;
    let shop = source(&app, "Shop", "webhook").await;
    let path = format!("/sources/{}/deliveries", id(&shop));
    assert_eq!(app.api().get(&path).await.ok(), json!({ "items": [] }));
    let other = source(&app, "Other", "webhook").await;
    for (source, outcome, reason, body) in [
        (&shop, "accepted", "NULL", r"{}"),
        (&other, "accepted", "NULL", r"other"),
        (&shop, "rejected", "'$.phone: There is nothing here.'", r"\xff00"),
    ] {
        let values = format!("'{}', '2026-11-21T10:00:00Z', '{outcome}', {reason}", id(source));
        app.run_sql(&format!(
            "INSERT INTO source_deliveries (source_id, received_at, outcome, reason, body)
             VALUES ({values}, '{body}')"
        ))
        .await;
    }
    let listed = app.api().get(&path).await.ok();
    let items = listed["items"].as_array().unwrap();
    let shown: Vec<_> = items
        .iter()
        .map(|item| (&item["outcome"], &item["reason"], item["body"].as_str().unwrap()))
        .collect();
    let reason = json!("$.phone: There is nothing here.");
    assert_eq!(
        shown,
        [(&json!("rejected"), &reason, "\u{fffd}\u{0}"), (&json!("accepted"), &Value::Null, "{}")]
    );
    assert!(items[0]["number"].as_i64() > items[1]["number"].as_i64());
    let unknown = uuid::Uuid::now_v7();
    app.api().get(&format!("/sources/{unknown}/deliveries")).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_what_changed_about_a_source() {
    let app = TestApp::start().await;
    let shop = source(&app, "Shop", "webhook").await;
    let path = format!("/sources/{}", id(&shop));
    let change = json!({ "name": "Store", "enabled": false, "mapping": { "phone": "$.phone" } });
    app.api().patch(&path, change.clone()).await.ok();
    let lines = app.count("audit_log").await;
    app.api().patch(&path, change).await.ok();
    assert_eq!(app.count("audit_log").await, lines, "a request that changes nothing is not logged");
    let new_key = app.api().post(&format!("{path}/key"), json!({})).await.ok();
    app.api().delete(&path).await.ok();
    let summaries =
        app.texts("SELECT summary AS text FROM audit_log WHERE kind = 'source' ORDER BY id").await;
    assert_eq!(
        summaries,
        [
            "created the source “Shop”, webhook",
            "changed the source “Shop”: the name from Shop to Store, its state from enabled to \
             disabled, its mapping",
            "replaced the key of the source “Store”",
            "deleted the source “Store”"
        ]
    );
    assert!(!summaries.iter().any(|line| line.contains(key(&new_key).expose())));
    let admin = app.sign_in().await;
    let log = admin.open("/settings/log?kind=source").await.ok();
    log.must_say("created the source “Shop”, webhook");
}
