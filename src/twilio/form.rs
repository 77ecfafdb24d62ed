//! Form bodies as Twilio posts them: every pair is kept, because every pair is signed.

use std::borrow::Cow;

/// A parameter's name and value: parts of the body wherever nothing had to be decoded.
pub type Param<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Decodes `application/x-www-form-urlencoded`: order, repeated keys and blank values stay, `+` is a space.
#[must_use]
pub fn parse_form(body: &[u8]) -> Vec<Param<'_>> {
    url::form_urlencoded::parse(body).collect()
}

/// The first value of a key, where it has one.
pub(super) fn first<'a>(params: &'a [Param<'_>], key: &str) -> Option<&'a str> {
    params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
}

/// The first value of a key, unless it is blank.
pub(super) fn filled<'a>(params: &'a [Param<'_>], key: &str) -> Option<&'a str> {
    first(params, key).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_repeats_order_and_other_alphabets_stay() {
        let body = "Body=Gr%C3%BC%C3%9Fe+%F0%9F%98%80&FromCity=&B=2&A=1&B=1&Flag";
        let pairs = parse_form(body.as_bytes());
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
        assert_eq!(pairs, [("Body", "Grüße 😀"), ("FromCity", ""), ("B", "2"), ("A", "1"), ("B", "1"), ("Flag", "")]);
    }

    #[test]
    fn plus_and_percent_decode_once() {
        assert_eq!(parse_form(b"From=%2B14155550123&Body=1%2B1%3D2%2525")[0].1, "+14155550123");
        assert_eq!(parse_form(b"Body=1%2B1%3D2%2525")[0].1, "1+1=2%25");
        assert_eq!(parse_form(b"Body=a%0D%0Ab%0A+")[0].1, "a\r\nb\n ");
    }

    #[test]
    fn nothing_is_an_empty_form_and_broken_escapes_do_not_fail() {
        assert!(parse_form(b"").is_empty());
        assert_eq!(parse_form(b"Body=100%&X=%zz")[0].1, "100%");
    }
}
