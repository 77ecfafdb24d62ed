//! [`TagName`]: the name of a tag.

use std::hash::{Hash, Hasher};

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::{Deserialize, Serialize};

use crate::types::invisible_characters::is_invisible;
use crate::types::mistake::Mistake;
use crate::types::stored_as::stored_as;

/// The tag of contacts that have opted out: added with a STOP, removed with a START.
pub const STOP_TAG: &str = "Twilio-Message-stop";

const MAX_LENGTH: usize = 80;

/// The name of a tag: 1 to 80 characters in one line; names that differ only in case are equal.
#[derive(Debug, Clone, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(try_from = "String", into = "String")]
pub struct TagName(String);

/// Why a text cannot be a tag, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTagName {
    /// Nothing that can be seen.
    #[error("{}", Mistake::Blank.with_hint("Enter a tag."))]
    Blank,
    /// More than 80 characters.
    #[error("{}", Mistake::TooLong(MAX_LENGTH))]
    TooLong,
    /// A line break or another invisible character.
    #[error("{}", Mistake::ControlCharacter)]
    ControlCharacter,
}

impl TagName {
    /// Parses a tag as it is typed; white space around it is dropped.
    pub fn parse(raw: &str) -> Result<Self, InvalidTagName> {
        if is_invisible(raw) { Err(InvalidTagName::Blank) } else { Self::existing(raw) }
    }

    /// Parses the name of a tag that may exist; earlier versions allowed invisible ones.
    pub fn existing(raw: &str) -> Result<Self, InvalidTagName> {
        let text = raw.trim();
        if text.is_empty() {
            return Err(InvalidTagName::Blank);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidTagName::ControlCharacter);
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(InvalidTagName::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// [`STOP_TAG`].
    pub fn stop() -> Self {
        Self(STOP_TAG.to_owned())
    }

    /// Whether this is [`STOP_TAG`].
    pub fn is_stop(&self) -> bool {
        *self == Self::stop()
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for TagName {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl Eq for TagName {}

impl Hash for TagName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_lowercase().hash(state);
    }
}

impl std::fmt::Display for TagName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for TagName {
    type Error = InvalidTagName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TagName> for String {
    fn from(tag: TagName) -> Self {
        tag.0
    }
}

stored_as!(Text, TagName, as_str, Self::existing);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_that_differ_in_case_are_the_same_tag() {
        let (vip, other) = (TagName::parse("VIP").unwrap(), TagName::parse(" vip ").unwrap());
        assert_eq!(vip, other);
        assert_eq!(std::collections::HashSet::from([vip, other]).len(), 1);
    }

    #[test]
    fn the_stop_tag_is_known_in_every_case() {
        assert!(TagName::parse("twilio-message-STOP").unwrap().is_stop());
        assert!(!TagName::parse("twilio-message-start").unwrap().is_stop());
        assert_eq!(TagName::stop().as_str(), "Twilio-Message-stop");
    }

    #[test]
    fn blank_long_and_broken_names_are_refused() {
        assert_eq!(TagName::parse(" \n"), Err(InvalidTagName::Blank));
        assert_eq!(TagName::parse("\u{200b}"), Err(InvalidTagName::Blank));
        assert!(TagName::existing("\u{200b}").is_ok(), "one from before stays readable");
        assert_eq!(TagName::parse("a\u{7}b"), Err(InvalidTagName::ControlCharacter));
        assert_eq!(TagName::parse(&"ü".repeat(81)), Err(InvalidTagName::TooLong));
        assert!(TagName::parse(&"ü".repeat(80)).is_ok());
    }

    proptest! {
        #[test]
        fn a_name_is_read_again_as_itself(raw in "\\PC{0,90}") {
            if let Ok(tag) = TagName::parse(&raw) {
                let again = TagName::parse(tag.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), tag.as_str());
            }
        }
    }
}
