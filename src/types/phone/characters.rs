//! What people and address books put into a number besides ASCII digits: other scripts' digits,
//! separators, and what cannot be seen.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::types::text::is_ignorable;

/// What a character of a written number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Character {
    /// A decimal digit of any script, as its ASCII digit.
    Digit(char),
    /// The sign that a country code follows.
    Plus,
    /// Spaces, punctuation and what cannot be seen.
    Separator,
    /// Something that numbers do not contain.
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

/// A digit of another script than ours, such as `٣` or `３`.
fn foreign_digit(character: char) -> Option<char> {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    PHONE_NUMBER_UTIL.normalize_digits_only(text).chars().next().filter(char::is_ascii_digit)
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '.' | '/' | '(' | ')' | '[' | ']' | '~' | '·' | '•')
        // Their full-width and other forms.
        || matches!(
            character,
            '\u{ff08}'..='\u{ff09}' | '\u{ff0d}'..='\u{ff0f}' | '\u{ff3b}' | '\u{ff3d}' | '\u{ff5e}' | '\u{30fc}'
        )
        || matches!(
            character,
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2053}' | '\u{223c}' | '\u{fe63}' | '\u{fe58}'
        )
        // Around the digit of a keycap emoji.
        || character == '\u{20e3}'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The zeros of scripts from every plane; the nine others follow each of them.
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
    fn what_is_no_decimal_digit_is_not_read_as_one() {
        for other in ['a', 'é', '²', '½', '①', 'Ⅷ', '一', '\0', '\u{7}', '#', '*', ',', ';', 'x']
        {
            assert_eq!(character(other), Character::Other, "{other:?}");
        }
    }
}
