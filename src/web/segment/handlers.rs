//! The handlers of Segment's protocol.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::SegmentAnswer;
use super::refusal::SegmentRefusal;
use super::source_batches::SourceBatches;
use super::write_key;
use crate::sources::segment::{Envelope, SegmentCall};
use crate::types::storable_text;
use crate::web::http::intake::read_body;

/// The largest body, in bytes, as of Segment's.
const MAX_BYTES: usize = 500 * 1024;

/// Records the messages of a request: of a batch, or the single one of `call`. Answers after the
/// commit.
pub(super) async fn receive(
    call: Option<SegmentCall>,
    batches: Data<SourceBatches>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, SegmentRefusal> {
    // Whatever the Content-Type is: some clients send a false one.
    let body = read_body(&request, payload.into_inner(), MAX_BYTES).await?;
    let envelope = parse(&body, call)?;
    let key = write_key::presented(&request, envelope.write_key())?;
    let outcomes = batches.submit_messages(key, envelope).await?;
    Ok(HttpResponse::Ok().json(SegmentAnswer::of(&outcomes)))
}

/// Tells a browser that a page of another site may call.
pub(super) async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"))
        .insert_header((
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Content-Encoding, AnonymousId, X-Retry-Count",
        ))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// Answers any other path.
pub(super) async fn unknown_path() -> Result<HttpResponse, SegmentRefusal> {
    Err(SegmentRefusal::UnknownPath)
}

/// Parses a body. What cannot be stored is cleaned: a refusal would lose the other messages, or
/// one that a browser has cut within a character.
fn parse(body: &[u8], call: Option<SegmentCall>) -> Result<Envelope, SegmentRefusal> {
    let value = serde_json::from_slice(&storable_text::cleaned_json(body)).map_err(|error| {
        SegmentRefusal::Malformed(format!("The body is not valid JSON: {error}."))
    })?;
    Ok(Envelope::parse(value, body.len(), call)?)
}
