//! A headless Chromium, driven through WebDriver; see [`Browser`]. Dropping it ends both processes
//! and deletes the profile.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use carillon::users::Role;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::TestApp;
use super::fixtures::PASSWORD;
use super::waiting::{between_polls, real_time};

const TIMEOUT: Duration = Duration::from_secs(20);
/// The pause between two looks at the text of a page, which may be loaded again for each.
const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// The screen size and colour scheme that a page is shown with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Screen {
    /// A desktop screen in the light scheme.
    Wide,
    /// A small phone in the dark scheme.
    Phone,
    /// A desktop screen in the dark scheme.
    WideDark,
    /// A small phone in the light scheme.
    PhoneLight,
}

/// A command of the Chrome DevTools Protocol.
#[derive(Debug)]
struct Chromium {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Chromium {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.command, "params": self.parameters }).to_string()))
    }
}

/// Fetches the console entries since the last fetch.
#[derive(Debug)]
struct Console;

impl WebDriverCompatibleCommand for Console {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A browser with one window; dropping it fails the story if its console has complaints.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    /// The profile directory, which identifies the processes of the browser.
    profile: PathBuf,
}

impl Browser {
    pub(crate) async fn open() -> Self {
        let profile = std::env::temp_dir()
            .join(format!("carillon-browser-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&profile).unwrap();
        let (driver, port) = start_driver();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            // Resources on other hosts fail at once.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            "--window-size=1280,1000",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let mut options = json!({ "args": arguments });
        if let Some(binary) = find(&["chromium", "chromium-browser", "google-chrome"]) {
            options["binary"] = json!(binary);
        }
        let capabilities =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })
                .as_object()
                .unwrap()
                .clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connected =
            builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await;
        let client = connected.unwrap_or_else(|error| {
            panic!("the browser does not start (is chromium installed?): {error}")
        });
        Self { client, driver, profile }
    }

    /// Opens a URL.
    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Creates an admin and signs in with the form.
    pub(crate) async fn sign_in(&self, app: &TestApp) {
        app.user("ada@example.com", Role::Admin).await;
        self.go(&app.url).await;
        self.fill("email", "ada@example.com").await;
        self.fill("password", PASSWORD).await;
        self.press("Sign in").await;
        self.must_say("Good ").await;
    }

    /// The path of the current URL.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Shows this and all later pages on a given screen.
    pub(crate) async fn set_screen(&self, screen: Screen) {
        let (width, height, scheme) = match screen {
            Screen::Wide => (1280, 1000, "light"),
            Screen::WideDark => (1280, 1000, "dark"),
            Screen::Phone => (360, 740, "dark"),
            Screen::PhoneLight => (360, 740, "light"),
        };
        let size = json!(
            { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }
        );
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        for (command, parameters) in
            [("Emulation.setDeviceMetricsOverride", size), ("Emulation.setEmulatedMedia", media)]
        {
            self.client.issue_cmd(Chromium { command, parameters }).await.unwrap();
        }
    }

    /// Opens all later pages in a time zone.
    pub(crate) async fn set_time_zone(&self, zone: &str) {
        let command = "Emulation.setTimezoneOverride";
        let parameters = json!({ "timezoneId": zone });
        self.client.issue_cmd(Chromium { command, parameters }).await.unwrap();
    }

    /// Opens a page in a tab in the background.
    pub(crate) async fn open_in_background(&self, url: &str) {
        let command = "Target.createTarget";
        let parameters = json!({ "url": url, "background": true });
        self.client.issue_cmd(Chromium { command, parameters }).await.unwrap();
    }

    /// The titles of all tabs.
    pub(crate) async fn titles(&self) -> Vec<String> {
        let get = Chromium { command: "Target.getTargets", parameters: json!({}) };
        let targets = self.client.issue_cmd(get).await.unwrap();
        let pages = targets["targetInfos"].as_array().unwrap().iter();
        let pages = pages.filter(|target| target["type"] == "page");
        pages.map(|page| page["title"].as_str().unwrap().to_owned()).collect()
    }

