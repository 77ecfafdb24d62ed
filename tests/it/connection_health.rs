//! The health of a connection: drift is found and repaired, registrations are read, and Auth Tokens
//! rotate without a gap.

use carillon::users::Role;
use serde_json::{Value, json};
use twilio_simulator::{
    ACCOUNT_SID, AUTH_TOKEN, Fault, LONG_CODE, Method, Number, Reach, Registration, Rule,
    SERVICE_NUMBER_1, SERVICE_SID, TOLL_FREE, TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN, TRIAL_NUMBER,
    sign,
};

use crate::harness::browser::Browser;
use crate::harness::fixtures::Twilio;
use crate::harness::{HANDSET, TestApp, days, hours};

/// A change to a number at Twilio.
type Change = fn(&mut Number);

pub(crate) const NEW_TOKEN: &str = "6e656e656e656e656e656e656e656e65";

impl TestApp {
    pub(crate) async fn connect_account(&self, sid: &str, token: &str, sender: &str) -> Value {
        self.api()
            .post(
                "/connections",
                json!({"account_sid": sid, "auth_token": token, "sender": sender}),
            )
            .await
            .ok()
    }

    /// Verifies the connection, and returns the outcome and detail of the check whose title begins
    /// with `title`.
    async fn checked(&self, connection: &Value, title: &str) -> (String, String) {
        let found = self
            .api()
            .post(
                &format!("/connections/{}/verify", connection["id"].as_str().unwrap()),
                json!(null),
            )
            .await
            .ok();
        let checks = found["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["title"].as_str().unwrap().starts_with(title));
        let check = check.unwrap_or_else(|| panic!("no check is about {title}: {found}"));
        (
            check["outcome"].as_str().unwrap().to_owned(),
            check["detail"].as_str().unwrap().to_owned(),
        )
    }

    /// Sends a STOP webhook call signed with a token for a base URL, and returns the status of the
    /// answer.
    pub(crate) async fn stop_signed_with(
        &self,
        twilio: &Twilio,
        token: &str,
        base_url: &str,
    ) -> u16 {
        let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
        let params = [
            ("MessageSid", "SM00000000000000000000000000000001"),
            ("AccountSid", ACCOUNT_SID),
            ("From", HANDSET),
            ("To", LONG_CODE),
            ("Body", "STOP"),
        ];
        let request = self.http.post(format!("{}{path}", self.url)).form(&params);
        let signature = sign(
            token,
            &format!("{base_url}{path}"),
            &params.map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        request.header("X-Twilio-Signature", signature).send().await.unwrap().status().as_u16()
    }
}

pub(crate) fn path(connection: &Value, rest: &str) -> String {
    format!("/connections/{}{rest}", connection["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_drift_of_a_number_is_named_and_repaired() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    let here = format!(
        "{}/hooks/twilio/{}/inbound#rc=5&rp=all",
        app.url,
        connection["id"].as_str().unwrap()
    );
    let site = app.sign_in().await;
    let health = site.open(&path(&connection, "/health")).await.ok();
    assert!(health.says("checks passed") && health.says("Set up correctly"), "{}", health.text());

    let number = |change: Change| assert!(app.simulator.change_number(LONG_CODE, change));
    let drifts: [(Change, &str); 5] = [
        (
            |number| {
                number.sms_url = Some("https://user:secret@crm.example.org/in?token=secret".into());
            },
            "another address, at crm.example.org",
        ),
        (|number| number.sms_url = None, "the number has no address set"),
        (|number| number.sms_method = Method::Get, "Twilio reports them by GET"),
        (
            |number| number.sms_application_sid = Some("APca4111000000000000000000000000e1".into()),
            "the application APca4111",
        ),
        (
            |number| {
                number.sms_url = number.sms_url.take().map(|url| url.replace("#rc=5&rp=all", ""));
            },
            "doesn’t repeat a failed call",
        ),
    ];
    for (change, words) in drifts {
        number(change);
        let checked = site
            .send(&site.open(&path(&connection, "")).await.ok().form(&path(&connection, "/verify")))
            .await
            .ok();
        assert!(
            checked.path.ends_with("/health") && checked.says(words),
            "{words}: {}",
            checked.text()
        );
        assert!(!checked.html.contains("secret"), "a URL can contain secrets");
        let sender = connection["senders"][0]["id"].as_str().unwrap();
        site.send(&checked.form(&format!("/senders/{sender}/webhook"))).await.ok();
        let repaired = site.open(&path(&connection, "/health")).await.ok();
        assert!(
            repaired.says("Set up correctly") && !repaired.says(words),
            "{words}: {}",
            repaired.text()
        );
        number(|number| {
            assert_eq!((number.sms_method, &number.sms_application_sid), (Method::Post, &None));
        });
        assert!(app.simulator.change_number(LONG_CODE, |number| assert_eq!(
            number.sms_url.as_deref(),
            Some(here.as_str())
        )));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_a_numbers_messages_is_named() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, SERVICE_NUMBER_1).await;
    let about = "Incoming messages of Service sender 1";
    assert_eq!(app.checked(&connection, about).await.0, "passed");
    app.simulator.change_service(SERVICE_SID, |service| {
        service.inbound_request_url = Some("https://crm.example.org/".into());
    });
    let (outcome, detail) = app.checked(&connection, about).await;
    assert!(
        outcome == "failed"
            && detail.contains("crm.example.org")
            && detail.contains("“Carillon service”"),
        "{detail}"
    );

    let service =
        app.api().post(&path(&connection, "/senders"), json!({ "sender": SERVICE_SID })).await.ok();
    assert_eq!(service["webhook_error"], Value::Null);
    assert_eq!(
        app.checked(&connection, about).await.0,
        "passed",
        "the service and its number report here now"
    );
    app.simulator
        .change_service(SERVICE_SID, |service| service.use_inbound_webhook_on_number = true);
    let (outcome, detail) = app.checked(&connection, "Incoming messages of Carillon service").await;
    assert!(outcome == "failed" && detail.contains("leaves them to its numbers"), "{detail}");
    let page = app.sign_in().await.open(&path(&connection, "/health")).await.ok();
    assert!(page.says("Numbers") && page.says("+1 206 555 0101"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_twilio_is_found_within_an_hour() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    assert!(!site.open("/").await.ok().says("Needs you"));
    app.simulator.change_number(LONG_CODE, |number| {
        number.sms_url = Some("https://crm.example.org/".into());
    });
    app.advance(hours(1)).await;
    let home = site.open("/").await.ok();
    assert!(home.says("Twilio reports them elsewhere, a STOP too."), "{}", home.text());
    let page = site.open(&path(&connection, "")).await.ok();
    assert!(page.says("checks failed") && page.says("crm.example.org"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_shows_what_the_hourly_check_found_with_a_link_to_the_repair() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_until_idle().await;
    let (admin, viewer) = (app.sign_in().await, app.sign_in_as(Role::Viewer).await);
    let gone = "+15005550007";
    assert!(app.simulator.change_number(LONG_CODE, |number| number.phone_number = gone.into()));
    app.advance(hours(1)).await;
    let home = admin.open("/").await.ok();
    home.must_say("The number +1 500 555 0006 is not in this Twilio account.");
    assert!(home.html.contains(&path(&connection, "/health")), "{}", home.html);

    assert!(app.simulator.change_number(gone, |number| number.phone_number = LONG_CODE.into()));
    app.advance(hours(1)).await;
    assert!(!admin.open("/").await.ok().says("Needs you"));
    app.simulator.change_account(ACCOUNT_SID, |account| account.auth_token = NEW_TOKEN.into());
    app.advance(hours(1)).await;
    let home = admin.open("/").await.ok();
    home.must_say("Keys Twilio doesn’t accept this Auth Token");
    assert!(home.html.contains(&path(&connection, "/keys")), "{}", home.html);
    let home = viewer.open("/").await.ok();
    home.must_say("Keys Twilio doesn’t accept this Auth Token");
    assert!(!home.html.contains(&path(&connection, "/keys")), "only admins may open it");
    let health = admin.open(&path(&connection, "/health")).await.ok();
    health.must_say("checks failed");
    health.must_say("Replace keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hourly_check_reports_keys_that_cannot_be_decrypted() {
    let app = TestApp::start().await;
    app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_sql("UPDATE connections SET auth_token = '\\x00'").await;
    app.advance(hours(1)).await;
    app.sign_in().await.open("/").await.ok().must_say("Keys The saved keys can’t be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_with_carriers_are_read_from_twilio() {
    let app = TestApp::start().await;
    let trial = app.connect_account(TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN, TRIAL_NUMBER).await;
    let (outcome, detail) = app.checked(&trial, "A2P campaign of").await;
    assert!(
        outcome == "warning" && detail.contains("10DLC") && detail.contains("may block them"),
        "{detail}"
    );
    let home = app.sign_in().await.open("/").await.ok();
    assert!(
        home.says("+1 206 555 0150 has no A2P campaign Carriers filter its messages"),
        "{}",
        home.text()
    );

    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, SERVICE_SID).await;
    assert_eq!(app.checked(&connection, "A2P campaign of Carillon service").await.0, "passed");
    let states = [
        (Some(Registration::InReview), "In review"),
        (Some(Registration::Rejected("The website is down.".into())), "The website is down."),
        (None, "The Messaging Service has no campaign."),
    ];
    for (state, words) in states {
        app.simulator.change_service(SERVICE_SID, |service| service.campaign = state.clone());
        let (outcome, detail) = app.checked(&connection, "A2P campaign of Carillon service").await;
        assert!(outcome == "warning" && detail.contains(words), "{words}: {detail}");
    }

    app.api().post(&path(&connection, "/senders"), json!({ "sender": TOLL_FREE })).await.ok();
    assert_eq!(app.checked(&connection, "Toll-free verification of").await.0, "passed");
    for (state, words) in [
        (Some(Registration::Rejected("No opt-in shown.".into())), "No opt-in shown."),
        (None, "isn’t verified"),
    ] {
        app.simulator.change_number(TOLL_FREE, |number| number.verification = state.clone());
        let (outcome, detail) = app.checked(&connection, "Toll-free verification of").await;
        assert!(outcome == "warning" && detail.contains(words), "{words}: {detail}");
    }
    app.api().post(&path(&connection, "/senders"), json!({ "sender": LONG_CODE })).await.ok();
    let found = app.api().post(&path(&connection, "/verify"), json!(null)).await.ok();
    assert!(
        !found.to_string().contains("A2P campaign of +1 500"),
        "a number of area code 500 needs no campaign: {found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_page_of_many_senders_begins_with_those_that_have_a_problem() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_sql(&format!(
        "INSERT INTO senders (id, connection_id, kind, address, twilio_sid, name, sms_capable,
            mms_capable, webhook_error, created_at)
         SELECT gen_random_uuid(), '{}', 'phone_number', '+1206555' || lpad(n::text, 4, '0'),
             'PN' || n, 'Line ' || n, true, false,
             CASE n WHEN 60 THEN 'Twilio did not answer.' END, now()
         FROM generate_series(2, 60) AS n",
        connection["id"].as_str().unwrap()
    ))
    .await;
    let site = app.sign_in().await;
    let mut page = site.open(&path(&connection, "/health")).await.ok();
    page.must_say("1 to 25 of 60 senders. Those with problems come first.");
    let sections = page.html.split("id=\"sender-").skip(1);
    let first = sections.clone().next().unwrap().split("</h2>").next().unwrap();
    assert!(sections.count() == 25 && first.contains("Line 60"), "{}", page.text());
    let mut shown = 25;
    loop {
        let next = page.html.split("rel=\"next\" href=\"").nth(1);
        let next = next.and_then(|rest| rest.split('"').next()).map(str::to_owned);
        let Some(next) = next else { break };
        page = site.open(&next).await.ok();
        shown += page.html.matches("id=\"sender-").count();
    }
    assert_eq!(shown, 60);
    page.must_say("51 to 60 of 60 senders");

    // The tab of all senders leads to the part with each of them.
    let senders = site.open(&path(&connection, "/senders")).await.ok();
    for link in senders.html.split("health?sender=").skip(1).step_by(20) {
        let id = link.split('#').next().unwrap();
        let page = site.open(&path(&connection, &format!("/health?sender={id}"))).await.ok();
        assert!(page.html.contains(&format!("id=\"sender-{id}\"")), "{id}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_names_the_user_who_repaired_a_webhook() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    let sender = connection["senders"][0]["id"].as_str().unwrap();
    let repairs = async || {
        app.texts(
            "SELECT summary AS text FROM audit_log WHERE summary LIKE 'repaired the webhook%'",
        )
        .await
    };
    assert_eq!(
        repairs().await,
        Vec::<String>::new(),
        "only the addition of the sender is in the log"
    );
    app.simulator.inject(Rule::next(1, Fault::ServerError).reaching(Reach::Reads));
    app.api().post(&format!("/senders/{sender}/webhook"), json!(null)).await.ok();
    assert_eq!(repairs().await, Vec::<String>::new(), "nothing was changed at Twilio");

    app.api().post(&format!("/senders/{sender}/webhook"), json!(null)).await.ok();
    let summaries = repairs().await;
    assert!(summaries.len() == 1 && !summaries[0].contains(LONG_CODE), "{summaries:?}");
    app.sign_in()
        .await
        .open("/settings/log")
        .await
        .ok()
        .must_say("repaired the webhook of the sender");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_auth_tokens_are_accepted_during_a_change() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let keys = format!("/connections/{}/keys", twilio.connection_id);
    let signed = async |token| app.stop_signed_with(&twilio, token, &app.url).await;
    app.simulator.change_account(ACCOUNT_SID, |account| {
        account.secondary_auth_token = Some(NEW_TOKEN.into());
    });
    let connection = app.api().put(&keys, json!({ "auth_token": NEW_TOKEN })).await.ok();
    assert_ne!(connection["former_auth_token_until"], Value::Null);
    assert_eq!((signed(AUTH_TOKEN).await, signed(NEW_TOKEN).await), (200, 200));
    // Saving the same token again does not shorten the time of the former one.
    app.api().put(&keys, json!({ "auth_token": NEW_TOKEN })).await.ok();
    assert_eq!(signed(AUTH_TOKEN).await, 200);

    let site = app.sign_in().await;
    let page = site.open(&format!("/connections/{}/advanced", twilio.connection_id)).await.ok();
    assert!(page.says("Accepted until"), "{}", page.text());
    let page = site.send(&page.form(&format!("{keys}/forget-former"))).await.ok();
    assert!(
        page.says("rejects the former Auth Token") && !page.says("Accepted until"),
        "{}",
        page.text()
    );
    assert_eq!((signed(AUTH_TOKEN).await, signed(NEW_TOKEN).await), (403, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_auth_token_is_accepted_for_a_week_or_not_at_all() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let keys = format!("/connections/{}/keys", twilio.connection_id);
    let signed = async |token| app.stop_signed_with(&twilio, token, &app.url).await;
    app.simulator.change_account(ACCOUNT_SID, |account| {
        account.secondary_auth_token = Some(NEW_TOKEN.into());
    });
    app.api().put(&keys, json!({ "auth_token": NEW_TOKEN })).await.ok();
    assert_eq!(signed(AUTH_TOKEN).await, 200);
    app.advance(days(7)).await;
    app.eventually("the former token expires", async || {
        (signed(AUTH_TOKEN).await == 403).then_some(())
    })
    .await;

    let connection = app
        .api()
        .put(&keys, json!({ "auth_token": AUTH_TOKEN, "former_auth_token": "refuse" }))
        .await
        .ok();
    assert_eq!(connection["former_auth_token_until"], Value::Null);
    assert_eq!((signed(NEW_TOKEN).await, signed(AUTH_TOKEN).await), (403, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_connects_chooses_a_number_repairs_its_webhook_and_tests_it() {
    let app = TestApp::with_worker().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/connections/new", app.url)).await;
    browser.fill("account_sid", ACCOUNT_SID).await;
    browser.run("document.querySelector('input[value=auth_token]').click()").await;
    browser.fill("auth_token", "0".repeat(32).as_str()).await;
    browser.press("Connect").await;
    browser.must_say("doesn’t accept this Auth Token").await;
    browser.fill("auth_token", AUTH_TOKEN).await;
    browser.press("Connect").await;
    browser.must_say("Now choose a sender.").await;
    browser.must_say("Front desk (voice only)").await;
    browser.must_say("Toll-free registered").await;
    browser.run(&format!("document.querySelector('input[value=\"{LONG_CODE}\"]').click()")).await;
    browser.press("Add sender").await;
    browser.must_say("added. Its incoming messages arrive here.").await;

    let connection = browser.path().await;
    assert!(app.simulator.change_number(LONG_CODE, |number| number.sms_url =
        Some("https://crm.example.org/".into())));
    browser.press("Check now").await;
    browser.must_say("1 check failed").await;
    browser.must_say("They go to another address, at crm.example.org.").await;
    browser.press("Repair webhook").await;
    browser.must_say("now arrive here").await;
    browser.go(&format!("{}{connection}/health", app.url)).await;
    browser.must_say("Set up correctly").await;
    browser.press("Test webhook").await;
    browser.must_say("its signature was verified, and was answered in").await;
}
