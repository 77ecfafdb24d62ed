//! HTML forms as handlers take them. Their CSRF token has been checked before, in front of all
//! pages.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::error::PageError;

/// The largest form, in bytes: a pasted list of some thousand contacts.
pub(in crate::web) const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

/// The fields of a URL-encoded form. `T` is a struct of `String`s with `#[serde(default)]`, so that
/// the input can be shown again; `Vec<(String, String)>` preserves repeated fields.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T> Form<T> {
    /// The fields.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = actix_web::web::Form::<T>::from_request(request, payload);
        async move {
            form.await
                .map(|form| Self(form.into_inner()))
                .map_err(|error| PageError::from_body(&error))
        }
        .boxed_local()
    }
}
