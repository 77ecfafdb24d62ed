//! [`TestApp`]: a complete Carillon with its own database and its own simulated Twilio, and its
//! [`TestOptions`].

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use carillon::app::{self, ProcessRole, Running};
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

use super::api_client::Api;
use super::scriptless_browser::Site;
use super::test_database::{DatabaseServer, TestDatabase};
use super::test_environment::{choose_crypto, finish, seed, start_log};
use super::waiting::poll_until;

/// A complete Carillon with its own database and its own simulated Twilio; dropping it stops both.
pub(crate) struct TestApp {
    pub(crate) context: Data<Context>,
    /// The base URL, such as `http://127.0.0.1:20000`.
    pub(crate) url: String,
    pub(crate) clock: Clock,
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    /// A worker that performs jobs on request; see [`TestApp::run_until_idle`].
    pub(crate) worker: Worker,
    pub(crate) database: TestDatabase,
    twilio: Option<RunningSimulator>,
    running: Option<Running>,
    api: Api,
}

/// Options of a [`TestApp`]; the defaults suit most stories.
pub(crate) struct TestOptions {
    /// By default a manual clock, which moves only with [`TestApp::advance`].
    pub(crate) clock: Clock,
    /// By default [`ProcessRole::Web`]: [`TestApp::run_until_idle`] performs the jobs.
    pub(crate) role: ProcessRole,
    /// How long Carillon waits for a response of Twilio.
    pub(crate) twilio_timeout: Duration,
    /// The PostgreSQL server that holds the database.
    pub(crate) database_server: DatabaseServer,
    /// How long Twilio waits before it repeats a failed webhook call.
    pub(crate) retry_pause: Duration,
    /// How long a message stays in each status at Twilio.
    pub(crate) hop: Duration,
    /// How long Twilio holds a request that it never answers.
    pub(crate) hold: Duration,
    /// Settings that override the defaults. A `DATABASE_URL` here changes only the configuration;
    /// the story still uses its own database.
    pub(crate) settings: Vec<(&'static str, String)>,
}

impl Default for TestOptions {
    fn default() -> Self {
        let start = DateTime::from_timestamp(1_794_650_400, 0).unwrap();
        Self {
            clock: Clock::manual(start),
            role: ProcessRole::Web,
            twilio_timeout: Duration::from_secs(10),
            database_server: DatabaseServer::Shared,
            retry_pause: Duration::ZERO,
            // Long enough to record a response before the first status report; at the end, `flush`
            // delivers the remaining reports at once.
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

/// A minute more than the interval in which missed texts are collected.
pub(crate) const UNTIL_COLLECTED: TimeDelta = seconds(11 * 60);

/// A minute more than the age at which a silent message is first looked up.
pub(crate) const UNTIL_LOOKED_UP: TimeDelta = seconds(16 * 60);

impl TestApp {
    /// Starts with a manual clock and no background worker.
    pub(crate) async fn start() -> Self {
        Self::with(TestOptions::default()).await
    }

    /// Starts with a background worker and the system clock.
    pub(crate) async fn with_worker() -> Self {
        Self::with(TestOptions {
            clock: Clock::system(),
            role: ProcessRole::All,
            ..TestOptions::default()
        })
        .await
    }

    pub(crate) async fn with(options: TestOptions) -> Self {
        let flavor = Handle::current().runtime_flavor();
        assert_eq!(
            flavor,
            RuntimeFlavor::MultiThread,
            "stories need #[tokio::test(flavor = \"multi_thread\")]: dropping a TestApp blocks"
        );
        choose_crypto();
        start_log();
        let TestOptions {
            clock,
            role,
            twilio_timeout,
            database_server,
            retry_pause,
            hop,
            hold,
            settings,
        } = options;
        let database = TestDatabase::create_on(database_server).await;
        let seed = seed("the simulator");
        let twilio = SimulatorOptions {
            hop: hop..=hop,
            hold,
            retry_pause,
            seed,
            ..app::instant_simulator(&clock)
        };
        let twilio = Simulator::new(twilio).start("127.0.0.1:0").await.unwrap();
        let (context, running) =
            serve(&database, &twilio.url, &clock, role, twilio_timeout, &settings);
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
            worker: app::new_worker(&context),
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

    /// The API client with the key of an admin.
    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    /// The API with a key of a given role.
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

    /// A browser session that is not signed in.
    pub(crate) fn site(&self) -> Site {
        Site::new(self.http.clone(), &self.url)
    }

    /// A browser session from a given client address, which a local reverse proxy would report in
    /// `X-Forwarded-For`.
    pub(crate) fn site_from(&self, address: &str) -> Site {
        self.site_with(&[("x-forwarded-for", address)])
    }

    /// A browser session whose requests have these headers.
    pub(crate) fn site_with(&self, headers: &[(&str, &str)]) -> Site {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
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

    /// The base URL of the simulator.
    pub(crate) fn twilio_url(&self) -> &str {
        &self.twilio.as_ref().unwrap().url
    }

    /// Performs all due jobs and delivers all reports, until nothing more happens. Jobs that are
    /// due later stay in the queue.
    pub(crate) async fn run_until_idle(&self) {
        self.worker.heartbeat().await.unwrap();
        loop {
            let performed = Box::pin(self.worker.perform_due()).await.unwrap();
            self.simulator.flush().await;
            if performed == 0 {
                break;
            }
        }
        let stuck = self.jobs("failed_at IS NOT NULL OR worker_id IS NOT NULL").await;
        assert!(stuck.is_empty(), "jobs have failed or are stuck: {stuck:?}");
    }

    /// Advances the clock, then performs what has become due.
    pub(crate) async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.run_until_idle().await;
    }

    /// Polls until the background worker has produced a result; fails after a minute.
    pub(crate) async fn eventually<T>(
        &self,
        what: &str,
        poll: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        poll_until(what, poll).await
    }

    /// The jobs that match an SQL condition, each as its kind and error.
    pub(crate) async fn jobs(&self, condition: &str) -> Vec<String> {
        let query = format!(
            "SELECT kind || coalesce(': ' || error, '') AS text FROM jobs WHERE {condition}
                ORDER BY id"
        );
        self.texts(&query).await
    }

    /// The `text` column of a query.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let rows: Vec<Text> = diesel::sql_query(query).load(&mut *self.conn().await).await.unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Executes a statement directly in the database.
    pub(crate) async fn run_sql(&self, statement: &str) {
        diesel::sql_query(statement).execute(&mut *self.conn().await).await.unwrap();
    }

    /// The number of rows of a table, or of `table WHERE …`.
    pub(crate) async fn count(&self, rows: &str) -> i64 {
        let texts = self.texts(&format!("SELECT count(*)::text AS text FROM {rows}")).await;
        texts[0].parse().unwrap()
    }

    /// A second worker on the same database and Twilio, with its own identity.
    pub(crate) fn second_worker(&self) -> Worker {
        app::new_worker(&self.context)
    }

    /// The state that the web handlers of this process share.
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

/// Starts the server on a random port, since the public URL must be known before it listens. The
/// range lies below the ephemeral ports of the kernel.
fn serve(
    database: &TestDatabase,
    twilio_url: &str,
    clock: &Clock,
    role: ProcessRole,
    twilio_timeout: Duration,
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
            timeout: twilio_timeout,
            connect_timeout: twilio_timeout / 2,
            ..ClientOptions::default()
        };
        (context.twilio, context.worker_twilio) =
            (Client::new(&options).unwrap(), Client::new(&options).unwrap());
        let context = Data::new(context);
        match app::start(&context, role) {
            Ok(running) => return (context, running),
            Err(error) if error.to_string().contains("another program listens") => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("found no free port");
}
