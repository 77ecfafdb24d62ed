//! HTTP Basic authentication as Twilio does it: account SID and auth token, or an API key.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::refusal::Refusal;
use super::resources::AccountStatus;
use super::shared_state::Shared;
use super::world::{Credential, CredentialKind};

/// The authenticated account of a request.
pub(super) struct Caller {
    pub(super) account_sid: Arc<str>,
    pub(super) credential_kind: CredentialKind,
    status: AccountStatus,
}

impl Caller {
    /// The caller's account SID, if the path names this account and it is active.
    pub(super) fn require_account(&self, path_sid: &str) -> Result<&str, Refusal> {
        if path_sid != &*self.account_sid {
            return Err(Refusal::with(20003, "Authentication Error - invalid username"));
        }
        self.require_active()
    }

    /// The caller's account SID, if the account is active.
    pub(super) fn require_active(&self) -> Result<&str, Refusal> {
        match self.status {
            AccountStatus::Active => Ok(&self.account_sid),
            AccountStatus::Suspended | AccountStatus::Closed => Err(Refusal::new(20005)),
        }
    }
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let credential =
            request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()).and_then(
                |header| {
                    let shared = request.app_data::<Data<Shared>>()?;
                    shared.world().credential(header)
                },
            );
        ready(match credential {
            Some((Credential { account_sid, kind }, status)) => {
                Ok(Self { account_sid, credential_kind: kind, status })
            }
            None => Err(Refusal::new(20003)),
        })
    }
}
