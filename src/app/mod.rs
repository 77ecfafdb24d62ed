//! The composition root: puts configuration, database, Twilio client, worker and web server
//! together.

mod demo;
mod files;
mod serve;
mod time;

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::connections;
use crate::db::{
    self, Conn, Embedded, EmbeddedError, EmbeddedOptions, MigrateError, Pool, PoolerError, Target,
    TargetError, Unavailable,
};
use crate::error::Error;
use crate::queue::handover::Handover;
use crate::senders;
use crate::simulator::{self, RunningSimulator, Simulator, SimulatorOptions};
use crate::templates::Renderer;
use crate::twilio::{Client, ClientOptions};
use crate::types::sealed::SecretKey;
use crate::types::text_enum::UnknownWord;
use crate::users::audit::{self, Actor};
use crate::users::{self, NewUser};
use crate::web::api::{ApiKeys, EventReports};
use crate::web::{Hooks, Intake, LiveMessages, Pages};
use crate::worker::{Worker, WorkerParts};

pub use demo::demo;
pub use serve::{Running, serve, start};

/// What one process shares; only the edges (web, worker, command line) know it.
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// Connections to the database.
    pub db: Pool,
    /// The time.
    pub clock: Clock,
    /// Seals secrets, and signs cookies and form tokens.
    pub secret_key: SecretKey,
    /// The templates of the pages.
    pub pages: Pages,
    /// The templates of the messages, parsed.
    pub renderer: Renderer,
    /// Twilio, for requests.
    pub twilio: Client,
    /// Twilio, for jobs: a connection ends with the thread that opened it, and those of the web
    /// server end before the last job does.
    pub worker_twilio: Client,
    /// What the web server takes in at once.
    pub intake: Intake,
    /// What the hooks share.
    pub hooks: Hooks,
    /// The batch that reports of single events commit in.
    pub events: EventReports,
    /// Where the web server hands jobs over to the worker of the same process.
    pub handover: Handover,
    /// The look-up of API keys.
    pub api_keys: ApiKeys,
    /// Tells open pages of messages what has changed.
    pub live: LiveMessages,
    /// When the process began.
    pub started_at: DateTime<Utc>,
}

impl App {
    /// Puts the parts of a process together, on the present runtime; the database is open and
    /// migrated.
    pub fn new(config: Config, db: Pool, clock: Clock) -> Result<Self, AppError> {
        let secret_key = config.secret_key()?;
        let pages = Pages::load(&config.public_url)
            .map_err(|error| AppError::Other(format!("a page template cannot be used: {error}")))?;
        let options =
            ClientOptions { api_url: config.twilio_api_url.clone(), ..ClientOptions::default() };
        let client = || Client::new(&options).map_err(|error| AppError::Other(error.to_string()));
        let (twilio, worker_twilio) = (client()?, client()?);
        let intake = Intake::new(&config);
        let hooks = Hooks::start(&db, &clock);
        let handover = Handover::default();
        let events = EventReports::start(&db, &clock, &handover);
        let api_keys = ApiKeys::start(&db, &clock);
        let live = LiveMessages::new(&db, &clock);
        let (config, renderer, started_at) = (Arc::new(config), Renderer::default(), clock.now());
        Ok(Self {
            config,
            db,
            clock,
            secret_key,
            pages,
            renderer,
            twilio,
            worker_twilio,
            intake,
            hooks,
            events,
            handover,
            api_keys,
            live,
            started_at,
        })
    }

    /// Makes sure that the saved keys can be read: with another secret key, every message would
    /// have to wait.
    pub async fn check_secret_key(&self) -> Result<(), AppError> {
        let mut conn = self.db.get().await?;
        connections::check_secret_key(&mut conn, &self.secret_key).await.map_err(
            |error| match error {
                Error::Refused(_) => AppError::OtherSecretKey,
                other => other.into(),
            },
        )
    }

    /// Makes the secrets of webhook addresses that are missing, which needs the key that the
    /// migrations do not have, and notes the senders whose address at Twilio has to be set anew for
    /// it.
    pub async fn fill_hook_secrets(&self) -> Result<(), AppError> {
        let mut conn = self.db.get().await?;
        let unsigned = connections::fill_hook_secrets(&mut conn, &self.secret_key).await?;
        if !unsigned.is_empty() {
            tracing::warn!(
                connections = unsigned.len(),
                "connections without an Auth Token have a new webhook address: repair their \
                 webhooks"
            );
            senders::note_without_secret(&mut conn, &unsigned).await?;
        }
        Ok(())
    }

    /// A worker on the same parts.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker::new(WorkerParts {
            db: self.db.clone(),
            clock: self.clock.clone(),
            twilio: self.worker_twilio.clone(),
            renderer: self.renderer.clone(),
            secret_key: self.secret_key.clone(),
            public_url: self.config.public_url.clone(),
            concurrency: self.config.worker_concurrency,
            handover: self.handover.clone(),
        })
    }
}

/// What one process does of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Duty {
    /// Pages, API, hooks and jobs.
    All,
    /// Pages, API and hooks.
    Web,
    /// Jobs.
    Worker,
}

/// A user to be made from the command line.
#[derive(Debug)]
pub struct UserArguments {
    /// What they sign in with.
    pub email: String,
    /// How they are called; made from the email if missing.
    pub name: Option<String>,
    /// `admin`, `marketer` or `viewer`.
    pub role: String,
    /// Their first password.
    pub password: SecretString,
}

