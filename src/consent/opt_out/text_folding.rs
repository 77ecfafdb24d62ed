//! Folding of texts: one written form for texts that say the same, without compatibility forms,
//! case, accents and invisible characters.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use crate::types::invisible_characters::is_ignorable;

const DECOMPOSED: DecomposingNormalizerBorrowed<'static> =
    DecomposingNormalizerBorrowed::new_nfkd();
const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// The text in NFKC, in lower case, without accents, default-ignorable and control characters; line
/// ends and spaces stay.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in
        DECOMPOSED.normalize_iter(text.chars()).filter(|character| !is_dropped(*character))
    {
        for lower in character.to_lowercase().filter(|lower| !is_accent(*lower)) {
            match plain(lower) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(lower),
            }
        }
    }
    COMPOSED.normalize(&folded).into_owned()
}

/// A text folded and squeezed, as it is compared with opt-out words; `None` if it cannot be one.
pub(super) fn word_of(text: &str) -> Option<String> {
    squeeze(&fold(text))
}

/// The letters and digits of a folded text, if only spaces and hyphens separate them, and other
/// signs stand only at both ends: `opt-out` and `“Opt out!”` are both `optout`.
pub(super) fn squeeze(folded: &str) -> Option<String> {
    let whole = folded.trim_matches(|character| !is_letter(character));
    let mut squeezed = String::with_capacity(whole.len());
    for character in whole.chars() {
        if is_letter(character) {
            squeezed.push(character);
        } else if !character.is_whitespace() && !is_hyphen(character) {
            return None;
        }
    }
    (!squeezed.is_empty()).then_some(squeezed)
}

/// Whether a character is a part of a word: a letter, a digit or a mark on one.
pub(super) fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    let category = category(character);
    GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Mark.contains(category)
        || GeneralCategoryGroup::Number.contains(category)
}

/// Whether a character joins words as a space does.
pub(super) fn is_hyphen(character: char) -> bool {
    character == '_'
        || character == '\u{2212}'
        || category(character) == GeneralCategory::DashPunctuation
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

fn is_dropped(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control() && !character.is_ascii_whitespace();
    }
    // The tatweel only makes an Arabic word longer.
    character == '\u{640}'
        || is_ignorable(character)
        || (matches!(category(character), GeneralCategory::Control | GeneralCategory::Format)
            && !character.is_whitespace())
}

/// Whether it is a mark of Latin, Greek, Cyrillic, Hebrew or Arabic, which writers often leave out;
/// marks of other scripts make another letter.
fn is_accent(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{6d6}'..='\u{6dc}'
            | '\u{6df}'..='\u{6e8}'
            | '\u{6ea}'..='\u{6ed}'
    )
}

/// What people type in place of letters that do not decompose.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'ø' => "o",
        'æ' => "ae",
        'œ' => "oe",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        'ς' => "σ",
        'ى' | 'ی' => "ي",
        'ة' => "ه",
        'ک' => "ك",
        '‘' | '’' | 'ʼ' | '`' | '´' => "'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_word_folds_to_one() {
        let ways = [
            "STOP",
            "ＳＴＯＰ",
            "𝐒𝐓𝐎𝐏",
            "\u{2068}Stop\u{2069}",
            "\u{202a}STOP\u{202c}",
            "ST\u{200d}OP\u{fe0f}",
            "\u{1}ST\u{0}OP\u{7f}",
            "S\u{ad}top",
            "“STOP”",
            "[stop]",
            "🛑 STOP 🛑",
            "…stop!!!",
            "S T O P",
            "s-t-o-p",
        ];
        for way in ways {
            assert_eq!(squeeze(&fold(way)).as_deref(), Some("stop"), "{way:?}");
        }
        for (way, word) in [
            ("ARRÊT", "arret"),
            ("Désabonner", "desabonner"),
            ("ｽﾄｯﾌﾟ", "ストップ"),
            ("إلغاء", "الغاء"),
            ("거부", "거부"),
        ] {
            assert_eq!(squeeze(&fold(way)).as_deref(), Some(word), "{way:?}");
        }
    }

    #[test]
    fn what_stands_between_words_keeps_them_apart() {
        assert_eq!(squeeze(&fold("Stop. Thank you")), None);
        assert_eq!(squeeze(&fold("?! ")), None);
        assert_eq!(fold("a\u{0}\nb"), "a\nb");
    }
}
