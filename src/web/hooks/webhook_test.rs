//! `POST /hooks/twilio/{connection_id}/test`, or `…/{secret}/test`: Carillon calls itself, to check
//! whether webhooks arrive as they were sent.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::key_cache::KeyCache;
use super::refusal::Refusal;
use super::verification;
use crate::connection_center;
use crate::connections::rejected_webhooks::Hook;
use crate::context::Context;

/// Answers a verified call with the proof of its challenge; changes nothing.
pub(super) async fn receive(
    context: Data<Context>,
    keys: Data<KeyCache>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let verified = verification::verify(&context, &keys, &request, &body).await;
    match verified.and_then(|verified| verified.must_be_proven().map(|()| verified)) {
        Ok(verified) => {
            let challenge = verified.params.first(connection_center::CHALLENGE).unwrap_or_default();
            HttpResponse::Ok()
                .content_type("text/plain; charset=utf-8")
                .body(connection_center::proof(challenge))
        }
        Err(refusal) => {
            verification::record_rejection(&context, Hook::Test, &refusal).await;
            match &refusal {
                Refusal::Rejected { reason, .. } => {
                    HttpResponse::build(refusal.response().status())
                        .body(connection_center::refusal(*reason))
                }
                _ => refusal.response(),
            }
        }
    }
}
