//! Extractors of API handlers: a JSON body, a query, an id in the path, each with an error that
//! names the field.

use std::borrow::Cow;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, Ready, ready};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::error::ApiError;
use super::json_bytes::JsonBytes;
use crate::error::FieldErrors;
use crate::types::mistake::Mistake;
use crate::types::storable_text;
use crate::web::http::template_filters::sentence_case;

/// A JSON body of a request or a response. Request types need `#[serde(deny_unknown_fields)]`, so
/// that a mistyped name is an error of that field.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A JSON body that is read field by field. An
/// [`ObjectReader`](crate::types::json_object_reader::ObjectReader) rejects text that cannot be
/// stored, so that only the affected items of a list are in error.
#[derive(Debug, Clone)]
pub struct JsonFields(pub Value);

/// The query of a GET; unknown or invalid parameters are 422 (with
/// `#[serde(deny_unknown_fields)]`).
#[derive(Debug, Clone)]
pub struct ApiQuery<T>(pub T);

/// The variable parts of the path; a part that does not parse is 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// Lets handlers read the values through their wrappers.
macro_rules! deref {
    ($($name:ident),+) => {$(
        impl<T> Deref for $name<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> $name<T> {
            /// The value.
            pub fn into_inner(self) -> T {
                self.0
            }
        }
    )+};
}

deref!(Json, ApiQuery, Path);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = JsonBytes::from_request(request, payload);
        async move { parse(&body.await?.0).map(Self) }.boxed_local()
    }
}

impl FromRequest for JsonFields {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = JsonBytes::from_request(request, payload);
        async move {
            let JsonBytes(body) = body.await?;
            read_value(&storable_text::with_marked_surrogates(&body).unwrap_or(body)).map(Self)
        }
        .boxed_local()
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

impl<T: DeserializeOwned> FromRequest for ApiQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(name) = storable_text::unstorable_field(request.query_string().as_bytes()) {
            return ready(Err(ApiError::invalid(
                FieldErrors::default().with(&name, storable_text::UNSTORABLE),
            )));
        }
        let read = actix_web::web::Query::<T>::from_query(request.query_string());
        ready(read.map(|query| Self(query.into_inner())).map_err(|error| {
            let message = match &error {
                actix_web::error::QueryPayloadError::Deserialize(error) => error.to_string(),
                other => other.to_string(),
            };
            let field = named_field(&message)
                .map(str::to_owned)
                .or_else(|| invalid_parameter::<T>(request.query_string()));
            ApiError::invalid(
                FieldErrors::default()
                    .with(field.as_deref().unwrap_or("query"), sentence(&message)),
            )
        }))
    }
}

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_storable = request
            .match_info()
            .iter()
            .all(|(_, part)| !part.contains("%00") && storable_text::is_storable(part));
        let read = actix_web::web::Path::<T>::from_request(request, payload)
            .into_inner()
            .ok()
            .filter(|_| is_storable);
        let unknown = || {
            ApiError::new(StatusCode::NOT_FOUND, "not_found", "The id in this address is invalid.")
        };
        ready(read.map(|path| Self(path.into_inner())).ok_or_else(unknown))
    }
}

/// Parses a body. Texts that cannot be stored are 422 with their paths.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let Some(marked) = storable_text::with_marked_surrogates(body) else { return read(body) };
    let value = read_value(&marked)?;
    let errors = storable_text::unstorable_values(&value);
    if errors.is_empty() { read(body) } else { Err(ApiError::invalid(errors)) }
}

/// Parses JSON. Malformed JSON is 400 with its position, a field of the wrong type is 422 with its
/// path.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    reject_array(body)?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() { wrong_field(&path, &error.to_string()) } else { malformed(&error) }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Parses JSON whose fields are checked later, without the cost of tracking paths.
fn read_value(body: &[u8]) -> Result<Value, ApiError> {
    reject_array(body)?;
    serde_json::from_slice(body).map_err(|error| malformed(&error))
}

/// Refuses an array, which serde would also accept as the values of the fields in order.
fn reject_array(body: &[u8]) -> Result<(), ApiError> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::invalid(
            FieldErrors::default().with("body", Mistake::WrongType("an object")),
        ));
    }
    Ok(())
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::malformed(format!("The body is not valid JSON: {error}."))
}

/// Finds the invalid parameter of a query by parsing each alone, since serde does not name it.
fn invalid_parameter<T: DeserializeOwned>(query: &str) -> Option<String> {
    let alone = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
        Serializer::new(String::new()).append_pair(name, value).finish()
    };
    let mut pairs = storable_text::pairs(query.as_bytes());
    pairs
        .find(|pair| actix_web::web::Query::<T>::from_query(&alone(pair)).is_err())
        .map(|(name, _)| name.into_owned())
}

/// The error of a field. Its path is dotted (`steps.0.template_id`) and ends with the name of an
/// unknown or missing field.
fn wrong_field(path: &str, message: &str) -> ApiError {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let mut path = path.replace('[', ".").replace(']', "");
    if path == "." || path == "?" {
        path.clear();
    }
    if let Some(name) = named_field(message)
        && path.rsplit('.').next() != Some(name)
    {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    }
    let path = path.trim_start_matches('.');
    ApiError::invalid(
        FieldErrors::default().with(if path.is_empty() { "body" } else { path }, sentence(message)),
    )
}

/// The field that serde's message names: “unknown field `nme`, expected …” or “missing field
/// `name`”.
fn named_field(message: &str) -> Option<&str> {
    let rest = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))?;
    rest.split_once('`').map(|(name, _)| name)
}