    /// Brings a tab whose title begins like this to the front.
    pub(crate) async fn show_tab(&self, title: &str) {
        for window in self.client.windows().await.unwrap() {
            self.client.switch_to_window(window).await.unwrap();
            if self.client.title().await.unwrap().starts_with(title) {
                let command = "Page.bringToFront";
                self.client.issue_cmd(Chromium { command, parameters: json!({}) }).await.unwrap();
                return;
            }
        }
        panic!("no tab is called {title}");
    }

    /// Runs a script in the page and returns its result.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Replaces the text of a form field.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let field = self.find(Locator::Css(&format!("[name=\"{name}\"]"))).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Types into the focused element; WebDriver encodes special keys, such as U+E007 for Enter.
    pub(crate) async fn type_keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Chooses the option of a select box whose text begins with a label.
    pub(crate) async fn choose(&self, name: &str, label: &str) {
        let option =
            format!("//select[@name='{name}']/option[starts-with(normalize-space(), '{label}')]");
        self.click(Locator::XPath(&option)).await;
    }

    /// Presses the button with a given text.
    pub(crate) async fn press(&self, label: &str) {
        let button = format!(
            "//main//button[normalize-space()='{label}'] | //button[normalize-space()='{label}']"
        );
        self.click(Locator::XPath(&button)).await;
    }

    /// Opens the folded part under a summary.
    pub(crate) async fn unfold(&self, label: &str) {
        let summary = format!("//main//summary[starts-with(normalize-space(), '{label}')]");
        self.find(Locator::XPath(&summary)).await.click().await.unwrap();
    }

    /// Follows the link with a given text.
    pub(crate) async fn follow(&self, label: &str) {
        let link = format!("//main//a[normalize-space()='{label}']");
        self.click(Locator::XPath(&link)).await;
    }

    /// Clicks an element, again if the page has just replaced it.
    async fn click(&self, locator: Locator<'_>) {
        loop {
            match self.find(locator).await.click().await {
                Err(error) if error.is_stale_element_reference() => {}
                clicked => break clicked.unwrap(),
            }
        }
    }

    /// Presses Tab until a link or button with a given text has the focus, then Enter, as a user
    /// without a mouse does.
    pub(crate) async fn tab_to(&self, label: &str) {
        let focused =
            "return (document.activeElement?.innerText ?? '').replace(/\\s+/g, ' ').trim()";
        let mut visited: Vec<String> = Vec::new();
        while visited.len() < 120 {
            self.client
                .active_element()
                .await
                .unwrap()
                .send_keys(&char::from(Key::Tab).to_string())
                .await
                .unwrap();
            let here = self.run(focused).await.as_str().unwrap_or_default().to_owned();
            if here == label {
                return self
                    .client
                    .active_element()
                    .await
                    .unwrap()
                    .send_keys(&char::from(Key::Enter).to_string())
                    .await
                    .unwrap();
            }
            visited.push(here);
        }
        panic!("{}: the Tab key does not lead to “{label}”, but to {visited:?}", self.path().await);
    }

    /// Waits until an element has the focus: a button by its value, a field by its name, anything
    /// else by its text.
    pub(crate) async fn must_have_focus(&self, expected: &str) {
        let focused = "const at = document.activeElement; return (at?.name === 'do' ? at.value : \
                       at?.name) || at?.innerText.trim() || ''";
        let started = Instant::now();
        loop {
            let here = self.run(focused).await;
            if here == expected {
                return;
            }
            assert!(
                started.elapsed() < TIMEOUT,
                "{}: the focus is at {here}, not at “{expected}”",
                self.path().await
            );
            between_polls().await;
        }
    }

    /// Clicks the first element of the main part that a CSS selector finds.
    pub(crate) async fn follow_first(&self, css: &str) {
        self.find(Locator::Css(&format!("main {css}"))).await.click().await.unwrap();
    }

