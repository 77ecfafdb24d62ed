//! Classifies the characters of written phone numbers besides ASCII digits: other scripts' digits,
//! separators, and invisible characters.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::types::invisible_characters::is_ignorable;

/// Class of a character in a written number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Character {
    /// A decimal digit of any script, with its ASCII digit.
    Digit(char),
    /// The plus sign before a country code.
    Plus,
    /// Space, punctuation or an invisible character.
    Separator,
    /// A character that does not occur in numbers.
    Other,
}

pub(super) fn character(character: char) -> Character {
    match character {
        '0'..='9' => Character::Digit(character),
        '+' | '\u{ff0b}' | '\u{fe62}' => Character::Plus,
        _ if is_separator(character) || is_ignorable(character) => Character::Separator,
        _ if character.is_ascii() => Character::Other,
        _ => foreign_digit(character).map_or(Character::Other, Character::Digit),
    }
}

/// Converts a digit of another script, such as `٣` or `３`.
fn foreign_digit(character: char) -> Option<char> {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    PHONE_NUMBER_UTIL.normalize_digits_only(text).chars().next().filter(char::is_ascii_digit)
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '.' | '/' | '(' | ')' | '[' | ']' | '~' | '·' | '•')
        // Full-width and other variants.
        || matches!(
            character,
            '\u{ff08}'..='\u{ff09}' | '\u{ff0d}'..='\u{ff0f}' | '\u{ff3b}' | '\u{ff3d}' | '\u{ff5e}' | '\u{30fc}'
        )
        || matches!(
            character,
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2053}' | '\u{223c}' | '\u{fe63}' | '\u{fe58}'
        )
        // The enclosing keycap of an emoji.
        || character == '\u{20e3}'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The zeros of scripts from every plane; the other nine digits follow each.
    const ZEROS: &str = "0٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰０𐒠𑁦𑃰𑄶𑇐𑋰𑑐𑓐𑙐𑛀𑜰𖩠𖭐𝟎𝟘𝟢𝟬𝟶𞥐";

    #[test]
    fn decimal_digits_of_every_script_are_read() {
        for zero in ZEROS.chars() {
            for value in 0..10 {
                let digit = char::from_u32(u32::from(zero) + value).unwrap();
                let expected = char::from_digit(value, 10).unwrap();
                assert_eq!(
                    character(digit),
                    Character::Digit(expected),
                    "{digit} U+{:04X}",
                    u32::from(digit)
                );
            }
        }
    }

    #[test]
    fn other_characters_are_not_digits() {
        for other in ['a', 'é', '²', '½', '①', 'Ⅷ', '一', '\0', '\u{7}', '#', '*', ',', ';', 'x']
        {
            assert_eq!(character(other), Character::Other, "{other:?}");
        }
    }
}
