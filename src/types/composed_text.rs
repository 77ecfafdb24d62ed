//! Texts in composed form, so that one text is found however it was typed.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// The text with each letter and its accents as one character, where there is one (NFC).
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    COMPOSED.normalize(text)
}

/// The composed text, with each run of white space as one blank; line breaks and tabs stay.
#[must_use]
pub fn composed_words(text: &str) -> String {
    let is_blank = |c: char| c.is_whitespace() && !c.is_control();
    let words: Vec<&str> = text.split(is_blank).filter(|word| !word.is_empty()).collect();
    composed(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_form_however_it_is_typed() {
        assert_eq!(composed("Zoe\u{308}"), "Zoë");
        assert_eq!(composed_words(" Zoe\u{308}\u{a0}\u{a0} Ann "), "Zoë Ann");
        assert_eq!(composed_words("Ann\n Bob"), "Ann\n Bob");
        assert_eq!(composed_words("\u{3000}"), "");
    }
}
