//! The address that a sender sends from: a phone number in E.164 or the SID of a Messaging Service.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use serde::{Serialize, Serializer};

use crate::twilio::sid::{ServiceSid, SidError};
use crate::types::phone::{PhoneError, PhoneNumber};
use crate::types::stored_as::stored_as;
use crate::types::text_enum::text_enum;

/// The address that messages are sent from, in Twilio's format: `+14155550123` or `MG…`.
#[derive(Clone, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub enum SenderAddress {
    /// A number of the account.
    PhoneNumber(PhoneNumber),
    /// A Messaging Service of the account, which chooses among its own senders.
    MessagingService(ServiceSid),
}

text_enum! {
    /// The kind of a sender.
    pub enum SenderKind {
        /// A number of the account.
        PhoneNumber = "phone_number",
        /// A Messaging Service of the account.
        MessagingService = "messaging_service",
    }
}

/// Why a text is not a [`SenderAddress`], with what to enter instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was entered.
    #[error(
        "Enter the phone number to send from, e.g. +14155550123, or the SID of a Messaging Service \
         (MG…)."
    )]
    Empty,
    /// Begins like a Messaging Service SID, but is not a valid one.
    #[error("Not a sender: {0}.")]
    ServiceSid(SidError),
    /// The SID of something else.
    #[error(
        "{prefix}… is the SID of {what}. Enter the phone number itself, e.g. +14155550123, or the \
         SID of a Messaging Service (MG…)."
    )]
    OtherSid {
        /// First two letters of the SID.
        prefix: String,
        /// Kind of object that the prefix stands for.
        what: &'static str,
    },
    /// Five or six digits: a short code.
    #[error(
        "A short code needs a Messaging Service. Add it to one at Twilio, then enter that \
         service’s SID (MG…)."
    )]
    ShortCode,
    /// A channel prefix such as `whatsapp:`.
    #[error(
        "Carillon can’t send from “{0}” addresses. Enter a phone number such as +14155550123, or \
         the SID of a Messaging Service (MG…)."
    )]
    Channel(String),
    /// Neither a SID nor a valid phone number.
    #[error(
        "Not a sender. {0} Enter a number such as +14155550123, or the SID of a Messaging Service \
         (MG…)."
    )]
    Phone(PhoneError),
}

impl SenderAddress {
    /// Parses a phone number (spaces, dashes and parentheses allowed, country code required) or a
    /// Messaging Service SID.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some((channel, _)) =
            text.split_once(':').filter(|(channel, _)| !channel.eq_ignore_ascii_case("tel"))
        {
            return Err(AddressError::Channel(channel.to_owned()));
        }
        if text.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("MG")) {
            return ServiceSid::parse(text)
                .map(Self::MessagingService)
                .map_err(AddressError::ServiceSid);
        }
        if let Some(error) = other_sid(text) {
            return Err(error);
        }
        let is_short_code =
            (5..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_short_code && !text.starts_with('0') {
            return Err(AddressError::ShortCode);
        }
        PhoneNumber::parse(text, None).map(Self::PhoneNumber).map_err(AddressError::Phone)
    }

    /// The kind of sender at this address.
    pub const fn kind(&self) -> SenderKind {
        match self {
            Self::PhoneNumber(_) => SenderKind::PhoneNumber,
            Self::MessagingService(_) => SenderKind::MessagingService,
        }
    }

    /// The address in the form that Twilio's API expects.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PhoneNumber(number) => number.as_str(),
            Self::MessagingService(sid) => sid.as_str(),
        }
    }

    /// Reads an address that was stored, without the checks of user input.
    fn from_stored(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("MG") {
            return ServiceSid::parse(text)
                .map(Self::MessagingService)
                .map_err(AddressError::ServiceSid);
        }
        PhoneNumber::from_e164(text).map(Self::PhoneNumber).map_err(AddressError::Phone)
    }

    /// The address as shown to users: a number grouped, a SID unchanged.
    pub fn for_people(&self) -> String {
        match self {
            Self::PhoneNumber(number) => number.international(),
            Self::MessagingService(sid) => sid.as_str().to_owned(),
        }
    }
}

/// Recognizes the SID of another kind of object, which users may enter by mistake.
fn other_sid(text: &str) -> Option<AddressError> {
    let (prefix, rest) = text.split_at_checked(2)?;
    if rest.len() < 30 || !prefix.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let what = match prefix {
        "AC" => "an account",
        "SK" => "an API key",
        "PN" => "a phone number",
        "SM" | "MM" => "a message",
        _ => "something else",
    };
    Some(AddressError::OtherSid { prefix: prefix.to_owned(), what })
}

impl std::fmt::Debug for SenderAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PhoneNumber(number) => number.fmt(f),
            Self::MessagingService(sid) => sid.fmt(f),
        }
    }
}

impl Serialize for SenderAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

stored_as!(Text, SenderAddress, as_str, Self::from_stored);

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "MG0123456789abcdef0123456789ABCDEF";

    #[test]
    fn numbers_and_services_are_distinguished() {
        assert_eq!(SenderAddress::parse(" +1 (500) 555-0006 ").unwrap().as_str(), "+15005550006");
        assert!(matches!(
            SenderAddress::parse(SERVICE).unwrap(),
            SenderAddress::MessagingService(_)
        ));
        assert_eq!(SenderAddress::parse(SERVICE).unwrap().as_str(), SERVICE);
    }

    #[test]
    fn what_cannot_send_says_what_to_enter_instead() {
        for (text, expected) in [
            ("", "Enter the phone number"),
            ("MG123", "MG and 32 characters"),
            ("mg0123456789abcdef0123456789abcdef", "MG and 32 characters"),
            ("PN0123456789abcdef0123456789abcdef", "the SID of a phone number"),
            ("AC0123456789abcdef0123456789abcdef", "the SID of an account"),
            ("12345", "needs a Messaging Service"),
            ("whatsapp:+15005550006", "from “whatsapp” addresses"),
            ("(500) 555-0006", "country code"),
            ("Carillon", "Not a sender"),
        ] {
            let error = SenderAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_middle_of_a_number_is_not_printed() {
        let printed = format!("{:?}", SenderAddress::parse("+15005550006").unwrap());
        assert!(!printed.contains("5550"), "{printed}");
    }
}
