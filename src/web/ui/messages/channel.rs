//! The channel of a message: SMS, MMS or WhatsApp.

use serde::Serialize;

use crate::messages::message::Message;

/// The channel that a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Channel {
    #[serde(rename = "SMS")]
    Sms,
    #[serde(rename = "MMS")]
    Mms,
    WhatsApp,
}

impl Channel {
    /// The channel, by the notation of the addresses and by whether there are media.
    pub(super) fn of(message: &Message) -> Self {
        let addresses = [Some(message.to_address.as_str()), message.from_address.as_deref()];
        if addresses.into_iter().flatten().any(|address| address.starts_with("whatsapp:")) {
            Self::WhatsApp
        } else if message.media_urls.is_empty() {
            Self::Sms
        } else {
            Self::Mms
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::messages::samples;

    #[test]
    fn addresses_and_media_tell_the_channel() {
        let sms = samples::message();
        let mms = Message { media_urls: vec!["https://example.com/a".to_owned()], ..sms.clone() };
        let from_address = Some("whatsapp:+14155550123".to_owned());
        let whatsapp = Message { from_address, ..mms.clone() };
        assert_eq!(
            [&sms, &mms, &whatsapp].map(Channel::of),
            [Channel::Sms, Channel::Mms, Channel::WhatsApp]
        );
    }
}