/// Translates serde's message into the wording that all endpoints share.
fn mistake(message: &str) -> Option<Mistake> {
    if message.starts_with("missing field") || message.starts_with("invalid type: null") {
        return Some(Mistake::Missing);
    }
    if message.starts_with("duplicate field") {
        return Some(Mistake::Twice);
    }
    if let Some((_, known)) = message
        .strip_prefix("unknown field")
        .and_then(|rest| rest.rsplit_once("`, expected").or(Some((rest, ""))))
    {
        return Some(Mistake::UnknownField(
            known.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
        ));
    }
    let (_, expected) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?
        .rsplit_once(", expected ")?;
    let kind = match expected {
        "a string" | "a borrowed string" | "a character" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        _ if expected == "a map" || expected.starts_with("struct ") => "an object",
        _ => return None,
    };
    Some(Mistake::WrongType(kind))
}

fn sentence(message: &str) -> String {
    if let Some(mistake) = mistake(message) {
        return mistake.to_string();
    }
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    sentence_case(message) + end
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only read from JSON")]
        name: String,
        #[expect(dead_code, reason = "only read from JSON")]
        steps: Vec<Step>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Step {
        #[expect(dead_code, reason = "only read from JSON")]
        seconds: u32,
    }

    async fn refused(body: &str) -> (u16, Value) {
        let error = parse::<Order>(body.as_bytes()).unwrap_err();
        let body = actix_web::body::to_bytes(error.error_response().into_body()).await.unwrap();
        (error.status_code().as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[actix_web::test]
    async fn a_field_that_does_not_fit_is_named_by_its_path() {
        for (body, field) in [
            (r#"{"steps":[]}"#, "name"),
            (r#"{"name":1,"steps":[]}"#, "name"),
            (r#"{"nme":"x","steps":[]}"#, "nme"),
            (r#"{"name":"x","steps":[{"seconds":1},{"seconds":"soon"}]}"#, "steps.1.seconds"),
            (r#"{"name":"x","steps":[{"second":1}]}"#, "steps.0.second"),
            (r#"{"name":"x","steps":[{}]}"#, "steps.0.seconds"),
            ("[]", "body"),
            (r#" ["x", []]"#, "body"),
        ] {
            let (status, answer) = refused(body).await;
            assert_eq!(status, 422, "{body}");
            assert!(answer["error"]["fields"][field][0].is_string(), "{body}: {answer}");
        }
    }

    #[test]
    fn serde_messages_become_the_wording_of_all_endpoints() {
        for (message, words) in [
            ("missing field `name`", "This field is required."),
            ("invalid type: null, expected a string", "This field is required."),
            ("duplicate field `name`", "Give this field only once."),
            (
                "unknown field `x`, expected one of `a`, `b`, `c`",
                "There is no such field. Use one of: a, b, c.",
            ),
            ("unknown field `x`, expected `a` or `b`", "There is no such field. Use one of: a, b."),
            ("unknown field `x`, there are no fields", "There is no such field."),
            ("unknown field `a`, b`, expected `a`", "There is no such field. Use one of: a."),
            ("invalid type: integer `7`, expected a string", "This must be text."),
            (
                "invalid type: string \"a, expected a boolean\", expected a sequence",
                "This must be a list.",
            ),
            ("invalid type: string \"x\", expected a map", "This must be an object."),
            ("invalid type: sequence, expected struct Order", "This must be an object."),
            ("invalid type: string \"x\", expected a boolean", "This must be true or false."),
            ("invalid type: string \"x\", expected f64", "This must be a number."),
            ("invalid type: floating point `0.5`, expected u32", "This must be a whole number."),
            ("limit is odd", "Limit is odd."),
        ] {
            assert_eq!(sentence(message), words, "{message}");
        }
    }

    #[actix_web::test]
    async fn malformed_json_is_answered_with_its_position() {
        for body in ["", "{", r#"{"name":"x",}"#, r#"{"name":"x","steps":[]} x"#] {
            let (status, answer) = refused(body).await;
            assert_eq!(
                (status, answer["error"]["code"].as_str()),
                (400, Some("malformed")),
                "{body}"
            );
            assert!(
                answer["error"]["message"].as_str().unwrap().contains("line 1 column"),
                "{answer}"
            );
        }
    }

    #[actix_web::test]
    async fn unstorable_text_is_reported_by_its_path_whatever_else_is_wrong() {
        for (body, field) in [
            (r#"{"name":"a\u0000","steps":[]}"#, "name"),
            (r#"{"name":"a\ud800","steps":7}"#, "name"),
            (r#"{"name":"x","steps":[{"seconds":"\u0000"}]}"#, "steps.0.seconds"),
            (r#"{"name\u0000":"x"}"#, "name\u{fffd}"),
        ] {
            let (status, answer) = refused(body).await;
            assert_eq!(status, 422, "{body}");
            assert_eq!(
                answer["error"]["fields"][field][0],
                storable_text::UNSTORABLE,
                "{body}: {answer}"
            );
        }
        assert!(parse::<Order>(br#"{"name":"\\u0000 \ud83d\ude00","steps":[]}"#).is_ok());
    }

    #[test]
    fn an_unknown_query_parameter_is_named() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Search {
            #[expect(dead_code, reason = "only read from the query")]
            limit: Option<u32>,
        }
        let request = actix_web::test::TestRequest::with_uri("/?limt=3").to_http_request();
        let error = ApiQuery::<Search>::from_request(&request, &mut Payload::None)
            .into_inner()
            .unwrap_err();
        assert_eq!(error.status_code(), 422);
    }
}