/// Why the program ends early; one line for people.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `DATABASE_URL` cannot be used.
    #[error("DATABASE_URL cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// `DATABASE_URL` leads to a pooler behind which Carillon cannot work, or the database does not
    /// answer.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// The embedded PostgreSQL does not run.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The database is not at the version of this binary.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A slice refused.
    #[error(transparent)]
    Slice(#[from] Error),
    /// The saved keys were sealed with another secret key.
    #[error(
        "CARILLON_SECRET_KEY, or secret.key in the data directory, is not the key that sealed the \
         Twilio keys in this database: start with \
         that one. If it is lost, run `carillon forget-keys` and enter the keys again in the \
         Connection Center"
    )]
    OtherSecretKey,
    /// Anything else, such as a port in use: what happened and what to do.
    #[error("{0}")]
    Other(String),
}

/// The database of this installation: the one that is set, or the embedded one.
#[derive(Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: Pool,
    embedded: Option<Embedded>,
}

impl AppError {
    /// The code that the program exits with: 78 for settings, 69 when the database is away, else 1
    /// (2 is for wrong usage).
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Target(_)
            | Self::OtherSecretKey
            | Self::Pooler(PoolerError::SharedSessions(_)) => 78,
            Self::Unavailable(_)
            | Self::Pooler(PoolerError::Unavailable(_))
            | Self::Embedded(_)
            | Self::Migrate(MigrateError::Unavailable(_)) => 69,
            Self::Migrate(_) | Self::Slice(_) | Self::Other(_) => 1,
        }
    }
}

impl Database {
    /// Opens the database that is configured, starting the embedded PostgreSQL if need be; migrates
    /// nothing.
    pub async fn open(config: &Config) -> Result<Self, AppError> {
        use secrecy::ExposeSecret;
        let (target, embedded) = match &config.database_url {
            Some(url) => {
                let target = Target::parse(url.expose_secret())?;
                db::refuse_shared_sessions(&target).await?;
                (target, None)
            }
            None => {
                let embedded =
                    Embedded::attach_or_start(EmbeddedOptions::new(&config.data_dir)).await?;
                (embedded.target().clone(), Some(embedded))
            }
        };
        Ok(Self { pool: Pool::new(target, config.database_connections), embedded })
    }

    /// Closes the connections and stops the embedded PostgreSQL, if this process runs it.
    pub async fn close(self) {
        self.pool.close();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// Applies the migrations that are missing, and returns their versions.
pub async fn migrate(config: &Config) -> Result<Vec<String>, AppError> {
    let database = Database::open(config).await?;
    let applied = db::migrate(database.pool.target()).await;
    database.close().await;
    Ok(applied?)
}

/// Serves the simulator alone, until the process is asked to stop.
pub async fn simulator(config: Config) -> Result<(), AppError> {
    let bind = config.simulator_bind;
    let running = start_simulator(bind).await?;
    tracing::info!(
        url = running.url,
        account = simulator::ACCOUNT_SID,
        token = simulator::AUTH_TOKEN,
        "the Twilio simulator is ready"
    );
    serve::stop_signal().await;
    running.stop().await;
    Ok(())
}

async fn start_simulator(bind: SocketAddr) -> Result<RunningSimulator, AppError> {
    let simulator = Simulator::new(SimulatorOptions::default());
    simulator
        .start(&bind.to_string())
        .await
        .map_err(|error| serve::cannot_listen(bind, "CARILLON_SIMULATOR_BIND", &error))
}

/// Creates a user.
pub async fn create_user(config: &Config, user: UserArguments) -> Result<(), AppError> {
    with_database(config, async |conn, now| {
        let name = user
            .name
            .clone()
            .unwrap_or_else(|| user.email.split('@').next().unwrap_or("Admin").to_owned());
        let (name, email, password) =
            users::parse_account(&name, &user.email, user.password.expose_secret())
                .map_err(Error::Invalid)?;
        let role = user
            .role
            .parse()
            .map_err(|error: UnknownWord| Error::field("role", error.to_string()))?;
        let new = NewUser { email, name, role, password_hash: password.hash().await? };
        conn.transaction(async |conn| {
            let user = users::create(conn, &new, now).await?;
            let summary = format!("created the user {} as {}", user.name, user.role);
            audit::record(
                conn,
                &Actor::command_line(),
                audit::Kind::User,
                Some(user.id.0),
                &summary,
                now,
            )
            .await
        })
        .await
    })
    .await
}

/// Creates a key for the JSON API and returns it; it is shown this once.
pub async fn create_api_key(
    config: &Config,
    name: &str,
    role: &str,
) -> Result<SecretString, AppError> {
    with_database(config, async |conn, now| {
        let role =
            role.parse().map_err(|error: UnknownWord| Error::field("role", error.to_string()))?;
        let actor = Actor::command_line();
        let (_, key) = conn
            .transaction::<_, Error, _>(async |conn| {
                users::api_keys::create(conn, &actor, name, role, now).await
            })
            .await?;
        Ok(key.expose().into())
    })
    .await
}

/// Makes an installation whose secret key is lost usable again; returns how many connections need
/// their keys anew.
pub async fn forget_keys(config: &Config) -> Result<usize, AppError> {
    let secret_key = config.secret_key()?;
    with_database(config, async |conn, now| {
        conn.transaction(async |conn| connections::forget_keys(conn, &secret_key, now).await).await
    })
    .await
}

/// Runs one command on the migrated database, beside a running `serve` or without one.
async fn with_database<T>(
    config: &Config,
    command: impl AsyncFnOnce(&mut Conn, DateTime<Utc>) -> Result<T, Error>,
) -> Result<T, AppError> {
    let database = Database::open(config).await?;
    let done = async {
        db::migrate(database.pool.target()).await?;
        let mut conn = database.pool.get().await?;
        Ok(command(&mut conn, Clock::system().now()).await?)
    }
    .await;
    database.close().await;
    done
}
