//! Descriptions of the OpenAPI document, whose Markdown is reduced to what they use: code in
//! backticks.

use serde::Serialize;

/// A part of a description: text or code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DescriptionPart {
    is_code: bool,
    text: String,
}

/// Splits a description into text and code; line breaks become blanks.
pub(super) fn parts(markdown: &str) -> Vec<DescriptionPart> {
    let text = markdown.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts
        .map(|(index, part)| DescriptionPart { is_code: index % 2 == 1, text: part.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        let part = |is_code, text: &str| DescriptionPart { is_code, text: text.to_owned() };
        assert_eq!(
            parts("Give `to`, or\n`contact_id`"),
            [
                part(false, "Give "),
                part(true, "to"),
                part(false, ", or "),
                part(true, "contact_id")
            ]
        );
        assert_eq!(parts(""), []);
    }
}
