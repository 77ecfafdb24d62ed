//! Verifying a webhook: the signature over the public URL and every parameter, then the account.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use url::Url;

use super::keys::{HookKeys, KeyCache};
use super::refusal::Refusal;
use crate::connections;
use crate::connections::webhooks::{self, Hook, Rejection, RejectionReason};
use crate::context::Context;
use crate::twilio::form::{Param, Params, PostedForm};
use crate::twilio::signature;
use crate::types::hook_address::redacted;
use crate::types::id::ConnectionId;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Characters that are kept of why a webhook was rejected.
const MAX_DETAIL: usize = 1_000;

/// The parameters of a webhook; where it comes from is proven, or else it says what is missing.
pub(super) struct Verified<'a> {
    /// The connection of its URL.
    pub(super) connection_id: ConnectionId,
    /// The form, cleaned: blanks, repeats and order kept.
    pub(super) params: Params<'a>,
    /// Why it is not proven that Twilio calls, where neither a signature nor a secret does.
    unproven: Option<RejectionReason>,
}

impl Verified<'_> {
    /// Refuses what is not proven to come from Twilio.
    pub(super) fn must_be_proven(&self) -> Result<(), Refusal> {
        let Some(reason) = self.unproven else { return Ok(()) };
        let detail = match reason {
            RejectionReason::NoSecret => {
                "The address has no secret in it, and no Auth Token is saved to check a signature \
                 with."
            }
            _ => "The secret in the address is not the connection's, or its time is over.",
        };
        Err(Refusal::Rejected {
            connection_id: Some(self.connection_id),
            reason,
            detail: detail.to_owned(),
        })
    }
}

/// Checks a webhook. A connection without an Auth Token cannot check signatures: the secret in its
/// address is the proof, and without it the call is unproven, which [`Verified::must_be_proven`]
/// refuses.
pub(super) async fn verify<'a>(
    context: &Context,
    cache: &KeyCache,
    request: &HttpRequest,
    body: &'a Bytes,
) -> Result<Verified<'a>, Refusal> {
    let (connection_id, secret) =
        (request.match_info().query("connection_id"), request.match_info().get("secret"));
    let rejected = |connection_id, reason, detail: &str| Refusal::Rejected {
        connection_id,
        reason,
        detail: detail.to_owned(),
    };
    let id: ConnectionId = connection_id.parse().map_err(|_| {
        rejected(None, RejectionReason::UnknownConnection, "The URL does not name a connection.")
    })?;
    let mut keys = cache.of(context, id).await?;
    let form = PostedForm::read(body)
        .map_err(|error| rejected(Some(id), RejectionReason::Malformed, &error.to_string()))?;
    let mut unproven = None;
    if keys.tokens.is_empty() {
        let proves = |keys: &HookKeys| {
            secret.is_some_and(|secret| connections::is_one_of(&keys.secrets, secret))
        };
        let mut is_proven = proves(&keys);
        if !is_proven && secret.is_some() && keys.may_be_outdated() {
            keys = cache.read(context, id).await?;
            is_proven = proves(&keys);
        }
        unproven = (!is_proven).then_some(if secret.is_some() {
            RejectionReason::WrongSecret
        } else {
            RejectionReason::NoSecret
        });
    }
    if !keys.tokens.is_empty() {
        unproven = None;
        let header = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(|| {
            rejected(
                Some(id),
                RejectionReason::Unsigned,
                "The request has no X-Twilio-Signature header.",
            )
        })?;
        let url = signed_url(context, request);
        let valid = |keys: &HookKeys| signature::verify(&keys.tokens, &url, form.signed(), header);
        let mut is_valid = valid(&keys);
        if !is_valid && keys.may_be_outdated() {
            keys = cache.read(context, id).await?;
            is_valid = valid(&keys);
        }
        if !is_valid {
            return Err(match signed_address(context, request, &keys, form.signed(), header) {
                Some(signed) => rejected(
                    Some(id),
                    RejectionReason::WrongAddress,
                    &format!(
                        "It is signed for {}, while CARILLON_PUBLIC_URL is {}.",
                        redacted(&signed),
                        context.config.public_url
                    ),
                ),
                None => rejected(
                    Some(id),
                    RejectionReason::WrongSignature,
                    &format!("Expected a signature over {} and the parameters.", redacted(&url)),
                ),
            });
        }
    }
    let params = form.into_params();
    if params.first("AccountSid").is_some_and(|account| account != keys.account_sid) {
        return Err(rejected(
            Some(id),
            RejectionReason::OtherAccount,
            "The request names another account than the connection's.",
        ));
    }
    Ok(Verified { connection_id: id, params, unproven })
}

/// The URL as Twilio knows it: our public one, whatever a proxy made of it on the way.
fn signed_url(context: &Context, request: &HttpRequest) -> String {
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    context.config.public_url.join(path)
}

/// The address that a wrong signature is right for, among those that Twilio may know us by: what a
/// proxy says it was called with, and the other scheme. It says what has to be changed; the call is
/// refused all the same.
fn signed_address(
    context: &Context,
    request: &HttpRequest,
    keys: &HookKeys,
    params: &[Param<'_>],
    header: &str,
) -> Option<String> {
    let said = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let ours = Url::parse(context.config.public_url.as_str()).ok()?;
    let own = ours.port().map_or_else(
        || context.config.public_url.host().to_owned(),
        |port| format!("{}:{port}", context.config.public_url.host()),
    );
    let hosts = [Some(own), said(header::HOST), said(HeaderName::from_static("x-forwarded-host"))];
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    let whole = format!("{}{path}", context.config.public_url.path_prefix());
    let bases = hosts
        .into_iter()
        .flatten()
        .flat_map(|host| [format!("https://{host}"), format!("http://{host}")]);
    let signs = |base: &String| {
        [path, &whole]
            .iter()
            .any(|path| signature::verify(&keys.tokens, &format!("{base}{path}"), params, header))
    };
    bases.into_iter().find(signs)
}

/// Notes a refusal where an admin can see it; a database that is away cannot note anything.
pub(super) async fn note(context: &Context, hook: Hook, refusal: &Refusal) {
    let Refusal::Rejected { connection_id, reason, detail } = refusal else { return };
    tracing::warn!(
        hook = %hook,
        reason = %reason,
        connection.id = ?connection_id,
        "a webhook was rejected"
    );
    // It may quote an address of any length.
    let detail = detail.chars().take(MAX_DETAIL).collect();
    let rejection = Rejection {
        connection_id: *connection_id,
        hook,
        reason: *reason,
        detail,
        received_at: context.clock.now(),
    };
    let noted = async {
        let mut conn = context.db.get().await.map_err(|error| error.to_string())?;
        webhooks::reject(&mut conn, &rejection).await.map_err(|error| error.to_string())
    };
    if let Err(error) = noted.await {
        tracing::warn!(error, "the rejected webhook could not be noted");
    }
}
