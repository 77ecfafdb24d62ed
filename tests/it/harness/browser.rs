//! A real browser: Chromium without a window, driven through WebDriver. Both end with the story,
//! and leave no file behind.

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
use super::world::PASSWORD;

const TIMEOUT: Duration = Duration::from_secs(20);

/// What a page is shown on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Screen {
    /// A desk's, in the light scheme.
    Wide,
    /// A small phone's, in the dark scheme.
    Phone,
    /// A desk's, in the dark scheme.
    WideDark,
    /// A small phone's, in the light scheme.
    PhoneLight,
}

/// A command of Chromium's own protocol.
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

/// Asks the driver for what the console has said since it was asked last.
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

/// A browser with one window.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    /// The profile, in a directory of its own, by which the browser's processes are known.
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
            // Pictures of elsewhere are not waited for.
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

    /// Opens an address.
    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Signs a new admin in by the form.
    pub(crate) async fn sign_in(&self, app: &TestApp) {
        app.user("ada@example.com", Role::Admin).await;
        self.go(&app.url).await;
        self.fill("email", "ada@example.com").await;
        self.fill("password", PASSWORD).await;
        self.press("Sign in").await;
        self.must_say("Hello").await;
    }

    /// The path that the browser shows.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Shows this and all later pages on another screen.
    pub(crate) async fn shown_on(&self, screen: Screen) {
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

    /// Runs a script in the page, and waits for what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Fills a field of a form.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let field = self.find(Locator::Css(&format!("[name=\"{name}\"]"))).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Types into whatever has the focus; WebDriver names special keys by characters of its own,
    /// such as U+E007 for Enter.
    pub(crate) async fn type_keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Chooses the option of a select box whose text begins with this.
    pub(crate) async fn choose(&self, name: &str, label: &str) {
        let option =
            format!("//select[@name='{name}']/option[starts-with(normalize-space(), '{label}')]");
        self.click(Locator::XPath(&option)).await;
    }

    /// Presses the button with this text.
    pub(crate) async fn press(&self, label: &str) {
        let button = format!(
            "//main//button[normalize-space()='{label}'] | //button[normalize-space()='{label}']"
        );
        self.click(Locator::XPath(&button)).await;
    }

    /// Shows what stands behind a button that asks first.
    pub(crate) async fn unfold(&self, label: &str) {
        let summary = format!("//main//summary[starts-with(normalize-space(), '{label}')]");
        self.find(Locator::XPath(&summary)).await.click().await.unwrap();
    }

    /// Follows the link with this text.
    pub(crate) async fn follow(&self, label: &str) {
        let link = format!("//main//a[normalize-space()='{label}']");
        self.click(Locator::XPath(&link)).await;
    }

    /// Clicks what is there now: a part of the page that comes anew may take its place in the
    /// moment before.
    async fn click(&self, locator: Locator<'_>) {
        loop {
            match self.find(locator).await.click().await {
                Err(error) if error.is_stale_element_reference() => {}
                clicked => break clicked.unwrap(),
            }
        }
    }

    /// Presses the Tab key until a link or button with this text has the focus, then Enter: what
    /// somebody does who has no mouse.
    pub(crate) async fn tab_to(&self, label: &str) {
        let focused =
            "return (document.activeElement?.innerText ?? '').replace(/\\s+/g, ' ').trim()";
        let mut passed: Vec<String> = Vec::new();
        while passed.len() < 120 {
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
            passed.push(here);
        }
        panic!("{}: the Tab key does not lead to “{label}”, but to {passed:?}", self.path().await);
    }

    /// Waits until this has the focus: a button by what it asks for, a field by its name, anything
    /// else by its text.
    pub(crate) async fn must_be_at(&self, wanted: &str) {
        let focused = "const at = document.activeElement; return (at?.name === 'do' ? at.value : \
                       at?.name) || at?.innerText.trim() || ''";
        let asked = Instant::now();
        loop {
            let here = self.run(focused).await;
            if here == wanted {
                return;
            }
            assert!(
                asked.elapsed() < TIMEOUT,
                "{}: the focus is at {here}, not at “{wanted}”",
                self.path().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Follows the first link of the page's main part that a selector finds.
    pub(crate) async fn follow_first(&self, css: &str) {
        self.find(Locator::Css(&format!("main {css}"))).await.click().await.unwrap();
    }

    /// A picture of what is shown, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let hidden = Chromium {
            command: "Emulation.setScrollbarsHidden",
            parameters: json!({ "hidden": true }),
        };
        self.client.issue_cmd(hidden).await.unwrap();
        // They go when the page is laid out anew, and the next frame but one is drawn without them.
        let again = "const root = document.documentElement; root.style.overflow = 'hidden'; root.offsetWidth; root.style.overflow = '';
            return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))";
        self.run(again).await;
        self.client.screenshot().await.unwrap()
    }

    /// Says yes to what the page asks.
    pub(crate) async fn accept(&self) {
        self.client.accept_alert().await.unwrap();
    }

    /// The text that stands in a field, or that a select box shows.
    pub(crate) async fn value(&self, name: &str) -> String {
        let field = self.find(Locator::Css(&format!("[name=\"{name}\"]"))).await;
        field.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Waits until people read this, reloading the page now and then if it does not change by
    /// itself.
    pub(crate) async fn must_say(&self, words: &str) {
        self.wait_for(words, None).await;
    }

    /// Opens a page again and again until people read this.
    pub(crate) async fn must_come_to_say(&self, url: &str, words: &str) {
        self.wait_for(words, Some(url)).await;
    }

    async fn wait_for(&self, words: &str, again: Option<&str>) {
        let asked = Instant::now();
        loop {
            if let Some(url) = again {
                self.go(url).await;
            }
            let text = self.text().await;
            if text.to_lowercase().contains(&words.to_lowercase()) {
                return;
            }
            assert!(
                asked.elapsed() < TIMEOUT,
                "{} does not say “{words}”:\n{text}",
                self.path().await
            );
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    async fn text(&self) -> String {
        // The page may change between the two questions.
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

    /// What the console complains about: scripts that fail, and whatever the content security
    /// policy forbids. Answers such as 422 are none.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let said = self.client.issue_cmd(Console).await.unwrap_or_default();
        let entries = said.as_array().cloned().unwrap_or_default();
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
        let asked = Instant::now();
        // What the driver could not end, and files that are written until the end.
        while asked.elapsed() < Duration::from_secs(10)
            && (end_processes_of(&self.profile) || self.profile.exists())
        {
            let _ = fs::remove_dir_all(&self.profile);
            std::thread::park_timeout(Duration::from_millis(50));
        }
        // Every story fails by what the console of its browser has complained about.
        assert!(
            std::thread::panicking() || complaints.is_empty(),
            "the console complains: {complaints:#?}"
        );
    }
}

/// Starts the driver on a port of its own choice, and reads which.
fn start_driver() -> (Child, u16) {
    let program = find(&["chromedriver"]).unwrap_or_else(|| {
        panic!(
            "chromedriver is not installed, which the browser story needs: run \
             `scripts/install-prerequisites test`"
        )
    });
    // The port that it chooses by IPv4 may be taken by IPv6 (any outgoing connection may have it),
    // and then it ends.
    let mut said = String::new();
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
            said.push_str(&line);
            said.push('\n');
            line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
        });
        if let Some(port) = port {
            // Its pipe must be read on, or it would stop when that is full.
            std::thread::spawn(move || lines.for_each(drop));
            return (driver, port);
        }
        driver.wait().unwrap();
    }
    panic!("chromedriver ends before it listens:\n{said}")
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

/// Kills the processes that have the profile's path in their command line; tells whether there were
/// any.
fn end_processes_of(profile: &Path) -> bool {
    let known = profile.to_str().unwrap().as_bytes();
    let mut any = false;
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if line.windows(known.len()).any(|part| part == known) {
            any = true;
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    any
}
