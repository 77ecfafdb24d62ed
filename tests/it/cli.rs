//! The command line, as child processes: commands beside a running server, exit codes, one-line
//! errors, and kill -9.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use twilio_simulator::{
    ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, RunningSimulator, Simulator, SimulatorOptions,
};

use crate::harness::api_client::Api;
use crate::harness::fixtures::{PASSWORD, id};
use crate::harness::scriptless_browser::Site;
use crate::harness::{between_polls, choose_crypto};

const TIMEOUT: Duration = Duration::from_secs(90);

/// A data directory with a simulated Twilio; dropping it removes the directory.
struct Installation {
    directory: PathBuf,
    bind: String,
    twilio: RunningSimulator,
}

/// A `carillon serve` process.
struct Server(Child);

impl Installation {
    async fn new() -> Self {
        choose_crypto();
        let directory = std::env::temp_dir()
            .join(format!("carillon-cli-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        fs::DirBuilder::new().mode(0o711).create(&directory).unwrap();
        let twilio =
            Simulator::new(SimulatorOptions::instant()).start("127.0.0.1:0").await.unwrap();
        let port = 10_000 + rand::random::<u16>() % 22_000;
        Self { directory, bind: format!("127.0.0.1:{port}"), twilio }
    }

    /// The program, with only the environment of this installation.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command
            .env("CARILLON_DATA_DIR", &self.directory)
            .env("CARILLON_BIND", &self.bind)
            .env("CARILLON_TWILIO_API_URL", &self.twilio.url);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// Starts the server and waits until it is ready.
    async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    async fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("serve.log"))
            .unwrap();
        let mut command = self.command(&["serve"]);
        command
            .envs(settings.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true);
        let mut server = Server(command.spawn().unwrap());
        let started = Instant::now();
        while !self.is_ready().await {
            let log = || fs::read_to_string(self.directory.join("serve.log")).unwrap_or_default();
            assert!(server.0.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(started.elapsed() < TIMEOUT, "the server did not become ready: {}", log());
            between_polls().await;
        }
        server
    }

    async fn is_ready(&self) -> bool {
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(format!("http://{}/readyz", self.bind))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// An API client, with a key from `carillon api-key create`.
    async fn api(&self) -> Api {
        let key =
            printed(&self.run(&["api-key", "create", "--name", "shop", "--role", "admin"]).await);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Api { http, url: format!("http://{}/api/v1", self.bind), key }
    }

    fn runs_postgres(&self) -> bool {
        self.directory.join("postgres/postmaster.pid").exists()
    }
}

impl Server {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().unwrap().try_into().unwrap()), signal).unwrap();
    }

    /// Sends SIGTERM, as a service manager does, and waits until it exits.
    async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = tokio::time::timeout(TIMEOUT, self.0.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Kills it with SIGKILL.
    async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.0.wait().await.unwrap();
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // A PostgreSQL whose parent was killed writes files until it exits.
        let started = Instant::now();
        while fs::remove_dir_all(&self.directory).is_err()
            && self.directory.exists()
            && started.elapsed() < Duration::from_secs(20)
        {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// The single line of output of a successful command.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!((text.lines().count(), text.ends_with('\n')), (1, true), "one line: {text}");
    text.trim_end().to_owned()
}

/// The exit code of a failed command, and its single error line.
#[track_caller]
fn refused(output: &Output) -> (i32, String) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let last: Vec<&str> = text.lines().filter(|line| line.starts_with("carillon: ")).collect();
    assert_eq!(last.len(), 1, "the error is one line: {text}");
    assert!(output.stdout.is_empty(), "nothing on standard output");
    (output.status.code().unwrap(), last[0].to_owned())
}

