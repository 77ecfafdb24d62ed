//! The admin pages: jobs that are due, running, failed and retried, the workers, the size of the
//! database, and the settings without their secrets.

use carillon::config::{SETTINGS, Secrecy};
use carillon::users::Role;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::fixtures::{Twilio, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, seconds};

/// SQL: every insert of an attempt fails, so that no message can be claimed.
const CREATE_REFUSE_FUNCTION: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE \
                     EXCEPTION ''the disk is full''; END'";
const CREATE_REFUSE_TRIGGER: &str =
    "CREATE TRIGGER refused BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION refuse()";
const DROP_REFUSE_FUNCTION: &str = "DROP FUNCTION refuse CASCADE";

const ADMIN_PAGES: [&str; 7] = [
    "/admin",
    "/admin/work",
    "/admin/failed",
    "/admin/failed/retry",
    "/admin/set-aside",
    "/admin/database",
    "/admin/system",
];

impl TestApp {
    /// Creates an automation that answers `hello` with an SMS, whose job fails until its last
    /// attempt.
    async fn with_failed_send(&self) -> Twilio {
        let twilio = self.connect_twilio().await;
        self.sms_on("hello", &twilio, "Hello.").await;
        self.run_sql(CREATE_REFUSE_FUNCTION).await;
        self.run_sql(CREATE_REFUSE_TRIGGER).await;
        self.event("hello", HANDSET, json!({})).await;
        for _ in 0..25 {
            self.worker.perform_due().await.unwrap();
            self.clock.advance(seconds(901));
        }
        assert_eq!(
            self.count("jobs WHERE failed_at IS NOT NULL AND kind = 'send' AND attempt = 20").await,
            1
        );
        assert_eq!(self.count("jobs").await, 1);
        self.run_sql(DROP_REFUSE_FUNCTION).await;
        twilio
    }

