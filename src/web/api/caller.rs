//! The caller of the API: the bearer of a key, with the role that the handler's signature requires.

use std::marker::PhantomData;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use futures::future::{Ready, ready};

use super::error::{ApiError, ApiResult};
use crate::batch::Batcher;
use crate::clock::Clock;
use crate::context::Context;
use crate::db::{Conn, Pool, PooledConn};
use crate::error::Error;
use crate::ledger::typed_days::Today;
use crate::users::api_keys::{self, ApiKey, ApiKeySecret};
use crate::users::audit::Actor;
use crate::users::{Role, User, organization};
use crate::web::http::access::{Access, Admin, Marketer, Viewer};

/// How many keys are looked up in one query at most.
const MAX_BATCH: usize = 200;

/// Looks up API keys; requests that arrive together share one query. Nothing is cached, so that a
/// revoked key stops working at once.
#[derive(Clone)]
pub struct ApiKeys(Batcher<ApiKeySecret, ApiResult<Option<ApiKey>>>);

impl ApiKeys {
    /// Starts the batcher on the current runtime.
    #[must_use]
    pub fn start(db: &Pool, clock: &Clock) -> Self {
        let (db, clock) = (db.clone(), clock.clone());
        Self(Batcher::spawn(MAX_BATCH, move |keys: Vec<ApiKeySecret>| {
            let (db, clock) = (db.clone(), clock.clone());
            async move {
                let found = async {
                    Ok::<_, ApiError>(
                        api_keys::authenticate(&mut *db.get().await?, &keys, clock.now()).await?,
                    )
                };
                match found.await {
                    Ok(found) => found.into_iter().map(Ok).collect(),
                    Err(error) => keys.iter().map(|_| Err(error.clone())).collect(),
                }
            }
        }))
    }

    async fn find(&self, key: ApiKeySecret) -> ApiResult<Option<ApiKey>> {
        let lost =
            || Error::Internal("the search for an API key ended without an answer".to_owned());
        self.0.submit(key).await.ok_or_else(lost)?
    }
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeys")
    }
}

/// A program with a valid key; `R` is [`Viewer`], [`Marketer`] or [`Admin`].
pub struct Caller<R: Bearer> {
    /// The shared state of the process.
    pub context: Data<Context>,
    /// The key that was presented.
    pub key: ApiKey,
    role: PhantomData<R>,
}

/// The roles that a key can have.
pub trait Bearer: Access<Who = User> {
    /// The lowest role that is admitted.
    const ROLE: Role;
}

impl Bearer for Viewer {
    const ROLE: Role = Role::Viewer;
}

impl Bearer for Marketer {
    const ROLE: Role = Role::Marketer;
}

impl Bearer for Admin {
    const ROLE: Role = Role::Admin;
}

impl<R: Bearer> Caller<R> {
    /// The key as the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.key)
    }

    /// A connection to the database.
    pub async fn conn(&self) -> Result<PooledConn, ApiError> {
        Ok(self.context.db.get().await?)
    }

    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        self.context.clock.now()
    }

    /// The current time, and the time zone in which days begin.
    pub(in crate::web) async fn today(&self, conn: &Conn) -> ApiResult<Today> {
        Ok(Today { now: self.now(), zone: organization::find(conn).await?.day_zone })
    }
}

impl<R: Bearer> FromRequest for Caller<R> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let unregistered =
            || Error::Internal("the application was not registered with the server".to_owned());
        let key = request.extensions().get::<ApiKey>().cloned();
        let context = request.app_data::<Data<Context>>().cloned();
        ready(match (context, key) {
            (None, _) => Err(unregistered().into()),
            (_, None) => {
                Err(ApiError::unauthorized("Send your API key as `Authorization: Bearer ck_…`."))
            }
            (_, Some(key)) if key.role < R::ROLE => Err(ApiError::forbidden(R::ROLE)),
            (Some(context), Some(key)) => Ok(Self { context, key, role: PhantomData }),
        })
    }
}

/// Looks up the key before anything else of the request is read, so that a stranger learns nothing
/// about fields and bodies.
///
/// A [`Caller`] then checks the role; it must come first among a handler's arguments.
pub(super) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match find_key(request.request()).await {
        Ok(key) => {
            request.extensions_mut().insert(key);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn find_key(request: &HttpRequest) -> Result<ApiKey, ApiError> {
    let unregistered =
        || Error::Internal("the application was not registered with the server".to_owned());
    let keys = request.app_data::<Data<ApiKeys>>().ok_or_else(unregistered)?;
    let found = keys.find(presented(request)?).await?;
    found.ok_or_else(|| ApiError::unauthorized("This API key is not known, or was revoked."))
}

fn presented(request: &HttpRequest) -> Result<ApiKeySecret, ApiError> {
    let header = request.headers().get(AUTHORIZATION).ok_or_else(|| {
        ApiError::unauthorized("Send your API key as `Authorization: Bearer ck_…`.")
    })?;
    let text = header.to_str().unwrap_or_default();
    let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized(
            "Send your API key as `Authorization: Bearer ck_…`; other schemes are not accepted.",
        ));
    }
    ApiKeySecret::parse(key.trim()).ok_or_else(|| {
        ApiError::unauthorized(
            "This is not an API key: one starts with `ck_` and has 46 characters.",
        )
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::types::token::RandomToken;

    fn accepted(header: &str) -> bool {
        presented(&TestRequest::default().insert_header((AUTHORIZATION, header)).to_http_request())
            .is_ok()
    }

    #[test]
    fn a_key_is_read_from_the_bearer_header_only() {
        let key = format!("ck_{}", RandomToken::generate().expose());
        assert!(accepted(&format!("Bearer {key}")) && accepted(&format!("bearer  {key} ")));
        assert!(
            !accepted(&key)
                && !accepted(&format!("Basic {key}"))
                && !accepted("Bearer")
                && !accepted("Bearer ck_x")
        );
        assert!(presented(&TestRequest::default().to_http_request()).is_err());
    }
}
