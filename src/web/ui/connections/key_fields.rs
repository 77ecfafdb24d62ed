//! What the forms with Twilio's keys share: a secret as typed, and the values of the field
//! `method`.

use serde::Deserialize;

/// A secret that was typed into a form; `Debug` hides it, and it cannot be serialized.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(pub(super) String);

/// The form value for signing in to Twilio by Auth Token.
pub(super) const AUTH_TOKEN: &str = "auth_token";

/// The form value for signing in to Twilio by API key.
pub(super) const API_KEY: &str = "api_key";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
