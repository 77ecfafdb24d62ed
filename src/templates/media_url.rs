//! Media URLs: fixed ones, and templates that are rendered for each message.

use super::allowed_syntax::{Printing, check};
use super::checked_source::Evaluated;
use super::compiled_source::CompiledSource;
use super::error::{RenderError, TemplateError};
use super::lexer::{Piece, pieces};
use super::merge_tags;
use super::variables::{Unset, Variables};
use crate::types::http_url::{self, HttpUrl, HttpUrlError};
use crate::types::mistake::Mistake;

/// Maximum length of a URL, as typed and as rendered.
const MAX_URL: usize = http_url::MAX_LENGTH;
const EXAMPLE: &str = "write it in full, such as https://example.com/picture.jpg";

/// A checked URL from which Twilio fetches a media file.
pub struct MediaUrl {
    text: String,
    /// `None` for a fixed URL.
    compiled: Option<CompiledSource>,
}

impl MediaUrl {
    /// Parses a URL as typed: absolute, `http` or `https`. Values of variables become part of its
    /// path or query.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let typed = typed.trim();
        if !has_tags(typed) {
            return Ok(Self {
                text: web_address(typed).map_err(|problem| invalid_url_message(problem, typed))?,
                compiled: None,
            });
        }
        if typed.chars().count() > MAX_URL {
            return Err(invalid_url_message(HttpUrlError::TooLong, typed));
        }
        let unreadable =
            |error: TemplateError| format!("Column {}: {}", error.column, error.message);
        let compiled = compile(typed).map_err(unreadable)?;
        compiled.check().map_err(unreadable)?;
        if let Some(example) = example(typed) {
            web_address(&example).map_err(|problem| invalid_url_message(problem, typed))?;
        } else if !typed.starts_with('{') && !has_scheme(typed) {
            return Err(invalid_url_message(HttpUrlError::Syntax, typed));
        }
        Ok(Self { text: typed.to_owned(), compiled: Some(compiled) })
    }

    /// Parses a URL saved by this or an older release.
    pub(super) fn parse_saved(text: &str) -> Result<Self, TemplateError> {
        let compiled = if has_tags(text) { Some(compile(text)?) } else { None };
        Ok(Self { text: text.to_owned(), compiled })
    }

    /// The URL in its saved form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The compiled source that renders it, unless it is fixed.
    pub(super) fn compiled(&self) -> Option<&CompiledSource> {
        self.compiled.as_ref()
    }

    /// Whether it is rendered for each message.
    pub fn is_template(&self) -> bool {
        self.compiled.is_some()
    }

    /// The names of the variables in the URL.
    pub fn variables(&self) -> Vec<String> {
        let variables = self.compiled.iter().flat_map(|compiled| &compiled.checked.variables);
        variables.map(ToString::to_string).collect()
    }

    /// The variables without a value.
    pub fn unset(&self, variables: &Variables<'_>) -> Vec<Unset> {
        self.compiled.as_ref().map(|compiled| compiled.unset(variables)).unwrap_or_default()
    }

    /// Warnings about likely mistakes, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = merge_tags::warnings(&self.text);
        // Earlier releases percent-encoded variables in media URLs literally.
        if self.text.to_ascii_uppercase().contains("%7B%7B") {
            warnings.push(format!(
                "“{}” has variables in a form that Carillon doesn’t fill in. Type the address \
                 again, with {{{{ … }}}} as it is.",
                self.text
            ));
        }
        warnings
    }

    /// Checks the URL against the kinds of the samples' values.
    pub fn check_with(&self, samples: &[Variables<'_>]) -> Result<(), (TemplateError, Evaluated)> {
        self.compiled.as_ref().map_or(Ok(()), |compiled| compiled.check_with(samples))
    }

    /// Renders the URL for one contact and event.
    pub fn render(&self, variables: &Variables<'_>) -> Result<String, RenderError> {
        let Some(compiled) = &self.compiled else { return Ok(self.text.clone()) };
        // The reason must not contain the values: every user who sees the message's row sees its
        // reason.
        web_address(compiled.render(variables, MAX_URL)?.trim()).map_err(|problem| match problem {
            HttpUrlError::TooLong => RenderError::TooLong,
            HttpUrlError::Syntax | HttpUrlError::Scheme => RenderError::NoAddress,
        })
    }
}

impl std::fmt::Debug for MediaUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MediaUrl").field(&self.text).finish()
    }
}

impl PartialEq for MediaUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Renders the media URLs for one contact and event; the error names the one that fails.
pub fn render_media(
    media: &[MediaUrl],
    variables: &Variables<'_>,
) -> Result<Vec<String>, RenderError> {
    let rendered = media.iter().enumerate().map(|(index, url)| {
        url.render(variables)
            .map_err(|reason| RenderError::Media { number: index + 1, reason: Box::new(reason) })
    });
    rendered.collect()
}

