//! The header `Idempotency-Key`, with which a request can be repeated safely.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures::future::{Ready, ready};

use crate::error::FieldErrors;
use crate::types::id::ApiKeyId;
use crate::web::api::ApiError;

/// The largest length of a key.
const MAX_KEY: usize = 200;

/// The header `Idempotency-Key`, if it was sent.
#[derive(Debug)]
pub(super) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key as it is stored: two API keys never share one.
    pub(super) fn of(self, caller: ApiKeyId) -> Option<String> {
        self.0.map(|key| format!("api:{caller}:{key}"))
    }
}

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request
            .headers()
            .get("Idempotency-Key")
            .map(|value| value.to_str().unwrap_or_default().trim());
        ready(match header {
            None => Ok(Self(None)),
            Some(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Self(Some(key.to_owned()))),
            Some(_) => {
                let message =
                    format!("This header takes 1 to {MAX_KEY} plain characters, such as a UUID.");
                Err(ApiError::invalid(FieldErrors::default().with("Idempotency-Key", message)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn an_idempotency_key_belongs_to_one_api_key() {
        let read = async |value: &str| {
            let request =
                TestRequest::default().insert_header(("Idempotency-Key", value)).to_http_request();
            IdempotencyKey::from_request(&request, &mut Payload::None).await
        };
        let (one, other) = (ApiKeyId::new(), ApiKeyId::new());
        let of = async |caller| read("order-7").await.unwrap().of(caller);
        assert_ne!(of(one).await, of(other).await);
        assert_eq!(of(one).await, of(one).await);
        assert!(read("").await.is_err() && read(&"k".repeat(201)).await.is_err());
    }
}
