//! The audit log: it records who changed what, without secrets, and is filtered and paged.

use carillon::users::audit::{self, AuditFilter};
use serde_json::json;
use twilio_simulator::AUTH_TOKEN;

use crate::harness::fixtures::{PASSWORD, send_sms};
use crate::harness::scriptless_browser::Page;
use crate::harness::{HANDSET, TestApp};
use crate::settings::{NEW_PASSWORD, id_of, invite, path_of, secret};

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_records_changes_without_secrets() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let link = invite(&admin, "ben@example.com").await;
    let ben = app.site();
    let join = ben
        .open(path_of(&link))
        .await
        .ok()
        .form("/join")
        .with("name", "Ben <b>")
        .with("password", NEW_PASSWORD);
    ben.send(&join).await.ok();
    let profile = ben.open("/account").await.ok().form("/account/profile").with("name", "Ben Osei");
    ben.send(&profile).await.ok();
    let key =
        admin.open("/settings/keys/new").await.ok().form("/settings/keys/new").with("name", "Till");
    let key = secret(&admin.send(&key).await.ok());
    let form = admin
        .open("/settings/organization")
        .await
        .ok()
        .form("/settings/organization")
        .with("organization", "Bells");
    admin.send(&form.clone()).await.ok();
    let lines = app.count("audit_log").await;
    admin.send(&form).await.ok();
    assert_eq!(app.count("audit_log").await, lines, "a request that changes nothing is not logged");

    let log = admin.open("/settings/log").await.ok();
    for words in [
        "Ada invited ben@example.com as marketer.",
        "Ben <b> accepted the invitation and joined as marketer.",
        "Ben <b> changed their name to Ben Osei.",
        "Ada created the API key “Till”, with the role marketer.",
        "Ada changed the name from Carillon to Bells.",
        "The command line created the API key “stories”, with",
    ] {
        log.must_say(words);
    }
    let token = link.rsplit('=').next().unwrap();
    let whole = app.texts("SELECT row(audit_log.*)::text AS text FROM audit_log").await.join("\n");
    for secret in [token, key.as_str(), NEW_PASSWORD, PASSWORD] {
        assert!(!whole.contains(secret), "{secret} is in the log");
    }

    let ben_id = id_of(&app, "ben@example.com").await;
    let of_ben = admin.open(&format!("/settings/log?who={ben_id}")).await.ok();
    assert!(
        of_ben.says("joined as marketer") && !of_ben.says("created the API key"),
        "{}",
        of_ben.text()
    );
    let of_keys = admin.open("/settings/log?kind=api_key").await.ok();
    assert!(
        of_keys.says("created the API key “Till”") && !of_keys.says("joined as marketer"),
        "{}",
        of_keys.text()
    );
    assert_eq!(ben.open("/settings/log").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_records_changes_to_sending_with_their_differences() {
    let app = TestApp::with_worker().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello!").await;
    app.event("seen", HANDSET, json!({})).await;
    let contact = app.contact_of(HANDSET).await["id"].as_str().unwrap().to_owned();
    let automation = app
        .automation(
            json!({ "type": "event", "name": "seen" }),
            json!([send_sms(&template, &twilio)]),
        )
        .await;
    let admin = app.sign_in().await;

    let connection = format!("/connections/{}", twilio.connection_id);
    let form = admin
        .open(&format!("{connection}/advanced"))
        .await
        .ok()
        .form(&connection)
        .with("name", "Shop")
        .with("max_concurrency", "7");
    admin.send(&form.clone()).await.ok();
    let lines = app.count("audit_log").await;
    admin.send(&form.clone()).await.ok();
    assert_eq!(app.count("audit_log").await, lines, "a request that changes nothing is not logged");
    let wrong = app
        .api()
        .patch(
            &format!("/connections/{}", twilio.connection_id),
            json!({ "name": "Store", "max_concurrency": 0 }),
        )
        .await;
    assert_eq!(wrong.status, 422);
    admin.open(&connection).await.ok().must_say("Shop");
    assert_eq!(app.count("audit_log").await, lines, "a refused request changes and logs nothing");

    app.api()
        .patch(
            &format!("/senders/{}", twilio.sender_id),
            json!({ "disabled": true, "parts_per_second": 3 }),
        )
        .await
        .ok();
    app.api()
        .patch(&format!("/templates/{template}"), json!({ "body": "Hello there!" }))
        .await
        .ok();
    let page = admin.open(&format!("/templates/{template}")).await.ok();
    admin.send(&page.form(&format!("/templates/{template}/archive"))).await.ok();
    let pause = format!("/automations/{automation}/pause");
    admin.send(&admin.open(&pause).await.ok().form(&pause)).await.ok();
    let edit = format!("/contacts/{contact}/edit");
    admin
        .send(
            &admin
                .open(&edit)
                .await
                .ok()
                .form(&edit)
                .with("first_name", "Zoe")
                .with("email", "zoe@example.com"),
        )
        .await
        .ok();
    let tags = format!("/contacts/{contact}/tags");
    admin
        .send(
            &admin.open(&format!("/contacts/{contact}")).await.ok().form(&tags).with("tag", "VIP"),
        )
        .await
        .ok();
    let view = admin
        .open("/messages?status=failed")
        .await
        .ok()
        .form("/messages/views")
        .with("name", "Failed");
    admin.send(&view).await.ok();
    let views = admin.open("/messages/views").await.ok();
    let rename = views
        .forms()
        .into_iter()
        .find(|form| form.action().starts_with("/messages/views/"))
        .unwrap()
        .with("name", "Lost");
    admin.send(&rename).await.ok();
    let forget = views.forms().into_iter().find(|form| form.action().ends_with("/delete")).unwrap();
    admin.send(&forget).await.ok();
    let suppress = admin
        .open(&format!("/contacts/{contact}"))
        .await
        .ok()
        .form(&format!("/contacts/{contact}/suppress"));
    admin.send(&suppress.with("suppress_note", "asked on the phone, +1 415 555 0100")).await.ok();
    assert_eq!(app.api().delete(&format!("/contacts/{contact}")).await.status, 204);

    let log = admin.open("/settings/log").await.ok();
    for words in [
        "to Shop, the requests at once from 250 to 7.",
        "the limits from no rate and a validity of 2880 minutes to a rate of 3 and a validity of \
         2880 minutes, its state from active to disabled.",
        "its text from version 1 to version 2.",
        "Ada archived the template",
        ": its state from active to paused.",
        "Ada changed the first name, email address of a contact.",
        "Ada added the tag VIP to a contact.",
        "Ada saved the view “Failed” of messages.",
        "Ada renamed the view “Failed” of messages to “Lost”.",
        "Ada deleted the view “Lost” of messages.",
        "Ada suppressed the number of a contact.",
        "deleted a contact.",
    ] {
        log.must_say(words);
    }
    let whole = app.texts("SELECT row(audit_log.*)::text AS text FROM audit_log").await.join("\n");
    for secret in ["555 0100", "Zoe", "zoe@", HANDSET, AUTH_TOKEN, "Hello"] {
        assert!(!whole.contains(secret), "{secret} is in the log: {whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_paged() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let id = id_of(&app, "admin@example.com").await;
    app.run_sql(&format!(
        "INSERT INTO audit_log SELECT uuidv.id, now(), 'user', '{id}', 'Ada', 'organization', NULL,
            'changed the key ' || n || ' of many'
         FROM generate_series(1, 120) n, LATERAL (SELECT ('01930000-0000-7000-8000-' ||
             lpad(n::text, 12, '0'))::uuid AS id) uuidv"
    ))
    .await;
    let mut page = admin.open("/settings/log?kind=organization").await.ok();
    page.must_say("120 changes");
    let mut seen = Vec::new();
    let older = |page: &Page| {
        let at = page.html.find("rel=\"next\" href=\"")? + 17;
        Some(
            page.html[at..]
                .split('"')
                .next()?
                .replace("&amp;", "&")
                .replace("&#x2F;", "/")
                .replace("&#x3D;", "="),
        )
    };
    loop {
        let text = page.text();
        seen.extend(
            text.split("changed the key ")
                .skip(1)
                .filter_map(|rest| rest.split(" of many.").next()?.parse::<u32>().ok()),
        );
        let Some(next) = older(&page) else { break };
        assert!(next.contains("kind=organization"), "{next}");
        page = admin.open(&next).await.ok();
    }
    assert_eq!(seen, (1..=120).rev().collect::<Vec<_>>());
    let oldest = admin.open("/settings/log?kind=organization&sort=oldest").await.ok().text();
    let at = |number: u32| oldest.find(&format!("changed the key {number} of many"));
    assert!(at(1) < at(2) && at(50).is_some() && at(51).is_none(), "{oldest}");
    let filter =
        AuditFilter { kind: Some(audit::AuditKind::Organization), ..AuditFilter::default() };
    assert_eq!(audit::list(&mut *app.conn().await, filter, 500).await.unwrap().len(), 120);
}