    /// Creates failed jobs whose subjects do not exist.
    pub(crate) async fn failed_jobs(&self, kind: &str, count: i64) {
        let (insert, now) = (
            "INSERT INTO jobs (kind, subject, run_at, failed_at, error, attempt, created_at)",
            self.clock.now(),
        );
        let rows = format!(
            "SELECT '{kind}', gen_random_uuid(), '{now}', '{now}', 'Error ' || n, 20, '{now}'
                FROM generate_series(1, {count}) n"
        );
        self.run_sql(&format!("{insert} {rows}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_shown_with_its_reason_and_succeeds_when_retried() {
    let app = TestApp::start().await;
    app.with_failed_send().await;
    let admin = app.sign_in().await;
    admin.open("/").await.ok().must_say("A job has failed A message or a contact stands still");
    let work = admin.open("/admin").await.ok();
    work.must_say(
        "Sending messages Hands one message to Twilio. None None None 1 failed: Sending messages \
         Needs you",
    );
    let list = admin.open("/admin/failed").await.ok();
    for words in [
        "Message to +1 206 555 0111",
        "the disk is full",
        "20 attempts",
        "Twilio doesn’t have it. It goes out, unless there is a STOP",
    ] {
        list.must_say(words);
    }
    admin.open("/admin/failed?kind=advance").await.ok().must_say("No failed jobs");
    let message = format!("/messages/{}", app.message_to(HANDSET).await.id);
    admin.open(&message).await.ok().must_say("Stuck: its job failed.");

    let again =
        list.forms().into_iter().find(|form| form.action().starts_with("/admin/failed/")).unwrap();
    let list = admin.send(&again).await.ok();
    list.must_say("Retrying the job");
    list.must_say("No failed jobs");
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    assert!(
        !admin.open("/").await.ok().says("stands still")
            && !admin.open(&message).await.ok().says("its job failed")
    );
    admin.send(&again).await.ok().must_say("was already retried");
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    let log = admin.open("/settings/log?kind=job").await.ok();
    log.must_say("Ada retried a failed job (sending messages).");
    assert_eq!(
        app.count("audit_log WHERE kind = 'job'").await,
        1,
        "a request that changes nothing is not in the audit log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn retrying_a_job_sends_nothing_twice_and_nothing_on_a_guess() {
    let app = TestApp::start().await;
    let twilio = app.with_failed_send().await;
    let admin = app.sign_in().await;
    // Disabling and enabling the sender sends the waiting message; the failed job stays.
    for disabled in [true, false] {
        app.api()
            .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": disabled }))
            .await
            .ok();
    }
    while app.worker.perform_due().await.unwrap() > 0 {
        app.simulator.flush().await;
    }
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    let list = admin.open("/admin/failed").await.ok();
    list.must_say("It has moved on since. Retrying only clears this line.");
    admin
        .send(&list.forms().into_iter().find(|form| form.action().ends_with("/retry")).unwrap())
        .await
        .ok();
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET), app.count("jobs").await), (vec!["Hello.".to_owned()], 0));

    // The worker dies between its claim and the response of Twilio, and the job fails permanently.
    app.run_sql(CREATE_REFUSE_FUNCTION).await;
    app.run_sql(CREATE_REFUSE_TRIGGER).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.worker.perform_due().await.unwrap();
    app.run_sql(DROP_REFUSE_FUNCTION).await;
    let id = app.message_to(OTHER_HANDSET).await.id;
    let now = app.clock.now();
    app.run_sql(&format!(
        "INSERT INTO attempts (message_id, number, worker_id, claimed_at) VALUES ('{id}', 1,
            gen_random_uuid(), '{now}')"
    ))
    .await;
    app.run_sql(&format!("UPDATE messages SET status = 'submitting' WHERE id = '{id}'")).await;
    app.run_sql(&format!("UPDATE jobs SET failed_at = '{now}', error = 'It panicked.'")).await;
    let list = admin.open("/admin/failed").await.ok();
    list.must_say(
        "It is uncertain whether Twilio accepted it. Carillon asks Twilio before it sends.",
    );
    admin
        .send(&list.forms().into_iter().find(|form| form.action().ends_with("/retry")).unwrap())
        .await
        .ok();
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(OTHER_HANDSET).await, ["unconfirmed"]);
    assert!(app.received(OTHER_HANDSET).is_empty(), "it is reconciled first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_advance_job_failed_goes_on_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    app.automation(
        json!({ "type": "event", "name": "hello" }),
        json!([wait(60), send_sms(&template, &twilio)]),
    )
    .await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let now = app.clock.now();
    app.run_sql(&format!("UPDATE jobs SET failed_at = '{now}', error = 'It panicked.'")).await;
    app.clock.advance(seconds(60));
    let admin = app.sign_in().await;
    let list = admin.open("/admin/failed?kind=advance").await.ok();
    list.must_say("Contact in “Automation ");
    list.must_say("The contact continues at step 2.");
    admin
        .send(&list.forms().into_iter().find(|form| form.action().ends_with("/retry")).unwrap())
        .await
        .ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_failed_jobs_of_a_kind_are_retried_after_a_confirmation_with_their_number() {
    let app = TestApp::start().await;
    app.failed_jobs("send", 1_234).await;
    app.failed_jobs("settle", 2).await;
    let admin = app.sign_in().await;
    admin.open("/admin/failed").await.ok().must_say("Retry all 1,236");
    let list = admin.open("/admin/failed?kind=send").await.ok();
    list.must_say("Retry all 1,234");
    list.must_say("The message was deleted. Retrying only clears this line.");
    let confirmation = admin.open("/admin/failed/retry?kind=send").await.ok();
    confirmation.must_say("Sending messages: 1,234 jobs");
    let form = confirmation.form("/admin/failed/retry");
    admin.send(&form).await.ok().must_say("Retrying 1,234 failed jobs as workers are free.");
    admin.send(&form).await.ok().must_say("No failed jobs left");
    while app.worker.perform_due().await.unwrap() > 0 {}
    assert_eq!(
        app.jobs("true").await,
        ["settle: Error 1", "settle: Error 2"],
        "the others had no message to send"
    );
    admin
        .open("/settings/log?kind=job")
        .await
        .ok()
        .must_say("Ada retried 1,234 failed jobs (sending messages).");
    let form = admin.open("/admin/failed/retry").await.ok().form("/admin/failed/retry");
    admin.send(&form).await.ok().must_say("Retrying 2 failed jobs");
    app.run_until_idle().await;
    assert_eq!(app.count("jobs").await, 0);
    admin.open("/admin/failed/retry").await.ok().must_say("No failed jobs.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_failed_jobs_show_each_job_once() {
    let app = TestApp::start().await;
    app.failed_jobs("send", 70).await;
    app.failed_jobs("settle", 10).await;
    app.clock.advance(seconds(1));
    app.failed_jobs("send", 60).await;
    let admin = app.sign_in().await;
    for (kind, pages) in [("", vec![50, 50, 40]), ("?kind=send", vec![50, 50, 30])] {
        let (mut path, mut seen, mut lengths) =
            (format!("/admin/failed{kind}"), Vec::new(), Vec::new());
        loop {
            let page = admin.open(&path).await.ok();
            let ids: Vec<String> = page
                .forms()
                .iter()
                .map(|form| form.action().to_owned())
                .filter(|action| action.ends_with("/retry"))
                .collect();
            lengths.push(ids.len());
            seen.extend(ids);
            let Some(next) = page.html.split("rel=\"next\" href=\"").nth(1) else { break };
            path = next
                .split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#x2F;", "/")
                .replace("&#x3D;", "=");
        }
        assert_eq!(lengths, pages, "{kind}");
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_see_the_admin_pages_and_other_users_learn_whom_to_ask() {
    let app = TestApp::start().await;
    app.failed_jobs("send", 2).await;
    let admin = app.sign_in().await;
    assert!(admin.open("/").await.ok().html.contains("/admin/failed\""));
    let form = admin.open("/admin/failed/retry").await.ok().form("/admin/failed/retry");
    let list = admin.open("/admin/failed").await.ok();
    let one = list.forms().into_iter().find(|form| form.action().ends_with("/retry")).unwrap();
    for role in [Role::Viewer, Role::Marketer] {
        let site = app.sign_in_as(role).await;
        for path in ADMIN_PAGES {
            assert_eq!(site.open(path).await.status, 403, "{role} at {path}");
        }
        let token = site.open("/account").await.ok().forms()[0].value("csrf").unwrap().to_owned();
        for form in [&form, &one] {
            assert_eq!(
                site.send(&form.clone().with("csrf", &token)).await.status,
                403,
                "{role} at {}",
                form.action()
            );
        }
        let home = site.open("/").await.ok();
        home.must_say("2 jobs have failed Messages or contacts stand still");
        home.must_say("Ask Ada to look at it.");
        assert!(!home.html.contains("/admin"), "{role} sees no link to pages that are forbidden");
    }
    assert_eq!(app.count("jobs WHERE failed_at IS NOT NULL").await, 2);
    for path in ADMIN_PAGES {
        assert!(app.site().open(path).await.path.starts_with("/login"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_page_shows_the_state_of_workers_and_routines() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let work = admin.open("/admin").await.ok();
    work.must_say("No worker is alive: nothing is sent");
    work.must_say("No workers.");
    app.run_until_idle().await;
    let work = admin.open("/admin").await.ok();
    assert!(!work.says("No worker is alive"));
    work.must_say(&format!("{} Alive", std::process::id()));
    work.must_say("Keeping the ledger Counts delivered and failed messages.");

    // One job is leased, and one is due.
    app.failed_jobs("send", 2).await;
    app.run_sql("UPDATE jobs SET failed_at = NULL").await;
    app.run_sql(&format!(
        "UPDATE jobs SET worker_id = '{}' WHERE id = (SELECT min(id) FROM jobs)",
        app.worker.id()
    ))
    .await;
    let work = admin.open("/admin").await.ok();
    work.must_say("Hands one message to Twilio. 1 Oldest since");
    work.must_say("1 by one worker");
    app.clock.advance(seconds(120));
    app.worker.heartbeat().await.unwrap();
    admin.open("/admin").await.ok().must_say("The oldest due job has waited for 2 minutes.");
    app.clock.advance(seconds(120));
    let work = admin.open("/admin").await.ok();
    work.must_say("Silent Other workers take over its jobs");
    work.must_say("No worker is alive: nothing is sent");
    admin.open("/").await.ok().must_say("No worker is running Carillon sends nothing");

    app.run_sql("DELETE FROM jobs").await;
    app.run_sql("ALTER TABLE sessions RENAME TO gone").await;
    app.clock.advance(seconds(3_600));
    app.worker.heartbeat().await.unwrap();
    app.run_sql("ALTER TABLE gone RENAME TO sessions").await;
    let work = admin.open("/admin").await.ok();
    work.must_say("relation \"sessions\" does not exist");
    work.must_say("Failing since");
    assert!(
        !admin.open("/").await.ok().says("A routine keeps failing"),
        "a routine that failed for a minute needs no attention"
    );
    app.clock.advance(seconds(601));
    admin.open("/").await.ok().must_say("A routine keeps failing: ending sessions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_too_long_to_count_is_shown_as_a_lower_bound() {
    let app = TestApp::start().await;
    app.failed_jobs("send", 20_500).await;
    app.run_sql("UPDATE jobs SET failed_at = NULL").await;
    app.run_sql("ANALYZE jobs").await;
    let admin = app.sign_in().await;
    let work = admin.open("/admin").await.ok();
    work.must_say("at least 20,000");
    work.must_say("Only the first 20,000 jobs of a column are counted");
    work.must_say("About 20,500 jobs wait in all");
    work.must_say(
        "Asks Twilio about a message whose answer was lost. None of the first 20,000 None None None",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_admin_page_shows_a_secret() {
    const KEY: &str = "9vQ2mB7xKc4LwZ1nR8tYh3Jd6Gf0Ps5Ua+EiVoXyTbM=";
    let planted = [
        (
            "DATABASE_URL",
            "postgres://carillon:2024/hunter2@db.example.com/shop?password=hunter3&sslmode=disable"
                .to_owned(),
        ),
        ("CARILLON_SECRET_KEY", KEY.to_owned()),
        ("CARILLON_SMTP_URL", "smtps://shop:hunter4@mail.example.com".to_owned()),
        ("CARILLON_MAIL_FROM", "shop@example.com".to_owned()),
    ];
    for setting in SETTINGS.iter().filter(|setting| setting.secrecy != Secrecy::Shown) {
        assert!(
            planted.iter().any(|(name, _)| *name == setting.name),
            "plant a secret in {} too",
            setting.name
        );
    }
    let app =
        TestApp::with(TestOptions { settings: planted.to_vec(), ..TestOptions::default() }).await;
    app.connect_twilio().await;
    let admin = app.sign_in().await;
    for path in ADMIN_PAGES {
        let page = admin.open(path).await.ok();
        let shown = page.html.replace("&#x2F;", "/").replace("&#x3D;", "=").replace("&#43;", "+");
        for secret in ["hunter2", "hunter3", "hunter4", "2024/", twilio_simulator::AUTH_TOKEN] {
            assert!(!shown.contains(secret), "{path} shows {secret}");
        }
        for at in 0..=KEY.len() - 6 {
            assert!(!shown.contains(&KEY[at..at + 6]), "{path} shows a part of the key");
        }
    }
    let system = admin.open("/admin/system").await.ok();
    system.must_say(
        "postgres://carillon:…@db.example.com:5432/shop?sslmode=disable Its password is not shown. Environment"
    );
    system.must_say("Set It is never shown. Environment");
    system.must_say(env!("CARGO_PKG_VERSION"));
    for setting in SETTINGS {
        system.must_say(setting.name);
    }
    let database = admin.open("/admin/database").await.ok();
    for words in [
        "postgres://carillon:…@db.example.com:5432/shop",
        "delivery_events",
        "Newest migration 2026",
        "in the pool of this process",
    ] {
        database.must_say(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_without_a_mouse_retries_failed_jobs() {
    let app = TestApp::with_worker().await;
    app.eventually("the worker is alive", async || (app.count("workers").await == 1).then_some(()))
        .await;
    app.failed_jobs("send", 2).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.tab_to("2 jobs have failed").await;
    browser.must_say("Jobs that failed 20 times").await;
    browser.tab_to("Jobs and workers").await;
    browser.must_say("Needs you").await;
    browser.tab_to("2 failed: Sending messages").await;
    browser.must_say("Retry all 2").await;
    browser.tab_to("Retry").await;
    browser.must_say("Retrying the job").await;
    app.eventually("one is left", async || (app.count("jobs").await == 1).then_some(())).await;
    app.failed_jobs("send", 1).await;
    browser.tab_to("Sending messages").await;
    browser.must_say("Retry all 2").await;
    browser.tab_to("Retry all 2").await;
    browser.must_say("Each job goes back into the queue").await;
    browser.tab_to("Retry 2 jobs").await;
    browser.must_say("Retrying 2 failed jobs").await;
    app.eventually("none is left", async || (app.count("jobs").await == 0).then_some(())).await;
    // The open page updates by itself.
    browser.tab_to("Jobs and workers").await;
    browser.must_say("Keeping the ledger").await;
    app.failed_jobs("send", 3).await;
    browser.must_say("Needs you").await;
}
