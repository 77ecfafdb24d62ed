//! Mistakes that are the same in every field, each in the one sentence that all calls of the API
//! and all forms have for it.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::text::UNSTORABLE;

/// What is wrong with a field, where nothing particular to the field has to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The field has to be there.
    Missing,
    /// Nothing but white space.
    Blank,
    /// It is of another type: `text`, `a list`.
    WrongType(&'static str),
    /// More characters than this.
    TooLong(usize),
    /// More of something than this: `tags`.
    TooMany(usize, &'static str),
    /// A number below the first or above the last one.
    OutOfRange(i64, i64),
    /// A line break or another character that cannot be seen.
    ControlCharacter,
    /// A character that PostgreSQL cannot hold.
    Unstorable,
    /// It does not have the form of an id of this noun.
    NotAnId(&'static str),
    /// There is no such noun.
    Unknown(&'static str),
    /// There is no field of this name, but these.
    UnknownField(Vec<String>),
    /// The field is there more than once.
    Twice,
    /// Not one of these words.
    NotOneOf(String, Vec<&'static str>),
    /// Not a point in time.
    NotATime,
}

impl Display for Mistake {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("This field is required."),
            Self::Blank => f.write_str("This must not be blank."),
            Self::WrongType(kind) => write!(f, "This must be {kind}."),
            Self::TooLong(most) => write!(f, "Use at most {most} characters."),
            Self::TooMany(most, nouns) => write!(f, "At most {most} {nouns}."),
            Self::OutOfRange(least, most) => write!(f, "Enter a number from {least} to {most}."),
            Self::ControlCharacter => {
                f.write_str("Line breaks and control characters are not possible here.")
            }
            Self::Unstorable => f.write_str(UNSTORABLE),
            Self::NotAnId(noun) => {
                let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                write!(f, "This is not the id of {article} {noun}.")
            }
            Self::Unknown(noun) => write!(f, "There is no such {noun}."),
            Self::UnknownField(known) if known.is_empty() => f.write_str("There is no such field."),
            Self::UnknownField(known) => {
                write!(f, "There is no such field; use one of: {}.", known.join(", "))
            }
            Self::Twice => f.write_str("This field is given twice."),
            Self::NotOneOf(word, known) => {
                write!(f, "“{word}” is not known here; use one of: {}.", known.join(", "))
            }
            Self::NotATime => {
                f.write_str("This is not a time in RFC 3339, such as 2026-11-21T10:00:00Z.")
            }
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
    /// The same with what to write instead.
    #[must_use]
    pub fn with_hint(&self, hint: &str) -> String {
        format!("{self} {hint}")
    }
}

/// Reads one line of text of up to so many characters; white space around it is dropped.
pub fn line(typed: &str, most: usize) -> Result<&str, Mistake> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(Mistake::Blank);
    }
    if text.chars().any(char::is_control) {
        return Err(Mistake::ControlCharacter);
    }
    if text.chars().count() > most {
        return Err(Mistake::TooLong(most));
    }
    Ok(text)
}

/// Reads a name: one line of text of up to so many characters.
pub fn name(typed: &str, most: usize) -> Result<&str, String> {
    line(typed, most).map_err(|mistake| {
        if mistake == Mistake::Blank {
            mistake.with_hint("Enter a name.")
        } else {
            mistake.to_string()
        }
    })
}

/// Reads the id of a noun.
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
    fn a_line_is_read_or_its_mistake_told() {
        assert_eq!(line(" Ann ", 3), Ok("Ann"));
        assert_eq!(line(" \n", 3), Err(Mistake::Blank));
        assert_eq!(line("a\u{7}b", 3), Err(Mistake::ControlCharacter));
        assert_eq!(line("äöüß", 3), Err(Mistake::TooLong(3)));
        assert_eq!(name(" ", 3), Err("This must not be blank. Enter a name.".to_owned()));
    }

    #[test]
    fn an_id_is_read_or_its_mistake_told() {
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
