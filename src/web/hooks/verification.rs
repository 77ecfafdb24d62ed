//! Verification of a webhook: the signature over the public URL and every parameter, then the
//! account.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use url::Url;

use super::key_cache::{HookKeys, KeyCache};
use super::refusal::Refusal;
use crate::connections;
use crate::connections::rejected_webhooks::{self, Hook, Rejection, RejectionReason};
use crate::context::Context;
use crate::twilio::signature;
use crate::twilio::webhook_form::{Param, Params, PostedForm};
use crate::types::hook_address::redacted;
use crate::types::id::ConnectionId;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// How many characters of a rejection's detail are stored.
const MAX_DETAIL: usize = 1_000;

/// The parameters of a webhook, and whether its origin is proven.
pub(super) struct Verified<'a> {
    /// The connection that the URL names.
    pub(super) connection_id: ConnectionId,
    /// The cleaned form; blanks, repeated fields and their order are preserved.
    pub(super) params: Params<'a>,
    /// Why the origin is not proven; `None` if a signature or a secret proves it.
    unproven: Option<RejectionReason>,
}

impl Verified<'_> {
    /// Refuses a call that is not proven to come from Twilio.
    pub(super) fn must_be_proven(&self) -> Result<(), Refusal> {
        let Some(reason) = self.unproven else { return Ok(()) };
        let detail = match reason {
            RejectionReason::NoSecret => {
                "The address has no secret, and there is no Auth Token to check a signature with."
            }
            _ => "The secret in the address is wrong or expired.",
        };
        Err(Refusal::Rejected {
            connection_id: Some(self.connection_id),
            reason,
            detail: detail.to_owned(),
        })
    }
}

/// Checks a webhook. A connection without an Auth Token cannot check signatures: the secret in its
/// address is the proof. Without it, [`Verified::must_be_proven`] refuses the call.
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
    let mut keys = cache.get(context, id).await?;
    let form = PostedForm::read(body)
        .map_err(|error| rejected(Some(id), RejectionReason::Malformed, &error.to_string()))?;
    let mut unproven = None;
    if keys.tokens.is_empty() {
        let proves = |keys: &HookKeys| {
            secret.is_some_and(|secret| connections::is_one_of(&keys.secrets, secret))
        };
        let mut is_proven = proves(&keys);
        if !is_proven && secret.is_some() && keys.may_be_outdated() {
            keys = cache.load(context, id).await?;
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
            keys = cache.load(context, id).await?;
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
            "The request names another account than the connection’s.",
        ));
    }
    Ok(Verified { connection_id: id, params, unproven })
}

/// The URL that Twilio has called: our public one, whatever a proxy has made of it.
fn signed_url(context: &Context, request: &HttpRequest) -> String {
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    context.config.public_url.join(path)
}

/// The address for which a wrong signature is valid, among those that Twilio may have called: the
/// host that a proxy reports, and the other scheme. It tells the admin what to change.
fn signed_address(
    context: &Context,
    request: &HttpRequest,
    keys: &HookKeys,
    params: &[Param<'_>],
    header: &str,
) -> Option<String> {
    let header_value = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let public_url = Url::parse(context.config.public_url.as_str()).ok()?;
    let public_host = public_url.port().map_or_else(
        || context.config.public_url.host().to_owned(),
        |port| format!("{}:{port}", context.config.public_url.host()),
    );
    let hosts = [
        Some(public_host),
        header_value(header::HOST),
        header_value(HeaderName::from_static("x-forwarded-host")),
    ];
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    let prefixed = format!("{}{path}", context.config.public_url.path_prefix());
    let bases = hosts
        .into_iter()
        .flatten()
        .flat_map(|host| [format!("https://{host}"), format!("http://{host}")]);
    let signs = |base: &String| {
        [path, &prefixed]
            .iter()
            .any(|path| signature::verify(&keys.tokens, &format!("{base}{path}"), params, header))
    };
    bases.into_iter().find(signs)
}

/// Stores a rejection for admins to see, unless the database is not available.
pub(super) async fn record_rejection(context: &Context, hook: Hook, refusal: &Refusal) {
    let Refusal::Rejected { connection_id, reason, detail } = refusal else { return };
    tracing::warn!(
        hook = %hook,
        reason = %reason,
        connection.id = ?connection_id,
        "a webhook was rejected"
    );
    // The detail may quote an address of any length.
    let detail = detail.chars().take(MAX_DETAIL).collect();
    let rejection = Rejection {
        connection_id: *connection_id,
        hook,
        reason: *reason,
        detail,
        received_at: context.clock.now(),
    };
    let stored = async {
        let mut conn = context.db.get().await.map_err(|error| error.to_string())?;
        rejected_webhooks::reject(&mut conn, &rejection).await.map_err(|error| error.to_string())
    };
    if let Err(error) = stored.await {
        tracing::warn!(error, "the rejected webhook could not be stored");
    }
}
