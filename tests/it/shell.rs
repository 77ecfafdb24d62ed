//! What surrounds every page: navigation by role, the sidebar that can be folded, the theme,
//! toasts, keyboard shortcuts, and the style guide.

use carillon::users::Role;
use serde_json::Value;

use crate::harness::browser::{Browser, Screen};
use crate::harness::{HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_navigation_has_the_pages_that_a_role_may_open() {
    let app = TestApp::start().await;
    let for_all = ["Home", "Contacts", "Automations", "Templates", "Messages", "Reports"];
    let for_admins = ["API", "Team", "Organization", "Admin"];
    for role in [Role::Viewer, Role::Marketer, Role::Admin] {
        let site = app.sign_in_as(role).await;
        let page = site.open("/contacts").await.ok();
        let nav = page.html.split("aria-label=\"Main\"").nth(1).unwrap();
        let nav = nav.split("</nav>").next().unwrap();
        let shows = |label: &str| nav.contains(&format!(">{label}</span>"));
        assert!(for_all.into_iter().all(shows) && shows("Connection Center"), "{role}: {nav}");
        for label in for_admins {
            assert_eq!(shows(label), role == Role::Admin, "{role}: {label}");
        }
        assert_eq!(nav.matches("aria-current=\"page\"").count(), 1, "{nav}");
        for path in nav.split("href=\"").skip(1).filter_map(|link| link.split('"').next()) {
            site.open(path).await.ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sidebar_stays_folded_without_scripts() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let page = site.open("/contacts").await.ok();
    assert!(page.html.contains("<div class=\"app\">"), "it is unfolded at first");
    let fold = page.form("/account/sidebar");
    let folded = site.send(&fold.clone().pressing("folded", "true")).await.ok();
    assert!(folded.html.contains("<div class=\"app folded\">"));
    assert!(site.open("/messages").await.ok().html.contains("Unfold the sidebar"));
    assert!(site.cookie_names().contains(&"carillon_sidebar".to_owned()));
    let unfolded = site.send(&fold.pressing("folded", "false")).await.ok();
    assert!(unfolded.html.contains("<div class=\"app\">"));
    assert!(!site.cookie_names().contains(&"carillon_sidebar".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_changed_in_the_account_menu() {
    let app = TestApp::start().await;
    let site = app.sign_in_as(Role::Viewer).await;
    let form = site.open("/messages").await.ok().form("/account/theme");
    let dark = site.send(&form.clone().pressing("theme", "dark")).await.ok();
    assert!(dark.html.contains("<html lang=\"en\" data-theme=\"dark\">"), "{}", dark.html);
    assert_eq!(site.send(&form.pressing("theme", "pink")).await.status, 422);
    assert_eq!(app.texts("SELECT theme::text AS text FROM users").await, ["dark"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_toasts_that_stay_if_they_can_be_undone() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let form = site.open(&contact).await.ok().form(&format!("{contact}/tags"));
    let tagged = site.send(&form.with("tag", "VIP")).await.ok();
    let toast = tagged.html.split("class=\"toast ").nth(1).unwrap();
    assert!(
        toast.starts_with("good\" role=\"status\" data-toast=\"stays\"")
            && toast.contains(">Undo</button>"),
        "{toast}"
    );
    let form = site.open("/account").await.ok().form("/account/profile");
    let saved = site.send(&form).await.ok();
    assert!(saved.html.contains("data-toast=\"\""), "{}", saved.text());
    saved.must_say("Saved.");
    assert!(!site.open("/account").await.ok().html.contains("data-toast"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toast_stays_while_the_pointer_or_the_focus_is_on_it() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/account", app.url)).await;
    let save = "document.querySelector('form[action$=\"/account/profile\"]').requestSubmit()";
    browser.run(save).await;
    browser.must_say("Saved.").await;
    // What would remove the toast after six seconds is counted instead.
    let count = "const { setTimeout: begin, clearTimeout: end } = window;
        window.removals = new Set();
        window.setTimeout = (work, delay, ...rest) => {
            if (delay !== 6000) return begin(work, delay, ...rest);
            const timer = { work };
            window.removals.add(timer);
            return timer;
        };
        window.clearTimeout = (timer) => window.removals.delete(timer) || end(timer);";
    browser.run(count).await;
    let removals_after = async |action: &str| {
        let script = format!(
            "const toast = document.querySelector('[data-toast]');
             const dispatch = (...names) =>
                 names.forEach((name) => toast.dispatchEvent(new Event(name)));
             {action}
             return new Promise((count) => setTimeout(() => count(window.removals.size), 50));"
        );
        browser.run(&script).await
    };
    let pointer_leaves = "toast.querySelector('[data-dismiss]').focus();
        dispatch('pointerenter', 'pointerleave');";
    assert_eq!(removals_after(pointer_leaves).await, 0, "the focus is on it");
    assert_eq!(removals_after("document.activeElement.blur();").await, 1);
    assert_eq!(removals_after("dispatch('pointerleave', 'focusout');").await, 1);
    assert_eq!(removals_after("dispatch('pointerenter');").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shortcuts_and_style_guide_are_pages_for_every_user() {
    let app = TestApp::start().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let shortcuts = viewer.open("/shortcuts").await.ok();
    shortcuts.must_say("g m Messages");
    assert!(!shortcuts.says("g o Organization"), "what a viewer cannot open has no key");
    app.sign_in().await.open("/shortcuts").await.ok().must_say("g o Organization");
    if cfg!(debug_assertions) {
        viewer.open("/style-guide").await.ok().must_say("Buttons and links");
        assert!(viewer.open("/").await.ok().html.contains("/style-guide"));
    } else {
        assert_eq!(viewer.open("/style-guide").await.status, 404);
        assert!(!viewer.open("/").await.ok().html.contains("/style-guide"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lead_through_pages_and_rows() {
    let app = TestApp::start().await;
    app.contact(HANDSET).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let path_becomes = async |expected: &str| {
        app.eventually(expected, async || (browser.path().await == expected).then_some(())).await;
    };
    browser.type_keys("gc").await;
    path_becomes("/contacts").await;

    browser.type_keys("j").await;
    let row = "return document.activeElement.closest('tr') !== null";
    assert_eq!(browser.run(row).await, true);
    browser.type_keys("/").await;
    assert_eq!(browser.run("return document.activeElement.type").await, "search");
    browser.type_keys("gm").await;
    assert_eq!(browser.run("return document.activeElement.value").await, "gm");
    assert_eq!(browser.path().await, "/contacts", "no key acts while one types");

    browser.run("document.activeElement.blur()").await;
    browser.type_keys("?").await;
    browser.must_say("Next row").await;
    assert_eq!(browser.run("return document.querySelectorAll('dialog[open]').length").await, 1);
    // U+E00C is the Escape key.
    browser.type_keys("\u{e00c}").await;
    app.eventually("the sheet closes", async || {
        let sheets = browser.run("return document.querySelectorAll('dialog[open]').length").await;
        (sheets == 0).then_some(())
    })
    .await;
    browser.type_keys("ga").await;
    path_becomes("/automations").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_sent_once_and_again_if_it_was_stopped() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("order", &twilio, "Thanks").await;
    let page = format!("{}/automations/{automation}", app.url);
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let form = "const form = document.querySelector('form[action$=\"/duplicate\"]');";
    browser.go(&page).await;
    browser.run(&format!("{form} form.requestSubmit(); form.requestSubmit();")).await;
    browser.must_say("This is the copy").await;
    assert_eq!(app.count("automations").await, 2);
    browser.go(&page).await;
    let stopped = "form.dataset.sent = Date.now() - 11_000; form.requestSubmit();";
    browser.run(&format!("{form} {stopped}")).await;
    browser.must_say("This is the copy").await;
    assert_eq!(app.count("automations").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn sidebar_and_theme_change_without_a_reload_and_stay() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.set_screen(Screen::Wide).await;
    browser.run("window.loaded = 'once'").await;
    browser.run("document.querySelector('[data-fold] button').click()").await;
    browser.run("document.querySelector('[data-themes] [value=dark]').click()").await;
    let state = "return [window.loaded ?? '', document.querySelector('.app').className, document.documentElement.dataset.theme ?? '', document.querySelector('[data-fold] button').value].join()";
    assert_eq!(browser.run(state).await, "once,app folded,dark,false");
    app.eventually("the theme is stored", async || {
        (app.texts("SELECT theme::text AS text FROM users").await == ["dark"]).then_some(())
    })
    .await;
    browser.go(&format!("{}/contacts", app.url)).await;
    assert_eq!(browser.run(state).await, ",app folded,dark,false");
    let width = "return document.querySelector('.sidebar').offsetWidth";
    assert!(browser.run(width).await.as_f64().unwrap() < 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_phones_the_sidebar_is_a_sheet() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.set_screen(Screen::Phone).await;
    let is_shown =
        async || browser.run("return document.querySelector('.sidebar').checkVisibility()").await;
    assert_eq!(is_shown().await, Value::Bool(false));
    browser.press("More").await;
    assert_eq!(is_shown().await, Value::Bool(true));
    browser.type_keys("\u{e00c}").await;
    assert_eq!(is_shown().await, Value::Bool(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_list_leads_to_its_page_wherever_it_is_clicked() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("hello", &twilio, "Hello.").await;
    let contact = app.contact(HANDSET).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let at_the_end_of_a_cell =
        "const cell = document.querySelector('main tbody tr > :nth-child(3)');
        cell.scrollIntoView({ block: 'center' });
        const { right, top, height } = cell.getBoundingClientRect();
        return document.elementFromPoint(right - 3, top + height / 2).closest('a')?.pathname;";
    for (list, page) in [
        ("/automations", format!("/automations/{automation}")),
        ("/templates", "/templates/".to_owned()),
        ("/contacts", format!("/contacts/{contact}")),
        ("/settings/users", "/settings/users/".to_owned()),
        ("/settings/keys", "/settings/log".to_owned()),
    ] {
        browser.go(&format!("{}{list}", app.url)).await;
        let target = browser.run(at_the_end_of_a_cell).await;
        assert!(target.as_str().is_some_and(|path| path.starts_with(&page)), "{list}: {target}");
    }
}