/// Why a URL is invalid, with the typed text.
fn invalid_url_message(problem: HttpUrlError, typed: &str) -> String {
    match problem {
        HttpUrlError::Syntax => format!("“{typed}” is not a web address: {EXAMPLE}."),
        HttpUrlError::Scheme => {
            format!("“{typed}” is not an address that Twilio can fetch: {EXAMPLE}.")
        }
        HttpUrlError::TooLong => Mistake::TooLong(MAX_URL).into(),
    }
}

fn web_address(text: &str) -> Result<String, HttpUrlError> {
    HttpUrl::parse(text).map(String::from)
}

fn has_tags(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|marker| text.contains(marker))
}

fn has_scheme(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

fn compile(text: &str) -> Result<CompiledSource, TemplateError> {
    CompiledSource::new(check(text, Printing::Url)?)
}

/// The URL with placeholders for variables; `None` if it contains an `if`.
fn example(typed: &str) -> Option<String> {
    let mut example = String::new();
    for piece in pieces(typed).ok()? {
        match piece {
            Piece::Text(text) => example.push_str(&text),
            Piece::Print(_) if example.is_empty() => example.push_str("https://example.com"),
            Piece::Print(_) => example.push('x'),
            Piece::Statement(_) => return None,
        }
    }
    Some(example)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::types::phone::PhoneNumber;

    fn rendered(typed: &str, event: &Value) -> Result<String, String> {
        let phone = PhoneNumber::from_e164("+14155550123").unwrap();
        let url = MediaUrl::parse(typed)?;
        url.render(&Variables::for_phone(&phone, Some(event))).map_err(|error| error.to_string())
    }

    #[test]
    fn values_become_part_of_the_path_or_query_and_nothing_else() {
        let event = json!(
            {
                "sku": "A 1/ü?#&",
                "n": 42.0,
                "host": "cdn",
                "evil": "@evil.example/",
                "image": "https://cdn.example.com/a b.jpg"
            }
        );
        let of = |typed: &str| rendered(typed, &event).unwrap();
        assert_eq!(
            of("https://example.com/{{ event.sku }}.jpg"),
            "https://example.com/A%201%2F%C3%BC%3F%23%26.jpg"
        );
        assert_eq!(
            of("https://example.com/i?sku={{ event.sku }}&n={{ event.n }}"),
            "https://example.com/i?sku=A%201%2F%C3%BC%3F%23%26&n=42"
        );
        assert_eq!(
            of("https://example.com/{{ event.sku | urlencode }}.jpg"),
            of("https://example.com/{{ event.sku }}.jpg")
        );
        assert_eq!(of("{{ event.image }}"), "https://cdn.example.com/a%20b.jpg");
        assert_eq!(
            of("https://{{ event.host }}.example.com/x.png"),
            "https://cdn.example.com/x.png"
        );
        assert_eq!(
            of("https://example.com/{{ event.none | default(value='none') }}.jpg"),
            "https://example.com/none.jpg"
        );
        assert_eq!(
            of("https://example.com/{% if event.vip %}vip{% else %}all{% endif %}.jpg"),
            "https://example.com/all.jpg"
        );
        assert!(
            rendered("https://example.com{{ event.evil }}", &event).is_err(),
            "a value cannot name another host"
        );
    }

    #[test]
    fn an_address_that_cannot_be_rendered_says_why_without_the_values() {
        let event = json!(
            {
                "image": "no address at all",
                "script": "javascript:alert(1)",
                "long": "x".repeat(3_000)
            }
        );
        let reason = |typed: &str| rendered(typed, &event).unwrap_err();
        for typed in ["{{ event.image }}", "{{ event.script }}"] {
            let reason = reason(typed);
            assert!(
                reason.contains("https://")
                    && !reason.contains("at all")
                    && !reason.contains("alert"),
                "{reason}"
            );
        }
        assert!(
            reason("https://example.com/{{ event.sku }}")
                .contains("event.sku is not set in this event")
        );
        assert!(reason("https://example.com/{{ event.long }}").contains("longer"));
    }

    #[test]
    fn what_can_never_be_an_address_is_refused_as_typed() {
        for (typed, words) in [
            ("ftp://example.com/{{ event.sku }}", "cannot fetch"),
            ("example.com/{{ event.sku }}", "is not a web address"),
            ("/pictures/{{ event.sku }}.jpg", "is not a web address"),
            ("https://example.com/{{ foo }}", "Column 24: There is no variable “foo”"),
            ("https://example.com/{{ event.sku", "Close this"),
            ("https://example.com/{{ event.sku | round(precision=99) }}", "precision"),
            ("https://", "is not a web address"),
        ] {
            let error = MediaUrl::parse(typed).unwrap_err();
            assert!(
                error.contains(words)
                    || (words == "cannot fetch"
                        && error.contains("not an address that Twilio can fetch")),
                "{typed}: {error}"
            );
        }
    }
}
