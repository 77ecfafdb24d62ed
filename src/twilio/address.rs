//! Addresses of messages in Twilio's wire format: a phone number, a short code, or a WhatsApp
//! number.

use super::sid::ServiceSid;
use crate::types::phone::PhoneNumber;
use crate::types::short_code::ShortCode;

/// The recipient or sender of a message.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A phone number, for SMS and MMS.
    Phone(PhoneNumber),
    /// A phone number on WhatsApp.
    WhatsApp(PhoneNumber),
    /// A short code.
    ShortCode(ShortCode),
    /// Any other address verbatim: an alphanumeric sender, another channel.
    Other(String),
}

/// The sender of an outbound message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SendFrom {
    /// A number, short code or WhatsApp number.
    Address(Address),
    /// A Messaging Service, which chooses the sender.
    Service(ServiceSid),
}

const WHATSAPP: &str = "whatsapp:";

/// Maximum length of other addresses in characters: a PostgreSQL index entry is limited to 2,700
/// bytes.
const MAX_OTHER: usize = 255;

impl Address {
    /// Parses the wire format; never fails, because Twilio adds channels.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(number) = text.strip_prefix(WHATSAPP) {
            return PhoneNumber::from_e164(number)
                .map_or_else(|_| Self::other(text), Self::WhatsApp);
        }
        match (PhoneNumber::from_e164(text), ShortCode::parse(text)) {
            (Ok(number), _) => Self::Phone(number),
            (_, Ok(code)) => Self::ShortCode(code),
            _ => Self::other(text),
        }
    }

    /// Any other address, truncated because addresses are indexed; none of Twilio's is that long.
    fn other(text: &str) -> Self {
        Self::Other(text.chars().take(MAX_OTHER).collect())
    }

    /// The address in wire format.
    #[must_use]
    pub fn to_wire(&self) -> String {
        match self {
            Self::Phone(number) => number.as_str().to_owned(),
            Self::WhatsApp(number) => format!("{WHATSAPP}{}", number.as_str()),
            Self::ShortCode(code) => code.as_str().to_owned(),
            Self::Other(text) => text.clone(),
        }
    }

    /// The phone number, for SMS or WhatsApp.
    #[must_use]
    pub fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(number) | Self::WhatsApp(number) => Some(number),
            Self::ShortCode(_) | Self::Other(_) => None,
        }
    }

    /// The current form of the phone number, under which contacts are stored: WhatsApp writes
    /// Mexican numbers as `whatsapp:+521…`, and their contacts have +52….
    #[must_use]
    pub fn line(&self) -> Option<PhoneNumber> {
        self.phone().cloned().map(PhoneNumber::current)
    }

    /// Whether this is a WhatsApp address.
    #[must_use]
    pub fn is_whatsapp(&self) -> bool {
        matches!(self, Self::WhatsApp(_))
    }
}

/// Masks what may be a person's number or name.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Phone(number) => number.fmt(f),
            Self::WhatsApp(number) => write!(f, "{WHATSAPP}{number:?}"),
            Self::ShortCode(code) => code.fmt(f),
            Self::Other(_) => f.write_str("(other address)"),
        }
    }
}

impl From<PhoneNumber> for Address {
    fn from(number: PhoneNumber) -> Self {
        Self::Phone(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_survives_a_round_trip() {
        for text in [
            "+14155550123",
            "whatsapp:+14155550123",
            "12345",
            "ACME",
            "messenger:42",
            "whatsapp:me",
            "",
        ] {
            assert_eq!(Address::parse(text).to_wire(), text);
        }
        assert_eq!(Address::parse(&"ü".repeat(5_000)).to_wire(), "ü".repeat(255));
        assert!(Address::parse("whatsapp:+14155550123").is_whatsapp());
        assert_eq!(Address::parse("ACME").phone(), None);
        assert!(matches!(Address::parse("12345"), Address::ShortCode(_)));
    }

    #[test]
    fn an_old_form_has_the_current_number_and_keeps_its_wire_format() {
        for text in ["+5215512345678", "whatsapp:+5215512345678", "+525512345678"] {
            let address = Address::parse(text);
            assert_eq!(address.line().as_ref().map(PhoneNumber::as_str), Some("+525512345678"));
            assert_eq!(address.to_wire(), text);
        }
        assert_eq!(Address::parse("ACME").line(), None);
    }

    #[test]
    fn debug_hides_people() {
        let shown = format!(
            "{:?}",
            ["+14155550123", "whatsapp:+14155550123", "messenger:42"].map(Address::parse)
        );
        assert_eq!(shown, "[+1***23, whatsapp:+1***23, (other address)]");
    }
}
