//! Secrets on their way from a form to Twilio, and the two ways to sign in there.

use serde::Deserialize;

/// A secret on its way from a form to Twilio: cannot be printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(pub(super) String);

/// What the forms call the two ways to sign in to Twilio.
pub(super) const AUTH_TOKEN: &str = "auth_token";

pub(super) const API_KEY: &str = "api_key";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
