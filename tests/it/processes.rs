//! Several Carillons on one PostgreSQL, as processes of their own: shared work, kill -9, and an orderly stop.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use carillon::{
    db::Conn,
    simulator::{ACCOUNT_SID, AUTH_TOKEN, Fault, LONG_CODE, Rule, RunningSimulator, Simulator, SimulatorOptions},
    types::sealed::SecretKey,
};
use diesel::QueryableByName;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::harness::{HANDSET, api::Api, choose_crypto, postgres::TestDatabase, world::id};

const PATIENCE: Duration = Duration::from_secs(90);

/// One PostgreSQL and one Twilio, and a directory for the logs.
struct Fleet {
    database: TestDatabase,
    twilio: RunningSimulator,
    directory: PathBuf,
    bind: String,
    secret_key: String,
}

/// A `carillon serve`.
struct Server(Child);

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

impl Fleet {
    async fn new(hop: Duration, hold: Duration) -> Self {
        choose_crypto();
        let directory = std::env::temp_dir().join(format!("carillon-fleet-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        DirBuilder::new().mode(0o711).create(&directory).unwrap();
        let options = SimulatorOptions { hop: hop..=hop, hold, ..SimulatorOptions::instant() };
        let twilio = Simulator::new(options).start("127.0.0.1:0").await.unwrap();
        Self {
            database: TestDatabase::create().await,
            twilio,
            directory,
            bind: format!("127.0.0.1:{}", 10_000 + rand::random::<u16>() % 22_000),
            secret_key: SecretKey::generate().to_base64().expose_secret().to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("DATABASE_URL", &self.database.url)
            .env("CARILLON_SECRET_KEY", &self.secret_key)
            .env("CARILLON_BIND", &self.bind)
            .env("CARILLON_PUBLIC_URL", format!("http://{}", self.bind))
            .env("CARILLON_TWILIO_API_URL", &self.twilio.url)
            .env("CARILLON_DATA_DIR", &self.directory)
            .env("CARILLON_DATABASE_CONNECTIONS", "6")
            .stdin(Stdio::null());
        command
    }

    fn start(&self, role: &str) -> Server {
        let log = File::options().create(true).append(true).open(self.directory.join("serve.log")).unwrap();
        let mut command = self.command(&["serve", "--role", role]);
        command.stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        Server(command.spawn().unwrap())
    }

    /// Starts one and waits until it serves pages.
    async fn serve(&self, role: &str) -> Server {
        let server = self.start(role);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        self.eventually("it is ready", async || {
            let answer = http.get(format!("http://{}/readyz", self.bind)).send().await;
            answer.ok().filter(|answer| answer.status() == 200)
        })
        .await;
        server
    }

    /// An API key, and an automation that texts “Hello.” on the event `hello`.
    async fn set_up(&self) -> Api {
        let key = self.command(&["api-key", "create", "--name", "stories", "--role", "admin"]).output().await.unwrap();
        assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
        let api = Api { http, url: format!("http://{}/api/v1", self.bind), key };
        let keys = json!({ "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "sender": LONG_CODE });
        let connection = api.post("/connections", keys).await.ok();
        let sender = id(&connection["senders"][0]);
        let template = id(&api.post("/templates", json!({ "name": "Hello", "body": "Hello." })).await.ok());
        let step = json!({ "type": "send_sms", "template_id": template, "sender_id": sender });
        let trigger = json!({ "type": "event", "name": "hello" });
        api.post("/automations", json!({ "name": "Hello", "trigger": trigger, "steps": [step], "status": "active" })).await.ok();
        api
    }

    async fn greet(&self, api: &Api, handset: &str) {
        api.post("/events", json!({ "name": "hello", "contact": { "phone": handset } })).await.ok();
    }

    async fn conn(&self) -> Conn {
        self.database.target().connect().await.unwrap()
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let rows: Vec<Text> = diesel::sql_query(query).load(&mut self.conn().await).await.unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Waits until a query gives this one text.
    async fn until(&self, query: &str, expected: &str) {
        self.eventually(query, async || (self.texts(query).await == [expected]).then_some(())).await;
    }

    async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let asked = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            let log = || fs::read_to_string(self.directory.join("serve.log")).unwrap_or_default();
            assert!(asked.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}\n{}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn finish(self) {
        let directory = self.directory.clone();
        self.twilio.stop().await;
        fs::remove_dir_all(directory).unwrap();
    }
}

impl Server {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().unwrap().try_into().unwrap()), signal).unwrap();
    }

    async fn ended(&mut self) {
        let status = tokio::time::timeout(PATIENCE, self.0.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }

    async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        self.ended().await;
    }
}

const STATUS: &str = "SELECT status AS text FROM messages WHERE to_address = '+12065550111'";

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_work_and_take_over_from_one_that_was_killed_within_30_seconds() {
    let fleet = Fleet::new(Duration::ZERO, Duration::from_mins(2)).await;
    let web = fleet.serve("web").await;
    let workers = [fleet.start("worker"), fleet.start("worker")];
    fleet.until("SELECT count(*)::text AS text FROM workers", "2").await;
    let api = fleet.set_up().await;

    let mut greeted = 0;
    fleet
        .eventually("both workers have sent something", async || {
            for _ in 0..5 {
                fleet.greet(&api, &format!("+1206555{:04}", 2_000 + greeted)).await;
                greeted += 1;
            }
            (fleet.texts("SELECT count(DISTINCT worker_id)::text AS text FROM attempts").await == ["2"]).then_some(())
        })
        .await;
    fleet.until("SELECT count(*)::text AS text FROM messages WHERE twilio_sid IS NOT NULL", &greeted.to_string()).await;
    assert_eq!(fleet.twilio.simulator.messages().len(), greeted, "each once");
    fleet.until("SELECT runs::text AS text FROM routines WHERE name = 'end_sessions'", "1").await;

    fleet.twilio.simulator.inject(Rule::next(1, Fault::Timeout));
    fleet.greet(&api, HANDSET).await;
    fleet.until(STATUS, "submitting").await;
    let pid = "SELECT pid::text AS text FROM workers WHERE id = (SELECT worker_id FROM attempts WHERE finished_at IS NULL)";
    let pid = fleet.texts(pid).await[0].parse().unwrap();
    let (killed, left): (Vec<Server>, Vec<Server>) = workers.into_iter().partition(|worker| worker.0.id() == Some(pid));
    for worker in &killed {
        worker.signal(Signal::SIGKILL);
    }
    let since = Instant::now();
    fleet.until(STATUS, "unconfirmed").await;
    assert!(since.elapsed() < Duration::from_secs(30), "taken over after {:?}", since.elapsed());
    fleet.greet(&api, "+12065551999").await;
    fleet.until("SELECT count(*)::text AS text FROM messages WHERE twilio_sid IS NOT NULL", &(greeted + 1).to_string()).await;
    fleet.until("SELECT runs::text AS text FROM routines WHERE name = 'end_sessions'", "1").await;

    for worker in left {
        worker.stop().await;
    }
    web.stop().await;
    fleet.until("SELECT count(*)::text AS text FROM workers", "0").await;
    fleet.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_signal_lets_calls_to_twilio_end_and_records_their_answers() {
    let fleet = Fleet::new(Duration::ZERO, Duration::from_secs(3)).await;
    let server = fleet.serve("all").await;
    let api = fleet.set_up().await;
    fleet.twilio.simulator.inject(Rule::next(1, Fault::Timeout));
    fleet.greet(&api, HANDSET).await;
    fleet.until(STATUS, "submitting").await;
    server.stop().await;
    assert_eq!(fleet.texts(STATUS).await, ["unconfirmed"]);
    assert_eq!(fleet.texts("SELECT outcome AS text FROM attempts").await, ["unknown"]);
    assert_eq!(fleet.texts("SELECT kind AS text FROM jobs WHERE worker_id IS NULL").await, ["settle"]);
    assert_eq!(fleet.texts("SELECT count(*)::text AS text FROM workers").await, ["0"]);
    fleet.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_signal_lets_callbacks_commit_and_refuses_new_ones() {
    let fleet = Fleet::new(Duration::from_secs(2), Duration::from_secs(3)).await;
    let mut server = fleet.serve("all").await;
    let api = fleet.set_up().await;
    fleet.greet(&api, HANDSET).await;
    fleet.until(STATUS, "queued").await;
    let mut lock = fleet.conn().await;
    lock.batch_execute("BEGIN; SELECT 1 FROM messages FOR UPDATE").await.unwrap();
    let blocked = "SELECT (count(*) > 0)::text AS text FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM messages%'";
    fleet.until(blocked, "true").await;

    server.signal(Signal::SIGTERM);
    fleet.eventually("new requests are refused", async || tokio::net::TcpStream::connect(&fleet.bind).await.is_err().then_some(())).await;
    assert!(server.0.try_wait().unwrap().is_none(), "it waits for the callback");
    assert_eq!(fleet.texts("SELECT count(*)::text AS text FROM delivery_events WHERE source = 'callback'").await, ["0"]);
    lock.batch_execute("ROLLBACK").await.unwrap();
    server.ended().await;
    let reported = fleet.texts("SELECT count(*)::text AS text FROM delivery_events WHERE source = 'callback'").await;
    let answered = fleet.twilio.simulator.callbacks().iter().filter(|callback| callback.answer == Some(204)).count();
    assert_eq!((reported, answered), (vec!["1".to_owned()], 1));
    fleet.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stop_signal_ends_at_once() {
    let fleet = Fleet::new(Duration::ZERO, Duration::from_mins(2)).await;
    let mut server = fleet.serve("all").await;
    let api = fleet.set_up().await;
    fleet.twilio.simulator.inject(Rule::next(1, Fault::Timeout));
    fleet.greet(&api, HANDSET).await;
    fleet.until(STATUS, "submitting").await;
    server.signal(Signal::SIGTERM);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.0.try_wait().unwrap().is_none(), "it waits for Twilio's answer");
    let asked = Instant::now();
    server.signal(Signal::SIGTERM);
    server.ended().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    fleet.finish().await;
}
