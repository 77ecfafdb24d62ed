//! What a story needs: [`TestApp`] is a whole Carillon with a Twilio, [`postgres`] its database,
//! [`api`] and [`site`] its visitors, [`browser`] a real one, [`axe`] what it finds wrong with a
//! page, [`process`] the program beside it, [`cluster`] a PostgreSQL that may be ended, [`pair`]
//! one with a standby, [`world`] what usually exists when a story begins, [`stops`] who texts STOP
//! meanwhile, [`proof`] what must hold when it ends.

pub(crate) mod api;
pub(crate) mod axe;
pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod pair;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod proof;
pub(crate) mod site;
pub(crate) mod stops;
mod waiting;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use actix_web::web::Data;
use carillon::app::{self, Duty, Running};
use carillon::clock::Clock;
use carillon::config::Config;
use carillon::context::Context;
use carillon::db::{Pool, PooledConn};
use carillon::twilio::{Client, ClientOptions};
use carillon::types::sealed::SecretKey;
use carillon::users::audit::Actor;
use carillon::users::{Role, api_keys};
use carillon::web::Web;
use carillon::worker::Worker;
use chrono::{DateTime, TimeDelta};
use diesel::QueryableByName;
use diesel_async::RunQueryDsl;
use secrecy::ExposeSecret;
use tokio::runtime::{Handle, RuntimeFlavor};
use twilio_simulator::{RunningSimulator, Simulator, SimulatorOptions};

use api::Api;
use postgres::{Home, TestDatabase};
use site::Site;

/// The handset of whom most stories are about.
pub(crate) const HANDSET: &str = "+12065550111";
/// Somebody else's.
pub(crate) const OTHER_HANDSET: &str = "+12065550112";

/// A whole Carillon on a database of its own, with a Twilio of its own; gone with this value.
pub(crate) struct TestApp {
    pub(crate) context: Data<Context>,
    /// `http://127.0.0.1:20000`
    pub(crate) url: String,
    pub(crate) clock: Clock,
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    /// Performs jobs when it is told to; see [`TestApp::run_until_idle`].
    pub(crate) worker: Worker,
    pub(crate) database: TestDatabase,
    twilio: Option<RunningSimulator>,
    running: Option<Running>,
    api: Api,
}

/// How a story's Carillon differs from the usual.
pub(crate) struct TestOptions {
    /// Manual: it stands until [`TestApp::advance`].
    pub(crate) clock: Clock,
    /// [`Duty::Web`]: jobs are performed by [`TestApp::run_until_idle`].
    pub(crate) duty: Duty,
    /// How long Twilio may take to answer.
    pub(crate) patience: Duration,
    /// Where its database is.
    pub(crate) home: Home,
    /// How long Twilio waits before it repeats a call that failed.
    pub(crate) retry_pause: Duration,
    /// Between two statuses of a message at Twilio.
    pub(crate) hop: Duration,
    /// How long Twilio holds a request that it never answers.
    pub(crate) hold: Duration,
    /// Settings in place of the usual ones. Whatever `DATABASE_URL` is, the story's database is
    /// used.
    pub(crate) settings: Vec<(&'static str, String)>,
}

impl Default for TestOptions {
    fn default() -> Self {
        let start = DateTime::from_timestamp(1_794_650_400, 0).unwrap();
        Self {
            clock: Clock::manual(start),
            duty: Duty::Web,
            patience: Duration::from_secs(10),
            home: Home::Shared,
            retry_pause: Duration::ZERO,
            // Time enough to record an answer before the first report comes; at the end, `flush`
            // makes the network hurry.
            hop: Duration::from_millis(150),
            hold: Duration::from_secs(5),
            settings: Vec::new(),
        }
    }
}

/// A duration of whole days, for [`TestApp::advance`].
pub(crate) const fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

/// A duration of whole hours.
pub(crate) const fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

/// A duration of whole seconds.
pub(crate) const fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

impl TestApp {
    /// The usual: a clock that stands, and jobs that are performed when the story says so.
    pub(crate) async fn start() -> Self {
        Self::with(TestOptions::default()).await
    }

