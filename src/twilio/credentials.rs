//! Credentials for Twilio: an Auth Token or an API key.

use secrecy::{ExposeSecret, SecretString};

use super::sid::{AccountSid, ApiKeySid, SidError};

/// An account and its key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub account_sid: AccountSid,
    /// The key.
    pub kind: CredentialKind,
}

/// A key of an account.
#[derive(Debug, Clone)]
pub enum CredentialKind {
    /// The account's Auth Token, which also signs the webhooks.
    AuthToken(SecretString),
    /// An API key; a standard one may not read the account resource.
    ApiKey {
        /// The key's SID.
        sid: ApiKeySid,
        /// Its secret, which Twilio shows only once.
        secret: SecretString,
    },
}

/// Why credentials are malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Invalid Account SID.
    #[error("Account SID: {0}")]
    AccountSid(SidError),
    /// Invalid API Key SID.
    #[error("API Key SID: {0}")]
    ApiKeySid(SidError),
    /// The Auth Token is blank, or contains characters that no token has.
    #[error("Auth Token: copy it again from Twilio’s console; it has letters and digits only")]
    AuthToken,
    /// The API key's secret is blank, or contains characters that no secret has.
    #[error(
        "API Key Secret: copy it again; it has letters and digits only, and Twilio shows it once, \
         when you create the key"
    )]
    ApiKeySecret,
}

impl Credentials {
    /// Checks the format of an Account SID and an Auth Token.
    pub fn with_auth_token(
        account_sid: &str,
        auth_token: &SecretString,
    ) -> Result<Self, CredentialsError> {
        let account_sid = AccountSid::parse(account_sid).map_err(CredentialsError::AccountSid)?;
        let token = secret(auth_token).ok_or(CredentialsError::AuthToken)?;
        Ok(Self { account_sid, kind: CredentialKind::AuthToken(token) })
    }

    /// Checks the format of an Account SID, an API Key SID and its secret.
    pub fn with_api_key(
        account_sid: &str,
        api_key_sid: &str,
        api_key_secret: &SecretString,
    ) -> Result<Self, CredentialsError> {
        let account_sid = AccountSid::parse(account_sid).map_err(CredentialsError::AccountSid)?;
        let sid = ApiKeySid::parse(api_key_sid).map_err(CredentialsError::ApiKeySid)?;
        let secret = secret(api_key_secret).ok_or(CredentialsError::ApiKeySecret)?;
        Ok(Self { account_sid, kind: CredentialKind::ApiKey { sid, secret } })
    }

    /// User name and password for HTTP Basic authentication.
    pub(super) fn basic(&self) -> (&str, &str) {
        match &self.kind {
            CredentialKind::AuthToken(token) => (self.account_sid.as_str(), token.expose_secret()),
            CredentialKind::ApiKey { sid, secret } => (sid.as_str(), secret.expose_secret()),
        }
    }
}

/// Trims the text and checks that it can be a key.
fn secret(text: &SecretString) -> Option<SecretString> {
    let text = text.expose_secret().trim();
    let is_well_formed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_well_formed.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
    const KEY: &str = "SK0123456789abcdef0123456789abcdef";

    #[test]
    fn both_kinds_sign_in_with_their_own_user_name() {
        let token = Credentials::with_auth_token(ACCOUNT, &" 0a1b ".into()).unwrap();
        assert_eq!(token.basic(), (ACCOUNT, "0a1b"));
        let key = Credentials::with_api_key(ACCOUNT, KEY, &"s3cret".into()).unwrap();
        assert_eq!(key.basic(), (KEY, "s3cret"));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let message =
            |result: Result<Credentials, CredentialsError>| result.unwrap_err().to_string();
        assert!(
            message(Credentials::with_auth_token(KEY, &"x".into()))
                .contains("it is an API Key SID")
        );
        assert!(
            message(Credentials::with_auth_token(ACCOUNT, &" ".into())).starts_with("Auth Token")
        );
        assert!(
            message(Credentials::with_auth_token(ACCOUNT, &"a b".into())).starts_with("Auth Token")
        );
        assert!(
            message(Credentials::with_api_key(ACCOUNT, ACCOUNT, &"x".into()))
                .starts_with("API Key SID")
        );
        assert!(
            message(Credentials::with_api_key(ACCOUNT, KEY, &"".into()))
                .starts_with("API Key Secret")
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Credentials::with_api_key(ACCOUNT, KEY, &"s3cret".into()));
        assert!(!shown.contains("s3cret"));
    }
}
