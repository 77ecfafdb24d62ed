//! The URLs of a connection's webhooks, which contain a secret if signatures cannot be checked.

use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::id::{ConnectionId, MessageId};
use super::public_url::PublicUrl;

/// Path prefix of all of Twilio's hooks.
const PATH_PREFIX: &str = "/hooks/twilio/";

/// Path segments that follow the connection's id in a URL without a secret.
const HOOKS: [&str; 3] = ["inbound", "status", "test"];

/// The webhook URLs of a connection.
#[derive(Clone)]
pub struct HookAddress {
    connection: ConnectionId,
    secret: Option<SecretString>,
}

impl HookAddress {
    /// URLs without a secret: each call is authenticated by its signature.
    #[must_use]
    pub const fn signed(connection: ConnectionId) -> Self {
        Self { connection, secret: None }
    }

    /// URLs with a secret that only Twilio receives.
    #[must_use]
    pub const fn secret(connection: ConnectionId, secret: SecretString) -> Self {
        Self { connection, secret: Some(secret) }
    }

    /// URL of the inbound webhook.
    #[must_use]
    pub fn inbound(&self, public_url: &PublicUrl) -> String {
        public_url.hook(&self.path("inbound"))
    }

    /// URL of a message's status callback.
    #[must_use]
    pub fn status(&self, public_url: &PublicUrl, message: MessageId) -> String {
        public_url.hook(&match &self.secret {
            None => format!("{PATH_PREFIX}{}/status/{message}", self.connection),
            Some(secret) => {
                format!(
                    "{PATH_PREFIX}{}/{}/status/{message}",
                    self.connection,
                    secret.expose_secret()
                )
            }
        })
    }

    /// URL of the webhook test.
    #[must_use]
    pub fn test(&self, public_url: &PublicUrl) -> String {
        public_url.join(&self.path("test"))
    }

    fn path(&self, hook: &str) -> String {
        match &self.secret {
            None => format!("{PATH_PREFIX}{}/{hook}", self.connection),
            Some(secret) => {
                format!("{PATH_PREFIX}{}/{}/{hook}", self.connection, secret.expose_secret())
            }
        }
    }
}

impl fmt::Debug for HookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookAddress({})", self.connection)
    }
}

/// Removes secrets from all webhook URLs in a text (`/hooks/twilio/<id>/…/inbound`), for logs,
/// pages and the database.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !text.contains(PATH_PREFIX) {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(PATH_PREFIX) {
        let (before, after) = rest.split_at(at + PATH_PREFIX.len());
        shown.push_str(before);
        let (id, remainder) = after.split_at(end_of_segment(after));
        shown.push_str(id);
        rest = remainder;
        if let Some(remainder) = rest.strip_prefix('/') {
            let (segment, remainder) = remainder.split_at(end_of_segment(remainder));
            shown.push('/');
            shown.push_str(if segment.is_empty() || HOOKS.contains(&segment) {
                segment
            } else {
                "…"
            });
            rest = remainder;
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The URL of the same hook without its secret; `None` if it has none.
#[must_use]
pub fn without_secret(address: &str) -> Option<String> {
    let begin = address.find(PATH_PREFIX)? + PATH_PREFIX.len();
    let begin = begin + end_of_segment(&address[begin..]);
    let remainder = address[begin..].strip_prefix('/')?;
    let (segment, rest) = remainder.split_at(end_of_segment(remainder));
    if segment.is_empty() || HOOKS.contains(&segment) {
        None
    } else {
        Some(format!("{}{rest}", &address[..begin]))
    }
}

/// Length of the path segment that a text begins with.
fn end_of_segment(text: &str) -> usize {
    let ends = |character: char| character.is_whitespace() || "/?#\"'<>(),;:“”".contains(character);
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";

    fn addresses() -> (HookAddress, HookAddress, PublicUrl) {
        let id = ConnectionId::new();
        (
            HookAddress::signed(id),
            HookAddress::secret(id, SECRET.into()),
            PublicUrl::parse("https://sms.example.com/app").unwrap(),
        )
    }

    #[test]
    fn every_url_has_the_secret_after_the_id() {
        let (signed, secret, public_url) = addresses();
        let message = MessageId::new();
        let id = signed.connection;
        assert_eq!(
            signed.inbound(&public_url),
            format!("https://sms.example.com/app/hooks/twilio/{id}/inbound#rc=5&rp=all")
        );
        assert_eq!(
            secret.inbound(&public_url),
            format!("https://sms.example.com/app/hooks/twilio/{id}/{SECRET}/inbound#rc=5&rp=all")
        );
        assert!(
            secret
                .status(&public_url, message)
                .ends_with(&format!("{id}/{SECRET}/status/{message}#rc=5&rp=all"))
        );
        assert!(
            signed
                .status(&public_url, message)
                .ends_with(&format!("{id}/status/{message}#rc=5&rp=all"))
        );
        assert!(secret.test(&public_url).ends_with(&format!("{SECRET}/test")));
        assert!(!format!("{secret:?}").contains(SECRET));
    }

    #[test]
    fn no_text_shows_a_secret() {
        let (signed, secret, public_url) = addresses();
        let message = MessageId::new();
        for address in [
            secret.inbound(&public_url),
            secret.status(&public_url, message),
            secret.test(&public_url),
        ] {
            let text = format!("Twilio says: “{address}” is no URL ({address}); and {address}");
            let shown = redacted(&text).into_owned();
            assert!(!shown.contains(SECRET) && shown.contains("/…/"), "{shown}");
            assert_eq!(shown.matches("https://sms.example.com/app").count(), 3, "{shown}");
            assert!(
                !redacted(&address[..address.find(SECRET).unwrap() + 20]).contains("c2VjcmV0"),
                "a part of it"
            );
        }
        for plain in [
            signed.inbound(&public_url),
            signed.status(&public_url, message),
            "/hooks/twilio/".to_owned(),
            "Hello".to_owned(),
        ] {
            assert_eq!(redacted(&plain), plain);
        }
    }

    #[test]
    fn a_url_without_its_secret_is_that_of_signed_calls() {
        let (signed, secret, public_url) = addresses();
        assert_eq!(without_secret(&secret.inbound(&public_url)), Some(signed.inbound(&public_url)));
        assert_eq!(without_secret(&signed.inbound(&public_url)), None);
        assert_eq!(without_secret("https://crm.example.org/in?x=1"), None);
    }
}
