//! Quotations: which part of a text is its writer's own, and is read for an opt-out.

use super::text_folding::{fold, is_letter};
use super::tokens::{Token, is_of_unspaced_script, join_single_letters, split};

/// The longest quotation, in words, that may be the writer's own: please “unsubscribe” me.
const MAX_OWN_QUOTATION: usize = 3;

/// The length to which texts are read, in characters.
const MAX_CHARACTERS: usize = 8_000;

/// A text without the quotations of another text, split into tokens for the rules.
pub(super) struct UnquotedText {
    pub(super) tokens: Vec<Token>,
    /// Whether it has a quotation, short or left out.
    pub(super) has_quotation: bool,
}

impl UnquotedText {
    /// Reads a text. A long quotation, as in a reaction to one of our messages, is left out unless
    /// it is the whole text.
    pub(super) fn of(text: &str) -> Self {
        let text: String = text.chars().take(MAX_CHARACTERS).collect();
        let folded = fold(&text);
        let lines: Vec<&str> =
            folded.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
        let folded = lines.join("\n");
        let mut tokens = Vec::new();
        let parts: Vec<&str> = folded.split(is_quotation_mark).collect();
        let has_quotation =
            parts.len() > 1 && parts.iter().step_by(2).any(|outside| outside.contains(is_letter));
        for (at, part) in parts.into_iter().enumerate() {
            let of_part = split(part);
            if has_quotation && at % 2 == 1 && word_count(&of_part) > MAX_OWN_QUOTATION {
                tokens.push(Token::placeholder());
            } else {
                tokens.extend(of_part);
            }
        }
        Self { tokens: join_single_letters(&tokens), has_quotation }
    }
}

/// The number of words; three characters of a script without spaces count as one.
fn word_count(tokens: &[Token]) -> usize {
    let thirds: usize = tokens
        .iter()
        .map(|token| if token.text.starts_with(is_of_unspaced_script) { 1 } else { 3 })
        .sum();
    thirds / 3
}

fn is_quotation_mark(character: char) -> bool {
    matches!(
        character,
        '"' | '“'
            | '”'
            | '„'
            | '‟'
            | '«'
            | '»'
            | '「'
            | '」'
            | '『'
            | '』'
            | '《'
            | '》'
            | '〝'
            | '〞'
            | '〟'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::opt_out::tokens::render;

    fn rendered(text: &str) -> String {
        render(&UnquotedText::of(text).tokens)
    }

    #[test]
    fn long_quotations_are_not_read() {
        assert_eq!(rendered("Liked “Sale! Reply STOP to opt out”"), "liked | \u{fffc}");
        assert_eq!(rendered("Liked “Sale! Reply STOP to opt o"), "liked | \u{fffc}");
        assert_eq!(rendered("please “unsubscribe” me"), "please | unsubscribe | me");
        assert_eq!(rendered("“please take me off your list”"), "please take me off your list");
        assert_eq!(rendered("> Reply STOP to opt out\nok"), "ok");
    }
}
