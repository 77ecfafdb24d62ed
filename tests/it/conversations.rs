//! The conversation on the page of a contact: texts and templates sent by hand, and the list of
//! contacts in both orders.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::browser::Browser;
use crate::harness::scriptless_browser::Form;
use crate::harness::{HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_answers_a_contact_on_its_page() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let send = format!("{contact}/messages");
    app.text(HANDSET, LONG_CODE, "Can you grind it for espresso?").await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let page = marketer.open(&contact).await.ok();
    page.must_say("0 of 160");
    let blank = marketer.send(&page.form(&send)).await;
    assert_eq!(blank.status, 422);
    blank.must_say("Write a text.");

    let form = blank.form(&send).with("text", "Of course!\r\nAnything else? ");
    let sent = marketer.send(&form).await.ok();
    sent.must_say("Message on its way.");
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Of course!\nAnything else?"]);

    // The same form again sends nothing; after the Back button and another text, it does.
    marketer.send(&form).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 1);
    marketer.send(&form.with("text", "We close at six.")).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET)[1..], ["We close at six."]);

    // Oldest first, so that the newest is beside the box.
    let page = marketer.open(&contact).await.ok().text();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(at("Became a contact") < at("Can you grind it for espresso?"), "{page}");
    assert!(at("Can you grind it for espresso?") < at("We close at six."), "{page}");
    assert!(page.contains("2 sent, 1 received"), "{page}");

    let viewer = app.sign_in_as(Role::Viewer).await;
    let forms = viewer.open(&contact).await.ok().forms();
    assert!(forms.iter().all(|form| form.action() != send), "a viewer sends nothing");
}

/// The form with a template chosen.
fn with_template(form: Form, template: &str) -> Form {
    form.with("mode", "template").with("template_id", template)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_previewed_and_sent_by_hand_if_it_fits_the_contact() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let greeting = app.template("Hi {{ contact.first_name }}, we are open.").await;
    let order = app.template("Thanks for order {{ event.order_id }}!").await;
    let ann = json!({ "phone": HANDSET, "first_name": "Ann" });
    let id = crate::harness::fixtures::id(&app.api().post("/contacts", ann).await.ok());
    let contact = format!("/contacts/{id}");
    let send = format!("{contact}/messages");
    let marketer = app.sign_in_as(Role::Marketer).await;
    let form = marketer.open(&contact).await.ok().form(&send);

    let refused = marketer.send(&with_template(form.clone(), &order)).await;
    assert_eq!(refused.status, 422);
    refused.must_say("No text for this contact: ");
    let none = marketer.send(&form.clone().with("mode", "template")).await;
    assert_eq!(none.status, 422);
    none.must_say("Choose a template.");

    let chosen = with_template(form, &greeting);
    let preview = marketer.send(&chosen.clone().and("action", "preview")).await.ok();
    preview.must_say("Hi Ann, we are open.");
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty(), "a preview sends nothing");
    let live = marketer.send(&chosen.clone().to(&format!("{send}/preview"))).await.ok();
    assert!(live.html.contains("Hi Ann, we are open.") && !live.html.contains("<html"));

    marketer.send(&preview.form(&send)).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hi Ann, we are open."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn enter_on_the_choice_of_text_or_template_sends_nothing() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    app.template("Hi {{ contact.first_name }}, we are open.").await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}{contact}", app.url)).await;
    browser.fill("text", "Half a text").await;
    browser.run("document.querySelector('[name=mode][value=text]').focus()").await;
    browser.type_keys("\u{e007}").await;
    let posted = format!("{contact}/messages");
    app.eventually("the form is submitted", async || {
        (browser.path().await == posted).then_some(())
    })
    .await;
    assert_eq!(browser.value("text").await, "Half a text");
    assert_eq!(app.count("messages WHERE direction = 'outbound'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_refuses_the_text_that_was_being_written() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let send = format!("{contact}/messages");
    let marketer = app.sign_in_as(Role::Marketer).await;
    let form = marketer.open(&contact).await.ok().form(&send).with("text", "One more thing");
    app.text(HANDSET, LONG_CODE, "STOP").await;
    let refused = marketer.send(&form).await;
    assert_eq!(refused.status, 422);
    refused.must_say("Messages to this number are blocked.");
    refused.must_say("They texted STOP.");
    refused.must_say("One more thing");
    assert_eq!(app.count("messages WHERE direction = 'outbound'").await, 0);
    assert!(refused.forms().iter().all(|form| form.action() != send), "nothing to send with");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_contacts_has_a_total_in_both_orders() {
    let app = TestApp::start().await;
    app.run_sql(
        "INSERT INTO contacts (id, phone, first_name, created_at, updated_at)
         SELECT ('019b0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
             '+1206556' || lpad(n::text, 4, '0'), 'N' || n, now(), now()
         FROM generate_series(1, 120) AS n",
    )
    .await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let newest = viewer.open("/contacts").await.ok();
    newest.must_say("120 contacts");
    let at = |page: &str, name: &str| page.find(&format!("<bdi>{name}</bdi>"));
    assert!(at(&newest.html, "N120") < at(&newest.html, "N119"));
    let oldest = viewer.open("/contacts?sort=oldest").await.ok();
    assert!(at(&oldest.html, "N1").unwrap() < at(&oldest.html, "N50").unwrap());
    assert!(at(&oldest.html, "N51").is_none());
    let next = oldest.html.split("rel=\"prev\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = viewer.open(&next).await.ok();
    assert!(at(&second.html, "N51").unwrap() < at(&second.html, "N100").unwrap());
    let back = second.html.split("rel=\"next\" href=\"").nth(1).unwrap();
    let back = back.split('"').next().unwrap().replace("&amp;", "&");
    let first = viewer.open(&back).await.ok();
    assert!(at(&first.html, "N1").is_some() && !first.html.contains("rel=\"next\""));
}
