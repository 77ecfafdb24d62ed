//! Accessibility: every page that links lead to is looked at by axe-core, wide and light, narrow
//! and dark, in an empty Carillon and in one that is used; and nothing sticks out on a small phone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::axe::look;
use crate::harness::browser::{Browser, Screen};
use crate::harness::world::{send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// Follows every link to a page of another kind, and tells what is wrong with which page, and what
/// was unfolded on the way.
async fn examine(
    browser: &Browser,
    url: &str,
    screen: Screen,
) -> (BTreeSet<String>, BTreeMap<String, Vec<String>>, BTreeSet<String>) {
    browser.shown_on(screen).await;
    let (mut kinds, mut wrong, mut unfolded) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    let mut waiting = VecDeque::from(["/".to_owned()]);
    while let Some(path) = waiting.pop_front() {
        if path.starts_with("/static/") || !kinds.insert(kind(&path)) {
            continue;
        }
        browser.go(&format!("{url}{path}")).await;
        let found = look(browser).await;
        let mut here = found.violations;
        here.extend(found.sticking_out);
        here.extend(browser.complaints().await);
        if !here.is_empty() {
            wrong.insert(path, here);
        }
        waiting.extend(found.links);
        unfolded.extend(found.unfolded);
    }
    (kinds, wrong, unfolded)
}

/// A path with ids and numbers replaced: pages of the same kind are examined once.
fn kind(path: &str) -> String {
    let kinds = path.split('/').map(|part| {
        if uuid::Uuid::parse_str(part).is_ok() || part.starts_with('+') { "…" } else { part }
    });
    kinds.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_an_empty_carillon_keeps_anybody_out() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.go(&app.url).await;
    assert_eq!(look(&browser).await.violations, Vec::<String>::new(), "at the log-in");
    browser.sign_in(&app).await;
    for screen in [Screen::Wide, Screen::Phone] {
        let (kinds, wrong, _) = examine(&browser, &app.url, screen).await;
        assert!(wrong.is_empty(), "{screen:?}: {wrong:#?}");
        assert!(kinds.len() >= 16, "only {kinds:?} were found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_a_used_carillon_keeps_anybody_out() {
    let app = TestApp::with_worker().await;
    let twilio = app.connect_twilio().await;
    let template = app
        .template(
            "Dear {{ contact.first_name | default(value='friend') }}, thank you for order \
         {{ event.order_id }}!",
        )
        .await;
    let trigger = json!(
        {
            "type": "event",
            "name": "order_completed",
            "where": { "total": { "op": "gte", "value": 10 } }
        }
    );
    app.automation(
        trigger,
        json!([send_sms(&template, &twilio), wait(86_400), send_sms(&template, &twilio)]),
    )
    .await;
    for (phone, order) in [
        (HANDSET, json!({ "order_id": "A-17", "total": 12 })),
        (OTHER_HANDSET, json!({ "total": 12 })),
    ] {
        app.event("order_completed", phone, order).await;
    }
    app.eventually("the message is delivered", async || {
        (app.statuses_to(HANDSET).await == ["delivered"]).then_some(())
    })
    .await;
    let contact = app.contact_of(HANDSET).await;
    app.api()
        .patch(
            &format!("/contacts/{}", contact["id"].as_str().unwrap()),
            json!({ "first_name": "Ann", "tags": ["VIP"] }),
        )
        .await
        .ok();
    app.text(HANDSET, LONG_CODE, "STOP").await;
    let message = app.message_to(HANDSET).await.id;
    for kind in ["send", "advance"] {
        let job = "INSERT INTO jobs (kind, subject, run_at, failed_at, error, attempt, created_at)";
        app.run_sql(&format!(
            "{job} VALUES ('{kind}', '{message}', now(), now(), 'It could not be done.', 20, now())"
        ))
        .await;
    }

    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    for screen in [Screen::Wide, Screen::Phone] {
        let (kinds, wrong, unfolded) = examine(&browser, &app.url, screen).await;
        assert!(wrong.is_empty(), "{screen:?}: {wrong:#?}");
        assert!(kinds.len() >= 27, "only {kinds:?} were found");
        // The menu, a question before something grave, further filters.
        for begins in ["Your account", "Disable", "More filters"] {
            assert!(
                unfolded.iter().any(|one| one.starts_with(begins)),
                "{begins}: only {unfolded:?} were unfolded"
            );
        }
        let (_, wrong, _) = examine(&browser, app.twilio_url(), screen).await;
        assert!(wrong.is_empty(), "the simulator, {screen:?}: {wrong:#?}");
    }
}
