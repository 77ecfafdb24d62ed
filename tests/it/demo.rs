//! The demo: `carillon demo` starts a shop with a month of history. The screenshots of the README
//! are taken here (`scripts/take-screenshots`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::harness::browser::{Browser, Screen};

/// How long the demo may take to start or stop; the machine may be busy.
const TIMEOUT: Duration = Duration::from_mins(3);

/// A running demo; [`Demo::stop`] deletes its files.
struct Demo {
    child: Child,
    url: String,
    data: PathBuf,
}

impl Demo {
    async fn start() -> Self {
        let data =
            std::env::temp_dir().join(format!("carillon-demo-{}", uuid::Uuid::new_v4().simple()));
        let port = 10_000 + rand::random::<u16>() % 22_000;
        let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
        command.args(["demo", "--bind", &format!("127.0.0.1:{port}")]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command
            .env("CARILLON_DATA_DIR", &data)
            .env("CARILLON_SIMULATOR_BIND", format!("127.0.0.1:{}", port + 1));
        let mut child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("Carillon is ready") {
                    return true;
                }
            }
            false
        };
        assert!(timeout(TIMEOUT, ready).await.expect("the demo gets ready"), "the demo ended");
        Self { child, url: format!("http://127.0.0.1:{port}"), data }
    }

    /// Stops it cleanly and deletes its data.
    async fn stop(mut self) {
        kill(Pid::from_raw(self.child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(
            timeout(TIMEOUT, self.child.wait()).await.expect("the demo stops").unwrap().success()
        );
        fs::remove_dir_all(&self.data).unwrap();
    }
}

/// The directory for screenshots, if they are requested.
fn screenshot_directory() -> Option<PathBuf> {
    std::env::var_os("CARILLON_TEST_WRITE_SCREENSHOTS")
        .map(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots"))
}

/// Writes a screenshot of the page in each colour scheme, if requested.
async fn screenshot(browser: &Browser, name: &str) {
    let Some(screenshot_directory) = screenshot_directory() else { return };
    fs::create_dir_all(&screenshot_directory).unwrap();
    for (screen, scheme) in [(Screen::Wide, "light"), (Screen::WideDark, "dark")] {
        browser.set_screen(screen).await;
        fs::write(
            screenshot_directory.join(format!("{name}-{scheme}.png")),
            browser.screenshot().await,
        )
        .unwrap();
    }
    browser.set_screen(Screen::Wide).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_a_shop_with_a_month_of_history() {
    let demo = Demo::start().await;
    let browser = Browser::open().await;
    browser.set_screen(Screen::Wide).await;
    let go = async |path: &str| browser.go(&format!("{}{path}", demo.url)).await;
    go("/login").await;
    browser.fill("email", "demo@example.com").await;
    browser.fill("password", "carillon-demo").await;
    browser.press("Sign in").await;
    browser.must_say("Messages by day").await;
    browser.must_say("What sent them").await;
    screenshot(&browser, "home").await;

    go("/ledger").await;
    browser.must_say("Adds up").await;
    screenshot(&browser, "ledger").await;

    go("/messages").await;
    for words in ["thank you for order A-1", "Delivered", "Texted STOP"] {
        browser.must_say(words).await;
    }
    screenshot(&browser, "messages").await;
    go("/messages?status=undelivered").await;
    browser.follow_first("a.row-link").await;
    browser.must_say("What happened").await;
    browser.must_say("Error 3000").await;
    screenshot(&browser, "message").await;

    go("/templates").await;
    browser.follow("Welcome, VIP").await;
    browser.must_say("Preview").await;
    browser.must_say("UCS-2").await;
    screenshot(&browser, "template").await;

    go("/automations").await;
    browser.follow("Thank for the order").await;
    browser.must_say("inside now").await;
    browser.follow("Edit").await;
    browser.press("Try it").await;
    browser.must_say("nothing is sent or saved").await;
    screenshot(&browser, "automation").await;

    go("/connections").await;
    browser.follow("Simulated Twilio").await;
    browser.follow_first("#health summary").await;
    browser.follow("Show webhooks and registrations").await;
    browser.press("Check now").await;
    browser.must_say("Checked at Twilio").await;
    screenshot(&browser, "health").await;
    drop(browser);
    demo.stop().await;
}
