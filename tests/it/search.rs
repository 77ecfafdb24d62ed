//! Search: the page, which works without scripts, and the command palette, by keyboard only.

use carillon::types::phone::PhoneNumber;
use carillon::users::Role;
use serde_json::json;

use crate::harness::axe::check;
use crate::harness::browser::Browser;
use crate::harness::fixtures::{id, send_sms};
use crate::harness::scriptless_browser::Site;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

const ANN: &str = "+4915123456789";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const END: &str = "\u{e010}";
const HOME: &str = "\u{e011}";
const UP: &str = "\u{e013}";
const DOWN: &str = "\u{e015}";
/// Ctrl, K, and the end of all modifiers.
const CTRL_K: &str = "\u{e009}k\u{e000}";

/// The labels and paths of results, in their order.
type Hits = Vec<(String, String)>;

/// Reads the results of a page or of suggestions.
fn hits(html: &str) -> Hits {
    let read = |part: &str| {
        let path = part.split("href=\"").nth(1)?.split('"').next()?;
        let label = part.split("class=\"hit-label\"").nth(1)?.split_once('>')?.1;
        let label: String = label
            .split("</span>")
            .next()?
            .split('<')
            .enumerate()
            .map(|(at, piece)| if at == 0 { piece } else { piece.split_once('>').unwrap().1 })
            .collect();
        Some((label, path.replace("&amp;", "&")))
    };
    html.split("class=\"search-hit\"").skip(1).filter_map(read).collect()
}

/// The results of the page; the suggestions must be the same.
async fn search(site: &Site, text: &str) -> Hits {
    let query = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let page = site.open(&format!("/search?q={query}")).await.ok();
    let suggested = site.open(&format!("/search/suggestions?q={query}")).await.ok();
    let found = hits(&page.html);
    assert_eq!(found, hits(&suggested.html), "{text}");
    found
}

/// The path of the only result with a label.
#[track_caller]
fn path_of<'h>(found: &'h [(String, String)], label: &str) -> &'h str {
    let with_label: Vec<&str> =
        found.iter().filter(|(one, _)| one == label).map(|(_, path)| path.as_str()).collect();
    assert_eq!(with_label.len(), 1, "“{label}” in {found:#?}");
    with_label[0]
}

/// A number as pages show it.
fn shown(phone: &str) -> String {
    PhoneNumber::from_e164(phone).unwrap().international()
}

