//! Accessibility: axe-core checks every page that a link leads to, on a wide light and a narrow
//! dark screen, in an empty Carillon and in a used one. No page may overflow a small phone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::axe::check;
use crate::harness::browser::{Browser, Screen};
use crate::harness::fixtures::{send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// Follows every link to a page of another kind. Returns the kinds of pages found, the defects by
/// path, and the parts that were unfolded.
async fn crawl(
    browser: &Browser,
    url: &str,
    screen: Screen,
) -> (BTreeSet<String>, BTreeMap<String, Vec<String>>, BTreeSet<String>) {
    browser.set_screen(screen).await;
    let (mut kinds, mut defects, mut unfolded) =
        (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    let mut queue = VecDeque::from(["/".to_owned()]);
    while let Some(path) = queue.pop_front() {
        let is_page = !path.starts_with("/static/") && !path.starts_with("/api/");
        if !is_page || !kinds.insert(kind(&path)) {
            continue;
        }
        browser.go(&format!("{url}{path}")).await;
        let found = check(browser).await;
        let mut page_defects = found.violations;
        page_defects.extend(found.overflow);
        page_defects.extend(browser.complaints().await);
        if !page_defects.is_empty() {
            defects.insert(path, page_defects);
        }
        queue.extend(found.links);
        unfolded.extend(found.unfolded);
    }
    (kinds, defects, unfolded)
}

/// A path with ids and numbers replaced: pages of the same kind are examined once.
fn kind(path: &str) -> String {
    let kinds = path.split('/').map(|part| {
        if uuid::Uuid::parse_str(part).is_ok() || part.starts_with('+') { "…" } else { part }
    });
    kinds.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_an_empty_carillon_is_accessible() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.go(&app.url).await;
    assert_eq!(check(&browser).await.violations, Vec::<String>::new(), "at the sign-in");
    browser.sign_in(&app).await;
    for screen in [Screen::Wide, Screen::Phone] {
        let (kinds, defects, _) = crawl(&browser, &app.url, screen).await;
        assert!(defects.is_empty(), "{screen:?}: {defects:#?}");
        assert!(kinds.len() >= 16, "only {kinds:?} were found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_used_carillon_is_accessible() {
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
        let (kinds, defects, unfolded) = crawl(&browser, &app.url, screen).await;
        assert!(defects.is_empty(), "{screen:?}: {defects:#?}");
        assert!(kinds.len() >= 27, "only {kinds:?} were found");
        // The account menu, a confirmation, and further filters.
        for label in ["Your account", "Disable", "Filter"] {
            assert!(
                unfolded.iter().any(|one| one.starts_with(label)),
                "{label}: only {unfolded:?} were unfolded"
            );
        }
        let (_, defects, _) = crawl(&browser, app.twilio_url(), screen).await;
        assert!(defects.is_empty(), "the simulator, {screen:?}: {defects:#?}");
    }
}
