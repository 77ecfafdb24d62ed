//! Who calls the API: the bearer of a key, with a role that the handler's signature asks for.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::error::ApiError;
use crate::app::App;
use crate::db::PooledConn;
use crate::users::api_keys::{self, ApiKey, Key};
use crate::users::{Role, User};
use crate::web::visit::{Access, Admin, Marketer, Viewer};

/// A program with an accepted key; `R` is [`Viewer`], [`Marketer`] or [`Admin`].
pub struct Caller<R: Bearer> {
    /// The application, for its database, clock, keys and clients.
    pub app: Data<App>,
    /// The key that was presented.
    pub key: ApiKey,
    role: PhantomData<R>,
}

/// The roles that a key can have.
pub trait Bearer: Access<Who = User> {
    /// The least role that is admitted.
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
    /// A connection to the database.
    pub async fn conn(&self) -> Result<PooledConn, ApiError> {
        Ok(self.app.db.get().await?)
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }
}

impl<R: Bearer> FromRequest for Caller<R> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<Data<App>>().cloned();
        let key = presented(request);
        async move {
            let app = app.ok_or_else(|| crate::error::Error::Internal("the application was not registered with the server".to_owned()))?;
            let key = key?;
            let mut conn = app.db.get().await?;
            let found = api_keys::authenticate(&mut conn, &key, app.clock.now()).await?;
            drop(conn);
            let key = found.ok_or_else(|| ApiError::unauthorized("This API key is not known, or was revoked."))?;
            if key.role < R::ROLE {
                return Err(ApiError::forbidden(R::ROLE));
            }
            Ok(Self { app, key, role: PhantomData })
        }
        .boxed_local()
    }
}

fn presented(request: &HttpRequest) -> Result<Key, ApiError> {
    let header =
        request.headers().get(AUTHORIZATION).ok_or_else(|| ApiError::unauthorized("Send your API key as `Authorization: Bearer ck_…`."))?;
    let text = header.to_str().unwrap_or_default();
    let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized("Send your API key as `Authorization: Bearer ck_…`; other schemes are not accepted."));
    }
    Key::parse(key.trim()).ok_or_else(|| ApiError::unauthorized("This is not an API key: one starts with `ck_` and has 46 characters."))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::types::token::Token;

    fn accepted(header: &str) -> bool {
        presented(&TestRequest::default().insert_header((AUTHORIZATION, header)).to_http_request()).is_ok()
    }

    #[test]
    fn a_key_is_read_from_the_bearer_header_only() {
        let key = format!("ck_{}", Token::generate().expose());
        assert!(accepted(&format!("Bearer {key}")) && accepted(&format!("bearer  {key} ")));
        assert!(!accepted(&key) && !accepted(&format!("Basic {key}")) && !accepted("Bearer") && !accepted("Bearer ck_x"));
        assert!(presented(&TestRequest::default().to_http_request()).is_err());
    }
}
