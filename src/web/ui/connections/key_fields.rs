//! What the forms with Twilio's keys share: the values of the field `method`.

/// The form value for signing in to Twilio by Auth Token.
pub(super) const AUTH_TOKEN: &str = "auth_token";

/// The form value for signing in to Twilio by API key.
pub(super) const API_KEY: &str = "api_key";