    /// With a worker that runs by itself, on the machine's time.
    pub(crate) async fn with_worker() -> Self {
        Self::with(TestOptions {
            clock: Clock::system(),
            duty: Duty::All,
            ..TestOptions::default()
        })
        .await
    }

    pub(crate) async fn with(options: TestOptions) -> Self {
        let flavor = Handle::current().runtime_flavor();
        assert_eq!(
            flavor,
            RuntimeFlavor::MultiThread,
            "stories are #[tokio::test(flavor = \"multi_thread\")]: the end of one has to wait"
        );
        choose_crypto();
        start_log();
        let TestOptions { clock, duty, patience, home, retry_pause, hop, hold, settings } = options;
        let database = TestDatabase::create_in(home).await;
        let seed = seed("the simulator");
        let twilio = SimulatorOptions {
            hop: hop..=hop,
            hold,
            retry_pause,
            seed,
            ..app::instant_simulator(&clock)
        };
        let twilio = Simulator::new(twilio).start("127.0.0.1:0").await.unwrap();
        let (context, running) = serve(&database, &twilio.url, &clock, duty, patience, &settings);
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let url = context.config.public_url.to_string();
        let (_, key) = api_keys::create(
            &mut context.db.get().await.unwrap(),
            &Actor::command_line(),
            "stories",
            Role::Admin,
            clock.now(),
        )
        .await
        .unwrap();
        let api =
            Api { http: http.clone(), url: format!("{url}/api/v1"), key: key.expose().to_owned() };
        Self {
            worker: app::worker(&context),
            context,
            url,
            clock,
            simulator: twilio.simulator.clone(),
            http,
            database,
            twilio: Some(twilio),
            running: Some(running),
            api,
        }
    }

    /// The API with an admin's key.
    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    /// The API with a key of this role.
    pub(crate) async fn api_as(&self, role: Role) -> Api {
        let (_, key) = api_keys::create(
            &mut *self.conn().await,
            &Actor::command_line(),
            role.as_str(),
            role,
            self.clock.now(),
        )
        .await
        .unwrap();
        self.api.with_key(key.expose())
    }

    /// A browser in which nobody has signed in.
    pub(crate) fn site(&self) -> Site {
        Site::new(self.http.clone(), &self.url)
    }

    /// The same, of somebody at this address, as a reverse proxy on this machine tells.
    pub(crate) fn site_from(&self, address: &str) -> Site {
        let headers =
            [("x-forwarded-for".parse().unwrap(), address.parse().unwrap())].into_iter().collect();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            .build();
        Site::new(http.unwrap(), &self.url)
    }

    /// A connection to the story's database.
    pub(crate) async fn conn(&self) -> PooledConn {
        self.context.db.get().await.unwrap()
    }

    /// Where the simulator listens.
    pub(crate) fn twilio_url(&self) -> &str {
        &self.twilio.as_ref().unwrap().url
    }

    /// Performs every job that is due and lets the network deliver, until nothing happens any more.
    /// Jobs whose time has not come stay.
    pub(crate) async fn run_until_idle(&self) {
        self.worker.heartbeat().await.unwrap();
        loop {
            let performed = Box::pin(self.worker.perform_due()).await.unwrap();
            self.simulator.flush().await;
            if performed == 0 {
                break;
            }
        }
        let left = self.jobs("failed_at IS NOT NULL OR worker_id IS NOT NULL").await;
        assert!(left.is_empty(), "jobs have failed or are stuck: {left:?}");
    }

    /// Moves the clock on, then does what has become due.
    pub(crate) async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.run_until_idle().await;
    }

