//! Untrusted text: text from Twilio is sanitised and stored, text from API clients and users is
//! refused with a field error, and none causes a server error.

use carillon::users::Role;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, SERVICE_SID};

use crate::harness::api_client::Answer;
use crate::harness::fixtures::{Twilio, id};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// The error sentence for a text that cannot be stored.
const UNSTORABLE: &str = "Remove the NUL character or half surrogate pair, which can’t be stored.";

/// Calls the inbound webhook as Twilio does; `odd` replaces or adds parameters.
async fn inbound(app: &TestApp, twilio: &Twilio, sid: u32, odd: &[(&str, &str)]) -> u16 {
    let sid = format!("SM{sid:032}");
    let usual = [
        ("MessageSid", sid.as_str()),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", "Hi"),
    ];
    let params: Vec<(&str, &str)> = usual
        .into_iter()
        .filter(|(name, _)| odd.iter().all(|(other, _)| other != name))
        .chain(odd.iter().copied())
        .collect();
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    app.signed_call(&path, &params).send().await.unwrap().status().as_u16()
}

/// Sends a body unchanged, which may be JSON that no encoder would produce.
async fn send(app: &TestApp, path: &str, body: &'static str) -> Answer {
    let request = app.http.post(format!("{}{path}", app.api().url)).bearer_auth(&app.api().key);
    Answer::read(request.header(CONTENT_TYPE, "application/json").body(body).send().await.unwrap())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_characters_do_not_hide_a_stop_or_a_start() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    for (sid, stop) in ["STOPALL\0", "\0STOP", "S\0T\0O\0P\0", "Stop\0\0"].into_iter().enumerate() {
        let sid = u32::try_from(sid).unwrap() * 2 + 1;
        assert_eq!(inbound(&app, &twilio, sid, &[("Body", stop)]).await, 200, "{stop:?}");
        assert_eq!(app.count("suppressions WHERE lifted_at IS NULL").await, 1, "{stop:?}");
        assert_eq!(inbound(&app, &twilio, sid + 1, &[("Body", "START\0")]).await, 200);
        assert_eq!(app.count("suppressions WHERE lifted_at IS NULL").await, 0, "{stop:?}");
    }
    let bodies = app.texts("SELECT body AS text FROM messages ORDER BY id").await;
    assert_eq!(bodies[..2], ["STOPALL", "START"]);
    let notes = app.texts("SELECT note AS text FROM consent_records ORDER BY id").await;
    assert_eq!(notes[..2], ["STOPALL", "START"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_parameter_causes_a_server_error() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(OTHER_HANDSET).await.id;
    let long = "x".repeat(20_000);
    let names = [
        "MessageSid",
        "SmsSid",
        "AccountSid",
        "MessagingServiceSid",
        "From",
        "To",
        "Body",
        "NumMedia",
        "NumSegments",
        "MediaUrl0",
        "MediaContentType0",
        "OptOutType",
        "ProfileName",
        "ButtonText",
        "OriginalRepliedMessageSid",
        "MessageStatus",
        "SmsStatus",
        "ErrorCode",
        "New\0Name",
    ];
    let values =
        ["\0", "a\0b", "\u{fffd}\u{ffff}\u{202e}", "99999999999999999999", "-1", "", &long];
    let mut sid = 100;
    for name in names {
        for value in values {
            sid += 1;
            let more = if name.starts_with("Media") {
                vec![(name, value), ("NumMedia", "1")]
            } else {
                vec![(name, value)]
            };
            let status = inbound(&app, &twilio, sid, &more).await;
            assert!(status < 500, "inbound {name} {value:.20?}: {status}");
            let report = [
                ("MessageSid", "SM00000000000000000000000000000001"),
                ("MessageStatus", "sent"),
                ("From", LONG_CODE),
            ];
            let report: Vec<_> = report
                .into_iter()
                .filter(|(other, _)| *other != name)
                .chain([(name, value)])
                .collect();
            let path = format!("/hooks/twilio/{}/status/{message}", twilio.connection_id);
            let status = app.signed_call(&path, &report).send().await.unwrap().status().as_u16();
            assert!(status < 500, "status {name} {value:.20?}: {status}");
        }
    }
    for path in
        ["/hooks/twilio/%00/inbound", "/hooks/twilio/%FF/inbound", "/hooks/twilio/x/status/%00"]
    {
        let status =
            app.signed_call(path, &[("Body", "Hi")]).send().await.unwrap().status().as_u16();
        assert!((400..500).contains(&status), "{path}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_http_urls_become_links_on_the_page_of_a_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let media = [
        ("NumMedia", "4"),
        ("MediaUrl0", "javascript:alert(document.domain)"),
        ("MediaUrl1", "https://media.example.com/1"),
        ("MediaUrl2", "data:text/html,<script>alert(1)</script>"),
        ("MediaUrl3", "\u{1}javascript:alert(1)"),
    ];
    assert_eq!(inbound(&app, &twilio, 1, &media).await, 200);
    let found = app.texts("SELECT id::text AS text FROM messages").await.remove(0);
    let shown = app.api().get(&format!("/messages/{found}")).await.ok();
    assert_eq!(shown["media_urls"], json!(["https://media.example.com/1"]));
    // An earlier version stored such URLs.
    app.run_sql(
        "UPDATE messages SET media_urls = media_urls ||
            '{javascript:alert(2),ftp://example.com/3}'::text[]",
    )
    .await;
    let page = app.sign_in().await.open(&format!("/messages/{found}")).await.ok();
    assert!(page.html.contains("href=\"https://media.example.com/1\""), "{}", page.html);
    assert!(page.says("javascript:alert(2)") && page.says("ftp://example.com/3"));
    let links: Vec<&str> = page.html.split("href=\"").skip(1).collect();
    assert!(
        links.iter().all(|link| !link.starts_with("javascript") && !link.starts_with("ftp")),
        "{links:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_call_with_too_many_parameters_is_refused_and_the_reason_recorded() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let names: Vec<String> = (0..24_000).map(|number| format!("P{number}")).collect();
    let flood: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(inbound(&app, &twilio, 1, &flood[..2_000]).await, 400);
    let notes = app.texts("SELECT reason || ': ' || detail AS text FROM rejected_webhooks").await;
    assert_eq!(notes, ["malformed: It has more than 500 parameters, which Twilio never sends."]);
    assert_eq!(
        inbound(&app, &twilio, 2, &flood[..400]).await,
        200,
        "Twilio may add parameters in the future"
    );
    assert!([400, 413].contains(&inbound(&app, &twilio, 3, &flood).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_nul_character_is_a_field_error() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (connection, sender) = (
        format!("/connections/{}", twilio.connection_id),
        format!("/senders/{}", twilio.sender_id),
    );
    let keys = |name: &str| {
        json!(
            {
                "name": name,
                "account_sid": ACCOUNT_SID,
                "auth_token": AUTH_TOKEN,
                "sender": SERVICE_SID
            }
        )
    };
    assert_eq!(
        app.api().patch(&sender, json!({ "name": "Sh\0op" })).await.field("name"),
        UNSTORABLE
    );
    assert_eq!(
        app.api().patch(&connection, json!({ "name": "Sh\0op" })).await.field("name"),
        UNSTORABLE
    );
    assert_eq!(app.api().post("/connections", keys("Sh\0op")).await.field("name"), UNSTORABLE);
    for field in
        ["account_sid", "auth_token", "api_key_sid", "api_key_secret", "sender", "nonsense"]
    {
        assert_eq!(
            app.api().post("/connections", json!({ field: "\0" })).await.field(field),
            UNSTORABLE
        );
    }
    assert_eq!(app.api().get(&connection).await.ok()["name"], format!("Twilio {LONG_CODE}"));
    let contact = json!(
        {
            "phone": HANDSET,
            "first_name": "\0",
            "attributes": { "city": "K\0", "na\0me": 1 },
            "tags": ["VIP", "\0"]
        }
    );
    let error = app.api().post("/contacts", contact).await.refused(422);
    let fields: Vec<_> = error["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["attributes.city", "attributes.na\u{fffd}me", "first_name", "tags.1"]);
    for field in ["text", "cursor", "contact_id", "status", "from_day", "limit", "nonsense"] {
        assert_eq!(
            app.api().get(&format!("/messages?{field}=a%00")).await.field(field),
            UNSTORABLE
        );
    }
    // A cursor is opaque and can contain the character encoded.
    let hidden =
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, "\"a\\u0000\"");
    assert!(
        app.api()
            .get(&format!("/templates?cursor={hidden}"))
            .await
            .field("cursor")
            .contains("cursor is invalid")
    );
    let contact = app.contact(HANDSET).await;
    app.api().delete(&format!("/contacts/{contact}/tags/VIP%00")).await.refused(404);
    app.api().put("/contacts/by-phone/%2B12065550%00100", json!({})).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_surrogate_pair_is_a_field_error_and_a_whole_one_is_an_emoji() {
    let app = TestApp::start().await;
    let answer = send(
        &app,
        "/contacts",
        r#"{"phone": "+12065550100", "first_name": "A\ud83d", "last_name": "\ud83d\ude00"}"#,
    )
    .await;
    let error = answer.refused(422);
    assert_eq!(error["fields"], json!({ "first_name": [UNSTORABLE] }));
    let contact = send(
        &app,
        "/contacts",
        r#"{"phone": "+12065550100", "last_name": "\ud83d\ude00 \\u0000 \\ud83d"}"#,
    )
    .await
    .ok();
    assert_eq!(contact["last_name"], "😀 \\u0000 \\ud83d");
    assert_eq!(
        send(&app, "/contacts", "{\"phone\": \"\0\"}").await.refused(400)["code"],
        "malformed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_unstorable_events_of_a_batch_are_errors() {
    let app = TestApp::start().await;
    let answer = send(
        &app,
        "/events",
        r#"{"events": [
            {"name": "ok", "contact": {"phone": "+12065550100"}, "properties": {"a": "\ud83d\ude00"}},
            {"name": "nul", "contact": {"phone": "+12065550101"}, "properties": {"a": ["\u0000"]}},
            {"name": "half", "contact": {"phone": "+12065550101"}, "properties": {"a\udfff": 1}},
            {"name": "n\u0000", "contact": {"phone": "+12065550101"}},
            {"id": "\u0000", "name": "id", "contact": {"phone": "+12065550101"}},
            {"name": "contact", "contact": {"external_id": "\ud800"}},
            {"name": "time", "contact": {"phone": "+12065550101"}, "occurred_at": "\u0000"},
            {"name": "unknown", "contact": {"phone": "+12065550101"}, "oth\u0000er": 1},
            {"name": "ok", "contact": {"phone": "+12065550102"}}
        ]}"#,
    );
    let results = answer.await.ok()["results"].clone();
    let results: Vec<&Value> = results.as_array().unwrap().iter().collect();
    let statuses: Vec<_> =
        results.iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(
        statuses,
        ["recorded", "error", "error", "error", "error", "error", "error", "error", "recorded"]
    );
    for (index, field) in [
        (1, "properties"),
        (2, "properties"),
        (3, "name"),
        (4, "id"),
        (5, "contact.external_id"),
        (6, "occurred_at"),
    ] {
        assert_eq!(
            results[index]["error"]["fields"][field],
            json!([UNSTORABLE]),
            "{}",
            results[index]
        );
    }
    assert_eq!(app.count("events").await, 2);
    let single = app
        .api()
        .post(
            "/events",
            json!({ "name": "x", "contact": { "phone": HANDSET }, "properties": { "a": "\0" } }),
        )
        .await;
    assert_eq!(single.field("properties"), UNSTORABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_a_nul_character_changes_nothing_and_names_the_field() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let admin = app.sign_in().await;
    let connection = format!("/connections/{}", twilio.connection_id);
    for (page, action, field) in [
        ("/settings/organization", "/settings/organization", "organization"),
        ("/account", "/account/profile", "name"),
        ("/contacts/new", "/contacts", "attribute_value"),
        ("/templates/new", "/templates/new", "body"),
        ("/automations/new", "/automations/new", "trigger.name"),
        (&format!("{connection}/advanced"), &connection, "name"),
    ] {
        let form = admin.open(page).await.ok().form(action).with(field, "a\0b");
        let page = admin.send(&form).await;
        assert_eq!(page.status, 422, "{action}: {}", page.text());
        page.must_say(&format!(
            "Nothing was changed. The field “{field}” contains a NUL character."
        ));
    }
    assert_eq!(
        app.count("contacts").await + app.count("templates").await + app.count("automations").await,
        0
    );
    assert_eq!(app.site().open("/login").await.ok().status, 200);
    for path in [
        "/templates?after=%00",
        "/contacts?q=%00&tag=a%00",
        "/automations/new?name=%00",
        "/admin/failed?before=%00&kind=%00",
    ] {
        admin.open(path).await.ok();
    }
    for path in ["/messages?text=a%00b", "/messages?reason=%00"] {
        admin.open(path).await.must_say("Can’t use this filter");
    }
    let viewer = app.sign_in_as(Role::Viewer).await;
    viewer.open("/templates?after=%00").await.ok();
    assert!(!id(&app.api().post("/contacts", json!({ "phone": HANDSET })).await.ok()).is_empty());
}
