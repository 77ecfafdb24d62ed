//! What a text becomes for one contact and event: the SMS as it would arrive, and what it costs.

use serde::Serialize;

use super::media::Medium;
use super::recipient::TrialRecipient;
use crate::templates::{
    MediaUrl, TemplateBody, Unset, Variables, render_media, with_plain_characters,
};
use crate::twilio::gsm::look_alike;
use crate::twilio::parts::{self, Encoding, Parts};

/// A text as it would be sent.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    /// Who it is for.
    contact: String,
    /// The text, or none with its `problem`.
    text: Option<Vec<Piece>>,
    problem: Option<String>,
    cost: Option<Cost>,
    /// Variables without a value for this contact and event.
    unset: Vec<Unset>,
    media: Vec<Medium>,
}

/// A stretch of the text; what forces UCS-2 stands alone.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Piece {
    text: String,
    forces: bool,
}

/// What a text costs.
#[derive(Debug, Serialize)]
struct Cost {
    encoding: &'static str,
    parts: u16,
    units: usize,
    per_part: usize,
    remaining: usize,
    characters: usize,
    /// The characters that force UCS-2.
    forced_by: Vec<Forced>,
}

/// A character that is not in GSM-7.
#[derive(Debug, Serialize)]
struct Forced {
    character: char,
    /// What it is called, where it cannot be seen.
    name: Option<&'static str>,
    /// `U+201C`
    code: String,
    /// Where it stands first, from 1.
    position: usize,
    /// What GSM-7 has instead, where there is something; empty for what can just go.
    instead: Option<String>,
    /// Whether it is filled in: the template itself does not have it.
    filled_in: bool,
}

/// The template with plain characters.
#[derive(Debug, Serialize)]
pub(super) struct Plain {
    /// What it is made of, so that a page knows whether it is still what stands there.
    of: String,
    body: String,
    /// Parts and encoding that the text would then have, for this contact.
    parts: Option<u16>,
    encoding: Option<&'static str>,
}

impl Preview {
    /// Renders the text for a recipient.
    pub(super) fn new(
        body: &TemplateBody,
        recipient: &TrialRecipient,
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
        for more in media.iter().flat_map(|url| url.unset(variables)) {
            match unset.iter_mut().find(|known| known.variable == more.variable) {
                Some(known) => known.has_default &= more.has_default,
                None => unset.push(more),
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
    /// The parts that are billed, if it goes out as SMS.
    pub(super) fn billed_parts(&self) -> Option<u16> {
        self.cost.as_ref().filter(|_| self.media.is_empty()).map(|cost| cost.parts)
    }
}

/// Cuts a text around the characters that force UCS-2; neighbours of a kind stay together, so that
/// an emoji is not torn apart.
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
                .map(|(character, index)| Forced::of(*character, *index, template))
                .collect(),
        }
    }
}

impl Forced {
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

/// The name of a character that shows nothing, or nothing of its own.
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
    /// None where nothing would change.
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
        let number = TrialRecipient::Number(PhoneNumber::from_e164("+14155550123").unwrap());
        let body = TemplateBody::parse(text).unwrap();
        let event = serde_json::json!({ "note": "é and ł" });
        let variables = number.variables(Some(&event), "Bells");
        Preview::new(&body, &number, &variables, &[])
    }

    #[test]
    fn a_preview_says_what_the_text_costs_and_what_is_not_set() {
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
    fn what_is_filled_in_is_told_from_what_is_written() {
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
    fn what_cannot_be_rendered_is_explained() {
        let preview = preview("{{ event.order_id }}");
        assert!(preview.problem.unwrap().contains("event.order_id is not set"));
        assert!(preview.text.is_none() && preview.cost.is_none());
    }
}
