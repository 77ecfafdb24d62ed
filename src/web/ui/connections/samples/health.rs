//! Samples of the health page: not checked yet, and with each kind of finding.

use chrono::DateTime;

use super::{ChecksView, HealthPage, SenderHealth};
use crate::connections::{Check, RepairPlace, WebhookTest};
use crate::senders::Health;
use crate::senders::inbound_webhook::{Drift, InboundWebhook};
use crate::senders::registration::{Registration, RegistrationState, Scheme};
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::ui::connections::sender_view::SenderView;
use crate::web::{Samples, Varies};

impl Samples for HealthPage {
    const VARIES: Varies = Varies { texts: &["connection.name", "senders.label"], lists: &[] };

    fn samples() -> Vec<Self> {
        let registrations: Vec<Registration> = RegistrationState::ALL
            .iter()
            .map(|state| Registration {
                subject: "+1 206 555 0100".to_owned(),
                scheme: Scheme::A2pCampaign,
                state: *state,
                reason: Some("The website <x> is down.".to_owned()),
            })
            .collect();
        let health = |drift: &[Drift], pool: &[&str]| Health {
            checked_at: DateTime::UNIX_EPOCH,
            checks: Vec::new(),
            number_type: Some("local".to_owned()),
            webhook: Some(InboundWebhook {
                decided_by: "the Messaging Service “Shop <1>”".to_owned(),
                address: Some("https://crm.example.org/in".to_owned()),
                method: Some("GET".to_owned()),
                drift: drift.to_vec(),
            }),
            registrations: registrations.clone(),
            pool: pool.iter().map(ToString::to_string).collect(),
        };
        let senders = || SenderView::samples().into_iter().map(|view| view.sender);
        let with = |healths: &[Option<Health>]| {
            senders()
                .zip(healths.iter().cloned())
                .map(|(s, health)| SenderHealth::new(s, health))
                .collect()
        };
        let sample = |look, test, senders| Self {
            connection: ConnectionView::sample(),
            look,
            test,
            senders,
            said: None,
            earlier: None,
            later: None,
            inbound_url: "https://sms.example.com/hooks/twilio/1/inbound#rc=5&rp=all".to_owned(),
            rejected: 2,
        };
        let test = WebhookTest {
            tested_at: DateTime::UNIX_EPOCH,
            check: Check::failed("A signed call", "It was <refused>.", "Look."),
        };
        let drifted = health(&[Drift::OverriddenByService, Drift::OtherMethod], &[]);
        vec![
            sample(None, None, Vec::new()),
            sample(None, None, with(&[None, None])),
            sample(
                Some(ChecksView::sample()),
                Some(test),
                with(&[Some(drifted), Some(health(&[], &["+1 206 555 0100"]))]),
            ),
            Self {
                said: Some("26 to 50 of 1,234 senders".to_owned()),
                earlier: Some("/connections/1/health".to_owned()),
                later: Some("/connections/1/health".to_owned()),
                ..sample(
                    Some(ChecksView {
                        more_problems: 1,
                        more_passed: 9_000,
                        ..ChecksView::sample()
                    }),
                    None,
                    with(&[Some(health(&[], &[]))]),
                )
            },
        ]
    }
}

impl ChecksView {
    /// A check of each outcome.
    pub(in crate::web::ui::connections) fn sample() -> Self {
        let checks = vec![
            Check::passed("Keys", "Twilio accepts the Auth Token."),
            Check::warning("Account", "It is a trial account.", "Upgrade it.")
                .with_link("https://www.twilio.com/docs"),
            Check::failed("Keys", "Twilio doesn’t accept this <Auth Token>.", "Copy it again.")
                .with_repair_place(RepairPlace::Keys),
            Check::failed("Sender <b>", "The number is not in this account.", "Check the number."),
        ];
        Self::of(DateTime::UNIX_EPOCH, &checks)
    }
}
