//! Opt-outs in any notation and wording: they have all effects of a STOP, are marked as read from
//! wording, and a wrong reading is undone with a reason.

use carillon::users::Role;
use carillon::users::audit::{self, AuditFilter};
use serde_json::{Value, json};
use twilio_simulator::LONG_CODE;

use crate::harness::fixtures::id;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, UNTIL_COLLECTED, seconds};

const STOP_TAG: &str = "Twilio-Message-stop";

impl TestApp {
    /// The path of the page of a contact.
    async fn page_of(&self, phone: &str) -> String {
        format!("/contacts/{}", id(&self.contact_of(phone).await))
    }

    /// The path of the page of the only message from a handset.
    async fn page_of_text(&self, handset: &str) -> String {
        let query = format!(
            "SELECT id::text AS text FROM messages WHERE direction = 'inbound'
                AND from_address = '{handset}'"
        );
        format!("/messages/{}", self.texts(&query).await.remove(0))
    }

    async fn consent(&self) -> Vec<String> {
        self.texts("SELECT change || ' by ' || source AS text FROM consent_records ORDER BY id")
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_word_stops_in_any_notation() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let forms = [
        "Opt out",
        "OPT-OUT",
        "stop all",
        "ARRET",
        "arrêt",
        "UNSUB",
        "\u{2068}STOP\u{2069}",
        "\u{202b}STOP\u{202c}",
        "ST\u{200d}OP",
        "STOP\u{fe0f}",
        "\u{7}STOP\u{1}",
        "ＳＴＯＰ",
        "“Stop!”",
        "[stop]",
        "🛑 Stop 🛑",
        "s t o p",
        "退订",
        "إلغاء",
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let handset = format!("+120655502{index:02}");
        app.text(&handset, LONG_CODE, form).await;
        let suppression = &app.contact_of(&handset).await["suppression"];
        assert_eq!(
            (suppression["reason"].as_str(), suppression["read_as_opt_out"].as_bool()),
            (Some("stop"), Some(false)),
            "{form:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_wording_is_a_full_stop_and_is_marked_as_read_from_wording() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": true }))
        .await
        .ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);

    app.text(HANDSET, LONG_CODE, "Please remove me from your list").await;
    assert_eq!(app.statuses_to(HANDSET).await, ["suppressed"], "pending messages are suppressed");
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(contact["tags"], json!([STOP_TAG]));
    assert_eq!(contact["suppression"]["reason"], "stop");
    assert_eq!(contact["suppression"]["read_as_opt_out"], true);
    assert_eq!(app.consent().await, ["suppressed by wording"]);
    let text = app.page_of_text(HANDSET).await;
    let shown = app.api().get(&text).await.ok();
    assert_eq!(shown["read_as_opt_out"], true);

    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.open(&app.page_of(HANDSET).await).await.ok();
    page.must_say("Read as an opt-out");
    page.must_say("Texted “Please remove me from your list”");
    page.must_say("read as an opt-out");
    assert!(
        page.forms().iter().all(|form| !form.action().ends_with("/undo-opt-out")),
        "a viewer cannot undo it"
    );
    viewer.open(&text).await.ok().must_say("Read as an opt-out.");
    viewer.open("/contacts").await.ok().must_say("Read as an opt-out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_undoes_a_wrong_reading_with_a_stored_reason() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.text(HANDSET, LONG_CODE, "no more texts today, I am driving").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["read_as_opt_out"], true);
    let marketer = app.sign_in_as(Role::Marketer).await;
    let (page, text) = (app.page_of(HANDSET).await, app.page_of_text(HANDSET).await);
    let undo = format!("{page}/undo-opt-out");

    let form = marketer.open(&text).await.ok().form(&undo);
    let refused = marketer.send(&form.clone().with("undo_note", " ")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("Write why");
    assert_eq!(
        app.contact_of(HANDSET).await["suppression"]["reason"],
        "stop",
        "the STOP still holds"
    );
    marketer.send(&form.with("undo_note", "They only meant today.")).await.ok().must_say("Undone.");

    let contact = app.contact_of(HANDSET).await;
    assert_eq!((&contact["suppression"], &contact["tags"]), (&Value::Null, &json!([])));
    assert_eq!(app.consent().await, ["suppressed by wording", "lifted by admin"]);
    let page = marketer.open(&page).await.ok();
    page.must_say("STOP lifted by marketer@example.com: They only meant today.");
    marketer.open(&text).await.ok().must_say("That no longer holds.");
    let mut conn = app.context.db.get().await.unwrap();
    let log = audit::list(&mut conn, AuditFilter::default(), 10).await.unwrap();
    assert!(
        log.iter().any(|entry| entry.summary == "undid an opt-out that Carillon read from a text"),
        "{log:?}"
    );
    drop(conn);
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_reading_does_not_lift_a_later_stop_by_keyword() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    app.text(HANDSET, LONG_CODE, "no more texts please").await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let page = app.page_of(HANDSET).await;
    let form = marketer
        .open(&page)
        .await
        .ok()
        .form(&format!("{page}/undo-opt-out"))
        .with("undo_note", "A joke.");
    app.text(HANDSET, LONG_CODE, "STOP").await;
    marketer.send(&form).await.ok().must_say("Nothing to undo");
    let suppression = &app.contact_of(HANDSET).await["suppression"];
    assert_eq!(
        (suppression["reason"].as_str(), suppression["read_as_opt_out"].as_bool()),
        (Some("stop"), Some(false))
    );
    // Conversely, a wording after a STOP by keyword does not make it undoable.
    app.text(HANDSET, LONG_CODE, "stop texting me").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["read_as_opt_out"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_lifts_an_opt_out_only_if_it_is_the_whole_text() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    for opt_out in ["STOP", "please take me off your list"] {
        app.text(HANDSET, LONG_CODE, opt_out).await;
        for text in ["START please", "Start. Thank you", "please start again"] {
            app.text(HANDSET, LONG_CODE, text).await;
            assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop", "{text}");
        }
        app.text(HANDSET, LONG_CODE, "\u{2066}“ＳＴＡＲＴ”\u{2069}").await;
        assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null, "{opt_out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_and_everyday_texts_stop_nothing() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let texts = [
        "I'll stop by at 5",
        "cancel my order",
        "can't stop smiling",
        "Liked “20 % off today. Reply STOP to opt out.”",
        "A aimé « Soldes -30 %. STOP au 36180 »",
        "👍 to “ Sale! Reply STOP to opt out ”",
        "please don't remove me",
    ];
    for text in texts {
        app.text(HANDSET, LONG_CODE, text).await;
        assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null, "{text}");
    }
    assert_eq!(app.count("consent_records").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pressed_stop_button_is_an_opt_out() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let account = twilio_simulator::ACCOUNT_SID;
    for (handset, sid, button, payload, read) in [
        (HANDSET, "SM000000000000000000000000000000b1", "Stop promotions", "4711", true),
        (OTHER_HANDSET, "SM000000000000000000000000000000b2", "Not for me", "OPT_OUT", false),
    ] {
        let params = [
            ("MessageSid", sid),
            ("AccountSid", account),
            ("From", handset),
            ("To", LONG_CODE),
            ("Body", button),
            ("ButtonText", button),
            ("ButtonPayload", payload),
        ];
        assert_eq!(app.signed_call(&path, &params).send().await.unwrap().status().as_u16(), 200);
        let suppression = &app.contact_of(handset).await["suppression"];
        assert_eq!(
            (suppression["reason"].as_str(), suppression["read_as_opt_out"].as_bool()),
            (Some("stop"), Some(read)),
            "{button}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_opt_out_by_wording_is_found_and_does_not_undo_a_newer_start() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let mut url = None;
    app.simulator.change_number(LONG_CODE, |number| url = number.sms_url.take());
    for handset in [HANDSET, OTHER_HANDSET] {
        let text =
            app.simulator.reply(handset, LONG_CODE, "do not contact me again").await.unwrap();
        assert_eq!(text.webhook_status, None);
    }
    app.simulator.change_number(LONG_CODE, |number| number.sms_url = url);
    app.clock.advance(seconds(20));
    app.text(OTHER_HANDSET, LONG_CODE, "START").await;
    app.advance(UNTIL_COLLECTED).await;
    let suppression = &app.contact_of(HANDSET).await["suppression"];
    assert_eq!(
        (suppression["reason"].as_str(), suppression["read_as_opt_out"].as_bool()),
        (Some("stop"), Some(true))
    );
    assert_eq!(app.consent().await, ["suppressed by wording_lookup"]);
    assert_eq!(app.contact_of(OTHER_HANDSET).await["suppression"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_adds_its_own_opt_out_words_to_the_standard_ones() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let admin = app.sign_in().await;
    let words = "/settings/opt-out-words";
    let page = admin.open(words).await.ok();
    page.must_say("unsubscribe");
    page.must_say("退订");
    for (word, reason) in [
        ("ＳＴＯＰ", "is an opt-out already"),
        ("Yes", "opts people in again"),
        ("!?", "Use letters and digits"),
    ] {
        let refused = admin.send(&page.form(words).with("word", word)).await;
        assert_eq!(refused.status, 422, "{word}");
        refused.must_say(reason);
        assert_eq!(refused.form(words).value("word"), Some(word), "the typed word is shown again");
    }
    app.text(HANDSET, LONG_CODE, "adios amigos").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null);
    let page = admin.send(&page.form(words).with("word", " Adiós  Amigos ")).await.ok();
    page.must_say("Adiós Amigos");
    let twice = admin.send(&page.form(words).with("word", "adios-amigos")).await;
    assert_eq!(twice.status, 422);
    twice.must_say("is an opt-out already");
    app.text(HANDSET, LONG_CODE, "ADIOS-AMIGOS!").await;
    let suppression = &app.contact_of(HANDSET).await["suppression"];
    assert_eq!(
        (suppression["reason"].as_str(), suppression["read_as_opt_out"].as_bool()),
        (Some("stop"), Some(false))
    );

    let remove = admin
        .open(words)
        .await
        .ok()
        .forms()
        .into_iter()
        .find(|form| form.action().ends_with("/remove"))
        .unwrap();
    admin.send(&remove).await.ok().must_say("” removed.");
    assert_eq!(
        app.contact_of(HANDSET).await["suppression"]["reason"],
        "stop",
        "a contact that opted out with the word stays suppressed"
    );
    app.text(OTHER_HANDSET, LONG_CODE, "adios amigos").await;
    assert_eq!(app.contact_of(OTHER_HANDSET).await["suppression"], Value::Null);
    let mut conn = app.context.db.get().await.unwrap();
    let log = audit::list(
        &mut conn,
        AuditFilter { kind: Some(audit::AuditKind::Organization), ..AuditFilter::default() },
        10,
    )
    .await
    .unwrap();
    let summaries: Vec<&str> = log.iter().rev().map(|entry| entry.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["added the opt-out word Adiós Amigos", "removed the opt-out word Adiós Amigos"]
    );
    drop(conn);
    assert_eq!(
        app.sign_in_as(Role::Marketer).await.open(words).await.status,
        403,
        "settings are for admins"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_maintains_the_own_opt_out_words() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let words = || app.api().get("/opt-out-words");
    assert_eq!(words().await.ok()["data"], json!([]));
    for word in ["stop", "yes", "help", "!?", "a\u{7}b", &"x".repeat(41)] {
        app.api().post("/opt-out-words", json!({ "word": word })).await.field("word");
    }
    let added = app.api().post("/opt-out-words", json!({ "word": "Adiós amigos" })).await.ok();
    assert_eq!((&added["word"], &added["added_by"]), (&json!("Adiós amigos"), &Value::Null));
    app.api().post("/opt-out-words", json!({ "word": "adios-AMIGOS" })).await.field("word");
    assert_eq!(words().await.ok()["data"], json!([added]));
    app.text(HANDSET, LONG_CODE, "Adios amigos!").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");

    let path = format!("/opt-out-words/{}", id(&added));
    app.api().delete(&path).await.ok();
    app.api().delete(&path).await.refused(404);
    assert_eq!(words().await.ok()["data"], json!([]));
    app.text(OTHER_HANDSET, LONG_CODE, "Adios amigos!").await;
    assert_eq!(app.contact_of(OTHER_HANDSET).await["suppression"], Value::Null);
    let marketer = app.api_as(Role::Marketer).await;
    marketer.post("/opt-out-words", json!({ "word": "ciao" })).await.refused(403);
}
