//! *Test webhook*: Carillon calls its own hook at the public address, signed as Twilio signs,
//! and reports the result.

use super::error::ConnectResult;
use crate::connections::rejected_webhooks::RejectionReason;
use crate::connections::{self, Check, RepairPlace, WebhookTest};
use crate::context::Context;
use crate::twilio::hook_test_call::{HookAnswer, call_hook};
use crate::types::hook_address::redacted;
use crate::types::id::ConnectionId;

const TITLE: &str = "A signed call through the public address";

/// Request parameter whose value the hook must repeat in its response.
pub(crate) const CHALLENGE: &str = "Challenge";

/// The hook's response to a verified call.
pub(crate) fn proof(challenge: &str) -> String {
    format!("Carillon heard {challenge}")
}

/// The hook's response to a call that it could not verify.
pub(crate) fn refusal(reason: RejectionReason) -> String {
    format!("Carillon refused: {reason}")
}

/// Calls the hook of a connection as Twilio would, and stores the result.
pub(crate) async fn test_webhook(
    context: &Context,
    id: ConnectionId,
) -> ConnectResult<WebhookTest> {
    let mut conn = context.db.get().await?;
    let connection = connections::find(&mut conn, id).await?;
    let tokens =
        connections::webhook_tokens(&mut conn, id, &context.secret_key, context.clock.now())
            .await?;
    let url = connections::hook_address(&mut conn, id, &context.secret_key)
        .await?
        .test(&context.config.public_url);
    drop(conn);
    let challenge = uuid::Uuid::new_v4().simple().to_string();
    let params = [("AccountSid", connection.account_sid.as_str()), (CHALLENGE, &challenge)];
    let check = match call_hook(&url, tokens.first(), &params).await {
        Ok(answer) => check_answer(&answer, &url, &challenge, !tokens.is_empty()),
        Err(error) => Check::failed(
            TITLE,
            format!("The call failed: {error}."),
            "Fix the cause, then test again.",
        ),
    };
    // The error may contain the URL, which contains a secret.
    let check = Check { detail: redacted(&check.detail).into_owned(), ..check };
    let check = if check.has_failed() { check.with_repair_place(RepairPlace::Test) } else { check };
    tracing::info!(connection.id = %id, outcome = %check.outcome, "the webhook was tested");
    let test = WebhookTest { tested_at: context.clock.now(), check };
    connections::record_test(&mut *context.db.get().await?, id, &test).await?;
    Ok(test)
}

/// Converts the hook's response to a check with advice.
fn check_answer(answer: &HookAnswer, url: &str, challenge: &str, signed: bool) -> Check {
    const PROXY: &str = "Let the proxy in front of Carillon pass on /hooks/ unchanged: POST, path, \
                         body and the X-Twilio-Signature header.";
    match answer {
        HookAnswer::None(why) => Check::failed(
            TITLE,
            format!("This server can’t reach {url}: {why}."),
            "Check name, certificate, firewall and CARILLON_PUBLIC_URL. Some networks don’t let a \
             server call its own public address. If a phone outside your network can open it with \
             /healthz instead of /hooks/…, Twilio can, too.",
        ),
        HookAnswer::Redirected { to } => Check::failed(
            TITLE,
            match to {
                Some(to) => format!(
                    "The call was redirected to {to}. Twilio follows by GET, and the content is \
                     lost."
                ),
                None => "The call was redirected. Twilio follows by GET, and the content is lost."
                    .to_owned(),
            },
            "If Carillon is there (with https, with or without www), set CARILLON_PUBLIC_URL to \
             it, restart, and repair the webhooks. If it is a sign-in page, let /hooks/ pass \
             without one.",
        ),
        HookAnswer::Answered { http_status: 200, body, took } if *body == proof(challenge) => {
            let way = if signed {
                "its signature was verified"
            } else {
                "checked by the secret in its address, since no Auth Token is saved"
            };
            Check::passed(
                TITLE,
                format!("It arrived at {url}, {way}, and was answered in {} ms.", took.as_millis()),
            )
        }
        HookAnswer::Answered { body, .. } if body.starts_with("Carillon refused") => {
            let reason =
                body.rsplit(' ').next().and_then(|word| word.parse::<RejectionReason>().ok());
            Check::failed(
                TITLE,
                "The call arrived changed: its signature doesn’t match.",
                match reason {
                    Some(RejectionReason::TokenUnreadable | RejectionReason::OtherAccount) => {
                        "See the rejected webhooks for what to change.".to_owned()
                    }
                    _ => PROXY.to_owned(),
                },
            )
        }
        HookAnswer::Answered { http_status, .. } => {
            let advice = match http_status {
                401 | 403 | 407 => {
                    "Something in front of Carillon wants a password or blocks callers. Twilio’s \
                     addresses change: let /hooks/ pass for all."
                }
                502..=504 => "The proxy in front of Carillon doesn’t reach it. Check its target.",
                200..=299 => {
                    "Another server answers at this address. Check its DNS name and \
                     CARILLON_PUBLIC_URL."
                }
                _ => PROXY,
            };
            Check::failed(
                TITLE,
                format!("Another program answered at {url}, with HTTP {http_status}."),
                advice,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connections::CheckOutcome;

    const URL: &str = "https://sms.example.com/hooks/twilio/1/test";

    fn answered(http_status: u16, body: &str) -> HookAnswer {
        HookAnswer::Answered { http_status, body: body.to_owned(), took: Duration::from_millis(34) }
    }

    #[test]
    fn only_carillons_own_answer_passes() {
        let passed = check_answer(&answered(200, &proof("abc")), URL, "abc", true);
        assert_eq!(passed.outcome, CheckOutcome::Passed);
        assert!(passed.detail.ends_with("answered in 34 ms."), "{}", passed.detail);
        let another = check_answer(&answered(200, &proof("xyz")), URL, "abc", true);
        assert_eq!(another.outcome, CheckOutcome::Failed);
    }

    #[test]
    fn every_failure_says_what_to_change() {
        for (answer, words) in [
            (HookAnswer::None("connection refused".into()), "firewall"),
            (
                HookAnswer::Redirected { to: Some("https://sms.example.com".into()) },
                "redirected to https://sms.example.com",
            ),
            (HookAnswer::Redirected { to: None }, "Twilio follows by GET"),
            (answered(403, &refusal(RejectionReason::WrongSignature)), "X-Twilio-Signature"),
            (answered(401, "Unauthorized"), "wants a password"),
            (answered(404, "nginx"), "pass on /hooks/ unchanged"),
            (answered(502, "Bad Gateway"), "The proxy in front of Carillon doesn’t reach it"),
            (answered(200, "It works!"), "Another server answers"),
        ] {
            let check = check_answer(&answer, URL, "abc", true);
            let shown = format!("{} {}", check.detail, check.advice.as_deref().unwrap_or_default());
            assert!(
                check.outcome == CheckOutcome::Failed && shown.contains(words),
                "{answer:?}: {shown}"
            );
        }
    }
}
