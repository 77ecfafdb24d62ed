//! The preview of a text for one contact and event: the SMS as it would arrive, and its parts.

use serde::Serialize;

use super::preview_media::Medium;
use super::preview_recipient::PreviewRecipient;
use crate::templates::{
    MediaUrl, TemplateBody, Unset, Variables, render_media, with_plain_characters,
};
use crate::twilio::parts::{self, Encoding, Parts};
use crate::twilio::smart_encoding::look_alike;

/// A text as it would be sent.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    /// The name of the recipient.
    contact: String,
    /// The rendered text; none if there is a `problem`.
    text: Option<Vec<Piece>>,
    problem: Option<String>,
    cost: Option<Cost>,
    /// The variables without a value for this contact and event.
    unset: Vec<Unset>,
    media: Vec<Medium>,
}

/// A piece of the text: characters that force UCS-2, or characters that do not.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Piece {
    text: String,
    forces: bool,
}

/// The size of a text in SMS parts.
#[derive(Debug, Serialize)]
struct Cost {
    encoding: &'static str,
    parts: u16,
    units: usize,
    per_part: usize,
    remaining: usize,
    characters: usize,
    /// The characters that force UCS-2.
    forced_by: Vec<ForcingCharacter>,
}

/// A character that GSM-7 lacks.
#[derive(Debug, Serialize)]
struct ForcingCharacter {
    character: char,
    /// The name of a character that is invisible.
    name: Option<&'static str>,
    /// The code point, such as `U+201C`.
    code: String,
    /// The position of its first occurrence, counted from 1.
    position: usize,
    /// The replacement in GSM-7, if there is one; empty if the character can be dropped.
    instead: Option<String>,
    /// Whether it comes from a variable's value and not from the template itself.
    filled_in: bool,
}

/// The template with plain characters in place of those that force UCS-2.
#[derive(Debug, Serialize)]
pub(super) struct Plain {
    /// The original text, so that a page can tell whether it has changed since.
    of: String,
    body: String,
    /// The number of parts that the text would then have, for this contact.
    parts: Option<u16>,
    /// The encoding that the text would then have.
    encoding: Option<&'static str>,
}

impl Preview {
    /// Renders the text for a recipient.
    pub(super) fn new(
        body: &TemplateBody,
        recipient: &PreviewRecipient,
        variables: &Variables<'_>,
        media: &[MediaUrl],
    ) -> Self {
        let rendered =
            body.render(variables).and_then(|text| Ok((text, render_media(media, variables)?)));
        let (text, media_urls, problem) = match rendered {
            Ok((text, media_urls)) => (Some(text), media_urls, None),
            Err(error) => (None, Vec::new(), Some(error.to_string())),
        };
        let mut unset = body.unset(variables);
        for other in media.iter().flat_map(|url| url.unset(variables)) {
            match unset.iter_mut().find(|known| known.variable == other.variable) {
                Some(known) => known.has_default &= other.has_default,
                None => unset.push(other),
            }
        }
        Self {
            contact: recipient.label(),
            cost: text.as_deref().map(|text| Cost::of(&parts::count(text), body.as_str())),
            text: text.as_deref().map(pieces),
            problem,
            unset,
            media: Medium::all(&media_urls),
        }
    }
}

impl Preview {
    /// The number of billed parts; none if media make it an MMS.
    pub(super) fn billed_parts(&self) -> Option<u16> {
        self.cost.as_ref().filter(|_| self.media.is_empty()).map(|cost| cost.parts)
    }
}

/// Splits a text around the characters that force UCS-2. Adjacent ones stay together, so that an
/// emoji is not split.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for character in text.chars() {
        let forces = parts::forces_ucs2(character);
        match pieces.last_mut() {
            Some(last) if last.forces == forces => last.text.push(character),
            _ => pieces.push(Piece { text: character.into(), forces }),
        }
    }
    pieces
}

impl Cost {
    fn of(parts: &Parts, template: &str) -> Self {
        Self {
            encoding: parts.encoding.name(),
            parts: parts.count,
            units: parts.units,
            per_part: parts.per_part,
            remaining: parts.remaining_in_last,
            characters: parts.utf16,
            forced_by: parts
                .forced_by
                .iter()
                .map(|(character, index)| ForcingCharacter::of(*character, *index, template))
                .collect(),
        }
    }
}

