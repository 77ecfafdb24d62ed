//! Characters that are invisible by default.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Whether a character is invisible by default: joiners, direction marks, soft hyphens, variation
/// selectors, tags. Source: Unicode's property `Default_Ignorable_Code_Point`.
#[must_use]
pub fn is_ignorable(character: char) -> bool {
    !character.is_ascii()
        && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Whether a character sets the direction of the text that follows it, up to its counterpart or
/// the end of the paragraph: an embedding, an override or an isolate.
#[must_use]
pub const fn is_direction_control(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text shows nothing: it is empty, or only white space and invisible characters.
#[must_use]
pub fn is_invisible(text: &str) -> bool {
    // U+2800 is the Braille pattern without dots.
    let is_unseen = |character: char| character == '\u{2800}' || is_ignorable(character);
    text.chars().all(|character| {
        character.is_whitespace() || character.is_control() || is_unseen(character)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_invisible_if_it_shows_nothing() {
        for text in ["", " \u{a0}", "\u{200b}", "\u{200e} \u{2060}", "\u{3164}", "\u{2800}"] {
            assert!(is_invisible(text), "{text:?}");
        }
        for text in ["a", "\u{200b}a", "👩\u{200d}🚀"] {
            assert!(!is_invisible(text), "{text:?}");
        }
    }

    #[test]
    fn marks_of_one_place_set_no_direction() {
        assert!(['\u{202b}', '\u{202e}', '\u{2068}'].into_iter().all(is_direction_control));
        assert!(!['\u{200e}', '\u{200f}', '\u{61c}', 'א'].into_iter().any(is_direction_control));
    }
}
