//! Email: plain texts through the mail server that `CARILLON_SMTP_URL` names. A leaf, which knows
//! nothing of what it sends; only this folder uses lettre.
//!
//! [`SmtpUrl`] and [`MailFrom`] are the settings, [`Mailer`] sends. Start with [`Mailer::send`].

mod error;
mod mail_from;
mod mailer;
mod smtp_url;

pub use error::{MailError, MailerError};
pub use mail_from::{MailFrom, MailFromError};
pub use mailer::{Mailer, OutgoingEmail};
pub use smtp_url::{SmtpUrl, SmtpUrlError};