impl ForcingCharacter {
    fn of(character: char, index: usize, template: &str) -> Self {
        Self {
            character,
            name: invisible(character),
            code: format!("U+{:04X}", u32::from(character)),
            position: index + 1,
            instead: look_alike(character),
            filled_in: !template.contains(character),
        }
    }
}

/// The name of a character that is invisible or does not stand alone.
fn invisible(character: char) -> Option<&'static str> {
    match character {
        '\t' => Some("a tab"),
        '\u{a0}' | '\u{202f}' => Some("a space that does not break"),
        '\u{200b}' | '\u{2060}' | '\u{feff}' => Some("an invisible space"),
        '\u{200c}' | '\u{200d}' => Some("an invisible joiner, often within an emoji"),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some("an invisible mark of direction")
        }
        '\u{fe00}'..='\u{fe0f}' => Some("the invisible second half of an emoji"),
        '\u{300}'..='\u{36f}' => Some("an accent of its own"),
        other if other.is_whitespace() => Some("a special space"),
        _ => None,
    }
}

impl Plain {
    /// Replaces special characters; none if nothing would change.
    pub(super) fn of(template: &str, variables: &Variables<'_>) -> Option<Self> {
        let body = with_plain_characters(template);
        if body == template {
            return None;
        }
        let text = TemplateBody::parse(&body).ok().and_then(|body| body.render(variables).ok());
        let counted = text.map(|text| parts::count(&text));
        Some(Self {
            of: template.to_owned(),
            body,
            parts: counted.as_ref().map(|parts| parts.count),
            encoding: counted.map(|parts| Encoding::name(parts.encoding)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::phone::PhoneNumber;

    fn preview(text: &str) -> Preview {
        let number = PreviewRecipient::Number(PhoneNumber::from_e164("+14155550123").unwrap());
        let body = TemplateBody::parse(text).unwrap();
        let event = serde_json::json!({ "note": "é and ł" });
        let variables = number.variables(Some(&event), "Bells");
        Preview::new(&body, &number, &variables, &[])
    }

    #[test]
    fn a_preview_shows_parts_and_unset_variables() {
        let typed = "Hi {{ contact.first_name | default(value='“you”') }} – bye";
        let preview = preview(typed);
        let cost = preview.cost.unwrap();
        assert_eq!((cost.encoding, cost.parts, cost.per_part), ("UCS-2", 1, 70));
        let forced: Vec<_> = cost
            .forced_by
            .iter()
            .map(|forced| (forced.position, forced.instead.as_deref(), forced.filled_in))
            .collect();
        assert_eq!(
            forced,
            [(4, Some("\""), false), (8, Some("\""), false), (10, Some("-"), false)]
        );
        assert_eq!(preview.unset.len(), 1);
        let phone = PhoneNumber::from_e164("+14155550123").unwrap();
        let plain = Plain::of(typed, &Variables::for_phone(&phone, None)).unwrap();
        assert_eq!(plain.body, "Hi {{ contact.first_name | default(value='\"you\"') }} - bye");
        assert_eq!((plain.parts, plain.encoding), (Some(1), Some("GSM-7")));
    }

    #[test]
    fn characters_from_values_are_distinguished_from_those_of_the_template() {
        let preview = preview("Note: {{ event.note }}");
        let cost = preview.cost.unwrap();
        let forced: Vec<_> = cost
            .forced_by
            .iter()
            .map(|forced| (forced.character, forced.filled_in, &forced.instead))
            .collect();
        assert_eq!(forced, [('ł', true, &None)]);
        let text = preview.text.unwrap();
        assert_eq!(
            text.iter().map(|piece| (piece.text.as_str(), piece.forces)).collect::<Vec<_>>(),
            [("Note: é and ", false), ("ł", true)]
        );
    }

    #[test]
    fn a_text_that_cannot_be_rendered_has_an_explanation() {
        let preview = preview("{{ event.order_id }}");
        assert!(preview.problem.unwrap().contains("event.order_id is not set"));
        assert!(preview.text.is_none() && preview.cost.is_none());
    }
}
