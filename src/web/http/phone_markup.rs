//! Markup of phone numbers on pages, so that a number does not break across lines and keeps its
//! direction within right-to-left text.
//!
//! Labels and sentences contain numbers wherever they name senders, contacts and Twilio, so the
//! finished page is processed.

use memchr::{memchr, memchr2};

/// The markup around a number.
const BEFORE: &str = "<bdi class=\"nowrap\" dir=\"ltr\">";
const AFTER: &str = "</bdi>";

/// Elements whose content is text only.
const TEXT_ELEMENTS: [&str; 5] = ["script", "style", "textarea", "title", "option"];

/// How many digits a number in E.164 has, with the country code.
const DIGIT_COUNT: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns the page with each visible number in an element of its own.
pub(in crate::web) fn mark_phone_numbers(html: String) -> String {
    marked(&html).unwrap_or(html)
}

/// The page with its numbers marked; `None` if it has none.
fn marked(html: &str) -> Option<String> {
    let bytes = html.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = memchr2(b'<', b'+', &bytes[at..]) {
        at += found;
        if bytes[at] == b'<' {
            at += tag_length(&html[at..]);
            continue;
        }
        let is_word =
            html[..at].ends_with(|before: char| before.is_alphanumeric() || before == '+');
        match number_length(&bytes[at..]).filter(|_| !is_word) {
            Some(length) => {
                out.push_str(&html[copied..at]);
                out.push_str(BEFORE);
                out.push_str(&html[at..at + length]);
                out.push_str(AFTER);
                at += length;
                copied = at;
            }
            None => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&html[copied..]);
    Some(out)
}

/// The length of the tag at the start, with the content of a text-only element.
fn tag_length(html: &str) -> usize {
    let bytes = html.as_bytes();
    let mut end = 0;
    while let Some(found) = memchr2(b'>', b'"', &bytes[end..]) {
        end += found;
        if bytes[end] == b'>' {
            let name = html[1..end]
                .split(|character: char| !character.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default();
            let close = if TEXT_ELEMENTS.contains(&name) {
                html[end..].find(&format!("</{name}"))
            } else {
                None
            };
            return end + close.unwrap_or(1);
        }
        let Some(closing) = memchr(b'"', &bytes[end + 1..]) else { break };
        end += closing + 2;
    }
    html.len()
}

/// The length of the number at the start: a plus, then groups of digits with one blank or hyphen
/// between them.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let (mut length, mut digits, mut groups) = (1, 0, 1);
    while let Some(byte) = bytes.get(length) {
        let continues = bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => digits += 1,
            b' ' | b'-' if digits > 0 && continues => groups += 1,
            _ => break,
        }
        length += 1;
    }
    // Without groups, a number cannot break.
    (DIGIT_COUNT.contains(&digits) && groups > 1).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked_up(number: &str) -> String {
        format!("{BEFORE}{number}{AFTER}")
    }

    #[test]
    fn a_number_is_marked_wherever_it_is_visible() {
        for (html, wanted) in [
            ("<td>+1 415 555 0123</td>", format!("<td>{}</td>", marked_up("+1 415 555 0123"))),
            (
                "Shop (+49 30 123456-78), and more",
                format!("Shop ({}), and more", marked_up("+49 30 123456-78")),
            ),
            (
                "<p>From +1 500 555 0006 to +44 7400 123456.</p>",
                format!(
                    "<p>From {} to {}.</p>",
                    marked_up("+1 500 555 0006"),
                    marked_up("+44 7400 123456")
                ),
            ),
            (
                "ä<b title=\"+1 415 555 0123\">+1 415 555 0123</b>",
                format!("ä<b title=\"+1 415 555 0123\">{}</b>", marked_up("+1 415 555 0123")),
            ),
        ] {
            assert_eq!(mark_phone_numbers(html.to_owned()), wanted);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for html in [
            "<title>+1 415 555 0123</title>",
            "<option value=\"1\">Shop (+1 415 555 0123)</option>",
            "<textarea>\nCall +1 415 555 0123</textarea>",
            "<input value=\"a > +1 415 555 0123\">",
            "1 + 2, 10,000+ messages, +14155550123, +1 2, a+1 415 555 0123, +1 234 567 890 123 456 789",
            "<p>+",
            "<p title=\"+1 415 555 0123",
        ] {
            assert_eq!(mark_phone_numbers(html.to_owned()), html);
        }
    }
}
