//! The context of use cases: settings, database, clock, keys, Twilio clients, mailer and the
//! message renderer.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::connections::KeyEpoch;
use crate::db::Pool;
use crate::mail::{Mailer, MailerError};
use crate::queue::handover::Handover;
use crate::templates::Renderer;
use crate::twilio::{Client, ClientError, ClientOptions};
use crate::types::sealed::SecretKey;

/// The shared state of one process. Only the edges (web, worker, command line) and use cases know
/// it.
pub struct Context {
    /// The settings.
    pub config: Arc<Config>,
    /// The pool of database connections.
    pub db: Pool,
    /// The source of the current time.
    pub clock: Clock,
    /// The key that seals secrets, and signs cookies and form tokens.
    pub secret_key: SecretKey,
    /// Renders messages, and caches their parsed templates.
    pub renderer: Renderer,
    /// The Twilio client of the web edge.
    pub twilio: Client,
    /// The Twilio client of the worker. An HTTP connection ends with the thread that opened it, and
    /// the threads of the web server end before the last job does.
    pub worker_twilio: Client,
    /// Sends emails; `None` without a mail server.
    pub mailer: Option<Mailer>,
    /// Passes due jobs from the web server directly to the worker of the same process.
    pub handover: Handover,
    /// Counts changes of Twilio keys; each change invalidates cached keys.
    pub key_epoch: KeyEpoch,
    /// When the process started.
    pub started_at: DateTime<Utc>,
}

/// Why a [`Context`] could not be created.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The mailer could not be created.
    #[error(transparent)]
    Mailer(#[from] MailerError),
}

impl Context {
    /// Creates the shared state of the process; the database must be open and migrated.
    pub fn new(config: Config, db: Pool, clock: Clock) -> Result<Self, ContextError> {
        let secret_key = config.secret_key()?;
        let options =
            ClientOptions { api_url: config.twilio_api_url.clone(), ..ClientOptions::default() };
        let mailer = match (&config.smtp_url, &config.mail_from) {
            (Some(url), Some(from)) => Some(Mailer::new(url, from, &config.public_url)?),
            _ => None,
        };
        let started_at = clock.now();
        Ok(Self {
            config: Arc::new(config),
            db,
            clock,
            secret_key,
            renderer: Renderer::default(),
            twilio: Client::new(&options)?,
            worker_twilio: Client::new(&options)?,
            mailer,
            handover: Handover::default(),
            key_epoch: KeyEpoch::default(),
            started_at,
        })
    }
}
