//! Common validation errors, each with one sentence that the API and all forms share.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::invisible_characters::is_invisible;
use super::storable_text::UNSTORABLE;

/// A validation error that is not specific to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The field is required.
    Missing,
    /// Only white space.
    Blank,
    /// Wrong type; the expected one is `text`, `a list` ….
    WrongType(&'static str),
    /// Longer than this number of characters.
    TooLong(usize),
    /// More than this number of nouns such as `tags`.
    TooMany(usize, &'static str),
    /// A number outside this range.
    OutOfRange(i64, i64),
    /// Contains a line break or another control character.
    ControlCharacter,
    /// Contains a character that PostgreSQL cannot store.
    Unstorable,
    /// Not in the format of an id of this noun.
    NotAnId(&'static str),
    /// No such noun exists.
    Unknown(&'static str),
    /// Unknown field; these are known.
    UnknownField(Vec<String>),
    /// The field occurs more than once.
    Twice,
    /// Not one of these words.
    NotOneOf(String, Vec<&'static str>),
    /// Not a time.
    NotATime,
}

impl Display for Mistake {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("This field is required."),
            Self::Blank => f.write_str("This must not be blank."),
            Self::WrongType(kind) => write!(f, "This must be {kind}."),
            Self::TooLong(max) => write!(f, "Use at most {max} characters."),
            Self::TooMany(max, nouns) => write!(f, "At most {max} {nouns}."),
            Self::OutOfRange(min, max) => write!(f, "Enter a number from {min} to {max}."),
            Self::ControlCharacter => f.write_str("Remove line breaks and control characters."),
            Self::Unstorable => f.write_str(UNSTORABLE),
            Self::NotAnId(noun) => {
                let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                write!(f, "This is not the id of {article} {noun}.")
            }
            Self::Unknown(noun) => write!(f, "There is no such {noun}."),
            Self::UnknownField(known) if known.is_empty() => f.write_str("There is no such field."),
            Self::UnknownField(known) => {
                write!(f, "There is no such field. Use one of: {}.", known.join(", "))
            }
            Self::Twice => f.write_str("Give this field only once."),
            Self::NotOneOf(word, known) => {
                write!(f, "Unknown: “{word}”. Use one of: {}.", known.join(", "))
            }
            Self::NotATime => f.write_str("Give a time in RFC 3339, such as 2026-11-21T10:00:00Z."),
        }
    }
}

impl std::error::Error for Mistake {}

impl From<Mistake> for String {
    fn from(mistake: Mistake) -> Self {
        mistake.to_string()
    }
}

impl Mistake {
    /// The sentence followed by a hint.
    #[must_use]
    pub fn with_hint(&self, hint: &str) -> String {
        format!("{self} {hint}")
    }
}

/// Parses one line of text of up to `max` characters, trimmed.
pub fn line(typed: &str, max: usize) -> Result<&str, Mistake> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(Mistake::Blank);
    }
    if text.chars().any(char::is_control) {
        return Err(Mistake::ControlCharacter);
    }
    if text.chars().count() > max {
        return Err(Mistake::TooLong(max));
    }
    Ok(text)
}

/// Parses a name: one line of text of up to `max` characters, of which some are visible.
pub fn name(typed: &str, max: usize) -> Result<&str, String> {
    let parsed = if is_invisible(typed) { Err(Mistake::Blank) } else { line(typed, max) };
    parsed.map_err(|mistake| {
        if mistake == Mistake::Blank {
            mistake.with_hint("Enter a name.")
        } else {
            mistake.to_string()
        }
    })
}

/// Parses the id of a noun.
pub fn id<T: FromStr>(typed: &str, noun: &'static str) -> Result<T, Mistake> {
    match typed.trim() {
        "" => Err(Mistake::Blank),
        text => text.parse().map_err(|_| Mistake::NotAnId(noun)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::id::ContactId;

    #[test]
    fn a_line_is_parsed_or_its_mistake_returned() {
        assert_eq!(line(" Ann ", 3), Ok("Ann"));
        assert_eq!(line(" \n", 3), Err(Mistake::Blank));
        assert_eq!(line("a\u{7}b", 3), Err(Mistake::ControlCharacter));
        assert_eq!(line("äöüß", 3), Err(Mistake::TooLong(3)));
        for blank in [" ", "\u{200b}"] {
            assert_eq!(name(blank, 3), Err("This must not be blank. Enter a name.".to_owned()));
        }
    }

    #[test]
    fn an_id_is_parsed_or_its_mistake_returned() {
        let written = ContactId::new();
        assert_eq!(id(&format!(" {written} "), "contact"), Ok(written));
        assert_eq!(
            id::<ContactId>("7", "contact").unwrap_err().to_string(),
            "This is not the id of a contact."
        );
        assert_eq!(
            id::<ContactId>("7", "automation").unwrap_err().to_string(),
            "This is not the id of an automation."
        );
        assert_eq!(id::<ContactId>(" ", "contact"), Err(Mistake::Blank));
    }
}
