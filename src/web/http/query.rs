//! The query of a page's address as handlers take it. U+FFFD replaces what PostgreSQL cannot search
//! for.

use std::borrow::Cow;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::error::QueryPayloadError;
use actix_web::{FromRequest, HttpRequest};
use futures::future::{Ready, ready};
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;

use crate::types::storable_text;

/// The parameters of a page's address. `T` is a struct of optional parameters, or
/// `Vec<(String, String)>`, which preserves repeated ones.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T> Query<T> {
    /// The parameters.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Parses a query.
    pub fn read(query: &str) -> Result<Self, QueryPayloadError> {
        let query = cleaned(query);
        actix_web::web::Query::<T>::from_query(&query).map(|query| Self(query.into_inner()))
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()).map_err(Into::into))
    }
}

/// The query with U+FFFD in place of characters that cannot be stored.
fn cleaned(query: &str) -> Cow<'_, str> {
    if storable_text::unstorable_field(query.as_bytes()).is_none() {
        return Cow::Borrowed(query);
    }
    Cow::Owned(
        Serializer::new(String::new())
            .extend_pairs(storable_text::pairs(query.as_bytes()))
            .finish(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_character_in_an_address_is_visible_and_can_be_searched_for() {
        let read = |query: &str| Query::<Vec<(String, String)>>::read(query).unwrap().into_inner();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("after=%00&text=a%00b+c&%00=1"),
            [pair("after", "\u{fffd}"), pair("text", "a\u{fffd}b c"), pair("\u{fffd}", "1")]
        );
        assert_eq!(read("text=50%25%2500&x"), [pair("text", "50%%00"), pair("x", "")]);
    }
}
