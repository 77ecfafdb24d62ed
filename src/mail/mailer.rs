//! [`Mailer`]: sends emails through one mail server.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use url::Host;
use uuid::Uuid;

use super::error::{MailError, MailerError, TIMEOUT};
use super::mail_from::MailFrom;
use super::smtp_url::{SmtpEncryption, SmtpUrl};
use crate::types::public_url::PublicUrl;

/// How long connecting to one address of the mail server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends emails through one mail server; cheap to clone. Each email has a connection of its own.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// A plain text to one recipient. Not `Debug`, since the text may have a secret in it.
#[derive(Clone, Copy)]
pub struct OutgoingEmail<'a> {
    /// The address of the recipient.
    pub to: &'a str,
    /// The subject, one line.
    pub subject: &'a str,
    /// The text.
    pub text: &'a str,
}

impl Mailer {
    /// Creates the mailer, which introduces itself to the server with the host of the public URL.
    /// Fails without root certificates if TLS is needed.
    pub fn new(
        url: &SmtpUrl,
        from: &MailFrom,
        public_url: &PublicUrl,
    ) -> Result<Self, MailerError> {
        let host = match &url.host {
            // Without the brackets that it has in a URL.
            Host::Ipv6(address) => address.to_string(),
            host => host.to_string(),
        };
        let tls = match url.encryption {
            SmtpEncryption::Tls => Tls::Wrapper(TlsParameters::new(host.clone())?),
            SmtpEncryption::StartTls => Tls::Required(TlsParameters::new(host.clone())?),
            SmtpEncryption::Unencrypted => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port)
            .tls(tls)
            .timeout(Some(CONNECT_TIMEOUT))
            .hello_name(hello_name(public_url));
        if let Some(login) = &url.login {
            let password = login.password.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(login.user.clone(), password));
        }
        Ok(Self { transport: transport.build(), from: from.0.clone() })
    }

    /// Sends an email; it succeeds once the server has accepted it.
    pub async fn send(
        &self,
        email: &OutgoingEmail<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), MailError> {
        let message = self.message(email, now)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(sent) => sent.map(drop).map_err(MailError::from),
            Err(_) => Err(MailError::TooSlow),
        }
    }

    fn message(&self, email: &OutgoingEmail<'_>, now: DateTime<Utc>) -> Result<Message, MailError> {
        let id = format!("<{}@{}>", Uuid::new_v4(), self.from.email.domain());
        // Keeps away responses of programs, such as out-of-office notices (RFC 3834).
        let by_a_program = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        Message::builder()
            .date(now.into())
            .message_id(Some(id))
            .from(self.from.clone())
            .to(Mailbox::from(recipient(email.to)?))
            .subject(email.subject)
            .raw_header(by_a_program)
            .singlepart(SinglePart::plain(email.text.to_owned()))
            .map_err(|_| MailError::Recipient)
    }
}

/// The address of a recipient, with its domain in ASCII: not all servers accept other letters.
fn recipient(text: &str) -> Result<Address, MailError> {
    let (user, domain) = text.rsplit_once('@').ok_or(MailError::Recipient)?;
    let domain = Host::parse(domain).map_or_else(|_| domain.to_owned(), |host| host.to_string());
    // A line break would begin another header.
    if text.chars().any(char::is_control) {
        return Err(MailError::Recipient);
    }
    Address::new(user, domain).map_err(|_| MailError::Recipient)
}

/// The name with which the mailer introduces itself: some servers refuse one that is not in the
/// DNS.
fn hello_name(public_url: &PublicUrl) -> ClientId {
    match Host::parse(public_url.host()) {
        Ok(Host::Domain(name)) => ClientId::Domain(name),
        Ok(Host::Ipv4(address)) => ClientId::Ipv4(address),
        Ok(Host::Ipv6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(to: &str) -> Result<String, MailError> {
        let url = SmtpUrl::parse("smtp://localhost?tls=none").unwrap();
        let from = MailFrom::parse("Carillon <carillon@example.com>").unwrap();
        let public_url = PublicUrl::parse("https://sms.example.com").unwrap();
        let mailer = Mailer::new(&url, &from, &public_url).unwrap();
        let email = OutgoingEmail { to, subject: "Two lines", text: "One.\nTwo." };
        let message = mailer.message(&email, DateTime::UNIX_EPOCH)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn an_email_is_a_plain_text_to_one_recipient() {
        let message = formatted("ada@müller.example").unwrap();
        let (headers, text) = message.split_once("\r\n\r\n").unwrap();
        for header in [
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "From: Carillon <carillon@example.com>",
            "To: ada@xn--mller-kva.example",
            "Subject: Two lines",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
        ] {
            assert!(headers.lines().any(|line| line == header), "{header}: {headers}");
        }
        assert!(
            headers.contains("Message-ID: <") && headers.contains("@example.com>"),
            "{headers}"
        );
        assert_eq!(text.trim_end(), "One.\r\nTwo.");
    }

    #[test]
    fn an_address_adds_no_header_and_no_other_recipient() {
        for to in [
            "ada@example.com\r\nBcc: eve@example.com",
            "ada\r\nBcc: eve@example.com",
            "\"ada\r\n \"@example.com",
            "ada@example.com, eve@example.com",
            "ada@example.com> RCPT TO:<eve@example.com",
            "ada",
            "",
        ] {
            assert_eq!(formatted(to), Err(MailError::Recipient), "{to}");
        }
    }

    #[test]
    fn the_mailer_introduces_itself_with_the_public_host() {
        for (url, name) in [
            ("https://sms.example.com/carillon", "sms.example.com"),
            ("http://127.0.0.1:8080", "[127.0.0.1]"),
            ("http://[2001:db8::1]:8080", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(hello_name(&PublicUrl::parse(url).unwrap()).to_string(), name);
        }
    }
}
