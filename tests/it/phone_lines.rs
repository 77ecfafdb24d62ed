//! One telephone line is one contact, however its number is written. A STOP stays with the person,
//! whose number may change.

use std::collections::BTreeSet;

use carillon::consent::{Evidence, Reason, Requester, suppression};
use carillon::contacts;
use carillon::types::phone::PhoneNumber;
use carillon::users::Role;
use serde_json::{Value, json};
use twilio_simulator::{ACCOUNT_SID, LONG_CODE};

use crate::harness::fixtures::Twilio;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

pub(crate) const STOP_TAG: &str = "Twilio-Message-stop";

/// The number of a contact, and the same line as Twilio may write it.
const LINES: [(&str, &str); 11] = [
    ("+525512345678", "+5215512345678"),
    ("+525512345678", "whatsapp:+5215512345678"),
    ("+525512345678", "whatsapp:+525512345678"),
    ("+5511981234567", "whatsapp:+551181234567"),
    ("+5551980201045", "+555180201045"),
    ("+5491123456789", "+541123456789"),
    ("+541134567890", "whatsapp:+5491134567890"),
    ("+2290190011234", "+22990011234"),
    ("+2250707123456", "+22507123456"),
    ("+84391234567", "+841691234567"),
    ("+237677123456", "+23777123456"),
];

/// Sends an inbound text from an address in the notation of Twilio.
async fn text_from(app: &TestApp, twilio: &Twilio, from: &str, body: &str) {
    let sid = format!("SM{}", uuid::Uuid::new_v4().simple());
    let params = [
        ("MessageSid", sid.as_str()),
        ("AccountSid", ACCOUNT_SID),
        ("From", from),
        ("To", LONG_CODE),
        ("Body", body),
        ("NumMedia", "0"),
    ];
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    assert_eq!(app.signed_call(&path, &params).send().await.unwrap().status(), 200, "{from}");
}

pub(crate) fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

