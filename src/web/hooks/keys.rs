//! The keys that verify a connection's webhooks, kept for a few seconds: unsealing them for every
//! callback would cost more than the rest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use secrecy::SecretString;

use super::refusal::Refusal;
use crate::connections;
use crate::connections::webhooks::RejectionReason;
use crate::context::Context;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// How long keys are trusted without looking again; a signature that fails looks again at once.
const FRESH: Duration = Duration::from_secs(5);

/// Looking again because of bad signatures is done no more often than this, so that forgers cannot
/// make us busy.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is needed to check a connection's webhooks.
pub(super) struct HookKeys {
    /// The account that they must name.
    pub(super) account_sid: String,
    /// The Auth Tokens that may sign; none for a connection without one, whose hooks have a secret
    /// in their address.
    pub(super) tokens: Vec<SecretString>,
    /// The secrets that the address may have, where there are no tokens.
    pub(super) secrets: Vec<SecretString>,
    read_at: Instant,
    epoch: u64,
}

/// Keys by connection.
#[derive(Clone, Default)]
pub(super) struct KeyCache {
    known: Arc<Mutex<HashMap<ConnectionId, Arc<HookKeys>>>>,
    /// Held by whoever reads: the others that found nothing fresh wait for what it brings, instead
    /// of all asking the database.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl HookKeys {
    /// Whether newer keys may exist.
    pub(super) fn may_be_outdated(&self) -> bool {
        self.read_at.elapsed() > LOOK_AGAIN
    }
}

impl KeyCache {
    /// The keys of a connection, from memory while they are fresh.
    pub(super) async fn of(
        &self,
        context: &Context,
        id: ConnectionId,
    ) -> Result<Arc<HookKeys>, Refusal> {
        if let Some(keys) = self.fresh(context, id) {
            return Ok(keys);
        }
        let _alone = self.reading.lock().await;
        match self.fresh(context, id) {
            Some(keys) => Ok(keys),
            None => self.read(context, id).await,
        }
    }

    /// The keys in memory, unless they are old or keys have been saved since by this process.
    fn fresh(&self, context: &Context, id: ConnectionId) -> Option<Arc<HookKeys>> {
        let epoch = context.key_epoch.current();
        let is_fresh =
            |keys: &&Arc<HookKeys>| keys.epoch == epoch && keys.read_at.elapsed() < FRESH;
        self.known.lock().get(&id).filter(is_fresh).cloned()
    }

    /// The keys of a connection as the database has them now.
    pub(super) async fn read(
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
        self.known.lock().insert(id, Arc::clone(&keys));
        Ok(keys)
    }
}
