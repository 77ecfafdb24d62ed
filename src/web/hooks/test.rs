//! `POST /hooks/twilio/{connection_id}/test`, or `…/{secret}/test`: we called ourselves, to see
//! whether Twilio's calls arrive as they were sent.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::{Refusal, verify};
use crate::app::App;
use crate::connections::webhooks::Hook;
use crate::web::connecting;

/// Repeats the challenge of a call that can be verified; changes nothing.
pub(super) async fn receive(app: Data<App>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let verified = verify::verify(&app, &request, &body).await;
    match verified.and_then(|verified| verified.must_be_proven().map(|()| verified)) {
        Ok(verified) => {
            let challenge = verified.params.first(connecting::CHALLENGE).unwrap_or_default();
            HttpResponse::Ok()
                .content_type("text/plain; charset=utf-8")
                .body(connecting::proof(challenge))
        }
        Err(refusal) => {
            verify::note(&app, Hook::Test, &refusal).await;
            match &refusal {
                Refusal::Rejected { reason, .. } => {
                    HttpResponse::build(refusal.response().status())
                        .body(connecting::refusal(*reason))
                }
                _ => refusal.response(),
            }
        }
    }
}
