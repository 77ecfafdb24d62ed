//! What use cases need: settings, database, time, keys, Twilio, and the renderer of messages.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::connections::KeyEpoch;
use crate::db::Pool;
use crate::queue::handover::Handover;
use crate::templates::Renderer;
use crate::twilio::{Client, ClientError, ClientOptions};
use crate::types::sealed::SecretKey;

/// What one process shares; only the edges (web, worker, command line) and use cases know it.
pub struct Context {
    /// The settings.
    pub config: Arc<Config>,
    /// Connections to the database.
    pub db: Pool,
    /// The time.
    pub clock: Clock,
    /// Seals secrets, and signs cookies and form tokens.
    pub secret_key: SecretKey,
    /// The templates of the messages, parsed.
    pub renderer: Renderer,
    /// Twilio, for requests.
    pub twilio: Client,
    /// Twilio, for jobs: a connection ends with the thread that opened it, and those of the web
    /// server end before the last job does.
    pub worker_twilio: Client,
    /// Where the web server hands jobs over to the worker of the same process.
    pub handover: Handover,
    /// Counts the changes of keys, so that cached ones are read anew.
    pub key_epoch: KeyEpoch,
    /// When the process began.
    pub started_at: DateTime<Utc>,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Context {
    /// Puts together what the process shares; the database is open and migrated.
    pub fn new(config: Config, db: Pool, clock: Clock) -> Result<Self, ContextError> {
        let secret_key = config.secret_key()?;
        let options =
            ClientOptions { api_url: config.twilio_api_url.clone(), ..ClientOptions::default() };
        let started_at = clock.now();
        Ok(Self {
            config: Arc::new(config),
            db,
            clock,
            secret_key,
            renderer: Renderer::default(),
            twilio: Client::new(&options)?,
            worker_twilio: Client::new(&options)?,
            handover: Handover::default(),
            key_epoch: KeyEpoch::default(),
            started_at,
        })
    }
}