pub(crate) fn tags(contact: &Value) -> Vec<&str> {
    contact["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect()
}

async fn evidence(app: &TestApp) -> Vec<String> {
    app.texts(
        "SELECT phone || ' ' || change || ' by ' || source AS text FROM consent_records ORDER BY id"
    ).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_another_form_of_the_number_suppresses_the_contact() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let mut lines = BTreeSet::new();
    for (number, wire) in LINES {
        lines.insert(number);
        app.api()
            .put(&format!("/contacts/by-phone/{}", number.replace('+', "%2B")), json!({}))
            .await
            .ok();
        text_from(&app, &twilio, wire, "STOP").await;
        let contact = app.contact_of(number).await;
        assert_eq!(
            (contact["suppression"]["reason"].as_str(), tags(&contact)),
            (Some("stop"), vec![STOP_TAG]),
            "{wire}"
        );
        assert_eq!(
            app.count("contacts").await,
            i64::try_from(lines.len()).unwrap(),
            "{wire} created a second contact"
        );
        // The message has the address that it came from.
        assert_eq!(
            app.count(&format!("messages WHERE from_address = '{wire}' AND body = 'STOP'")).await,
            1
        );

        let written = wire.strip_prefix("whatsapp:").unwrap_or(wire);
        assert_eq!(
            app.contact_of(written).await["id"],
            contact["id"],
            "the API finds it by {written}"
        );
        for form in [number, written] {
            app.event("hello", form, json!({})).await;
        }
        app.run_until_idle().await;
        let id = contact["id"].as_str().unwrap();
        let sent = format!(
            "SELECT DISTINCT status || ' to ' || to_address AS text FROM messages
                WHERE direction = 'outbound' AND contact_id = '{id}'"
        );
        assert_eq!(app.texts(&sent).await, [format!("suppressed to {number}")], "{wire}");
        assert_eq!(
            app.count("contacts").await,
            i64::try_from(lines.len()).unwrap(),
            "an event for {written} created a second contact"
        );

        text_from(&app, &twilio, wire, "START").await;
        let contact = app.contact_of(number).await;
        assert_eq!((&contact["suppression"], tags(&contact)), (&Value::Null, vec![]), "{wire}");
        assert_eq!(app.count("suppressions WHERE lifted_at IS NULL").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_suppresses_messages_pending_to_the_other_form_of_the_number() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": true }))
        .await
        .ok();
    for number in ["+541123456789", "+525512345678"] {
        app.event("hello", number, json!({})).await;
    }
    app.run_until_idle().await;
    text_from(&app, &twilio, "+5491123456789", "STOP").await;
    text_from(&app, &twilio, "+5215512345678", "STOP").await;
    for number in ["+541123456789", "+525512345678"] {
        assert_eq!(app.statuses_to(number).await, ["suppressed"], "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_accepts_every_number_that_it_returned_in_every_form() {
    let app = TestApp::start().await;
    for (number, wire) in LINES {
        let written = wire.strip_prefix("whatsapp:").unwrap_or(wire);
        let first = app
            .api()
            .put(&format!("/contacts/by-phone/{}", number.replace('+', "%2B")), json!({}))
            .await
            .ok();
        assert_eq!(first["phone"], number);
        let again = app
            .api()
            .put(
                &format!("/contacts/by-phone/{}", written.replace('+', "%2B")),
                json!({ "first_name": "Ann" }),
            )
            .await
            .ok();
        assert_eq!(
            (&again["id"], &again["phone"], &again["first_name"]),
            (&first["id"], &json!(number), &json!("Ann")),
            "{wire}"
        );
        for form in [number, written] {
            let twice = app.api().post("/contacts", json!({ "phone": form })).await.field("phone");
            assert!(twice.contains("This number is already a contact"), "{twice}");
        }
    }
    let both = ["+541134567890", "+5491134567890", "+541134567890"];
    let events: Vec<Value> = both
        .iter()
        .map(|number| json!({ "name": "seen", "contact": { "phone": number } }))
        .collect();
    app.api().post("/events", json!({ "events": events })).await.ok();
    let contacts = app
        .texts("SELECT count(DISTINCT contact_id)::text || ' of ' || count(*) AS text FROM events")
        .await;
    assert_eq!(contacts, ["1 of 3"], "events of both forms at once are of one contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_of_a_line_with_two_forms_counts_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    text_from(&app, &twilio, "+5491123456789", "STOP").await;
    text_from(&app, &twilio, "+541123456789", "STOP").await;
    assert_eq!(
        suppression::count_opt_outs(&mut *app.conn().await, chrono::DateTime::UNIX_EPOCH)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_number_is_accepted_with_a_warning() {
    let app = TestApp::start().await;
    let valid = app.api().post("/contacts", json!({ "phone": "+12065550100" })).await.ok();
    let doubtful = app.api().post("/contacts", json!({ "phone": "+44 7700 900123" })).await.ok();
    assert_eq!((&valid["phone_valid"], &doubtful["phone_valid"]), (&json!(true), &json!(false)));
    let event = |phone: &str| json!({ "name": "seen", "contact": { "phone": phone } });
    let single = app.api().post("/events", event("+447700900124")).await.ok();
    let expected = "This is not a valid number for United Kingdom. Check it.";
    assert_eq!((&single["status"], &single["warning"]), (&json!("recorded"), &json!(expected)));
    let several = app
        .api()
        .post(
            "/events",
            json!({ "events": [event("+12065550100"), event("x"), event("+447700900124")] }),
        )
        .await
        .ok();
    let warnings: Vec<&Value> =
        several["results"].as_array().unwrap().iter().map(|result| &result["warning"]).collect();
    assert_eq!(warnings, [&Value::Null, &Value::Null, &json!(expected)]);

    let site = app.sign_in_as(Role::Marketer).await;
    let form =
        site.open("/contacts/new").await.ok().form("/contacts").with("phone", "+44 7700 900125");
    let saved = site.send(&form).await.ok();
    saved.must_say("Contact created.");
    saved.must_say(expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_number_is_refused_with_both_readings() {
    let app = TestApp::start().await;
    app.run_sql("UPDATE organization SET default_country = 'DE'").await;
    let refused =
        app.api().post("/contacts", json!({ "phone": "49 151 23456789" })).await.field("phone");
    assert!(
        refused.contains("+49 1512 3456789")
            && refused.replace(' ', "").contains("+494915123456789"),
        "{refused}"
    );
    assert_eq!(app.count("contacts").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_also_applies_to_the_new_number_of_its_contact() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let contact = app.contact(HANDSET).await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    let moved = app
        .api()
        .patch(&format!("/contacts/{contact}"), json!({ "phone": OTHER_HANDSET }))
        .await
        .ok();
    assert_eq!(
        (moved["suppression"]["reason"].as_str(), tags(&moved)),
        (Some("stop"), vec![STOP_TAG])
    );
    assert_eq!(
        evidence(&app).await,
        [
            format!("{HANDSET} suppressed by keyword"),
            format!("{OTHER_HANDSET} suppressed by number_change")
        ]
    );
    for number in [HANDSET, OTHER_HANDSET] {
        app.event("hello", number, json!({})).await;
    }
    app.run_until_idle().await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["suppressed".to_owned()], vec!["suppressed".to_owned()])
    );
    assert!(app.received(HANDSET).is_empty() && app.received(OTHER_HANDSET).is_empty());
    assert_eq!(
        suppression::count_opt_outs(&mut *app.conn().await, chrono::DateTime::UNIX_EPOCH)
            .await
            .unwrap(),
        1,
        "one person opted out"
    );

    let site = app.sign_in_as(Role::Admin).await;
    let page = site.open(&format!("/contacts/{contact}")).await.ok();
    let old = phone(HANDSET).international();
    page.must_say(&format!("STOP carried over from {old} when the number was changed"));

    // An admin lifts the STOP with a reason.
    let lift = page
        .form(&format!("/contacts/{contact}/lift-stop"))
        .with("stop_note", "asked for it on the new phone");
    site.send(&lift).await.ok().must_say("Lifted: STOP.");
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_follows_a_number_changed_in_the_form_and_suppresses_pending_messages() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let contact = app.contact(HANDSET).await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": true }))
        .await
        .ok();
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(OTHER_HANDSET).await, ["pending"]);
    app.run_sql(&format!("DELETE FROM contacts WHERE phone = '{OTHER_HANDSET}'")).await;

    let site = app.sign_in_as(Role::Marketer).await;
    let edit = format!("/contacts/{contact}/edit");
    let saved =
        site.send(&site.open(&edit).await.ok().form(&edit).with("phone", OTHER_HANDSET)).await.ok();
    saved.must_say("applies to the new number, too: it stays suppressed.");
    saved.must_say("marketer@example.com");
    assert_eq!(app.statuses_to(OTHER_HANDSET).await, ["suppressed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_number_stays_suppressed_alone_and_opt_outs_follow_the_contact() {
    let app = TestApp::start().await;
    for (reason, is_moved) in [
        (Reason::InvalidNumber, false),
        (Reason::CarrierBlocked, false),
        (Reason::Manual, true),
        (Reason::Carrier21610, true),
        (Reason::Stop, true),
    ] {
        let contact = app.contact(HANDSET).await;
        let evidence = Evidence::new(phone(HANDSET), reason, Requester::api());
        let _ =
            contacts::suppress(&mut *app.conn().await, evidence, app.clock.now()).await.unwrap();
        let moved = app
            .api()
            .patch(&format!("/contacts/{contact}"), json!({ "phone": OTHER_HANDSET }))
            .await
            .ok();
        assert_eq!(moved["suppression"]["reason"].as_str(), is_moved.then_some(reason.as_str()));
        let old = suppression::active(&mut *app.conn().await, &phone(HANDSET)).await.unwrap();
        assert_eq!(
            old.map(|suppression| suppression.reason),
            Some(reason),
            "the old number stays suppressed"
        );
        app.api().delete(&format!("/contacts/{contact}")).await.ok();
        app.run_sql("DELETE FROM suppressions").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_without_a_new_number_moves_no_suppression() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let contact = app.contact(HANDSET).await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    for change in
        [json!({ "first_name": "Ann" }), json!({ "phone": HANDSET, "first_name": "Anna" })]
    {
        app.api().patch(&format!("/contacts/{contact}"), change).await.ok();
    }
    assert_eq!(evidence(&app).await, [format!("{HANDSET} suppressed by keyword")]);
}