    /// A PNG screenshot of the viewport.
    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        let hidden = Chromium {
            command: "Emulation.setScrollbarsHidden",
            parameters: json!({ "hidden": true }),
        };
        self.client.issue_cmd(hidden).await.unwrap();
        // The scrollbars disappear with a new layout; the second frame after it is drawn without
        // them.
        let again = "const root = document.documentElement; root.style.overflow = 'hidden'; root.offsetWidth; root.style.overflow = '';
            return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))";
        self.run(again).await;
        self.client.screenshot().await.unwrap()
    }

    /// Accepts the alert of the page.
    pub(crate) async fn accept(&self) {
        self.client.accept_alert().await.unwrap();
    }

    /// The value of a field or select box.
    pub(crate) async fn value(&self, name: &str) -> String {
        let field = self.find(Locator::Css(&format!("[name=\"{name}\"]"))).await;
        field.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Waits until the page shows a text, by polling the page without a reload.
    pub(crate) async fn must_say(&self, words: &str) {
        self.wait_for(words, None).await;
    }

    /// Reloads a URL until the page shows a text.
    pub(crate) async fn reload_until_says(&self, url: &str, words: &str) {
        self.wait_for(words, Some(url)).await;
    }

    async fn wait_for(&self, words: &str, again: Option<&str>) {
        let started = Instant::now();
        loop {
            if let Some(url) = again {
                self.go(url).await;
            }
            let text = self.text().await;
            if text.to_lowercase().contains(&words.to_lowercase()) {
                return;
            }
            assert!(
                started.elapsed() < TIMEOUT,
                "{} does not say “{words}”:\n{text}",
                self.path().await
            );
            real_time(POLL_INTERVAL, "the page changes by itself").await;
        }
    }

    async fn text(&self) -> String {
        // The page may change between the two commands.
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    async fn find(&self, locator: Locator<'_>) -> Element {
        let found: Result<Element, CmdError> =
            self.client.wait().at_most(TIMEOUT).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                panic!("{} has no {locator:?} ({error}):\n{}", self.path().await, self.text().await)
            }
        }
    }

    /// Errors in the console: failed scripts, and violations of the content security policy.
    /// Answers such as 422 do not count.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Console).await.unwrap_or_default();
        let entries = log.as_array().cloned().unwrap_or_default();
        let complains = |entry: &&Value| {
            entry["source"] != "network"
                && (entry["level"] == "SEVERE" || entry["source"] == "security")
        };
        entries
            .iter()
            .filter(complains)
            .map(|entry| format!("{}: {}", entry["source"], entry["message"]))
            .collect()
    }

    async fn close(&mut self) -> Vec<String> {
        let complaints = tokio::time::timeout(Duration::from_secs(5), self.complaints())
            .await
            .unwrap_or_default();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.client.clone().close()).await;
        complaints
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let mut complaints = Vec::new();
        super::finish(async { complaints = self.close().await });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let started = Instant::now();
        // The driver may leave processes behind, which write files until they end.
        while started.elapsed() < Duration::from_secs(10)
            && (kill_processes_of(&self.profile) || self.profile.exists())
        {
            let _ = fs::remove_dir_all(&self.profile);
            std::thread::park_timeout(Duration::from_millis(50));
        }
        // Console complaints fail every story.
        assert!(
            std::thread::panicking() || complaints.is_empty(),
            "the console complains: {complaints:#?}"
        );
    }
}

/// Starts the driver, which chooses its port, and returns the port.
fn start_driver() -> (Child, u16) {
    let program = find(&["chromedriver"]).unwrap_or_else(|| {
        panic!(
            "chromedriver is not installed, which the browser story needs: run \
             `scripts/install-prerequisites test`"
        )
    });
    // The driver chooses a free IPv4 port and exits if an outgoing connection has the same IPv6
    // port.
    let mut output = String::new();
    for _ in 0..10 {
        let mut driver = Command::new(&program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            output.push_str(&line);
            output.push('\n');
            line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
        });
        if let Some(port) = port {
            // A full pipe would block the driver.
            std::thread::spawn(move || lines.for_each(drop));
            return (driver, port);
        }
        driver.wait().unwrap();
    }
    panic!("chromedriver exits before it listens:\n{output}")
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([
        "/usr/bin".into(),
        "/usr/lib/chromium-browser".into(),
        "/snap/bin".into(),
    ]);
    let places: Vec<PathBuf> = places.collect();
    names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|program| program.is_file())
}

/// Kills the processes with the profile in their command line, and returns whether there were any.
fn kill_processes_of(profile: &Path) -> bool {
    let known = profile.to_str().unwrap().as_bytes();
    let mut found_any = false;
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if line.windows(known.len()).any(|part| part == known) {
            found_any = true;
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    found_any
}
