//! Signing in: the first admin, throttled sign-ins, CSRF tokens, sessions that expire, and roles.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use carillon::clock::Clock;
use carillon::users::{Role, setup};
use chrono::TimeDelta;

use crate::harness::fixtures::PASSWORD;
use crate::harness::scriptless_browser::Site;
use crate::harness::{HANDSET, TestApp, TestOptions, days, real_time};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_is_created_once_with_the_code_from_the_log() {
    let app = TestApp::start().await;
    let site = app.site();
    let page = site.open("/").await;
    assert_eq!(page.path, "/setup", "without users everything leads to the set-up");
    let code =
        setup::code_if_no_users(&mut *app.conn().await, app.clock.now()).await.unwrap().unwrap();
    let form = page
        .form("/setup")
        .with("name", "Ada")
        .with("email", "Ada@Example.com")
        .with("password", PASSWORD)
        .with("organization", "Bells & Sons");

    let refused = site.send(&form.clone().with("code", "AAAA-AAAA-AAAA")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("This code is wrong");
    assert_eq!(
        refused.form("/setup").value("organization"),
        Some("Bells & Sons"),
        "the typed name is shown again"
    );
    assert_eq!(refused.form("/setup").value("password"), Some(""), "but not the password");
    assert_eq!(
        site.send(&form.clone().with("code", code.expose()).with("password", "short")).await.status,
        422
    );

    let home = site.send(&form.clone().with("code", &code.expose().to_lowercase())).await.ok();
    assert_eq!(home.path, "/");
    home.must_say("Bells & Sons");
    assert_eq!(
        app.texts("SELECT email || ' ' || role AS text FROM users").await,
        ["ada@example.com admin"]
    );

    assert_eq!(site.open("/setup").await.status, 404);
    let latecomer = app.site();
    assert_eq!(latecomer.open("/setup").await.status, 404);
    assert!(
        setup::code_if_no_users(&mut *app.conn().await, app.clock.now()).await.unwrap().is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_required_and_leads_back_to_the_requested_page() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    let site = app.site();
    for path in
        ["/", "/contacts", "/messages", "/automations", "/connections", "/templates", "/account"]
    {
        let page = site.open(path).await.ok();
        assert!(page.path.starts_with("/login"), "{path} led to {}", page.path);
    }
    let page = site.open("/contacts").await;
    let form = page.form("/login").with("email", " ADA@example.com").with("password", PASSWORD);
    assert_eq!(site.send(&form).await.ok().path, "/contacts");
    let evil = app.site();
    let page = evil.open("/login?next=//evil.example/").await;
    assert_eq!(
        evil.send(&page.form("/login").with("email", "ada@example.com").with("password", PASSWORD))
            .await
            .ok()
            .path,
        "/"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_wrong_passwords_all_attempts_are_throttled() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    let site = app.site();
    let form = site.open("/login").await.form("/login").with("email", "ada@example.com");
    for _ in 0..5 {
        let page = site.send(&form.clone().with("password", "wrong password")).await;
        assert_eq!(page.status, 422);
        page.must_say("Incorrect email or password");
    }
    let right = form.clone().with("password", PASSWORD);
    let mut throttled = Box::pin(site.send(&right));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut throttled).await.is_err(),
        "the attempt is throttled"
    );
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(throttled.await.ok().path, "/", "a second later");

    let unknown = app.site();
    let form = unknown
        .open("/login")
        .await
        .form("/login")
        .with("email", "unknown@example.com")
        .with("password", PASSWORD);
    unknown.send(&form).await.must_say("Incorrect email or password");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_many_accounts_lock_no_user_out() {
    let app = TestApp::with(TestOptions { clock: Clock::system(), ..TestOptions::default() }).await;
    app.user("ada@example.com", Role::Admin).await;
    let site = app.site();
    let form = site.open("/login").await.form("/login");
    let guess = async |number: usize| {
        let email = format!("invented{number}@example.com");
        site.send(&form.clone().with("email", &email).with("password", "wrong password"))
            .await
            .status
    };
    for number in (0..40).step_by(5) {
        let all = futures::future::join_all((number..number + 5).map(guess)).await;
        assert_eq!(all, [422; 5]);
    }
    let ada = app.site();
    let login = ada
        .open("/login")
        .await
        .form("/login")
        .with("email", "ada@example.com")
        .with("password", PASSWORD);
    let started = Instant::now();
    assert_eq!(ada.send(&login).await.ok().path, "/");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_guesses_at_one_account_delays_neither_a_known_browser_nor_another_network() {
    let proxies = ("CARILLON_TRUSTED_PROXIES", "127.0.0.1".to_owned());
    let app =
        TestApp::with(TestOptions { settings: vec![proxies], ..TestOptions::default() }).await;
    app.user("ada@example.com", Role::Admin).await;
    let (known, elsewhere) = (app.site_from("192.0.2.1"), app.site_from("198.51.100.1"));
    let sign_in = async |site: &Site| {
        let form = site
            .open("/login")
            .await
            .form("/login")
            .with("email", "ada@example.com")
            .with("password", PASSWORD);
        site.send(&form).await.ok().path
    };
    assert_eq!(sign_in(&known).await, "/");
    known.send(&known.open("/").await.form("/account/sign-out")).await.ok();

    let stranger = app.site_from("192.0.2.1");
    let form = stranger
        .open("/login")
        .await
        .form("/login")
        .with("email", "ada@example.com")
        .with("password", "wrong password");
    let over = AtomicBool::new(false);
    let flood = async {
        let pages = futures::future::join_all((0..60).map(|_| stranger.send(&form))).await;
        over.store(true, Ordering::SeqCst);
        pages
    };
    let others = async {
        let failures = "SELECT coalesce(max(failures), 0)::text AS text FROM login_failures";
        app.eventually("the flood has begun", async || {
            (app.texts(failures).await[0].parse::<i32>().ok()? >= 15).then_some(())
        })
        .await;
        // The clock does not move, so a throttled attempt would never finish.
        assert_eq!(sign_in(&known).await, "/", "its cookie is known");
        assert_eq!(sign_in(&elsewhere).await, "/", "another network");
        app.user("ben@example.com", Role::Viewer).await;
        let ben = app.site_from("192.0.2.1");
        let login = ben
            .open("/login")
            .await
            .form("/login")
            .with("email", "ben@example.com")
            .with("password", PASSWORD);
        assert_eq!(
            ben.send(&login).await.ok().path,
            "/",
            "another account from the network of the flood"
        );
        while !over.load(Ordering::SeqCst) {
            app.clock.advance(TimeDelta::seconds(1));
            real_time(Duration::from_millis(20), "attempts continue at each second").await;
        }
    };
    let (pages, ()) = tokio::join!(flood, others);
    let refused: Vec<_> = pages.iter().filter(|page| page.status == 429).collect();
    assert!(!refused.is_empty() && pages.iter().all(|page| matches!(page.status, 422 | 429)));
    refused[0].must_say("Try again in 30 seconds");

    app.clock.advance(TimeDelta::minutes(1));
    let fresh = app.site_from("192.0.2.1");
    assert_eq!(sign_in(&fresh).await, "/", "the network of the flood, once it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_does_not_change_the_identity_of_a_caller() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    for number in 0..5 {
        let site = app.site_from(&format!("203.0.113.{number}"));
        let form = site
            .open("/login")
            .await
            .form("/login")
            .with("email", "ada@example.com")
            .with("password", "wrong password");
        assert_eq!(site.send(&form).await.status, 422);
    }
    let site = app.site_from("203.0.113.99");
    let form = site
        .open("/login")
        .await
        .form("/login")
        .with("email", "ada@example.com")
        .with("password", PASSWORD);
    let mut throttled = Box::pin(site.send(&form));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut throttled).await.is_err(),
        "no proxy is trusted: it is the same caller"
    );
    app.clock.advance(TimeDelta::seconds(1));
    throttled.await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_token_changes_nothing() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let other = app.sign_in_as(Role::Marketer).await;
    let form = site.open("/contacts/new").await.ok().form("/contacts").with("phone", HANDSET);
    let foreign = other.open("/contacts/new").await.ok().form("/contacts");
    let stolen = form.clone().with("csrf", foreign.value("csrf").unwrap());
    for form in [form.clone().without("csrf"), form.clone().with("csrf", "AAAA"), stolen] {
        let page = site.send(&form).await;
        assert_eq!(page.status, 403);
        page.must_say("Nothing was changed");
    }
    assert_eq!(app.count("contacts").await, 0);
    site.send(&form).await.ok();
    assert_eq!(app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_even_for_a_copied_cookie() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let thief = site.copy();
    thief.open("/contacts").await.ok();
    let form = site.open("/").await.form("/account/sign-out");
    assert_eq!(site.send(&form).await.ok().path, "/login");
    assert!(!site.cookie_names().iter().any(|name| name.contains("session")));
    assert!(thief.open("/contacts").await.path.starts_with("/login"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions_and_invalidates_the_old_one() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let elsewhere = app.site();
    let login = elsewhere.open("/login").await.form("/login").with("email", "admin@example.com");
    elsewhere.send(&login.clone().with("password", PASSWORD)).await.ok();
    let new = "quite another set of words";
    let form = site.open("/account").await.ok().form("/account/password").with("new_password", new);
    let refused = site.send(&form.clone().with("current_password", "wrong password")).await;
    assert_eq!(refused.status, 422);
    site.send(&form.with("current_password", PASSWORD)).await.ok();
    site.open("/contacts").await.ok();
    assert!(elsewhere.open("/contacts").await.path.starts_with("/login"));
    let fresh = app.site();
    let login = fresh.open("/login").await.form("/login").with("email", "admin@example.com");
    assert_eq!(fresh.send(&login.clone().with("password", PASSWORD)).await.status, 422);
    fresh.send(&login.with("password", new)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires_after_a_week_without_a_page_and_after_a_month_at_the_latest() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    for _ in 0..4 {
        app.clock.advance(days(6));
        assert_eq!(site.open("/account").await.path, "/account");
    }
    app.clock.advance(days(6));
    assert!(site.open("/account").await.path.starts_with("/login"), "30 days are over");
    let login = site
        .open("/login")
        .await
        .form("/login")
        .with("email", "admin@example.com")
        .with("password", PASSWORD);
    site.send(&login).await.ok();
    app.clock.advance(days(8));
    assert!(site.open("/account").await.path.starts_with("/login"), "8 days without a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_what_pages_allow() {
    let app = TestApp::start().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    for path in ["/", "/contacts", "/messages", "/automations"] {
        viewer.open(path).await.ok();
    }
    let token = viewer.open("/account").await.ok().form("/account/sign-out");
    for path in ["/contacts/new", "/automations/new", "/connections/new"] {
        let page = viewer.open(path).await;
        assert_eq!(page.status, 403, "{path}");
    }
    // A forged form is refused as well.
    let csrf = token.value("csrf").unwrap().to_owned();
    let marketer = app.sign_in_as(Role::Marketer).await;
    let form = marketer
        .open("/contacts/new")
        .await
        .ok()
        .form("/contacts")
        .with("phone", HANDSET)
        .with("csrf", &csrf);
    assert_eq!(viewer.send(&form).await.status, 403);
    assert_eq!(app.count("contacts").await, 0);
    assert_eq!(marketer.open("/connections/new").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_security_headers() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    for path in ["/login", "/nothing", "/healthz", "/api/v1/contacts"] {
        let answer = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(
            (header("x-content-type-options").as_str(), header("x-frame-options").as_str()),
            ("nosniff", "DENY"),
            "{path}"
        );
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        }
    }
    let html = app.site().open("/login").await.ok().html;
    for outside in ["http://", "https://", "//cdn", "onclick=", "style=\"", "javascript:"] {
        assert!(!html.contains(outside), "{outside} in the sign-in page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_text_is_escaped_when_it_is_shown() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let evil = "\"><script>alert(1)</script>";
    let form = site
        .open("/contacts/new")
        .await
        .form("/contacts")
        .with("phone", HANDSET)
        .with("first_name", evil);
    let page = site.send(&form).await.ok();
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
    page.must_say("alert(1)");
    let list = site.open("/contacts").await.ok();
    assert!(!list.html.contains("<script>alert"));
    let searched = site.open("/contacts?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!searched.html.contains("<script>alert"));
}
