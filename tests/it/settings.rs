//! Settings: users are invited, get roles and are disabled; API keys are created and revoked; each
//! user has a time zone and a theme.

use carillon::users::{Role, administration, audit};
use serde_json::json;

use crate::harness::browser::{Browser, Screen};
use crate::harness::fixtures::PASSWORD;
use crate::harness::scriptless_browser::{Page, Site};
use crate::harness::{HANDSET, TestApp, days};

pub(crate) const NEW_PASSWORD: &str = "quite another set of words";

/// The link or key that a page shows once.
pub(crate) fn secret(page: &Page) -> String {
    let field = page
        .html
        .split("id=\"secret\" value=\"")
        .nth(1)
        .unwrap_or_else(|| panic!("the page shows no secret: {}", page.text()));
    field
        .split('"')
        .next()
        .unwrap()
        .replace("&#x2F;", "/")
        .replace("&amp;", "&")
        .replace("&#x3D;", "=")
}

/// Invites a marketer, and returns the link of the invitation.
pub(crate) async fn invite(admin: &Site, email: &str) -> String {
    let form = admin.open("/settings/users/invite").await.ok().form("/settings/users/invite");
    secret(&admin.send(&form.with("email", email)).await.ok())
}

/// The path and query of an invitation or reset link.
pub(crate) fn path_of(link: &str) -> &str {
    &link[link.find("/join").or(link.find("/reset")).unwrap()..]
}

