//! Carillon's public URL: the base of webhook URLs, which Twilio signs, and of links in pages.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An absolute http(s) URL without query, fragment, credentials or trailing slash; a path prefix is
/// allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    text: String,
}

/// Why a text is not a [`PublicUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Not an absolute URL.
    #[error("it is not a URL ({0}); write it like https://sms.example.com")]
    Syntax(url::ParseError),
    /// A scheme other than http or https.
    #[error("its scheme is {0}; use http or https")]
    Scheme(String),
    /// Has parts other than scheme, host, port and path.
    #[error("it has a {0}; use only scheme, host, port and path")]
    Extra(&'static str),
}

impl PublicUrl {
    /// Parses and normalizes a URL: lower-case host, without standard port and trailing slashes.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let mut url = Url::parse(text.trim()).map_err(PublicUrlError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(PublicUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(PublicUrlError::Extra("user name"));
        }
        if url.query().is_some() {
            return Err(PublicUrlError::Extra("query"));
        }
        if url.fragment().is_some() {
            return Err(PublicUrlError::Extra("fragment"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The URL of `path` (which starts with a slash), including the path prefix.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The URL of `path` for webhooks, with Twilio's connection settings in the fragment: up to
    /// five retries for any failure. Twilio neither sends nor signs the fragment.
    pub fn hook(&self, path: &str) -> String {
        format!("{}{path}#rc=5&rp=all", self.text)
    }

    /// Scheme, host and port, as in a browser's `Origin` header.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The path prefix of all pages: empty, or `/prefix` without a trailing slash.
    pub fn path_prefix(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether cookies may be marked `Secure`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host name or IP address, without the port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_and_standard_ports_do_not_matter() {
        for text in
            ["https://sms.example.com", "https://SMS.example.com/", "https://sms.example.com:443//"]
        {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!(url.as_str(), "https://sms.example.com");
            assert_eq!(url.path_prefix(), "");
            assert_eq!(url.join("/hooks"), "https://sms.example.com/hooks");
            assert_eq!(url.hook("/hooks"), "https://sms.example.com/hooks#rc=5&rp=all");
            assert!(url.is_https());
        }
    }

    #[test]
    fn a_path_prefix_is_kept() {
        let url = PublicUrl::parse("http://10.0.0.5:8080/carillon/").unwrap();
        assert_eq!(url.path_prefix(), "/carillon");
        assert_eq!(url.join("/hooks"), "http://10.0.0.5:8080/carillon/hooks");
        assert_eq!(url.origin(), "http://10.0.0.5:8080");
        assert_eq!(url.host(), "10.0.0.5");
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (text, reason) in [
            ("sms.example.com", "not a URL"),
            ("localhost:8080", "its scheme is localhost"),
            ("ftp://example.com", "its scheme is ftp"),
            ("https://user@example.com", "user name"),
            ("https://example.com/?a=b", "query"),
            ("https://example.com/#a", "fragment"),
        ] {
            let error = PublicUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