/// Ann, with accents in her name.
async fn ann(app: &TestApp) -> String {
    app.run_sql("UPDATE organization SET default_country = 'DE'").await;
    let ann = json!(
        {
            "phone": ANN,
            "first_name": "Zoë",
            "last_name": "Ångström",
            "external_id": "customer_7"
        }
    );
    format!("/contacts/{}", id(&app.api().post("/contacts", ann).await.ok()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_found_by_name_with_accents_and_by_number_however_it_is_written() {
    let app = TestApp::start().await;
    let ann = ann(&app).await;
    app.contact(OTHER_HANDSET).await;
    let site = app.sign_in_as(Role::Viewer).await;
    for text in [
        "zoë",
        "ZOË ÅNG",
        "ångström",
        // The same with combining accents.
        "zoe\u{308} a\u{30a}ngstro\u{308}m",
        "customer_7",
        ANN,
        "+49 151 234",
        "0049 (151) 23456789",
        "0151/23456789",
        "015123",
        "6789",
        // Copied from a phone, with marks of its direction.
        "\u{202a}+49\u{a0}151\u{a0}23456789\u{202c}",
    ] {
        let found = search(&site, text).await;
        assert_eq!(path_of(&found, "Zoë Ångström"), ann, "{text}");
        assert_eq!(found[0].1, ann, "{text} finds the contact first");
    }
    // Wildcards are characters like others.
    for text in ["zo_", "zo%", "%", "_", "customer%", "\\", "12"] {
        let found = search(&site, text).await;
        assert!(!found.iter().any(|(_, path)| *path == ann), "{text}: {found:#?}");
    }
    let messages = search(&site, "0151 23456789").await;
    let label = format!("Messages to {}", shown(ANN));
    assert_eq!(path_of(&messages, &label), "/messages?to=%2B4915123456789");
    site.open("/search?q=12").await.ok().must_say("Type at least 3 digits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_found_by_its_id_and_by_its_sid_at_twilio() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("ordered", &twilio, "Thanks!").await;
    app.event("ordered", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.text(OTHER_HANDSET, &twilio.sender, "Hello").await;
    let site = app.sign_in_as(Role::Viewer).await;
    let sent = app.message_to(HANDSET).await;
    let label = format!("Message to {}", shown(HANDSET));
    let path = format!("/messages/{}", sent.id);
    for text in [
        sent.id.to_string(),
        sent.id.to_string().to_uppercase(),
        format!(" {} ", sent.twilio_sid.clone().unwrap()),
    ] {
        let found = search(&site, &text).await;
        assert_eq!(path_of(&found, &label), path, "{text}");
        assert_eq!(found.len(), 1, "{found:#?}");
    }
    // An automatic retry leaves the SID of the first attempt behind.
    app.run_sql(
        "UPDATE messages SET former_sids = ARRAY['MM' || repeat('0f', 16)]
            WHERE direction = 'outbound'",
    )
    .await;
    let former = search(&site, &format!("MM{}", "0f".repeat(16))).await;
    assert_eq!(path_of(&former, &label), path);

    let of_inbound = "SELECT id || ' ' || twilio_sid AS text FROM messages
        WHERE direction = 'inbound'";
    let received = app.texts(of_inbound).await.remove(0);
    let (received_id, received_sid) = received.split_once(' ').unwrap();
    let found = search(&site, received_sid).await;
    let label = format!("Message from {}", shown(OTHER_HANDSET));
    assert_eq!(path_of(&found, &label), format!("/messages/{received_id}"));

    // Everything that has an id is found by it.
    let enrollment = app.texts("SELECT id::text AS text FROM enrollments").await.remove(0);
    let automation = app.texts("SELECT id::text AS text FROM automations").await.remove(0);
    let template = app.texts("SELECT id::text AS text FROM templates").await.remove(0);
    let contact = sent.contact_id.unwrap();
    for (id, path) in [
        (enrollment.clone(), format!("/enrollments/{enrollment}")),
        (automation.clone(), format!("/automations/{automation}")),
        (template.clone(), format!("/templates/{template}")),
        (contact.to_string(), format!("/contacts/{contact}")),
        (twilio.connection_id.clone(), format!("/connections/{}", twilio.connection_id)),
        (twilio.sender_id.clone(), format!("/connections/{}", twilio.connection_id)),
    ] {
        let found = search(&site, &id).await;
        assert_eq!(found.iter().map(|(_, path)| path).collect::<Vec<_>>(), [&path]);
        site.open(&path).await.ok();
    }
    assert_eq!(search(&site, "00000000-0000-7000-8000-000000000000").await, Hits::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_sid_is_found_step_by_step() {
    let app = TestApp::start().await;
    app.run_sql(
        "INSERT INTO messages (id, connection_id, created_at, status_at, parts, status,
            direction, encoding, to_address, body, twilio_sid)
         SELECT lpad(to_hex(n), 32, '0')::uuid, gen_random_uuid(), now(), now(), 1, 'delivered',
             'outbound', 'gsm7', '+14155550123', 'Hi', 'SM' || lpad(to_hex(n), 32, '0')
         FROM generate_series(1, 30000) AS n",
    )
    .await;
    let site = app.sign_in_as(Role::Viewer).await;
    let sid = |number: u32| format!("SM{number:032x}");
    let newer = search(&site, &sid(29_000)).await;
    assert_eq!(newer.len(), 1);
    assert!(newer[0].1.starts_with("/messages/"), "{newer:?}");
    let first = search(&site, &sid(7)).await;
    let older = path_of(&first, "Older messages");
    site.open(&format!("/search?q={}", sid(7))).await.ok().must_say("No results");
    let found = hits(&site.open(older).await.ok().html);
    assert_eq!(
        path_of(&found, &format!("Message to {}", shown("+14155550123"))),
        "/messages/00000000-0000-0000-0000-000000000007"
    );
    let nothing = hits(&site.open(&older.replace(&sid(7), &sid(0))).await.ok().html);
    assert_eq!(nothing, Hits::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn automations_templates_senders_and_connections_are_found_by_their_names() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = id(&app
        .api()
        .post("/templates", json!({ "name": "Thank you, 50% <off>", "body": "Thanks!" }))
        .await
        .ok());
    let automation = json!(
        {
            "name": "Order thanks",
            "trigger": { "type": "event", "name": "ordered" },
            "steps": [send_sms(&template, &twilio)],
            "status": "active"
        }
    );
    let automation = id(&app.api().post("/automations", automation).await.ok());
    let site = app.sign_in_as(Role::Viewer).await;
    let connection = format!("/connections/{}", twilio.connection_id);

    let found = search(&site, "THANK").await;
    assert_eq!(path_of(&found, "Order thanks"), format!("/automations/{automation}"));
    let label = "Thank you, 50% &lt;off&gt;";
    for text in ["THANK", "off thank", "50% <"] {
        let found = search(&site, text).await;
        assert_eq!(path_of(&found, label), format!("/templates/{template}"), "{text}");
    }
    for text in ["thank_you", "50%%", "thanks you off"] {
        assert!(!search(&site, text).await.iter().any(|(found, _)| found == label), "{text}");
    }
    // The sender by a part of its number.
    for text in ["500 555", "0006"] {
        let found = search(&site, text).await;
        assert!(found.iter().any(|(_, path)| *path == connection), "{text}: {found:#?}");
    }
    let account = search(&site, twilio_simulator::ACCOUNT_SID).await;
    assert!(account.iter().any(|(_, path)| *path == connection), "{account:#?}");
    let error = search(&site, "30003").await;
    assert_eq!(path_of(&error, "Messages with error 30003"), "/messages?error_code=30003");
    app.run_sql("UPDATE templates SET archived_at = now()").await;
    assert!(search(&site, "thank you").await.iter().any(|(found, _)| found == label));
    site.open("/search?q=thank+you").await.ok().must_say("Archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_automations_come_last_and_are_called_archived() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Thanks!").await;
    let create = async |name: &str| {
        let (trigger, steps) =
            (json!({ "type": "contact_created" }), json!([send_sms(&template, &twilio)]));
        let new = json!({ "name": name, "trigger": trigger, "steps": steps, "status": "active" });
        id(&app.api().post("/automations", new).await.ok())
    };
    for number in 1..=7 {
        let path = format!("/automations/{}", create(&format!("Order {number}")).await);
        app.api().patch(&path, json!({ "archived": true })).await.ok();
    }
    let live = create("Order z").await;
    let site = app.sign_in_as(Role::Viewer).await;
    let found = search(&site, "order").await;
    assert_eq!(path_of(&found, "Order z"), format!("/automations/{live}"));
    let place = |label: &str| found.iter().position(|(one, _)| one == label);
    assert!(place("Order z") < place("Order 1"), "{found:#?}");
    let page = site.open("/search?q=order+1").await.ok();
    page.must_say("Order 1 Archived");
    assert!(!page.says("Paused"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_finds_only_the_pages_and_actions_that_it_may_open() {
    let app = TestApp::start().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let all = search(&admin, " ").await;
    assert!(all.len() > 20, "only {all:#?}");
    for site in [&viewer, &marketer, &admin] {
        let offered = search(site, "").await;
        for (label, path) in &all {
            let is_offered = offered.iter().any(|(_, offered)| offered == path);
            let status = site.open(path).await.status;
            assert_eq!(status, if is_offered { 200 } else { 403 }, "{label}");
        }
    }
    assert_eq!(path_of(&search(&admin, "new cont").await, "New contact"), "/contacts/new");
    assert_eq!(search(&admin, "invite").await[0].1, "/settings/users/invite");
    let nothing = search(&viewer, "invite").await;
    assert_eq!(nothing.len(), 1, "{nothing:#?}");
    assert_eq!(path_of(&nothing, "Messages that say “invite”"), "/messages?text=invite");
    let page = viewer.open("/search?q=invite").await.ok();
    page.must_say("No results");
    page.must_say("messages by id or Twilio’s SID");

    let stranger = app.site();
    for path in ["/search?q=ann", "/search/suggestions?q=ann"] {
        assert!(stranger.open(path).await.path.starts_with("/login"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_searched_for_is_refused_in_words() {
    let app = TestApp::start().await;
    ann(&app).await;
    let site = app.sign_in_as(Role::Viewer).await;
    for (query, words) in [
        ("zo%00", "Remove the character that can’t be searched for."),
        ("%FF", "Remove the character that can’t be searched for."),
        ("x".repeat(201).as_str(), "Search for at most 200 characters."),
    ] {
        let page = site.open(&format!("/search?q={query}")).await.ok();
        page.must_say(words);
        assert_eq!(hits(&page.html), Hits::new());
        site.open(&format!("/search/suggestions?q={query}")).await.ok().must_say(words);
    }
    let long = search(&site, &"ab ".repeat(66)).await;
    assert_eq!(long, Hits::new(), "more words than the log of messages searches for");
    // The text is shown as it was typed.
    let typed = site.open("/search?q=%22%3E%3Cb%3E").await.ok();
    assert!(!typed.html.contains("<b>"), "{}", typed.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_palette_is_used_by_keyboard_only() {
    let app = TestApp::start().await;
    let ann = ann(&app).await;
    let zoelle = json!({ "phone": HANDSET, "first_name": "Zoëlle" });
    let zoelle = format!("/contacts/{}", id(&app.api().post("/contacts", zoelle).await.ok()));
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/account", app.url)).await;
    browser.run("document.querySelector('main [name=name]').focus()").await;
    let is_open = async || browser.run("return document.getElementById('palette').open").await;
    let active = async || {
        let script = "const id = document.querySelector('#palette [role=combobox]')
                .getAttribute('aria-activedescendant');
            return document.getElementById(id)?.querySelector('.hit-label').innerText ?? ''";
        browser.run(script).await.as_str().unwrap().to_owned()
    };

    // Without a text: actions and pages.
    browser.type_keys(CTRL_K).await;
    browser.must_say("New contact").await;
    assert_eq!(active().await, "New contact");
    let found = check(&browser).await;
    assert_eq!(found.violations, Vec::<String>::new());
    browser.type_keys(DOWN).await;
    assert_eq!(active().await, "New template");
    browser.type_keys(END).await;
    assert_eq!(active().await, "Version and configuration");
    browser.type_keys(DOWN).await;
    assert_eq!(active().await, "New contact", "after the last one comes the first");
    browser.type_keys(UP).await;
    assert_eq!(active().await, "Version and configuration");
    browser.type_keys(HOME).await;
    assert_eq!(active().await, "New contact");

    // Escape returns to where the focus was, and what was typed is forgotten.
    browser.type_keys("zoë").await;
    browser.must_say("Zoë Ångström").await;
    browser.type_keys(ESCAPE).await;
    assert_eq!(is_open().await, false);
    browser.must_have_focus("name").await;
    browser.type_keys(CTRL_K).await;
    browser.must_say("New contact").await;

    // The newest contact comes first; Arrow down and Enter open the other one.
    browser.type_keys("zoë").await;
    let announced = "return document.querySelector('#palette [role=status]').textContent";
    let is_announced = async || (browser.run(announced).await == "2 results").then_some(());
    app.eventually("the number of results is announced", is_announced).await;
    assert_eq!(active().await, "Zoëlle");
    browser.type_keys(&format!("{DOWN}{ENTER}")).await;
    browser.must_say("Became a contact").await;
    assert_eq!(browser.path().await, ann);

    // Enter before the suggestions are there opens the first one, and never one of an earlier text.
    browser.type_keys(CTRL_K).await;
    browser.must_say("New contact").await;
    browser.type_keys(&format!("zoëlle{ENTER}")).await;
    browser.must_say(&shown(HANDSET)).await;
    assert_eq!(browser.path().await, zoelle);

    // A search without results stays open, also after Enter.
    browser.type_keys(CTRL_K).await;
    browser.must_say("New contact").await;
    browser.type_keys(&format!("xyzzy{ENTER}")).await;
    browser.must_say("No results").await;
    assert_eq!((is_open().await, browser.path().await), (json!(true), zoelle));
    let found = check(&browser).await;
    assert_eq!(found.violations, Vec::<String>::new());
}
