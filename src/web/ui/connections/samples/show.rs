//! Samples of the page of a connection: each tab, with findings, stopped, and with a rejected name.

use super::{ConnectionShowPage, ConnectionTab, SettingsInput, policies};
use crate::error::FieldErrors;
use crate::web::ui::Choice;
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::ui::connections::health::ChecksView;
use crate::web::ui::connections::sender_view::SenderView;
use crate::web::ui::connections::test_message_input::TestMessageInput;
use crate::web::{Samples, Varies};

impl Samples for ConnectionShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "connection.name",
            "connection.account_name",
            "senders.label",
            "senders.name",
            "sender_choices.label",
            "form.name",
            "test.text",
        ],
        lists: &["senders", "sender_choices"],
    };

    fn samples() -> Vec<Self> {
        let sample = |tab, connection: ConnectionView, senders, look| Self {
            tab,
            form: SettingsInput {
                name: connection.connection.name.clone(),
                unconfirmed_policy: connection.connection.unconfirmed_policy.to_string(),
                max_concurrency: connection.connection.max_concurrency.to_string(),
            },
            former_token_until: connection.connection.former_auth_token_until,
            former_secret_until: connection.connection.former_hook_secret_until,
            connection,
            senders,
            rejected: 3,
            is_reachable: true,
            needs_template: false,
            policies: policies(),
            test: TestMessageInput::default(),
            sender_choices: vec![Choice::new("1", "Shop <1>")],
            look,
            sender_name: None,
            errors: FieldErrors::default(),
        };
        let on = |tab| sample(tab, ConnectionView::sample(), SenderView::samples(), None);
        let named = on(ConnectionTab::Senders);
        let unnamed = named.senders.first().map(|sender| sender.sender.id);
        let named = match unnamed {
            Some(id) => named.with_name_error(
                id,
                "<Shop>",
                &FieldErrors::default().with("name", "Use at most 100 characters."),
            ),
            None => named,
        };
        let wrong = Self {
            errors: FieldErrors::default().with("name", "Give the connection a name."),
            ..sample(ConnectionTab::Advanced, ConnectionView::stopped_sample(), Vec::new(), None)
        };
        let checked = ChecksView::sample();
        vec![
            on(ConnectionTab::Overview),
            Self { look: Some(checked), ..on(ConnectionTab::Overview) },
            sample(ConnectionTab::Overview, ConnectionView::stopped_sample(), Vec::new(), None),
            sample(ConnectionTab::Senders, ConnectionView::stopped_sample(), Vec::new(), None),
            on(ConnectionTab::Test),
            on(ConnectionTab::Advanced),
            wrong,
            named,
            Self { needs_template: true, ..on(ConnectionTab::Overview) },
        ]
    }
}
