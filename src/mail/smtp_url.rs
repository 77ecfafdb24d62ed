//! [`SmtpUrl`]: the mail server, how to reach it, and the log-in there.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// A mail server: `smtps://user:password@mail.example.com:465`, or `smtp://…` with STARTTLS.
#[derive(Clone)]
pub struct SmtpUrl {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) encryption: SmtpEncryption,
    pub(super) login: Option<SmtpLogin>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SmtpEncryption {
    /// TLS from the start.
    Tls,
    /// TLS after a command in plain text, or no connection.
    StartTls,
    /// None, for a server on the same machine or network.
    Unencrypted,
}

/// User and password at a mail server.
#[derive(Clone)]
pub(super) struct SmtpLogin {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// Why a text is not an [`SmtpUrl`]; never repeats the text, which may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write it like smtps://user:password@mail.example.com")]
pub struct SmtpUrlError(String);

impl SmtpUrl {
    /// Parses `smtps://user:password@host:port`, or `smtp://…` with `?tls=required` (the default)
    /// or `?tls=none`. User and password are percent-encoded.
    pub fn parse(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|error| bad(&format!("it is not a URL ({error})")))?;
        let encryption = encryption(&url)?;
        let host = Host::parse(url.host_str().unwrap_or_default())
            .map_err(|_| bad("it names no mail server"))?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(bad(
                "it has a path or fragment; in a password, write %2F for / and %23 for #",
            ));
        }
        let login = login(&url)?;
        if login.is_some() && encryption == SmtpEncryption::Unencrypted && !is_loopback(&host) {
            return Err(bad("with tls=none, anyone in the network could read the password"));
        }
        let port = url.port().unwrap_or(match encryption {
            SmtpEncryption::Tls => 465,
            SmtpEncryption::StartTls => 587,
            SmtpEncryption::Unencrypted => 25,
        });
        Ok(Self { host, port, encryption, login })
    }

    /// The URL without its password, for display.
    #[must_use]
    pub fn masked(&self) -> String {
        let (scheme, tls) = match self.encryption {
            SmtpEncryption::Tls => ("smtps", ""),
            SmtpEncryption::StartTls => ("smtp", "?tls=required"),
            SmtpEncryption::Unencrypted => ("smtp", "?tls=none"),
        };
        let login = self.login.as_ref().map(|login| format!("{}:…@", login.user));
        format!("{scheme}://{}{}:{}{tls}", login.unwrap_or_default(), self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({})", self.masked())
    }
}

fn bad(problem: &str) -> SmtpUrlError {
    SmtpUrlError(problem.to_owned())
}

fn encryption(url: &Url) -> Result<SmtpEncryption, SmtpUrlError> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        if name != "tls" || tls.is_some() {
            return Err(bad("its only parameter is tls"));
        }
        tls = Some(value);
    }
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None | Some("required")) => Ok(SmtpEncryption::Tls),
        ("smtps", Some(_)) => Err(bad("smtps is always encrypted: leave tls out")),
        ("smtp", None | Some("required")) => Ok(SmtpEncryption::StartTls),
        ("smtp", Some("none")) => Ok(SmtpEncryption::Unencrypted),
        ("smtp", Some(_)) => Err(bad("its tls is neither required nor none")),
        _ => Err(bad("its scheme is neither smtps nor smtp")),
    }
}

fn login(url: &Url) -> Result<Option<SmtpLogin>, SmtpUrlError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(bad("it has a password without a user")),
        (_, None) => Err(bad("it has a user without a password")),
        (user, Some(password)) => {
            let (user, password) = (decoded(user)?, decoded(password)?.into());
            Ok(Some(SmtpLogin { user, password }))
        }
    }
}

fn decoded(text: &str) -> Result<String, SmtpUrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| bad("its user or password is not UTF-8"))
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn servers_are_read_with_their_default_ports_and_shown_without_passwords() {
        for (text, shown) in [
            ("smtps://mail.example.com", "smtps://mail.example.com:465"),
            ("smtps://mail.example.com:2465/?tls=required", "smtps://mail.example.com:2465"),
            ("smtp://mail.example.com", "smtp://mail.example.com:587?tls=required"),
            (
                "smtp://ada:hunter2@Mail.example.com:25",
                "smtp://ada:…@mail.example.com:25?tls=required",
            ),
            ("smtp://mailpit:1025?tls=none", "smtp://mailpit:1025?tls=none"),
            ("smtp://127.0.0.1?tls=none", "smtp://127.0.0.1:25?tls=none"),
            ("smtp://ada:hunter2@[::1]?tls=none", "smtp://ada:…@[::1]:25?tls=none"),
            ("smtps://müller.example", "smtps://xn--mller-kva.example:465"),
        ] {
            let url = SmtpUrl::parse(text).unwrap();
            assert_eq!(url.masked(), shown, "{text}");
            assert_eq!(format!("{url:?}"), format!("SmtpUrl({shown})"));
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        let text = "smtps://ada%40example.com:a%2Fb%23c+%25&d@mail.example.com";
        let login = SmtpUrl::parse(text).unwrap().login.unwrap();
        assert_eq!(login.user, "ada@example.com");
        assert_eq!(login.password.expose_secret(), "a/b#c+%&d");
    }

    #[test]
    fn anything_else_is_refused_with_its_reason_and_without_its_password() {
        for (text, reason) in [
            ("mail.example.com", "not a URL"),
            ("mail.example.com:465", "neither smtps nor smtp"),
            ("https://ada:hunter2@mail.example.com", "neither smtps nor smtp"),
            ("smtps://", "no mail server"),
            ("smtps:mail.example.com", "no mail server"),
            ("smtps://ada:hunter2@", "not a URL"),
            ("smtps://ada@mail.example.com", "user without a password"),
            ("smtps://:hunter2@mail.example.com", "password without a user"),
            ("smtps://ada:hunter2@mail.example.com/carillon", "path"),
            ("smtps://ada:hunter/2@mail.example.com", "not a URL"),
            ("smtps://ada:2#hunter2@mail.example.com", "%23"),
            ("smtps://ada:2/hunter2@mail.example.com", "%2F"),
            ("smtps://ada:%FF@mail.example.com", "UTF-8"),
            ("smtps://mail.example.com?tls=none", "always encrypted"),
            ("smtp://mail.example.com?tls=opportunistic", "neither required nor none"),
            ("smtp://mail.example.com?tls=none&tls=required", "only parameter"),
            ("smtp://mail.example.com?starttls=true", "only parameter"),
            ("smtp://ada:hunter2@mail.example.com?tls=none", "anyone in the network"),
        ] {
            let error = SmtpUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
