//! Every page in each of its states, including those without a link, in a real browser: empty, with
//! long and right-to-left names, and with ten thousand rows; on wide and narrow screens, in both
//! themes. See [`Gallery`].

use std::collections::BTreeMap;
use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, Path};
use actix_web::{App, HttpResponse, HttpServer};
use carillon::types::public_url::PublicUrl;
use carillon::web::configure;
use carillon::web::ui::page_samples::{Sample, Variation, samples_of};

use crate::harness::TestApp;
use crate::harness::axe::{check, check_colours, check_overflow};
use crate::harness::browser::{Browser, Screen};

/// The lists that a browser shows with ten thousand rows. Since that is slow, the other lists are
/// checked only by their markup.
const LONG_LISTS: [&str; 3] =
    ["ui/contacts/list.html", "ui/messages/list.html", "ui/automations/enrollment_list.html"];

/// A Carillon that also serves samples, at `/samples/0`, `/samples/1` …
struct Gallery {
    samples: Data<Vec<Sample>>,
    url: String,
    server: ServerHandle,
    _app: TestApp,
}

impl Gallery {
    async fn of(kinds: &[Variation], is_selected: impl Fn(&str) -> bool) -> Self {
        let app = TestApp::start().await;
        let url = PublicUrl::parse("http://127.0.0.1").unwrap();
        let all = kinds.iter().flat_map(|kind| {
            samples_of(&url, *kind, &is_selected).unwrap_or_else(|error| panic!("{error:?}"))
        });
        let samples = Data::new(all.collect::<Vec<_>>());
        let (shown, carillon) = (samples.clone(), app.context.clone());
        let parts = app.web().clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(carillon.clone())
                .configure(|cfg| parts.register(cfg))
                .app_data(shown.clone())
                .route("/samples/{number}", web::get().to(show))
                .configure(configure)
        });
        let server =
            server.workers(2).disable_signals().shutdown_timeout(0).bind("127.0.0.1:0").unwrap();
        let address: SocketAddr = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { samples, url: format!("http://{address}"), server: handle, _app: app }
    }

    /// Checks every sample on every screen, and returns the defects by page.
    async fn walk(
        &self,
        screens: &[Screen],
        check: impl AsyncFn(&Browser, Screen) -> Vec<String>,
    ) -> BTreeMap<String, Vec<String>> {
        let browser = Browser::open().await;
        let mut defects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (number, sample) in self.samples.iter().enumerate() {
            browser.go(&format!("{}/samples/{number}", self.url)).await;
            for screen in screens {
                browser.set_screen(*screen).await;
                let found = check(&browser, *screen).await;
                if !found.is_empty() {
                    let page =
                        format!("{} ({:?}, {screen:?}, {number})", sample.template, sample.kind);
                    defects.entry(page).or_default().extend(found);
                }
            }
        }
        self.server.stop(false).await;
        defects
    }
}

async fn show(number: Path<usize>, shown: Data<Vec<Sample>>) -> HttpResponse {
    // The samples have a fixed theme; removing it lets the page follow the screen.
    let html = shown[*number].html.replacen(" data-theme=\"dark\"", "", 1).replacen(
        "content=\"dark\"",
        "content=\"light dark\"",
        1,
    );
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_every_state_on_every_screen_and_in_every_theme() {
    let gallery = Gallery::of(&[Variation::Unchanged, Variation::Empty], |_| true).await;
    assert!(gallery.samples.len() > 100, "only {} samples", gallery.samples.len());
    let all = async |browser: &Browser, screen: Screen| {
        let found = match screen {
            Screen::Wide | Screen::Phone => check(browser).await,
            Screen::WideDark | Screen::PhoneLight => check_colours(browser).await,
        };
        [found.violations, found.overflow].concat()
    };
    let defects = gallery
        .walk(&[Screen::Wide, Screen::WideDark, Screen::Phone, Screen::PhoneLight], all)
        .await;
    assert!(defects.is_empty(), "{defects:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_is_too_long_for_any_page() {
    let gallery = Gallery::of(&[Variation::LongNames, Variation::RightToLeft], |_| true).await;
    let defects = gallery
        .walk(&[Screen::Wide, Screen::Phone], async |browser, _| check_overflow(browser).await)
        .await;
    assert!(defects.is_empty(), "{defects:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_stay_within_the_screen() {
    let gallery =
        Gallery::of(&[Variation::ManyRows], |template| LONG_LISTS.contains(&template)).await;
    let defects = gallery
        .walk(&[Screen::Wide, Screen::Phone], async |browser, _| check_overflow(browser).await)
        .await;
    assert!(defects.is_empty(), "{defects:#?}");
}
