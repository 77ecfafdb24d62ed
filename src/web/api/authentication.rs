//! Authentication of API requests: the key that a request presents is looked up, in batches.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};

use super::error::{ApiError, ApiResult};
use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::db::Pool;
use crate::error::Error;
use crate::users::api_keys::{self, ApiKey, ApiKeySecret};

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

/// Looks up the key before anything else of the request is read, so that a stranger learns nothing
/// about fields and bodies.
///
/// A [`Caller`](super::Caller) then checks the role; it must come first among a handler's
/// arguments.
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
    found.ok_or_else(|| ApiError::unauthorized("This API key is unknown or revoked."))
}

fn presented(request: &HttpRequest) -> Result<ApiKeySecret, ApiError> {
    let header = request.headers().get(AUTHORIZATION).ok_or_else(|| {
        ApiError::unauthorized("Send your API key as `Authorization: Bearer ck_…`.")
    })?;
    let text = header.to_str().unwrap_or_default();
    let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized(
            "Send your API key as `Authorization: Bearer ck_…`. Other schemes don’t work.",
        ));
    }
    ApiKeySecret::parse(key.trim()).ok_or_else(|| {
        ApiError::unauthorized(
            "This is not an API key. One starts with `ck_` and has 46 characters.",
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
