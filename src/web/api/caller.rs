//! The caller of the API: the bearer of a key, with the role that the handler's signature requires.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use futures::future::{Ready, ready};

use super::error::{ApiError, ApiResult};
use crate::context::Context;
use crate::db::{Conn, PooledConn};
use crate::error::Error;
use crate::ledger::days_input::Today;
use crate::users::api_keys::ApiKey;
use crate::users::audit::Actor;
use crate::users::{Role, User, organization};
use crate::web::http::access::{Access, Admin, Marketer, Viewer};

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
