//! Sending one message from its page, and looking at one beside the list.

use carillon::users::Role;
use serde_json::json;

use crate::harness::browser::{Browser, Screen};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};
use crate::message_log::{contact, send};

const PAGE: &str = "/messages/new";

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_sends_one_message_to_a_contact_or_a_number() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    contact(&app, HANDSET, "Ann", "Moreno").await;
    let site = app.sign_in_as(Role::Marketer).await;
    site.open("/messages").await.ok().must_say("Send message");
    let form = site.open(PAGE).await.ok().form(PAGE);
    assert_eq!(form.value("sender_id"), Some(twilio.sender_id.as_str()), "the only sender");
    let form = form.with("to", "ann").with("body", "Hello {Ann}");
    let preview = site.send(&form.clone().pressing("action", "preview")).await.ok();
    for words in ["Ann Moreno", "Hello {Ann}", "1 part", "11 of 1,600 characters"] {
        preview.must_say(words);
    }
    assert_eq!(app.count("messages").await, 0, "a preview sends nothing");

    let form = form.pressing("action", "send");
    let sent = site.send(&form).await.ok();
    sent.must_say("Message to Ann Moreno");
    assert_eq!(site.send(&form).await.ok().path, sent.path, "sending the form twice sends once");
    let other = site.send(&form.with("body", "Another text")).await;
    assert_eq!(other.status, 422);
    other.must_say("You sent another message with this form.");
    site.send(&other.form(PAGE).pressing("action", "send")).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello {Ann}", "Another text"]);
    assert_eq!(app.count("audit_log WHERE summary = 'sent a message'").await, 2);

    let to_number = site.open(PAGE).await.ok().form(PAGE).with("to", OTHER_HANDSET);
    site.send(&to_number.with("body", "Hello").pressing("action", "send")).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET), ["Hello"]);
    assert_eq!(app.sign_in_as(Role::Viewer).await.open(PAGE).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_sent_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    contact(&app, OTHER_HANDSET, "Anna", "Osei").await;
    let template = app.template("Hi {{ contact.first_name }}, {{ event.order }} is ready").await;
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site.open(PAGE).await.ok().form(PAGE).pressing("action", "send");
    let refused = async |form: &crate::harness::scriptless_browser::Form, words: &[&str]| {
        let page = site.send(form).await;
        assert_eq!(page.status, 422, "{}", page.text());
        for words in words {
            page.must_say(words);
        }
        page
    };
    refused(&form, &["Enter a name or a number."]).await;
    let filled = form.with("body", "Hello");
    refused(&filled.clone().with("to", "Zoe"), &["No contact matches."]).await;
    let several = refused(&filled.clone().with("to", "Ann"), &["Several contacts match."]).await;
    let chosen = several.form(PAGE).and("contact_id", &ann).pressing("action", "send");
    let by_template = chosen.clone().with("template_id", &template);
    refused(&by_template, &["No text for this contact: event.order is not set"]).await;

    app.text(HANDSET, &twilio.sender, "STOP").await;
    refused(&chosen, &["Can’t be texted. They texted STOP."]).await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    site.open(PAGE).await.ok().must_say("Nothing to send from");
    assert_eq!(app.count("messages WHERE direction = 'outbound'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_counts_as_one_character() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site.open(PAGE).await.ok().form(PAGE);
    // Forms send line breaks as CR and LF.
    let text = format!("{}\r\n{}", "x".repeat(80), "x".repeat(79));
    let form = form.with("to", HANDSET).with("body", &text);
    let preview = site.send(&form.pressing("action", "preview")).await.ok();
    preview.must_say("1 part");
    preview.must_say("160 of 1,600 characters");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_number_chooses_no_contact_by_itself() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site.open(PAGE).await.ok().form(PAGE).with("body", "Hello");
    let (without_last_digit, last_digits) = (&HANDSET[..11], &HANDSET[8..]);
    for part in [without_last_digit, last_digits] {
        let form = form.clone().with("to", part);
        let refused = site.send(&form.clone().pressing("action", "send")).await;
        assert_eq!(refused.status, 422, "{part}: {}", refused.text());
        refused.must_say("This is not a whole number.");
        refused.must_say("Ann Moreno");
        let preview = site.send(&form.pressing("action", "preview")).await.ok();
        preview.must_say("choose it below");
        assert_eq!(app.count("messages").await, 0, "{part}");
    }
    let chosen = form.with("to", last_digits).and("contact_id", &ann);
    site.send(&chosen.pressing("action", "send")).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_opens_beside_the_list_with_and_without_scripts() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(send(&app, HANDSET, &format!("Number {number}"), &twilio).await);
    }
    app.run_until_idle().await;
    let site = app.sign_in_as(Role::Viewer).await;
    let page = site.open(&format!("/messages?status=delivered&open={}", ids[1])).await.ok();
    for words in ["What happened", "Sent to the carrier", "Number 3"] {
        page.must_say(words);
    }
    for id in [&ids[0], &ids[2]] {
        let link = format!("href=\"/messages?status=delivered&amp;open={id}\" aria-label");
        assert!(page.html.contains(&link), "the panel leads to {id}");
    }

    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/messages", app.url)).await;
    browser.run("window.stays = true;").await;
    let shown = "return document.querySelector('#panel .bubble')?.innerText ?? null";
    let shows = async |text: &str| {
        let panel = app.eventually("the panel shows the message", async || {
            (browser.run(shown).await == json!(text)).then_some(())
        });
        panel.await;
    };
    browser.type_keys("j").await;
    browser.run("document.activeElement.click()").await;
    shows("Number 3").await;
    browser.type_keys("j").await;
    shows("Number 2").await;
    browser.type_keys("k").await;
    shows("Number 3").await;
    assert_eq!(browser.run("return location.search").await, json!(format!("?open={}", ids[2])));
    browser.type_keys("\u{e00c}").await;
    assert_eq!(
        browser
            .run(
                "return [document.getElementById('panel').hidden, location.search, window.stays, \
                 document.activeElement.innerText];"
            )
            .await,
        json!([true, "", true, "Number 3"])
    );
    browser.run("history.back()").await;
    shows("Number 3").await;

    // In a field, and while characters are composed, Escape is not for the panel.
    browser.run("document.getElementById('text').focus()").await;
    browser.type_keys("Num\u{e00c}").await;
    let composing = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true }))";
    browser.run(composing).await;
    let state = "return [document.getElementById('panel').hidden, document.activeElement.id]";
    assert_eq!(browser.run(state).await, json!([false, "text"]));

    browser.set_screen(Screen::Phone).await;
    browser.go(&format!("{}/messages?open={}", app.url, ids[0])).await;
    browser.must_say("What happened").await;
    assert_eq!(
        browser
            .run("return document.getElementById('panel').getBoundingClientRect().width === innerWidth")
            .await,
        json!(true),
        "the panel fills a phone"
    );
}
