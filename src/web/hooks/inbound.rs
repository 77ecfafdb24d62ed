//! `POST /hooks/twilio/{connection_id}/inbound`, or `…/{secret}/inbound`: Twilio delivers a text
//! from a contact.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::key_cache::KeyCache;
use super::refusal::Refusal;
use super::verification;
use crate::automations::consequences;
use crate::connections::rejected_webhooks::{Hook, RejectionReason};
use crate::consent::opt_out::{self, Command};
use crate::context::Context;
use crate::db;
use crate::messages::inbound::{self, Received};
use crate::twilio::callbacks::InboundMessage;

/// The response to Twilio, which sends no reply: a reply in TwiML would be a second message without
/// a record.
const EMPTY_TWIML: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// Records an inbound message; answers with empty TwiML after the commit.
pub(super) async fn receive(
    context: Data<Context>,
    keys: Data<KeyCache>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    match record(&context, &keys, &request, &body).await {
        Ok(()) => HttpResponse::Ok().content_type("text/xml").body(EMPTY_TWIML),
        Err(refusal) => {
            verification::record_rejection(&context, Hook::Inbound, &refusal).await;
            refusal.response()
        }
    }
}

async fn record(
    context: &Context,
    keys: &KeyCache,
    request: &HttpRequest,
    body: &Bytes,
) -> Result<(), Refusal> {
    let verified = verification::verify(context, keys, request, body).await?;
    let inbound = InboundMessage::parse(&verified.params).map_err(|error| Refusal::Rejected {
        connection_id: Some(verified.connection_id),
        reason: RejectionReason::Malformed,
        detail: error.to_string(),
    })?;
    // An unproven STOP is accepted: texting too few contacts is the smaller harm. Polling Twilio
    // finds other messages within minutes.
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    if let Err(refusal) = verified.must_be_proven() {
        let own = opt_out::own_words::load(&conn).await?;
        if !inbound::command(&inbound, &own).is_some_and(Command::is_stop) {
            return Err(refusal);
        }
    }
    db::transaction(&mut conn, async |tx| {
        let (received, tx) = inbound::receive(tx, verified.connection_id, &inbound, now).await?;
        if let Received::New { changes, suppressed, .. } = received {
            consequences::react_to_changes(tx, &changes, suppressed.as_slice(), now).await?;
        }
        Ok(())
    })
    .await
}
