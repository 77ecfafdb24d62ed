//! Phone numbers stay whole on pages: where people read one, it breaks across no line and keeps its
//! direction within a text from right to left.
//!
//! Labels and sentences carry numbers wherever senders, contacts and Twilio are named. So it is
//! done once, with the finished page.

/// What stands around a number.
const BEFORE: &str = "<bdi class=\"nowrap\" dir=\"ltr\">";
const AFTER: &str = "</bdi>";

/// Elements whose content is text alone.
const TEXT: [&str; 5] = ["script", "style", "textarea", "title", "option"];

/// No number in E.164 has fewer or more digits, with the country code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The page with each number that people read in an element of its own.
pub(in crate::web) fn keep_whole(html: String) -> String {
    marked(&html).unwrap_or(html)
}

/// None where there is no number.
fn marked(html: &str) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = html[at..].find(['<', '+']) {
        at += found;
        if html[at..].starts_with('<') {
            at += past_tag(&html[at..]);
            continue;
        }
        let is_word =
            html[..at].ends_with(|before: char| before.is_alphanumeric() || before == '+');
        match number(&html[at..]).filter(|_| !is_word) {
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

/// How long the tag is that this begins with, with the content of an element of text alone.
fn past_tag(html: &str) -> usize {
    let mut quoted = false;
    let end = html.find(|character: char| {
        quoted ^= character == '"';
        character == '>' && !quoted
    });
    let Some(end) = end else { return html.len() };
    let name = html[1..end]
        .split(|character: char| !character.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let close = if TEXT.contains(&name) { html[end..].find(&format!("</{name}")) } else { None };
    end + close.unwrap_or(1)
}

/// How long the number is that this begins with: a plus, then groups of digits with one blank or
/// hyphen between them.
fn number(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
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
    // Without groups there is nothing to break at.
    (DIGITS.contains(&digits) && groups > 1).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: &str) -> String {
        format!("{BEFORE}{number}{AFTER}")
    }

    #[test]
    fn a_number_is_marked_wherever_people_read_it() {
        for (html, wanted) in [
            ("<td>+1 415 555 0123</td>", format!("<td>{}</td>", whole("+1 415 555 0123"))),
            (
                "Shop (+49 30 123456-78), and more",
                format!("Shop ({}), and more", whole("+49 30 123456-78")),
            ),
            (
                "<p>From +1 500 555 0006 to +44 7400 123456.</p>",
                format!(
                    "<p>From {} to {}.</p>",
                    whole("+1 500 555 0006"),
                    whole("+44 7400 123456")
                ),
            ),
            (
                "ä<b title=\"+1 415 555 0123\">+1 415 555 0123</b>",
                format!("ä<b title=\"+1 415 555 0123\">{}</b>", whole("+1 415 555 0123")),
            ),
        ] {
            assert_eq!(keep_whole(html.to_owned()), wanted);
        }
    }

    #[test]
    fn what_is_no_number_or_no_words_stays_as_it_is() {
        for html in [
            "<title>+1 415 555 0123</title>",
            "<option value=\"1\">Shop (+1 415 555 0123)</option>",
            "<textarea>\nCall +1 415 555 0123</textarea>",
            "<input value=\"a > +1 415 555 0123\">",
            "1 + 2, 10,000+ messages, +14155550123, +1 2, a+1 415 555 0123, +1 234 567 890 123 456 789",
            "<p>+",
            "<p title=\"+1 415 555 0123",
        ] {
            assert_eq!(keep_whole(html.to_owned()), html);
        }
    }
}
