//! The hooks that Twilio calls: signature first, then parse, then one transaction; 2xx only after
//! its commit.

mod inbound;
mod keys;
mod status;
mod test;
mod verify;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

use crate::clock::Clock;
use crate::connections::webhooks::Reason;
use crate::db::{self, Pool};
use crate::error::Error;
use crate::types::id::ConnectionId;

/// What the hooks of a process share: the batch that callbacks commit in, and the keys that verify
/// them.
#[derive(Clone)]
pub struct Hooks {
    reports: status::Reports,
    keys: keys::KeyCache,
}

impl Hooks {
    /// Starts the batcher on the present runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        Self {
            reports: status::reports(db.clone(), clock.clone()),
            keys: keys::KeyCache::default(),
        }
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}

/// Mounts the hooks.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    // The busiest first, and without a scope around them: each pattern that is tried costs half as
    // much as checking the signature.
    cfg.service(
        web::resource("/hooks/twilio/{connection_id}/status/{message_id}").post(status::receive),
    )
    .service(
        web::resource("/hooks/twilio/{connection_id}/{secret}/status/{message_id}")
            .post(status::receive),
    )
    .service(web::resource("/hooks/twilio/{connection_id}/inbound").post(inbound::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/{secret}/inbound").post(inbound::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/test").post(test::receive))
    .service(web::resource("/hooks/twilio/{connection_id}/{secret}/test").post(test::receive));
}

/// Why a hook did not take what it was given.
#[derive(Debug)]
enum Refusal {
    /// It does not come from Twilio, or not for this connection: 403 (404 where there is no such
    /// connection, 400 where it cannot be read).
    Rejected { connection_id: Option<ConnectionId>, reason: Reason, detail: String },
    /// There is no such message: 404.
    UnknownMessage,
    /// The database is away: 503, so that Twilio tries again.
    Away,
    /// A mistake of ours: 500, so that Twilio tries again.
    Failed,
}

impl From<db::Unavailable> for Refusal {
    fn from(error: db::Unavailable) -> Self {
        tracing::warn!(%error, "a webhook was answered with 503");
        Self::Away
    }
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        if db::is_away(&error) {
            tracing::warn!(%error, "a webhook was answered with 503");
            return Self::Away;
        }
        tracing::error!(%error, "a webhook was answered with 500");
        Self::Failed
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::NotFound("message") => Self::UnknownMessage,
            other => {
                tracing::error!(error = %other, "a webhook was answered with 500");
                Self::Failed
            }
        }
    }
}

impl Refusal {
    fn response(&self) -> HttpResponse {
        match self {
            Self::Rejected { reason: Reason::UnknownConnection, .. } | Self::UnknownMessage => {
                HttpResponse::NotFound()
            }
            Self::Rejected { reason: Reason::Malformed, .. } => HttpResponse::BadRequest(),
            Self::Rejected { .. } => HttpResponse::Forbidden(),
            Self::Away => HttpResponse::ServiceUnavailable(),
            Self::Failed => HttpResponse::InternalServerError(),
        }
        .finish()
    }
}
