//! Every page in each of its states, also those that no link leads to, as a browser shows it: with
//! nothing in it, with long names, with names from right to left, with ten thousand rows; wide and
//! narrow, light and dark.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, Path};
use actix_web::{App, HttpResponse, HttpServer};
use carillon::types::public_url::PublicUrl;
use carillon::web::configure;
use carillon::web::ui::every_sample;
use carillon::web::ui::samples::{Sample, Variation};

use crate::harness::TestApp;
use crate::harness::axe::{look, look_at_colours, measure};
use crate::harness::browser::{Browser, Screen};

/// Lists that a browser shows with ten thousand rows. It takes its time over them; of all others
/// the markup is looked at without one.
const LONG_LISTS: [&str; 3] =
    ["ui/contacts/list.html", "ui/messages/list.html", "ui/automations/enrollments.html"];

/// A Carillon that also shows samples, at `/samples/0`, `/samples/1` …
struct Gallery {
    samples: Data<Vec<Sample>>,
    url: String,
    server: ServerHandle,
    /// The pages that are looked at; none for all.
    only: Vec<&'static str>,
    _app: TestApp,
}

impl Gallery {
    async fn of(kinds: &[Variation]) -> Self {
        let app = TestApp::start().await;
        let url = PublicUrl::parse("http://127.0.0.1").unwrap();
        let all = kinds
            .iter()
            .flat_map(|kind| every_sample(&url, *kind).unwrap_or_else(|error| panic!("{error:?}")));
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
        Self {
            samples,
            url: format!("http://{address}"),
            server: handle,
            only: Vec::new(),
            _app: app,
        }
    }

    /// Looks at every sample on every screen, and tells what is wrong with which page.
    async fn walk(
        &self,
        screens: &[Screen],
        look: impl AsyncFn(&Browser, Screen) -> Vec<String>,
    ) -> BTreeMap<String, Vec<String>> {
        let browser = Browser::open().await;
        let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let wanted = |sample: &Sample| self.only.is_empty() || self.only.contains(&sample.template);
        for (number, sample) in self.samples.iter().enumerate().filter(|(_, sample)| wanted(sample))
        {
            for screen in screens {
                browser.shown_on(*screen).await;
                browser.go(&format!("{}/samples/{number}", self.url)).await;
                let found = look(&browser, *screen).await;
                if !found.is_empty() {
                    let page =
                        format!("{} ({:?}, {screen:?}, {number})", sample.template, sample.kind);
                    wrong.entry(page).or_default().extend(found);
                }
            }
        }
        self.server.stop(false).await;
        wrong
    }
}

async fn show(number: Path<usize>, shown: Data<Vec<Sample>>) -> HttpResponse {
    // Whoever looks has chosen no theme, so that the page follows the screen's.
    let html = shown[*number].html.replacen(" data-theme=\"dark\"", "", 1).replacen(
        "content=\"dark\"",
        "content=\"light dark\"",
        1,
    );
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_keeps_anybody_out_in_any_state_on_any_screen_in_any_theme() {
    let gallery = Gallery::of(&[Variation::AsMade, Variation::Empty]).await;
    assert!(gallery.samples.len() > 100, "only {} samples", gallery.samples.len());
    let all = async |browser: &Browser, screen: Screen| {
        let found = match screen {
            Screen::Wide | Screen::Phone => look(browser).await,
            Screen::WideDark | Screen::PhoneLight => look_at_colours(browser).await,
        };
        [found.violations, found.sticking_out].concat()
    };
    let wrong = gallery
        .walk(&[Screen::Wide, Screen::WideDark, Screen::Phone, Screen::PhoneLight], all)
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_is_too_long_for_any_page() {
    let gallery = Gallery::of(&[Variation::LongNames, Variation::RightToLeft]).await;
    let wrong = gallery
        .walk(&[Screen::Wide, Screen::Phone], async |browser, _| measure(browser).await)
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_stay_within_the_screen() {
    let mut gallery = Gallery::of(&[Variation::ManyRows]).await;
    gallery.only = LONG_LISTS.to_vec();
    let wrong = gallery
        .walk(&[Screen::Wide, Screen::Phone], async |browser, _| measure(browser).await)
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
