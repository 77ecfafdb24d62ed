//! Samples of senders: with a queue, and disabled.

use chrono::{DateTime, TimeDelta};

use super::SenderView;
use crate::connections::{SenderAddress, SenderKind};
use crate::messages::throttle::queue_figures::QueueFigures;
use crate::senders::registration::{Registration, RegistrationState, Scheme};
use crate::senders::{Health, PartsPerSecond, Sender, Validity};
use crate::types::id::{ConnectionId, SenderId};

impl SenderView {
    /// An active number with a queue, and a disabled service whose webhook could not be set.
    pub(in crate::web::ui::connections) fn samples() -> Vec<Self> {
        let sample = |address: &str, name: &str| -> Option<Sender> {
            let address = SenderAddress::parse(address).ok()?;
            Some(Sender {
                id: SenderId::new(),
                connection_id: ConnectionId::new(),
                kind: address.kind(),
                address,
                twilio_sid: "PNca4111000000000000000000000000d1".to_owned(),
                name: name.to_owned(),
                sms_capable: true,
                mms_capable: true,
                webhook_url: Some("https://sms.example.com/hooks/twilio/0190/inbound".to_owned()),
                webhook_error: None,
                parts_per_second: None,
                validity: Validity::USUAL,
                created_at: DateTime::UNIX_EPOCH,
                disabled_at: None,
                stopped_at: None,
                stopped_reason: None,
            })
        };
        let number = sample("+15005550006", "Shop <1>");
        let service =
            sample("MGca4111000000000000000000000000c1", "Newsletter").map(|sender| Sender {
                kind: SenderKind::MessagingService,
                mms_capable: false,
                webhook_error: Some("Couldn’t reach Twilio: no answer.".to_owned()),
                disabled_at: Some(DateTime::UNIX_EPOCH),
                ..sender
            });
        let number = number.map(|sender| {
            let now = DateTime::UNIX_EPOCH;
            let empty_at = Some(now + TimeDelta::hours(60));
            let waiting = QueueFigures {
                waiting_messages: 216_000,
                waiting_parts: 216_000,
                empty_at,
                expiring_messages: 43_200,
            };
            Self::with_queue(
                Sender { parts_per_second: PartsPerSecond::new(1.0).ok(), ..sender },
                &waiting,
                now,
            )
        });
        let registration = |state| Registration {
            subject: "+1 500 555 0006".to_owned(),
            scheme: Scheme::A2pCampaign,
            state,
            reason: Some("The website <x> is down.".to_owned()),
        };
        let health = Health {
            checked_at: DateTime::UNIX_EPOCH,
            checks: Vec::new(),
            number_type: Some("local".to_owned()),
            webhook: None,
            registrations: RegistrationState::ALL.iter().copied().map(registration).collect(),
            pool: Vec::new(),
        };
        let number = number.map(|number| number.with_health(Some(&health)));
        number.into_iter().chain(service.map(Self::from)).collect()
    }
}
