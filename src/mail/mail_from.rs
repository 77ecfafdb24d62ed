//! [`MailFrom`]: the address that emails come from.

use std::fmt;

use lettre::message::Mailbox;

/// The address that emails come from, with or without a name before it.
#[derive(Clone)]
pub struct MailFrom(pub(super) Mailbox);

/// The text is not a [`MailFrom`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no email address; write it like Carillon <carillon@example.com>")]
pub struct MailFromError;

impl MailFrom {
    /// Parses `carillon@example.com` or `Carillon <carillon@example.com>`.
    pub fn parse(text: &str) -> Result<Self, MailFromError> {
        // A line break would begin another header.
        if text.chars().any(char::is_control) {
            return Err(MailFromError);
        }
        text.parse().map(Self).map_err(|_| MailFromError)
    }
}

impl fmt::Display for MailFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_name() {
        for text in ["carillon@example.com", "Carillon <carillon@example.com>"] {
            assert_eq!(MailFrom::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "Carillon",
            "carillon@",
            "@example.com",
            "Carillon <carillon@example.com",
            "a@example.com, b@example.com",
            "carillon@example.com\r\nBcc: eve@example.com",
            "Carillon\r\nBcc: eve@example.com\r\n <carillon@example.com>",
        ] {
            assert!(MailFrom::parse(text).is_err(), "{text}");
        }
    }
}
