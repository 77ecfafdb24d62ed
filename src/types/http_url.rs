//! URLs from outside, which pages link to and Twilio fetches: restricted to http and https.

use url::Url;

/// Maximum length of a URL in characters.
pub const MAX_LENGTH: usize = 2_000;

/// An absolute `http://` or `https://` URL with a host; never `javascript:`, `data:` or another
/// scheme that a browser would execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// Why a text is not an [`HttpUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// Not an absolute URL.
    #[error("this is not a web address")]
    Syntax,
    /// Another scheme, or no host.
    #[error("this is not an http or https address")]
    Scheme,
    /// Longer than 2,000 characters.
    #[error("this address is longer than {MAX_LENGTH} characters")]
    TooLong,
}

impl HttpUrl {
    /// Parses a URL, trimmed.
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

    /// The normalized URL, all ASCII.
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
    fn only_http_and_https_urls_are_accepted() {
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
