//! A cache of the keys that verify a connection's webhooks, for a few seconds: unsealing them for
//! every callback would cost more than the rest of its work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use secrecy::SecretString;

use super::refusal::Refusal;
use crate::connections;
use crate::connections::rejected_webhooks::RejectionReason;
use crate::context::Context;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// How long cached keys are used without a query. A signature that fails causes a query at once.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The minimum age of keys that a bad signature causes to be loaded again, so that forged calls
/// cause little load.
const MIN_RELOAD_AGE: Duration = Duration::from_millis(500);

/// The keys that verify a connection's webhooks.
pub(super) struct HookKeys {
    /// The account that webhooks must name.
    pub(super) account_sid: String,
    /// The Auth Tokens that may sign. A connection without one has a secret in the addresses of its
    /// webhooks.
    pub(super) tokens: Vec<SecretString>,
    /// The secrets that the address may contain, if there are no tokens.
    pub(super) secrets: Vec<SecretString>,
    read_at: Instant,
    epoch: u64,
}

/// Cached keys by connection; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct KeyCache {
    cached: Arc<Mutex<HashMap<ConnectionId, Arc<HookKeys>>>>,
    /// Held while keys are loaded: concurrent callers wait for the result instead of all querying
    /// the database.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl HookKeys {
    /// Whether newer keys may exist, and may be loaded.
    pub(super) fn may_be_outdated(&self) -> bool {
        self.read_at.elapsed() > MIN_RELOAD_AGE
    }
}

impl KeyCache {
    /// The keys of a connection, from the cache while they are fresh.
    pub(super) async fn get(
        &self,
        context: &Context,
        id: ConnectionId,
    ) -> Result<Arc<HookKeys>, Refusal> {
        if let Some(keys) = self.fresh(context, id) {
            return Ok(keys);
        }
        let _single_flight = self.loading.lock().await;
        match self.fresh(context, id) {
            Some(keys) => Ok(keys),
            None => self.load(context, id).await,
        }
    }

    /// The cached keys, unless they are too old or this process has saved keys since.
    fn fresh(&self, context: &Context, id: ConnectionId) -> Option<Arc<HookKeys>> {
        let epoch = context.key_epoch.current();
        let is_fresh =
            |keys: &&Arc<HookKeys>| keys.epoch == epoch && keys.read_at.elapsed() < MAX_AGE;
        self.cached.lock().get(&id).filter(is_fresh).cloned()
    }

    /// Loads the keys of a connection from the database into the cache.
    pub(super) async fn load(
        &self,
        context: &Context,
        id: ConnectionId,
    ) -> Result<Arc<HookKeys>, Refusal> {
        let epoch = context.key_epoch.current();
        let mut conn = context.db.get().await?;
        let connection = connections::find(&mut conn, id).await.map_err(|error| match error {
            Error::NotFound(_) => Refusal::Rejected {
                connection_id: None,
                reason: RejectionReason::UnknownConnection,
                detail: format!("The URL names the connection {id}, which does not exist."),
            },
            other => other.into(),
        })?;
        let unreadable = |error| match error {
            Error::Database(error) => error.into(),
            unreadable => Refusal::Rejected {
                connection_id: Some(id),
                reason: RejectionReason::TokenUnreadable,
                detail: unreadable.to_string(),
            },
        };
        let tokens =
            connections::webhook_tokens(&mut conn, id, &context.secret_key, context.clock.now())
                .await
                .map_err(unreadable)?;
        let secrets = if tokens.is_empty() {
            connections::hook_secrets(&mut conn, id, &context.secret_key, context.clock.now())
                .await
                .map_err(unreadable)?
        } else {
            Vec::new()
        };
        let keys = Arc::new(HookKeys {
            account_sid: connection.account_sid.clone(),
            tokens,
            secrets,
            read_at: Instant::now(),
            epoch,
        });
        self.cached.lock().insert(id, Arc::clone(&keys));
        Ok(keys)
    }
}
