//! Live updates: open pages with messages follow their statuses and announce new ones.

use std::time::{Duration, Instant};

use actix_web::dev::{ServerHandle, Service};
use actix_web::{App, HttpServer};
use carillon::users::Role;
use carillon::web::configure;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::browser::Browser;
use crate::harness::fixtures::id;
use crate::harness::scriptless_browser::Site;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, real_time};
use crate::message_log::{contact, send};

/// The vertical position of a row on the screen.
async fn row_position(browser: &Browser, id: &str) -> f64 {
    browser
        .run(&format!(
            "return \
             document.getElementById('state-{id}').closest('tr').getBoundingClientRect().top;"
        ))
        .await
        .as_f64()
        .unwrap()
}

/// Waits until a page is connected to the live stream.
async fn until_connected(app: &TestApp) {
    app.eventually("a page is connected to the live stream", async || {
        app.web().live.has_streams().then_some(())
    })
    .await;
}

/// Waits until no page is connected to the live stream.
async fn until_disconnected(app: &TestApp) {
    app.eventually("no live stream is open", async || {
        (!app.web().live.has_streams()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_update_live_and_stay_in_place() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(send(&app, HANDSET, &format!("Number {number}"), &twilio).await);
    }
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/messages", app.url)).await;
    browser.must_say("Number 29").await;
    until_connected(&app).await;
    browser
        .run(&format!(
            "window.stays = true; document.getElementById('state-{}').scrollIntoView();",
            ids[10]
        ))
        .await;
    let before = row_position(&browser, &ids[10]).await;

    app.run_until_idle().await;
    let state = format!("return document.getElementById('state-{}').textContent.trim();", ids[10]);
    app.eventually("the row shows the new status", async || {
        (browser.run(&state).await == json!("Delivered")).then_some(())
    })
    .await;
    assert!((row_position(&browser, &ids[10]).await - before).abs() < 1.0, "the row has moved");

    for number in 30..32 {
        send(&app, HANDSET, &format!("Number {number}"), &twilio).await;
    }
    browser.must_say("2 new messages: show").await;
    assert!((row_position(&browser, &ids[10]).await - before).abs() < 1.0, "the row has moved");
    assert_eq!(
        browser.run("return [window.stays, document.body.innerText.includes('Number 31')];").await,
        json!([true, false])
    );
    browser.run("document.querySelector('#come a').click();").await;
    browser.must_say("Number 31").await;

    // A filtered list announces only messages that match.
    browser.go(&format!("{}/messages?text=pear", app.url)).await;
    browser.must_say("No such messages").await;
    send(&app, HANDSET, "Apples", &twilio).await;
    send(&app, HANDSET, "Pears", &twilio).await;
    browser.must_say("1 new message: show").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_stays_on_its_link_when_a_message_changes() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello!").await;
    contact(&app, HANDSET, "Ann", "Moreno").await;
    let new = json!({ "to": HANDSET, "template_id": template, "sender_id": twilio.sender_id });
    let message = id(&app.api().post("/messages", new).await.ok());
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/messages/{message}", app.url)).await;
    browser.run("document.querySelector('#progress a[href*=\"/templates/\"]').focus()").await;
    app.run_until_idle().await;
    let is_polled = "return 'live' in document.getElementById('progress').dataset";
    app.eventually("the page shows the last status", async || {
        (browser.run(is_polled).await == false).then_some(())
    })
    .await;
    let focused = "return document.activeElement.getAttribute('href')";
    assert_eq!(browser.run(focused).await, format!("/templates/{template}"));
}

/// Opens a live stream, and waits for its first event.
async fn watch(app: &TestApp, site: &Site, row: &str) -> reqwest::Response {
    let mut stream = site.get(&format!("/messages/live?rows={row}")).send().await.unwrap();
    assert_eq!(
        (stream.status().as_u16(), stream.headers()["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains(&format!("#state-{row}")), "{first:?}");
    assert!(app.web().live.has_streams());
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_ends_with_its_browser_and_with_the_server() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let row = send(&app, HANDSET, "Hello", &twilio).await;
    let site = app.sign_in_as(Role::Viewer).await;
    assert_eq!(
        app.site().open(&format!("/messages/live?rows={row}")).await.path,
        format!("/login?next=%2Fmessages%2Flive%3Frows%3D{row}")
    );

    // An open page whose session has ended gets no page to read as a stream.
    let accepting = app.http.get(format!("{}/messages/live?rows={row}", app.url));
    let refused = accepting.header("accept", "text/html, text/event-stream").send().await.unwrap();
    assert_eq!(refused.status(), 401);

    let stream = watch(&app, &site, &row).await;
    drop(stream);
    until_disconnected(&app).await;

    let mut stream = watch(&app, &site, &row).await;
    let started = Instant::now();
    drop(app);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the server waited for the stream: {:?}",
        started.elapsed()
    );
    assert_eq!(stream.chunk().await.unwrap(), None, "the stream has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_live_stream_reports_messages_that_arrived_while_none_was_open() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let first = send(&app, HANDSET, "The first row", &twilio).await;
    for text in ["A pear", "An apple", "Another pear"] {
        send(&app, HANDSET, text, &twilio).await;
    }
    app.clock.advance(chrono::TimeDelta::minutes(5));
    let site = app.sign_in_as(Role::Viewer).await;
    for (filter, announcement) in [("", "3 new messages"), ("text=pear&", "2 new messages")] {
        let mut stream =
            site.get(&format!("/messages/live?{filter}after={first}")).send().await.unwrap();
        let event = stream.chunk().await.unwrap().unwrap();
        assert!(
            String::from_utf8_lossy(&event).contains(announcement),
            "{filter}: {}",
            String::from_utf8_lossy(&event)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_of_a_contact_follows_its_messages() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    send(&app, HANDSET, "Hello Ann", &twilio).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/contacts/{ann}", app.url)).await;
    browser.must_say("Waiting").await;
    until_connected(&app).await;
    browser.run("window.stays = true;").await;
    app.run_until_idle().await;
    browser.must_say("Delivered").await;
    assert_eq!(
        browser.run("return window.stays;").await,
        json!(true),
        "the page was not loaded again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_message_of_a_contact_appears_on_its_page_beside_a_text_that_is_being_written() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/contacts/{ann}", app.url)).await;
    until_connected(&app).await;
    browser.run("window.stays = true;").await;
    browser.fill("text", "One moment").await;

    app.text(OTHER_HANDSET, LONG_CODE, "Of another contact").await;
    app.text(HANDSET, LONG_CODE, "Are you open?").await;
    browser.must_say("1 new message: show").await;
    browser.run("document.querySelector('#come a').click();").await;
    browser.must_say("Are you open?").await;
    assert_eq!(browser.value("text").await, "One moment");

    // The messages that are shown now have a stream of their own.
    send(&app, HANDSET, "Until six.", &twilio).await;
    browser.must_say("1 new message: show").await;
    browser.run("document.querySelector('#come a').click();").await;
    browser.must_say("Until six.").await;
    app.run_until_idle().await;
    browser.must_say("Delivered").await;

    // With a STOP, the facts follow, too: reach, tags and consent.
    app.text(HANDSET, LONG_CODE, "STOP").await;
    browser.must_say("1 new message: show").await;
    browser.run("document.querySelector('#come a').click();").await;
    app.eventually("the facts tell of the STOP", async || {
        let facts = browser.run("return document.querySelector('#facts').innerText").await;
        let tells = |words| facts.as_str().unwrap().contains(words);
        (tells("Can’t be texted") && tells("Twilio-Message-stop") && !tells("No opt-out on record"))
            .then_some(())
    })
    .await;
    assert_eq!(browser.run("return window.stays;").await, json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_in_the_background_connect_to_the_live_stream_once_they_are_seen() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    send(&app, HANDSET, "Hello", &twilio).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/shortcuts", app.url)).await;
    // One more than a browser has connections for one server.
    for _ in 0..7 {
        browser.open_in_background(&format!("{}/messages", app.url)).await;
    }
    app.eventually("the tabs have loaded", async || {
        let lists = browser.titles().await;
        (lists.iter().filter(|title| title.starts_with("Messages")).count() == 7).then_some(())
    })
    .await;
    let answer = "return fetch('/shortcuts').then((answer) => answer.status)";
    assert_eq!(browser.run(answer).await, 200);
    assert!(!app.web().live.has_streams());

    browser.show_tab("Messages").await;
    until_connected(&app).await;
}

/// A second server of the same Carillon, which sends one of its files half a second late.
fn serve_late(app: &TestApp, file: &'static str) -> (String, ServerHandle) {
    let (carillon, parts) = (app.context.clone(), app.web().clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(carillon.clone())
            .configure(|cfg| parts.register(cfg))
            .wrap_fn(move |request, service| {
                let is_late = request.path().ends_with(file);
                let answer = service.call(request);
                async move {
                    if is_late {
                        real_time(Duration::from_millis(500), "a file arrives after others").await;
                    }
                    answer.await
                }
            })
            .configure(configure)
    });
    let server =
        server.workers(1).disable_signals().shutdown_timeout(0).bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    (format!("http://{address}"), handle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_connects_to_its_live_stream_however_late_a_script_arrives() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    send(&app, HANDSET, "Hello Ann", &twilio).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    for (file, path) in
        [("hx-sse.min.js", format!("/contacts/{ann}")), ("htmx.min.js", "/messages".to_owned())]
    {
        let (url, server) = serve_late(&app, file);
        browser.go(&format!("{url}{path}")).await;
        browser.must_say("Hello Ann").await;
        until_connected(&app).await;
        browser.go("about:blank").await;
        server.stop(false).await;
        until_disconnected(&app).await;
    }
}
