//! The text of a search as a user types or pastes it, and what it may stand for.

use uuid::Uuid;

use crate::twilio::sid::MessageSid;
use crate::types::composed_text::composed;
use crate::types::country::Country;
use crate::types::invisible_characters::is_ignorable;
use crate::types::phone::PhoneNumber;

/// The largest number of characters of a search.
const MAX_CHARACTERS: usize = 200;
/// The fewest digits that numbers are searched by, as in the list of contacts.
const MIN_DIGITS: usize = 3;

/// The text of a search, not blank; created by [`SearchText::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    text: String,
    default_country: Option<Country>,
}

impl SearchText {
    /// Parses a text; `None` if it is blank. National numbers are read with the default country.
    pub fn parse(
        typed: &str,
        default_country: Option<Country>,
    ) -> Result<Option<Self>, &'static str> {
        // U+FFFD stands for NUL and for invalid UTF-8 in a URL.
        if typed.contains(['\0', '\u{fffd}']) {
            return Err("Remove the character that can’t be searched for.");
        }
        let words: Vec<&str> = typed.split_whitespace().collect();
        let composed = composed(&words.join(" ")).into_owned();
        // Numbers and ids are often copied with direction marks around them. In other scripts,
        // invisible characters are a part of the spelling.
        let visible: String = composed.chars().filter(|c| !is_ignorable(*c)).collect();
        let text = if visible.is_ascii() { visible.trim().to_owned() } else { composed };
        match text.chars().count() {
            0 => Ok(None),
            count if count > MAX_CHARACTERS => Err("Search for at most 200 characters."),
            _ => Ok(Some(Self { text, default_country })),
        }
    }

    /// The text, with single spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The country that national numbers are read with.
    #[must_use]
    pub fn default_country(&self) -> Option<Country> {
        self.default_country
    }

    /// The id that it is, of whatever kind of row.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        Uuid::parse_str(&self.text).ok()
    }

    /// Twilio's SID of a message that it is.
    #[must_use]
    pub fn message_sid(&self) -> Option<MessageSid> {
        MessageSid::parse(&self.text).ok()
    }

    /// The phone number that it is.
    #[must_use]
    pub fn phone(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(&self.text, self.default_country).ok()
    }

    /// Its digits, if it is written like a part of a phone number.
    #[must_use]
    pub fn digits(&self) -> Option<String> {
        if !self.is_written_like_number() {
            return None;
        }
        let digits: String = self.text.chars().filter(char::is_ascii_digit).collect();
        // Leading zeros are dialled, unless these are the last digits of a number.
        let without_zeros = digits.trim_start_matches('0');
        let part = if without_zeros.len() >= MIN_DIGITS { without_zeros } else { &digits };
        (part.len() >= MIN_DIGITS).then(|| part.to_owned())
    }

    /// Whether it is a part of a number with too few digits to search for.
    #[must_use]
    pub fn is_short_number(&self) -> bool {
        self.is_written_like_number() && self.digits().is_none()
    }

    fn is_written_like_number(&self) -> bool {
        let is_of_number =
            |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/');
        self.text.chars().all(is_of_number) && self.text.contains(|c: char| c.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> SearchText {
        SearchText::parse(typed, Country::parse("DE").ok()).unwrap().unwrap()
    }

    #[test]
    fn a_blank_text_is_no_search() {
        for blank in ["", " \t\u{a0}", "\u{200b}"] {
            assert_eq!(SearchText::parse(blank, None), Ok(None), "{blank:?}");
        }
    }

    #[test]
    fn a_text_that_cannot_be_searched_for_is_refused() {
        for typed in ["a\0b", "a\u{fffd}", &"x".repeat(201)] {
            assert!(SearchText::parse(typed, None).is_err(), "{typed:?}");
        }
        assert_eq!(parsed(&"é".repeat(200)).as_str().chars().count(), 200);
    }

    #[test]
    fn spaces_and_accents_are_normalized() {
        assert_eq!(parsed("  Zoe\u{308}   Ann ").as_str(), "Zoë Ann");
        assert_eq!(parsed("\u{202a}+49 151 23\u{202c}").as_str(), "+49 151 23");
        let persian = "می\u{200c}خواهم";
        assert_eq!(parsed(persian).as_str(), persian);
    }

    #[test]
    fn ids_sids_and_numbers_are_recognized() {
        let sid = format!("SM{}", "0f".repeat(16));
        assert!(parsed("01980d3c-9b5a-7000-8000-000000000000").id().is_some());
        assert_eq!(parsed(&format!(" {sid}")).message_sid().unwrap().as_str(), sid);
        let ann = parsed("0151 23456789").phone().unwrap();
        assert_eq!(ann.as_str(), "+4915123456789");
        assert_eq!(parsed("(0151) 23").digits().as_deref(), Some("15123"));
        assert_eq!(parsed("0006").digits().as_deref(), Some("0006"));
        for typed in ["Ann", "12", "+", "Ann 123"] {
            assert_eq!(parsed(typed).digits(), None, "{typed}");
        }
        assert!(parsed("12").is_short_number() && !parsed("123").is_short_number());
        assert!(!parsed("+").is_short_number() && !parsed("A1").is_short_number());
    }
}