/// The id of the user with an email address.
pub(crate) async fn id_of(app: &TestApp, email: &str) -> String {
    app.texts(&format!("SELECT id::text AS text FROM users WHERE email = '{email}'"))
        .await
        .remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_invites_a_marketer_by_a_link_and_disables_them_later() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let form = admin.open("/settings/users/invite").await.ok().form("/settings/users/invite");
    assert_eq!(form.value("role"), Some("marketer"));
    for (email, reason) in [
        ("ben", "Enter an email address such as"),
        ("admin@example.com", "Another account has this email address"),
    ] {
        let refused = admin.send(&form.clone().with("email", email)).await;
        assert_eq!(refused.status, 422);
        refused.must_say(reason);
        assert_eq!(
            refused.form("/settings/users/invite").value("email"),
            Some(email),
            "the typed email is shown again"
        );
    }
    let link = secret(&admin.send(&form.with("email", "Ben@Example.com")).await.ok());
    admin
        .open("/settings/users")
        .await
        .ok()
        .must_say("ben@example.com Marketer The link works until");
    let token = link.rsplit('=').next().unwrap();
    let stored =
        app.texts("SELECT encode(token_hash, 'escape') || email AS text FROM invitations").await;
    assert!(stored.len() == 1 && !stored[0].contains(token), "only the hash is stored");

    // Ben opens the link in another browser. A weak password is refused, and the link stays valid.
    let ben = app.site();
    let form = ben.open(path_of(&link)).await.ok().form("/join").with("name", "Ben Osei");
    let refused = ben.send(&form.clone().with("password", "short")).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.form("/join").value("name"), Some("Ben Osei"));
    assert_eq!(ben.send(&form.clone().with("password", NEW_PASSWORD)).await.ok().path, "/");
    ben.open("/automations/new").await.ok();
    assert_eq!(ben.open("/settings/users").await.status, 403, "settings are for admins");
    let again = app.site().open(path_of(&link)).await;
    assert_eq!(again.status, 410);
    again.must_say("no longer works");
    assert_eq!(
        app.site().send(&app.site().open("/login").await.form("/login").to("/join")).await.status,
        403
    );

    // A new role applies from the next request.
    let user = format!("/settings/users/{}", id_of(&app, "ben@example.com").await);
    let page = admin.open(&user).await.ok();
    admin
        .send(&page.form(&format!("{user}/role")).with("role", "viewer"))
        .await
        .ok()
        .must_say("now has the role viewer");
    assert_eq!(ben.open("/automations/new").await.status, 403);
    ben.open("/automations").await.ok();

    // After he is disabled, the next request leads to the sign-in, and the password is refused.
    admin
        .send(&page.form(&format!("{user}/disable")))
        .await
        .ok()
        .must_say("is disabled and signed out everywhere");
    let shut = ben.open("/automations").await;
    assert!(shut.path.starts_with("/login"), "{}", shut.path);
    let login = shut.form("/login").with("email", "ben@example.com").with("password", NEW_PASSWORD);
    assert_eq!(ben.send(&login).await.status, 422);
    let form = admin.open(&user).await.ok().form(&format!("{user}/enable"));
    admin.send(&form).await.ok().must_say("can sign in again");
    assert_eq!(
        ben.send(
            &ben.open("/login")
                .await
                .form("/login")
                .with("email", "ben@example.com")
                .with("password", NEW_PASSWORD)
        )
        .await
        .ok()
        .path,
        "/"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_gives_up_the_role_lands_on_a_page_that_they_may_open() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    app.user("other@example.com", Role::Admin).await;
    let own_page = format!("/settings/users/{}", id_of(&app, "admin@example.com").await);
    let page = admin.open(&own_page).await.ok();
    let done =
        admin.send(&page.form(&format!("{own_page}/role")).with("role", "marketer")).await.ok();
    assert_eq!(done.path, "/account");
    done.must_say("Your role is now marketer.");
    assert!(!done.says("Undo"));

    let other = app.sign_in_with("other@example.com").await;
    app.user("third@example.com", Role::Admin).await;
    let own_page = format!("/settings/users/{}", id_of(&app, "other@example.com").await);
    let page = other.open(&own_page).await.ok();
    let done = other.send(&page.form(&format!("{own_page}/disable"))).await.ok();
    assert_eq!(done.path, "/login");
    done.must_say("Your account is disabled and signed out everywhere.");
    assert!(!done.says("Undo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_stays_even_if_two_disable_each_other_concurrently() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let own_page = format!("/settings/users/{}", id_of(&app, "admin@example.com").await);
    let page = admin.open(&own_page).await.ok();
    admin
        .send(&page.form(&format!("{own_page}/disable")))
        .await
        .ok()
        .must_say("is the only admin who can sign in");
    let refused = admin.send(&page.form(&format!("{own_page}/role")).with("role", "viewer")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("is the only admin who can sign in");
    admin.open(&own_page).await.ok();

    // With a second admin, either may be disabled, but never both, even concurrently.
    app.user("other@example.com", Role::Admin).await;
    let ids = [id_of(&app, "admin@example.com").await, id_of(&app, "other@example.com").await];
    for _ in 0..10 {
        let shut = ids.clone().map(|id| {
            let (db, now) = (app.context.db.clone(), app.clock.now());
            tokio::spawn(async move {
                use diesel_async::AsyncConnection;
                let actor = audit::Actor::command_line();
                let mut conn = db.get().await.unwrap();
                let id = id.parse().unwrap();
                conn.transaction::<_, carillon::error::Error, _>(async |conn| {
                    administration::disable(conn, &actor, id, now).await
                })
                .await
                .is_ok()
            })
        });
        let mut disabled = 0;
        for one in shut {
            disabled += usize::from(one.await.unwrap());
        }
        assert_eq!(disabled, 1);
        assert_eq!(
            app.texts(
                "SELECT email AS text FROM users WHERE role = 'admin' AND disabled_at IS NULL"
            )
            .await
            .len(),
            1
        );
        app.run_sql("UPDATE users SET disabled_at = NULL").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_link_expires_after_a_week_or_when_it_is_renewed_or_withdrawn() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let first = invite(&admin, "ben@example.com").await;
    let list = admin.open("/settings/users").await.ok();
    let renew = list.forms().into_iter().find(|form| form.action().ends_with("/renew")).unwrap();
    let second = secret(&admin.send(&renew).await.ok());
    assert_eq!(app.site().open(path_of(&first)).await.status, 410, "replaced");
    app.site().open(path_of(&second)).await.ok();
    app.clock.advance(days(7));
    assert_eq!(app.site().open(path_of(&second)).await.status, 410, "it expired after a week");
    let admin = app.sign_in_with("admin@example.com").await;
    let list = admin.open("/settings/users").await.ok();
    list.must_say("The link expired");
    let renew = list.forms().into_iter().find(|form| form.action().ends_with("/renew")).unwrap();
    let third = secret(&admin.send(&renew).await.ok());
    app.site().open(path_of(&third)).await.ok();
    let list = admin.open("/settings/users").await.ok();
    let withdraw =
        list.forms().into_iter().find(|form| form.action().ends_with("/withdraw")).unwrap();
    admin.send(&withdraw).await.ok().must_say("withdrawn");
    assert_eq!(app.site().open(path_of(&third)).await.status, 410);
    assert_eq!(app.count("invitations").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_reset_by_a_link_that_works_once() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let user = format!("/settings/users/{}", id_of(&app, "viewer@example.com").await);
    let form = admin.open(&user).await.ok().form(&format!("{user}/reset"));
    let first = secret(&admin.send(&form).await.ok());
    let link = secret(&admin.send(&form).await.ok());
    assert_eq!(app.site().open(path_of(&first)).await.status, 410, "replaced by the second one");
    viewer.open("/contacts").await.ok();

    let (elsewhere, late) = (app.site(), app.site());
    let form = elsewhere.open(path_of(&link)).await.ok().form("/reset");
    let late_form = late.open(path_of(&link)).await.ok().form("/reset");
    assert_eq!(elsewhere.send(&form.clone().with("password", "short")).await.status, 422);
    assert_eq!(elsewhere.send(&form.with("password", NEW_PASSWORD)).await.ok().path, "/");
    assert!(
        viewer.open("/contacts").await.path.starts_with("/login"),
        "earlier sessions have ended"
    );
    assert_eq!(
        late.send(&late_form.with("password", "words of another user")).await.status,
        410,
        "the link was used"
    );
    let login = viewer.open("/login").await.form("/login").with("email", "viewer@example.com");
    assert_eq!(viewer.send(&login.clone().with("password", PASSWORD)).await.status, 422);
    viewer.send(&login.with("password", NEW_PASSWORD)).await.ok();

    // Disabling the account invalidates the link.
    let form = admin.open(&user).await.ok().form(&format!("{user}/reset"));
    let link = secret(&admin.send(&form).await.ok());
    admin.send(&admin.open(&user).await.ok().form(&format!("{user}/disable"))).await.ok();
    admin.send(&admin.open(&user).await.ok().form(&format!("{user}/enable"))).await.ok();
    assert_eq!(app.site().open(path_of(&link)).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_created_shown_once_used_and_revoked() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let form = admin.open("/settings/keys/new").await.ok().form("/settings/keys/new");
    assert_eq!(admin.send(&form).await.status, 422, "a key needs a name");
    let key = secret(&admin.send(&form.with("name", "Till").with("role", "marketer")).await.ok());
    assert!(key.starts_with("ck_"), "{key}");
    let list = admin.open("/settings/keys").await.ok();
    assert!(!list.html.contains(&key) && list.says(&format!("{}…", &key[..9])), "{}", list.text());

    let till = app.api().with_key(&key);
    till.post("/contacts", json!({ "phone": HANDSET })).await.ok();
    let used = app.texts("SELECT name AS text FROM api_keys WHERE last_used_at IS NOT NULL").await;
    assert_eq!(used, ["Till"]);
    let id = app.texts("SELECT id::text AS text FROM api_keys WHERE name = 'Till'").await.remove(0);
    let revoke = list.form(&format!("/settings/keys/{id}/revoke"));
    let page = admin.send(&revoke).await.ok();
    page.must_say("Revoked Till");
    assert_eq!(till.get("/contacts").await.status, 401);
    assert_eq!(admin.send(&revoke).await.status, 404, "revoked already");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_sees_times_in_their_own_zone() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let form = admin.open("/settings/organization").await.ok().form("/settings/organization");
    let refused = admin.send(&form.clone().with("organization", " ")).await;
    assert_eq!(refused.status, 422);
    admin
        .send(
            &form
                .with("organization", "Bells & Sons")
                .with("time_zone", "Asia/Tokyo")
                .with("default_country", "JP"),
        )
        .await
        .ok();
    app.contact(HANDSET).await;
    let id = app.texts("SELECT id::text AS text FROM contacts").await.remove(0);
    let zones = async |site: &Site| site.open(&format!("/contacts/{id}")).await.ok().html;
    assert!(zones(&admin).await.contains(" JST\""), "the organization's zone");

    let form = viewer.open("/account").await.ok().form("/account/profile");
    assert_eq!((form.value("time_zone"), form.value("theme")), (Some(""), Some("automatic")));
    viewer
        .send(&form.clone().with("time_zone", "America/Phoenix").with("name", "Vera"))
        .await
        .ok()
        .must_say("Vera");
    let html = zones(&viewer).await;
    assert!(html.contains(" MST\"") && !html.contains(" JST\""), "the zone of the user");
    assert!(zones(&admin).await.contains(" JST\""), "the zone of another user has no effect");
    let wrong = viewer.send(&form.with("time_zone", "Mars/Olympus")).await;
    assert_eq!(wrong.status, 422);
    wrong.must_say("Unknown time zone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_ends_the_sessions_of_their_other_browsers() {
    let app = TestApp::start().await;
    let here = app.sign_in().await;
    let sign_in = async || {
        let site = app.site();
        let login = site
            .open("/login")
            .await
            .form("/login")
            .with("email", "admin@example.com")
            .with("password", PASSWORD);
        site.send(&login).await.ok();
        site
    };
    let (one, two, three) = (sign_in().await, sign_in().await, sign_in().await);
    let stranger = app.sign_in_as(Role::Viewer).await;
    let ends = |page: &Page| {
        page.forms().into_iter().filter(|form| form.action().ends_with("/end")).collect::<Vec<_>>()
    };
    let page = here.open("/account").await.ok();
    assert_eq!((ends(&page).len(), page.text().matches("This browser").count()), (3, 1));
    let end = ends(&page).remove(0);
    // No user can end the sessions of another user.
    let theirs = stranger.open("/account").await.ok().form("/account/sign-out").to(end.action());
    assert_eq!(stranger.send(&theirs).await.status, 404);
    here.send(&end).await.ok();
    let mut left = 0;
    for site in [&one, &two, &three] {
        left += usize::from(site.open("/contacts").await.path == "/contacts");
    }
    assert_eq!(left, 2);
    let page = here.open("/account").await.ok();
    here.send(&page.form("/account/sign-out-others")).await.ok();
    for site in [&one, &two, &three] {
        assert!(site.open("/contacts").await.path.starts_with("/login"));
    }
    assert!(ends(&here.open("/account").await.ok()).is_empty(), "this browser is still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_theme_overrides_that_of_the_system() {
    const BACKGROUND_COLOUR: &str = "return getComputedStyle(document.body).backgroundColor;";
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let (light, dark) = (json!("rgb(255, 255, 255)"), json!("rgb(17, 20, 19)"));
    for (theme, on_wide, on_phone) in
        [("Automatic", &light, &dark), ("Dark", &dark, &dark), ("Light", &light, &light)]
    {
        browser.set_screen(Screen::Wide).await;
        browser.go(&format!("{}/account", app.url)).await;
        browser.choose("theme", theme).await;
        browser.press("Save account").await;
        browser.must_say("Saved.").await;
        assert_eq!(
            &browser.run(BACKGROUND_COLOUR).await,
            on_wide,
            "{theme}, where the system is light"
        );
        browser.set_screen(Screen::Phone).await;
        assert_eq!(
            &browser.run(BACKGROUND_COLOUR).await,
            on_phone,
            "{theme}, where the system is dark"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_created_copied_and_accepted_in_a_browser() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/settings", app.url)).await;
    browser.follow("Invite user").await;
    browser.fill("email", "ben@example.com").await;
    browser.run("document.querySelector('[name=role][value=marketer]').click()").await;
    browser.press("Create link").await;
    browser.must_say("Carillon shows it once").await;
    let link = browser.run("return document.getElementById('secret').value;").await;
    browser.press("Copy").await;
    browser.must_say("Copied").await;
    let marked = "const field = document.getElementById('secret'); return \
                  field.value.slice(field.selectionStart, field.selectionEnd);";
    assert_eq!(browser.run(marked).await, link, "the copied text is selected");
    browser.go(link.as_str().unwrap()).await;
    browser.fill("name", "Ben Osei").await;
    browser.fill("password", NEW_PASSWORD).await;
    browser.press("Create account").await;
    browser.must_say("Welcome. Your account is ready.").await;
    browser.must_say("Ben Osei").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_and_its_keys_are_ordered_by_name_or_otherwise() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    app.run_sql("UPDATE users SET name = 'Zoe', seen_at = now()").await;
    app.user("bea@example.com", Role::Viewer).await;
    app.api_as(Role::Viewer).await;
    let zoe = format!("/settings/users/{}", id_of(&app, "admin@example.com").await);
    let ada = format!("/settings/users/{}", id_of(&app, "bea@example.com").await);
    let (older, newer) = ("<bdi>stories</bdi>".to_owned(), "<bdi>viewer</bdi>".to_owned());
    for (list, first, second) in [
        ("/settings/users", &ada, &zoe),
        ("/settings/users?sort=seen", &zoe, &ada),
        ("/settings/keys", &newer, &older),
        ("/settings/keys?sort=name", &older, &newer),
    ] {
        let page = admin.open(list).await.ok();
        let at = |what: &str| page.html.find(what).unwrap_or_else(|| panic!("{list}: {what}"));
        assert!(at(first) < at(second), "{list}: {}", page.text());
    }
}
