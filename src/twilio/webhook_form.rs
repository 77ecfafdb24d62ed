//! Form bodies of Twilio's webhooks. Every pair is preserved, because every pair is signed; other
//! readers get cleaned values.

use std::borrow::Cow;

use crate::types::json_text::JsonText;
use crate::types::storable_text;

/// Name and value of a parameter, borrowed from the body if no decoding was needed.
pub type Param<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Maximum number of parameters: Twilio sends some thirty, and three for each of up to ten media.
pub const MAX_PARAMS: usize = 500;

/// Maximum length of addresses, names and statuses in characters; longer ones, which Twilio never
/// sends, are truncated. A PostgreSQL index entry is limited to 2,700 bytes.
const MAX_INDEXED_CHARS: usize = 255;

/// A form as posted, for checking the signature. For other uses, [`Self::into_params`] cleans the
/// parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostedForm<'a>(Vec<Param<'a>>);

/// Cleaned parameters that PostgreSQL can store and pages can show; blanks, repeats and order are
/// preserved.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params<'a>(Vec<Param<'a>>);

/// The error of a form with more than [`MAX_PARAMS`] parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("It has more than {MAX_PARAMS} parameters, which Twilio never sends.")]
pub struct TooManyParams;

impl<'a> PostedForm<'a> {
    /// Decodes `application/x-www-form-urlencoded`, preserving order, repeated keys and blank
    /// values; `+` is a space.
    pub fn read(body: &'a [u8]) -> Result<Self, TooManyParams> {
        let params: Vec<Param<'a>> =
            url::form_urlencoded::parse(body).take(MAX_PARAMS + 1).collect();
        if params.len() > MAX_PARAMS { Err(TooManyParams) } else { Ok(Self(params)) }
    }

    /// The parameters as signed; may contain text that cannot be stored.
    #[must_use]
    pub fn signed(&self) -> &[Param<'a>] {
        &self.0
    }

    /// The cleaned parameters, for everything except the signature.
    #[must_use]
    pub fn into_params(self) -> Params<'a> {
        Params(
            self.0
                .into_iter()
                .map(|(name, value)| (storable_text::cleaned(name), storable_text::cleaned(value)))
                .collect(),
        )
    }
}

impl Params<'_> {
    /// The first value of a name, if any.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// The first value of a name, unless it is empty.
    pub(super) fn non_empty(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// The first value of a name, unless it is empty, truncated to 255 characters: for addresses,
    /// names and statuses.
    pub(super) fn truncated(&self, name: &str) -> Option<&str> {
        self.non_empty(name).map(|value| {
            value.char_indices().nth(MAX_INDEXED_CHARS).map_or(value, |(end, _)| &value[..end])
        })
    }

    /// All parameters as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> JsonText {
        JsonText::of_params(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Vec<Param<'_>> {
        PostedForm::read(body).unwrap_or_else(|error| panic!("{error}")).0
    }

    #[test]
    fn blanks_repeats_order_and_other_alphabets_are_preserved() {
        let body = "Body=Gr%C3%BC%C3%9Fe+%F0%9F%98%80&FromCity=&B=2&A=1&B=1&Flag";
        let pairs = parse(body.as_bytes());
        let pairs: Vec<_> =
            pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
        assert_eq!(
            pairs,
            [
                ("Body", "Grüße 😀"),
                ("FromCity", ""),
                ("B", "2"),
                ("A", "1"),
                ("B", "1"),
                ("Flag", "")
            ]
        );
    }

    #[test]
    fn plus_and_percent_decode_once() {
        assert_eq!(parse(b"From=%2B14155550123&Body=1%2B1%3D2%2525")[0].1, "+14155550123");
        assert_eq!(parse(b"Body=1%2B1%3D2%2525")[0].1, "1+1=2%25");
        assert_eq!(parse(b"Body=a%0D%0Ab%0A+")[0].1, "a\r\nb\n ");
    }

    #[test]
    fn nothing_is_an_empty_form_and_broken_escapes_do_not_fail() {
        assert!(parse(b"").is_empty());
        assert_eq!(parse(b"Body=100%&X=%zz")[0].1, "100%");
    }

    #[test]
    fn the_signature_covers_the_posted_form_and_other_readers_get_it_cleaned() {
        let form = PostedForm::read(b"Bo%00dy=STOP%00ALL%00&X=%FF")
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(form.signed()[0], ("Bo\0dy".into(), "STOP\0ALL\0".into()));
        let params = form.into_params();
        assert_eq!((params.first("Body"), params.first("X")), (Some("STOPALL"), Some("\u{fffd}")));
        assert_eq!(params.to_json().as_str(), "{\"Body\":\"STOPALL\",\"X\":\"\u{fffd}\"}");
    }

    #[test]
    fn indexed_values_are_truncated_and_texts_are_not() {
        let body = format!("From={}", "ü".repeat(300));
        let params = PostedForm::read(body.as_bytes())
            .unwrap_or_else(|error| panic!("{error}"))
            .into_params();
        assert_eq!(
            (
                params.truncated("From").map(|truncated| truncated.chars().count()),
                params.first("From")
            ),
            (Some(255), Some(&body[5..]))
        );
    }

    #[test]
    fn too_many_parameters_are_refused() {
        assert!(PostedForm::read("a=1&".repeat(MAX_PARAMS).as_bytes()).is_ok());
        assert!(PostedForm::read("a=1&".repeat(MAX_PARAMS + 1).as_bytes()).is_err());
    }
}
