//! Addresses that others name: pages link to them, and Twilio fetches them, only where they are
//! http or https.

use url::Url;

/// Longer addresses are none that a person or a phone has to do with.
pub const MAX_LENGTH: usize = 2_000;

/// An absolute `http://` or `https://` address with a host; never `javascript:`, `data:` or another
/// scheme that a browser would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// Why a text is no [`HttpUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// It is no absolute address.
    #[error("this is not a web address")]
    Syntax,
    /// Its scheme is another one, or it has no host.
    #[error("this is not an http or https address")]
    Scheme,
    /// It has more than 2,000 characters.
    #[error("this address is longer than {MAX_LENGTH} characters")]
    TooLong,
}

impl HttpUrl {
    /// Reads an address; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, HttpUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| HttpUrlError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(HttpUrlError::Scheme);
        }
        if url.as_str().len() > MAX_LENGTH {
            return Err(HttpUrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// The address, normalized: all of it is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<HttpUrl> for String {
    fn from(url: HttpUrl) -> Self {
        url.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_are_addresses_of_the_web() {
        for good in [
            "http://a",
            " https://api.twilio.com/2010-04-01/Media/ME1?x=1#y ",
            "HTTPS://EXAMPLE.COM/ä",
        ] {
            assert!(HttpUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript://example.com/%0aalert(1)",
            "java\tscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://example.com/a",
            "blob:https://example.com/1",
            "//example.com/a",
            "/path",
            "example.com",
            "https://",
            "",
        ] {
            assert!(HttpUrl::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            HttpUrl::parse(&format!("https://example.com/{}", "a".repeat(2_000))),
            Err(HttpUrlError::TooLong)
        );
    }
}
