//! Verifying a webhook: the signature over the public URL and every parameter, then the account.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName},
    web::Bytes,
};
use url::Url;

use super::{Refusal, keys::HookKeys};
use crate::{
    app::App,
    connections::webhooks::{self, Hook, Reason, Rejection},
    twilio::{
        form::{self, Param},
        signature,
    },
    types::id::ConnectionId,
};

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// The parameters of a webhook that Twilio signed; nothing else makes one.
pub(super) struct Verified<'a> {
    /// The connection of its URL.
    pub(super) connection_id: ConnectionId,
    /// The form, as it came: blanks, repeats and order kept.
    pub(super) params: Vec<Param<'a>>,
}

/// Checks a webhook. A connection without an Auth Token cannot check signatures: its URL, which nobody can guess, is the proof.
pub(super) async fn verify<'a>(app: &App, request: &HttpRequest, connection_id: &str, body: &'a Bytes) -> Result<Verified<'a>, Refusal> {
    let rejected = |connection_id, reason, detail: &str| Refusal::Rejected { connection_id, reason, detail: detail.to_owned() };
    let id: ConnectionId =
        connection_id.parse().map_err(|_| rejected(None, Reason::UnknownConnection, "The URL does not name a connection."))?;
    let params = form::parse_form(body);
    let mut keys = app.hooks.keys.of(app, id).await?;
    if !keys.tokens.is_empty() {
        let header = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(|| rejected(Some(id), Reason::Unsigned, "The request has no X-Twilio-Signature header."))?;
        let url = signed_url(app, request);
        let valid = |keys: &HookKeys| signature::verify(&keys.tokens, &url, &params, header);
        let mut is_valid = valid(&keys);
        if !is_valid && keys.may_be_outdated() {
            keys = app.hooks.keys.read(app, id).await?;
            is_valid = valid(&keys);
        }
        if !is_valid {
            return Err(match signed_address(app, request, &keys, &params, header) {
                Some(signed) => rejected(
                    Some(id),
                    Reason::WrongAddress,
                    &format!("It is signed for {signed}, while CARILLON_PUBLIC_URL is {}.", app.config.public_url),
                ),
                None => rejected(Some(id), Reason::WrongSignature, &format!("Expected a signature over {url} and the parameters.")),
            });
        }
    }
    let account = params.iter().find(|(name, _)| name == "AccountSid").map(|(_, value)| value.as_ref());
    if account.is_some_and(|account| account != keys.account_sid) {
        return Err(rejected(Some(id), Reason::OtherAccount, "The request names another account than the connection's."));
    }
    Ok(Verified { connection_id: id, params })
}

/// The URL as Twilio knows it: our public one, whatever a proxy made of it on the way.
fn signed_url(app: &App, request: &HttpRequest) -> String {
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    app.config.public_url.join(path)
}

/// The address that a wrong signature is right for, among those that Twilio may know us by: what a proxy says it was called with, and
/// the other scheme. It says what has to be changed; the call is refused all the same.
fn signed_address(app: &App, request: &HttpRequest, keys: &HookKeys, params: &[Param<'_>], header: &str) -> Option<String> {
    let said = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let ours = Url::parse(app.config.public_url.as_str()).ok()?;
    let own =
        ours.port().map_or_else(|| app.config.public_url.host().to_owned(), |port| format!("{}:{port}", app.config.public_url.host()));
    let hosts = [Some(own), said(header::HOST), said(HeaderName::from_static("x-forwarded-host"))];
    let path = request.uri().path_and_query().map_or_else(|| request.path(), |path| path.as_str());
    let whole = format!("{}{path}", app.config.public_url.path_prefix());
    let bases = hosts.into_iter().flatten().flat_map(|host| [format!("https://{host}"), format!("http://{host}")]);
    let signs = |base: &String| [path, &whole].iter().any(|path| signature::verify(&keys.tokens, &format!("{base}{path}"), params, header));
    bases.into_iter().find(signs)
}

/// Notes a refusal where an admin can see it; a database that is away cannot note anything.
pub(super) async fn note(app: &App, hook: Hook, refusal: &Refusal) {
    let Refusal::Rejected { connection_id, reason, detail } = refusal else { return };
    tracing::warn!(hook = %hook, reason = %reason, connection.id = ?connection_id, "a webhook was rejected");
    let rejection =
        Rejection { connection_id: *connection_id, hook, reason: *reason, detail: detail.clone(), received_at: app.clock.now() };
    let noted = async {
        let mut conn = app.db.get().await.map_err(|error| error.to_string())?;
        webhooks::reject(&mut conn, &rejection).await.map_err(|error| error.to_string())
    };
    if let Err(error) = noted.await {
        tracing::warn!(error, "the rejected webhook could not be noted");
    }
}
