//! Samples of the form that adds a sender: with candidates, without, and while Twilio does not
//! answer.

use super::{AddSenderPage, SenderInput, groups};
use crate::connections::SenderAddress;
use crate::error::FieldErrors;
use crate::senders::candidates::SenderCandidate;
use crate::senders::inbound_webhook::{Drift, InboundWebhook};
use crate::senders::registration::{Registration, RegistrationState, Scheme};
use crate::web::ui::connections::connect::samples::existing;
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::{Samples, Varies};

impl Samples for AddSenderPage {
    const VARIES: Varies = Varies {
        texts: &["connection.name", "groups.candidates.name", "groups.candidates.in_service"],
        lists: &["groups.candidates"],
    };

    fn samples() -> Vec<Self> {
        let candidate = |address: &str, name: &str| {
            let address = SenderAddress::parse(address).ok()?;
            let number = matches!(address, SenderAddress::PhoneNumber(_));
            let missing = Registration {
                subject: address.for_people(),
                scheme: Scheme::A2pCampaign,
                state: RegistrationState::Missing,
                reason: Some("No Messaging Service has the number.".to_owned()),
            };
            Some(SenderCandidate {
                shown: address.for_people(),
                address,
                name: name.to_owned(),
                number_type: number.then(|| "local".to_owned()),
                sms: true,
                mms: number,
                voice: number,
                pool: if number {
                    Vec::new()
                } else {
                    vec!["+1 206 555 0100".to_owned(), "+1 206 555 0101".to_owned()]
                },
                in_service: number.then(|| "Newsletter".to_owned()),
                webhook: InboundWebhook {
                    decided_by: "the number".to_owned(),
                    address: Some("https://crm.example.org/…".to_owned()),
                    method: Some("POST".to_owned()),
                    drift: vec![Drift::OtherAddress],
                },
                registrations: vec![missing],
                unfit: None,
            })
        };
        let candidates = || -> Vec<SenderCandidate> {
            let unfit = candidate("+12065550199", "Front desk").map(|candidate| SenderCandidate {
                sms: false,
                unfit: Some("It can’t send SMS."),
                ..candidate
            });
            let service = candidate("MGca4111000000000000000000000000c1", "Newsletter & <News>");
            [service, candidate("+12065550100", "Shop <1>"), unfit].into_iter().flatten().collect()
        };
        let sample = |candidates, problem: Option<String>, errors: FieldErrors| Self {
            connection: ConnectionView::sample(),
            left_out: usize::from(problem.is_none()),
            groups: groups(candidates),
            problem,
            form: SenderInput::default(),
            existing: if errors.is_empty() { None } else { Some(existing()) },
            errors,
        };
        vec![
            sample(candidates(), None, FieldErrors::default()),
            sample(
                Vec::new(),
                None,
                FieldErrors::default().with("sender", "The number is not in this account."),
            ),
            sample(Vec::new(), Some("Couldn’t reach Twilio.".to_owned()), FieldErrors::default()),
        ]
    }
}
