//! Connections in requests to the API.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::connection_center::ConnectForm;
use crate::connections::{ConnectionChange, FormerSecretPolicy, NewKeys, UnconfirmedPolicy};
use crate::error::Result;
use crate::web::http::bulk_conditions::blank_fields;

/// A Twilio account to connect: an Auth Token, or an API key with its secret, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewConnectionBody {
    /// A unique name; the account's name in Twilio if missing.
    #[serde(default)]
    name: String,
    /// `AC…`
    #[serde(default)]
    account_sid: String,
    /// The account's Auth Token. It also signs webhooks, which is the stronger proof; without it, a
    /// secret in their address proves them.
    auth_token: Option<String>,
    /// `SK…`
    api_key_sid: Option<String>,
    /// The secret of the API key; required with `api_key_sid`.
    api_key_secret: Option<String>,
    /// The number to send from in E.164, or the SID of a Messaging Service (`MG…`). Without one,
    /// only the account is connected, and senders are added later.
    #[serde(default)]
    sender: String,
}

/// New keys of the same account, which replace the saved ones. A key that is left out is removed; a
/// blank one is an error.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysBody {
    /// The account's Auth Token.
    auth_token: Option<String>,
    /// `SK…`
    api_key_sid: Option<String>,
    /// The secret of the API key; required with `api_key_sid`.
    api_key_secret: Option<String>,
    /// What happens to the former Auth Token: `accept` its signatures for a week, so that nothing
    /// is lost while Twilio switches over (the default), or `refuse` them from now on, because it
    /// has leaked.
    #[schema(value_type = Option<String>)]
    former_auth_token: Option<FormerSecretPolicy>,
}

/// How to change the secret in the webhook address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationBody {
    /// What happens to the former secret: `accept` it for a week, so that messages in flight keep
    /// reporting (the default), or `refuse` it from now on, because it has leaked.
    #[schema(value_type = Option<String>)]
    former: Option<FormerSecretPolicy>,
}

/// Changes to a connection; a field that is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionPatch {
    /// The new name.
    name: Option<String>,
    /// `true` stops sending at once; `false` resumes it, whether a user or Twilio's refusal stopped
    /// it.
    disabled: Option<bool>,
    /// What happens to messages that stay unconfirmed: `give_up` or `resend`.
    #[schema(value_type = Option<String>)]
    unconfirmed_policy: Option<UnconfirmedPolicy>,
    /// How many requests of all workers may be in flight at Twilio at the same time: 1 to 5,000.
    max_concurrency: Option<i32>,
}

/// Another sender of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSenderBody {
    /// A number in E.164, or the SID of a Messaging Service (`MG…`).
    #[serde(default)]
    pub(super) sender: String,
}

impl NewConnectionBody {
    /// Converts the request for the Connection Center.
    pub(super) fn into_form(self) -> ConnectForm {
        let Self { name, account_sid, auth_token, api_key_sid, api_key_secret, sender } = self;
        let keys = new_keys(account_sid, auth_token, api_key_sid, api_key_secret);
        ConnectForm { name, keys, sender }
    }
}

impl KeysBody {
    /// Returns the keys, and what happens to the former Auth Token. A field that is present must
    /// not be blank.
    pub(super) fn read(self) -> Result<(NewKeys, FormerSecretPolicy)> {
        let given = [
            ("auth_token", &self.auth_token),
            ("api_key_sid", &self.api_key_sid),
            ("api_key_secret", &self.api_key_secret),
        ];
        let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        blank_fields(given, &["auth_token", "api_key_sid", "api_key_secret"]).into_result()?;
        let former = self.former_auth_token.unwrap_or(FormerSecretPolicy::Accept);
        let keys = new_keys(String::new(), self.auth_token, self.api_key_sid, self.api_key_secret);
        Ok((keys, former))
    }
}

impl RotationBody {
    /// What happens to the former secret.
    pub(super) fn former(&self) -> FormerSecretPolicy {
        self.former.unwrap_or(FormerSecretPolicy::Accept)
    }
}

impl ConnectionPatch {
    /// Converts the request for the slice.
    pub(super) fn into_change(self) -> ConnectionChange {
        let Self { name, disabled, unconfirmed_policy, max_concurrency } = self;
        ConnectionChange { name, unconfirmed_policy, max_concurrency, disabled }
    }
}

fn new_keys(
    account_sid: String,
    auth_token: Option<String>,
    api_key_sid: Option<String>,
    api_key_secret: Option<String>,
) -> NewKeys {
    NewKeys {
        account_sid,
        auth_token: auth_token.unwrap_or_default().into(),
        api_key_sid: api_key_sid.unwrap_or_default(),
        api_key_secret: api_key_secret.unwrap_or_default().into(),
    }
}
