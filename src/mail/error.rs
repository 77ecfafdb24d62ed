//! Errors of the mailer. None of them names the recipient, whose address servers like to repeat.

use std::time::Duration;

use lettre::transport::smtp;

/// How long the whole conversation with the mail server may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a [`Mailer`](super::Mailer) cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("TLS could not be set up ({0}): install the package ca-certificates")]
pub struct MailerError(#[from] smtp::Error);

/// Why the mail server did not accept an email: a sentence for admins and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address of the recipient cannot be written into an email.
    #[error("The user’s email address can’t receive email.")]
    Recipient,
    /// The server was not found, not reached or not trusted, or the connection was lost.
    #[error("The mail server can’t be reached: {0}.")]
    Unreachable(String),
    /// The server does not offer what is necessary, such as STARTTLS.
    #[error("The mail server can’t be used: {0}.")]
    Unusable(String),
    /// The server responded with an error. Only its code is kept, since its text may be an address.
    #[error("The mail server refused with code {0}.")]
    Refused(u16),
    /// The response of the server is not SMTP.
    #[error("The mail server’s response isn’t SMTP.")]
    NotSmtp,
    /// The server was too slow.
    #[error("The mail server didn’t finish within {} seconds.", TIMEOUT.as_secs())]
    TooSlow,
}

impl From<smtp::Error> for MailError {
    fn from(error: smtp::Error) -> Self {
        if let Some(code) = error.status() {
            return Self::Refused(code.into());
        }
        if error.is_response() {
            return Self::NotSmtp;
        }
        let why = innermost_cause(&error);
        if error.is_client() { Self::Unusable(why) } else { Self::Unreachable(why) }
    }
}

/// The text of the innermost cause, which says what happened.
fn innermost_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
