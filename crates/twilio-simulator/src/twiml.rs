//! `TwiML`, with which the program under test responds to the inbound webhook.

/// The texts of the messages in a response: `<Message>text</Message>`, with or without a nested
/// `<Body>`.
pub(super) fn reply_texts(twiml: &str) -> Vec<String> {
    let inside = |text: &str, tag: &str| -> Option<(String, usize)> {
        let open = text.find(&format!("<{tag}"))?;
        let start = open + text[open..].find('>')? + 1;
        let end = start + text[start..].find(&format!("</{tag}>"))?;
        Some((text[start..end].to_owned(), end))
    };
    let (mut rest, mut texts) = (twiml, Vec::new());
    while let Some((content, end)) = inside(rest, "Message") {
        rest = &rest[end..];
        let text = inside(&content, "Body").map_or(content, |(body, _)| body);
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'");
        texts.push(text.replace("&amp;", "&").trim().to_owned());
    }
    texts.retain(|text| !text.is_empty());
    texts
}

#[cfg(test)]
mod tests {
    use super::reply_texts;

    #[test]
    fn twiml_messages_are_extracted() {
        assert_eq!(reply_texts("<Response></Response>"), Vec::<String>::new());
        assert_eq!(reply_texts("<Response><Message>a &amp; b</Message></Response>"), ["a & b"]);
        assert_eq!(
            reply_texts(
                r#"<Response><Message to="x"><Body>hi</Body></Message><Message>b</Message></Response>"#
            ),
            ["hi", "b"]
        );
    }
}