    /// Waits until the worker that runs by itself has brought something about; polls, since the
    /// other side is another thread.
    pub(crate) async fn eventually<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let asked = std::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(asked.elapsed() < Duration::from_mins(1), "{what}: not within a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The jobs that meet a condition, as kind and error.
    pub(crate) async fn jobs(&self, condition: &str) -> Vec<String> {
        let query = format!(
            "SELECT kind || coalesce(': ' || error, '') AS text FROM jobs WHERE {condition}
                ORDER BY id"
        );
        self.texts(&query).await
    }

    /// A query's column `text`.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let rows: Vec<Text> = diesel::sql_query(query).load(&mut *self.conn().await).await.unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Changes the database behind the product's back.
    pub(crate) async fn run_sql(&self, statement: &str) {
        diesel::sql_query(statement).execute(&mut *self.conn().await).await.unwrap();
    }

    /// How many rows a table, or `table WHERE …`, has.
    pub(crate) async fn count(&self, rows: &str) -> i64 {
        let texts = self.texts(&format!("SELECT count(*)::text AS text FROM {rows}")).await;
        texts[0].parse().unwrap()
    }

    /// Another Carillon process on the same database and Twilio: its worker, with an identity of
    /// its own.
    pub(crate) fn second_worker(&self) -> Worker {
        app::worker(&self.context)
    }

    /// What the web edge of this process shares.
    pub(crate) fn web(&self) -> &Web {
        &self.running.as_ref().unwrap().web
    }

    async fn close(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        if let Some(twilio) = self.twilio.take() {
            twilio.stop().await;
        }
        self.context.db.close();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        finish(self.close());
    }
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// Starts on a port of its own: the public URL must be known before the server listens. Outside of
/// the range that the kernel takes the ports of outgoing connections from.
fn serve(
    database: &TestDatabase,
    twilio_url: &str,
    clock: &Clock,
    duty: Duty,
    patience: Duration,
    settings: &[(&'static str, String)],
) -> (Data<Context>, Running) {
    for _ in 0..50 {
        let port = 10_000 + rand::random::<u16>() % 22_000;
        let vars = [
            ("DATABASE_URL", database.url.clone()),
            ("CARILLON_BIND", format!("127.0.0.1:{port}")),
            ("CARILLON_SECRET_KEY", SecretKey::generate().to_base64().expose_secret().to_owned()),
            ("CARILLON_DATABASE_CONNECTIONS", "8".to_owned()),
            ("CARILLON_DATA_DIR", "/nonexistent".to_owned()),
            ("CARILLON_TWILIO_API_URL", twilio_url.to_owned()),
        ];
        let vars: BTreeMap<&str, String> =
            vars.into_iter().chain(settings.iter().cloned()).collect();
        let config = Config::from_vars(vars).unwrap();
        let api_url = config.twilio_api_url.clone();
        let pool = Pool::new(database.target(), config.database_connections);
        let mut context = Context::new(config, pool, clock.clone()).unwrap();
        let options = ClientOptions {
            api_url,
            timeout: patience,
            connect_timeout: patience / 2,
            ..ClientOptions::default()
        };
        (context.twilio, context.worker_twilio) =
            (Client::new(&options).unwrap(), Client::new(&options).unwrap());
        let context = Data::new(context);
        match app::start(&context, duty) {
            Ok(running) => return (context, running),
            Err(error) if error.to_string().contains("another program listens") => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no port is free");
}

/// Ends something at the end of a story, also of one that failed.
fn finish(end: impl Future<Output = ()>) {
    tokio::task::block_in_place(|| Handle::current().block_on(end));
}

/// The seed of a story that chance decides, printed with its name: the one of `CARILLON_TEST_SEED`,
/// or a new one.
pub(crate) fn seed(what: &str) -> u64 {
    let given =
        std::env::var_os("CARILLON_TEST_SEED").map(|seed| seed.to_str().unwrap().parse().unwrap());
    let seed = given.unwrap_or_else(rand::random);
    say(&format!("{what} of seed {seed}; CARILLON_TEST_SEED={seed} repeats it"));
    seed
}

/// Says something about a story to whoever reads its output.
#[expect(
    clippy::print_stdout,
    reason = "the test runner keeps it, and shows it when the story fails"
)]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// reqwest and rustls leave the choice to the program; the product makes it for its own client
/// only.
pub(crate) fn choose_crypto() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
}

/// Shows the log of what runs in this process when `CARILLON_TEST_LOG` is set, e.g. to `info`.
fn start_log() {
    if let Some(filter) = std::env::var_os("CARILLON_TEST_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter.to_string_lossy());
        // Another story of this process may have been faster.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    }
}
