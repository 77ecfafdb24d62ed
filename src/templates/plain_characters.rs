//! Replaces typographic quotes, dashes and spaces in a template by their equivalents in GSM-7.

use crate::twilio::smart_encoding::{look_alike, smart_encoded};

/// Applies the replacements of Twilio's Smart Encoding to a template's text and to the string
/// literals in its tags.
///
/// Typographic quotes around a literal become plain too, so that text pasted from a word processor
/// can be parsed. Accented letters, emoji and characters that would become part of a tag (`{`, `}`,
/// `%`, `#`) stay.
pub fn with_plain_characters(template: &str) -> String {
    let mut plain = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, opening)) =
        ["{{", "{%", "{#"].iter().filter_map(|marker| Some((rest.find(marker)?, *marker))).min()
    {
        push_text(&mut plain, &rest[..before]);
        rest = &rest[before..];
        let length = match opening {
            "{#" => rest.find("#}").map_or(rest.len(), |end| end + 2),
            _ => push_tag(&mut plain, rest, if opening == "{{" { "}}" } else { "%}" }),
        };
        if opening == "{#" {
            plain.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    push_text(&mut plain, rest);
    plain
}

fn push_text(plain: &mut String, text: &str) {
    for character in text.chars() {
        match look_alike(character) {
            Some(instead) if !instead.contains(['{', '}', '%', '#']) => plain.push_str(&instead),
            _ => plain.push(character),
        }
    }
}

/// Copies a tag up to its end and returns its length in bytes.
fn push_tag(plain: &mut String, tag: &str, close: &str) -> usize {
    let mut literal: Option<Literal> = None;
    let mut escaped = false;
    for (at, character) in tag.char_indices() {
        match &literal {
            None if tag[at..].starts_with(close) => {
                plain.push_str(close);
                return at + close.len();
            }
            None => {
                literal = Literal::opened_by(character);
                match &literal {
                    Some(opened) => plain.push(opened.quote),
                    None => plain.push_str(&smart_encoded(character.encode_utf8(&mut [0; 4]))),
                }
            }
            Some(open) if !escaped && open.closed_by.contains(&character) => {
                plain.push(open.quote);
                literal = None;
            }
            Some(open) => {
                match look_alike(character) {
                    Some(instead) => open.push_escaped(plain, &instead),
                    None => plain.push(character),
                }
                escaped = character == '\\' && !escaped;
            }
        }
    }
    tag.len()
}

/// A string literal inside a tag.
struct Literal {
    quote: char,
    closed_by: &'static [char],
}

impl Literal {
    fn opened_by(character: char) -> Option<Self> {
        let (quote, closed_by): (char, &[char]) = match character {
            '"' => ('"', &['"']),
            '\'' => ('\'', &['\'']),
            '`' => ('`', &['`']),
            '“' | '”' | '„' | '«' | '»' => ('"', &['“', '”', '«', '»', '"']),
            '‘' | '’' | '‚' => ('\'', &['‘', '’', '\'']),
            _ => return None,
        };
        Some(Self { quote, closed_by })
    }

    /// Appends text, escaping quotes and backslashes.
    fn push_escaped(&self, plain: &mut String, text: &str) {
        for character in text.chars() {
            if character == self.quote || character == '\\' {
                plain.push('\\');
            }
            plain.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::templates::{TemplateBody, Variables};
    use crate::twilio::parts::{Encoding, count};
    use crate::types::phone::PhoneNumber;

    #[test]
    fn text_and_texts_in_tags_become_plain() {
        assert_eq!(
            with_plain_characters(
                "“Hi” {{ contact.first_name | default(value=\"“you”…\") }} – {# “kept” #}bye\u{a0}😀é"
            ),
            "\"Hi\" {{ contact.first_name | default(value=\"\\\"you\\\"...\") }} - {# “kept” #}bye 😀é"
        );
    }

    #[test]
    fn typographic_quotes_around_a_literal_become_plain() {
        let pasted = "Hi {{ contact.first_name | default(value=“there”) }} {{ contact.last_name\u{a0}| default(value=‘x’) }}";
        assert!(TemplateBody::parse(pasted).is_err());
        let plain = with_plain_characters(pasted);
        assert_eq!(
            plain,
            "Hi {{ contact.first_name | default(value=\"there\") }} {{ contact.last_name | default(value='x') }}"
        );
        assert!(TemplateBody::parse(&plain).is_ok());
    }

    #[test]
    fn no_text_becomes_a_tag() {
        for text in ["❴❴ x ❵❵", "｛｛ contact.phone ｝｝", "{﹪ if x ﹪}", "{﹟ x"] {
            assert_eq!(with_plain_characters(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_can_be_read_stays_readable_and_twice_is_as_once(
            before in "[ -z“”…–❴é😀]{0,20}", within in "[ -!#-\\[\\]-z“”‘’…–é]{0,20}", after in "[ -z“”…–❴é😀]{0,20}",
        ) {
            let template = format!(
                "{before}{{{{ contact.first_name | default(value=\"{within}\") }}}}{after}"
            );
            let plain = with_plain_characters(&template);
            prop_assert_eq!(with_plain_characters(&plain), plain.clone());
            if let Ok(parsed) = TemplateBody::parse(&template) {
                let again = TemplateBody::parse(&plain).unwrap();
                prop_assert_eq!(parsed.variables(), again.variables());
                let phone = PhoneNumber::from_e164("+14155550123").unwrap();
                let of = |body: &TemplateBody| body.render(&Variables::for_phone(&phone, None));
                if let (Ok(typed), Ok(sent)) = (of(&parsed), of(&again)) {
                    let stays = typed.chars().any(|c| "é😀❴".contains(c));
                    prop_assert!(stays || count(&sent).encoding == Encoding::Gsm7, "{sent}");
                }
            }
        }
    }
}