async fn with_settings(
    arguments: &[&str],
    settings: &[(&str, &str)],
    directory: &Path,
) -> (i32, String) {
    let output = program(arguments)
        .env("CARILLON_DATA_DIR", directory)
        .envs(settings.iter().copied())
        .output()
        .await
        .unwrap();
    refused(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_beside_a_running_server() {
    let installation = Installation::new().await;
    let server = installation.serve().await;
    let api = installation.api().await;
    assert!(api.key.starts_with("ck_"));
    api.get("/contacts").await.ok();

    let mut create = installation.command(&[
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--role",
        "admin",
        "--password-stdin",
    ]);
    let mut child =
        create.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let site = Site::new(http, &format!("http://{}", installation.bind));
    let form = site
        .open("/login")
        .await
        .ok()
        .form("/login")
        .with("email", "ada@example.com")
        .with("password", PASSWORD);
    assert_eq!(site.send(&form).await.ok().path, "/");

    let (code, error) = refused(
        &installation
            .run(&["user", "create", "--email", "ada@example.com", "--role", "viewer"])
            .await,
    );
    assert_eq!(code, 1);
    assert!(error.contains("Another account has this email address"), "{error}");
    assert!(installation.run(&["healthcheck"]).await.status.success());
    assert_eq!(printed(&installation.run(&["migrate"]).await), "The database is up to date.");
    assert!(installation.is_ready().await, "the server was not disturbed");
    server.stop().await;
    assert!(!installation.runs_postgres(), "its PostgreSQL stopped with it");
    assert!(!installation.run(&["healthcheck"]).await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_without_a_server_start_the_database_for_themselves_and_leave_nothing_running() {
    let installation = Installation::new().await;
    let password = printed(
        &installation
            .run(&["user", "create", "--email", "ada@example.com", "--role", "admin"])
            .await,
    );
    assert!(password.len() >= 20 && !password.contains(' '), "a password is generated and printed");
    assert!(!installation.runs_postgres());
    assert!(printed(&installation.run(&["migrate"]).await).contains("up to date"));
    let (first, second) = (installation.api().await, installation.api().await);
    assert_ne!(first.key, second.key);
    assert!(!installation.runs_postgres());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_setting_ends_with_one_line_that_says_what_to_do() {
    let installation = Installation::new().await;
    let directory = &installation.directory;
    for (settings, code, words) in [
        (
            &[("CARILLON_BIMD", "127.0.0.1:1")][..],
            78,
            &["CARILLON_BIMD", "did you mean CARILLON_BIND"][..],
        ),
        (&[("CARILLON_BIND", "everywhere")], 78, &["CARILLON_BIND", "127.0.0.1:8080"]),
        (&[("CARILLON_SECRET_KEY", "swordfish")], 78, &["CARILLON_SECRET_KEY", "openssl rand"]),
        (&[("CARILLON_PUBLIC_URL", "sms.example.com")], 78, &["CARILLON_PUBLIC_URL", "https://"]),
        (&[("DATABASE_URL", "mysql://x")], 78, &["DATABASE_URL", "postgres://"]),
        (
            &[("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/carillon")],
            69,
            &["127.0.0.1:1", "refused"],
        ),
    ] {
        for arguments in [
            &["serve"][..],
            &["migrate"],
            &["api-key", "create", "--name", "x", "--role", "viewer"],
        ] {
            let (found, error) = with_settings(arguments, settings, directory).await;
            assert_eq!(found, code, "{settings:?} {arguments:?}: {error}");
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            assert!(!error.contains("swordfish") && !error.contains("hunter2"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_ends_with_2_and_help_and_version_with_0() {
    for arguments in [
        &["sevre"][..],
        &[],
        &["serve", "--role", "boss"],
        &["user", "create", "--email", "a@example.com", "--role", "boss"],
    ] {
        let output = program(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let version = printed(&program(&["--version"]).output().await.unwrap());
    assert_eq!(version, format!("carillon {}", env!("CARGO_PKG_VERSION")));
    let help = program(&["--help"]).output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for word in [
        "demo",
        "serve",
        "migrate",
        "simulator",
        "user",
        "api-key",
        "DATABASE_URL",
        "CARILLON_PUBLIC_URL",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_its_setting_and_the_first_server_runs_on() {
    let installation = Installation::new().await;
    let server = installation.serve().await;
    let (code, error) = refused(&installation.run(&["serve"]).await);
    assert_eq!(code, 1);
    assert!(error.contains(&installation.bind) && error.contains("CARILLON_BIND"), "{error}");
    assert!(installation.is_ready().await);
    server.stop().await;
}

/// Fail points exist in debug builds only.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn when_the_worker_ends_by_itself_the_process_stops_and_names_it() {
    let installation = Installation::new().await;
    let mut serve = installation.command(&["serve"]);
    serve
        .env("CARILLON_TEST_PANIC_AT", carillon::fail_point::FailPoint::WorkerStarted.as_str())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, serve.output()).await.unwrap().unwrap();
    let (code, error) = refused(&output);
    assert_eq!(code, 1);
    assert!(error.contains("the worker ended by itself"), "{error}");
    assert!(!installation.runs_postgres(), "its PostgreSQL stopped with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_data_directory_is_named() {
    let installation = Installation::new().await;
    let file = installation.directory.join("file");
    fs::write(&file, "").unwrap();
    let (code, error) = with_settings(&["migrate"], &[], &file).await;
    assert_eq!(code, 69, "{error}");
    assert!(error.contains("CARILLON_DATA_DIR"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_secret_key_nothing_starts_until_the_saved_keys_are_forgotten() {
    let installation = Installation::new().await;
    let server = installation.serve().await;
    let api = installation.api().await;
    let keys = json!({ "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "sender": LONG_CODE });
    let path = format!("/connections/{}", id(&api.post("/connections", keys).await.ok()));
    server.stop().await;
    assert_eq!(
        fs::metadata(installation.directory.join("secret.key")).map(|found| mode(&found)).unwrap(),
        0o600
    );

    let other = [("CARILLON_SECRET_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=")];
    for role in ["all", "web", "worker"] {
        let (code, error) =
            with_settings(&["serve", "--role", role], &other, &installation.directory).await;
        assert_eq!(code, 78, "{error}");
        assert!(
            error.contains("CARILLON_SECRET_KEY") && error.contains("carillon forget-keys"),
            "{error}"
        );
    }

    let forgotten = installation.command(&["forget-keys"]).envs(other).output().await.unwrap();
    assert!(printed(&forgotten).ends_with("1 connection."));
    let server = installation.serve_with(&other).await;
    assert_eq!(api.get(&path).await.ok()["status"], "stopped");
    api.put(&format!("{path}/keys"), json!({ "auth_token": AUTH_TOKEN })).await.ok();
    assert_eq!(api.get(&path).await.ok()["status"], "active");
    server.stop().await;
}

fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777
}

/// The status of the message to a handset, if there is one.
async fn status(api: &Api, handset: &str) -> Option<String> {
    let found = api.get(&format!("/messages?to={}", handset.replace('+', "%2B"))).await.ok();
    let messages = found["data"].as_array().unwrap();
    assert!(messages.len() <= 1, "{handset} has {} messages", messages.len());
    Some(messages.first()?["status"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_that_was_answered_and_sends_nothing_twice() {
    let installation = Installation::new().await;
    let server = installation.serve().await;
    let api = installation.api().await;
    let keys = json!({ "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "sender": LONG_CODE });
    let connection = api.post("/connections", keys).await.ok();
    api.patch(
        &format!("/senders/{}", id(&connection["senders"][0])),
        json!({ "parts_per_second": null }),
    )
    .await
    .ok();
    let template =
        id(&api.post("/templates", json!({ "name": "Hello", "body": "Hello." })).await.ok());
    let step = json!(
        { "type": "send_sms", "template_id": template, "sender_id": id(&connection["senders"][0]) }
    );
    let trigger = json!({ "type": "event", "name": "hello" });
    let automation =
        json!({ "name": "Hello", "trigger": trigger, "steps": [step], "status": "active" });
    api.post("/automations", automation).await.ok();

    let (answered, enough) = (Mutex::new(BTreeSet::new()), Notify::new());
    let report_events = async {
        for n in 0..80 {
            let handset = format!("+120655506{n:02}");
            let event = json!(
                { "id": format!("event-{n}"), "name": "hello", "contact": { "phone": handset } }
            );
            let request = api
                .http
                .post(format!("{}/events", api.url))
                .bearer_auth(&api.key)
                .json::<Value>(&event);
            match request.send().await {
                Ok(answer) if answer.status() == 202 => {
                    let mut answered = answered.lock().unwrap();
                    answered.insert(handset);
                    if answered.len() == 25 {
                        enough.notify_one();
                    }
                }
                _ => break,
            }
        }
    };
    let kill_server = async {
        enough.notified().await;
        server.kill().await;
    };
    tokio::join!(report_events, kill_server);
    let answered = answered.into_inner().unwrap();
    assert!(answered.len() >= 25);

    let server = installation.serve().await;
    let started = Instant::now();
    for handset in &answered {
        loop {
            let at_twilio = installation.twilio.simulator.messages_to(handset).len();
            assert!(at_twilio <= 1, "{handset} received it twice");
            match (status(&api, handset).await.as_deref(), at_twilio) {
                // The server was killed between the claim and the call. It cannot know whether
                // Twilio has the message, so it must not send it again.
                (Some("unconfirmed"), 0)
                | (Some("accepted" | "queued" | "sending" | "sent" | "delivered"), 1) => break,
                (status, at_twilio) => {
                    assert!(
                        started.elapsed() < TIMEOUT,
                        "{handset} is {status:?} here and {at_twilio} times at Twilio"
                    );
                }
            }
            between_polls().await;
        }
    }
    server.stop().await;
}
