//! The Account resource, with which a product verifies an account.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use chrono::DateTime;
use serde_json::{Value, json};

use super::auth::Caller;
use super::message::rfc2822;
use super::refusal::Refusal;
use super::resources::{Account, AccountKind};
use super::shared_state::Shared;
use super::world::CredentialKind;

/// `GET /2010-04-01/Accounts/{AC}.json`: allowed for suspended accounts, but not with a standard
/// API key.
pub(super) async fn fetch(
    caller: Caller,
    path: Path<String>,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    if caller.credential_kind == CredentialKind::ApiKey || *path != *caller.account_sid {
        return Err(Refusal::new(20003));
    }
    let world = shared.world();
    let account = world.account(&path).ok_or_else(|| Refusal::new(20003))?;
    if account.kind == AccountKind::Test {
        return Err(Refusal::new(20008));
    }
    Ok(HttpResponse::Ok().json(account_json(account)))
}

fn account_json(account: &Account) -> Value {
    let uri = format!("/2010-04-01/Accounts/{}", account.sid);
    json!({
        "sid": account.sid,
        "owner_account_sid": account.sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": if matches!(account.kind, AccountKind::Trial { .. }) { "Trial" } else { "Full" },
        "auth_token": account.auth_token,
        "date_created": rfc2822(DateTime::UNIX_EPOCH),
        "date_updated": rfc2822(DateTime::UNIX_EPOCH),
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "messages": format!("{uri}/Messages.json"),
            "incoming_phone_numbers": format!("{uri}/IncomingPhoneNumbers.json"),
        },
    })
}
