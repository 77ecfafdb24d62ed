//! Form bodies as Twilio posts them: every pair is kept, because every pair is signed; whatever
//! else is read from them is cleaned first.

use std::borrow::Cow;

use crate::types::json_text::JsonText;
use crate::types::text;

/// A parameter's name and value: parts of the body wherever nothing had to be decoded.
pub type Param<'a> = (Cow<'a, str>, Cow<'a, str>);

/// More parameters than this are refused; Twilio sends some thirty, and three for each of up to ten
/// media.
pub const MAX_PARAMS: usize = 500;

/// Longer words (addresses, names, statuses) are cut: none of Twilio's is, and an index of
/// PostgreSQL takes no more than 2,700 bytes.
const MAX_WORD: usize = 255;

/// A form as it was posted: what Twilio has signed. For all else [`Self::into_params`] gives its
/// cleaned parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostedForm<'a>(Vec<Param<'a>>);

/// A form's parameters, which PostgreSQL and pages can hold: blanks, repeats and order are kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params<'a>(Vec<Param<'a>>);

/// A form with more than [`MAX_PARAMS`] parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("It has more than {MAX_PARAMS} parameters, which Twilio never sends.")]
pub struct TooManyParams;

impl<'a> PostedForm<'a> {
    /// Decodes `application/x-www-form-urlencoded`: order, repeated keys and blank values stay, `+`
    /// is a space.
    pub fn read(body: &'a [u8]) -> Result<Self, TooManyParams> {
        let params: Vec<Param<'a>> =
            url::form_urlencoded::parse(body).take(MAX_PARAMS + 1).collect();
        if params.len() > MAX_PARAMS { Err(TooManyParams) } else { Ok(Self(params)) }
    }

    /// The parameters as they are signed; may hold what cannot be stored.
    #[must_use]
    pub fn signed(&self) -> &[Param<'a>] {
        &self.0
    }

    /// The parameters for everything but the signature.
    #[must_use]
    pub fn into_params(self) -> Params<'a> {
        Params(
            self.0
                .into_iter()
                .map(|(name, value)| (text::cleaned(name), text::cleaned(value)))
                .collect(),
        )
    }
}

impl Params<'_> {
    /// The first value of a name, where it has one.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// The first value of a name, unless it is blank.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// The same of an address, a name or another word: its first 255 characters.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.filled(name)
            .map(|value| value.char_indices().nth(MAX_WORD).map_or(value, |(end, _)| &value[..end]))
    }

    /// All of them as a JSON object.
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
    fn blanks_repeats_order_and_other_alphabets_stay() {
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
    fn the_signature_covers_what_was_posted_and_the_rest_reads_it_cleaned() {
        let form = PostedForm::read(b"Bo%00dy=STOP%00ALL%00&X=%FF")
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(form.signed()[0], ("Bo\0dy".into(), "STOP\0ALL\0".into()));
        let params = form.into_params();
        assert_eq!((params.first("Body"), params.first("X")), (Some("STOPALL"), Some("\u{fffd}")));
        assert_eq!(params.to_json().as_str(), "{\"Body\":\"STOPALL\",\"X\":\"\u{fffd}\"}");
    }

    #[test]
    fn words_are_cut_and_texts_are_not() {
        let body = format!("From={}", "ü".repeat(300));
        let params = PostedForm::read(body.as_bytes())
            .unwrap_or_else(|error| panic!("{error}"))
            .into_params();
        assert_eq!(
            (params.word("From").map(|word| word.chars().count()), params.first("From")),
            (Some(255), Some(&body[5..]))
        );
    }

    #[test]
    fn a_flood_of_parameters_is_no_form() {
        assert!(PostedForm::read("a=1&".repeat(MAX_PARAMS).as_bytes()).is_ok());
        assert!(PostedForm::read("a=1&".repeat(MAX_PARAMS + 1).as_bytes()).is_err());
    }
}
