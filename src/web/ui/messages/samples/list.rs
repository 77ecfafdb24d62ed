//! Samples of the list of messages: full, with a message beside it, empty, and with errors of the
//! filter or of a view's name.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use super::{ContactMatch, MessageListPage};
use crate::error::FieldErrors;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::saved_views::View;
use crate::messages::message::Message;
use crate::types::id::MessageId;
use crate::web::ui::Choice;
use crate::web::ui::messages::list_query::MessageListQuery;
use crate::web::ui::messages::list_rows::{MessageListRow, ShownClock, grouped};
use crate::web::ui::messages::message_panel::PanelContent;
use crate::web::ui::messages::message_view::MessageView;
use crate::web::ui::messages::samples;
use crate::web::{Samples, Varies};

impl Samples for MessageListPage {
    const VARIES: Varies = Varies {
        texts: &[
            "wanted.text",
            "wanted.contact",
            "chips.value",
            "people.name",
            "tabs.name",
            "name",
            "automations.label",
            "templates.label",
            "senders.label",
            "rows.who",
            "rows.text",
            "rows.trouble",
            "rows.automation",
            "panel.title",
        ],
        lists: &["people", "tabs", "automations", "templates", "senders", "rows"],
    };

    fn samples() -> Vec<Self> {
        let clock = ShownClock { now: DateTime::UNIX_EPOCH + TimeDelta::hours(30), zone: Tz::UTC };
        let row = |(at, message): (usize, Message)| {
            let age = TimeDelta::minutes(25 * i64::try_from(at * at).unwrap_or_default());
            let message = Message { created_at: clock.now - age, ..message };
            let contact = (at % 2 == 0).then(|| {
                samples::contact(if at % 4 == 0 { "+14155550199" } else { "+14155550123" })
            });
            let automation = message.automation_id.map(|_| "Thank <you> & see you".to_owned());
            MessageListRow::new(&message, contact.as_ref(), automation, clock)
        };
        let rows =
            || grouped(samples::messages().into_iter().enumerate().map(row).collect(), clock);
        let choices = vec![Choice::new("01980d3c-9b5a-7000-8000-000000000000", "Thank <you>")];
        let wrong = MessageQuery {
            to: "\"><script>".to_owned(),
            error_code: "x".to_owned(),
            ..MessageQuery::default()
        };
        let wrong = MessageListQuery {
            query: wrong,
            contact: "Ann <b>".to_owned(),
            ..MessageListQuery::default()
        };
        let errors = FieldErrors::default()
            .with("to", "This is not a phone number.")
            .with("contact", "Several contacts match. Choose one below.")
            .with("error_code", "Enter a number, such as 30003.");
        let narrow = MessageQuery {
            contact_id: "1".to_owned(),
            status: "sent".to_owned(),
            text: "<b>".to_owned(),
            ..MessageQuery::default()
        };
        let narrow = MessageListQuery { query: narrow, ..MessageListQuery::default() };
        let link = narrow.link("older", MessageId::new());
        let view = |name: &str, query: &str| View {
            id: crate::types::id::SavedViewId::new(),
            name: name.to_owned(),
            query: query.to_owned(),
            made_by: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let saved_views =
            || vec![view("Failed <today>", "status=failed&within=day"), view("All", "")];
        let open = samples::loaded_messages().swap_remove(0);
        let open_id = open.message.id;
        let contact = ContactMatch {
            name: Some("Ann <b>".to_owned()),
            phone: "+1 415 555 0123".to_owned(),
            path: "/messages".to_owned(),
        };
        let full = || Self {
            rows: rows(),
            automations: choices.clone(),
            templates: choices.clone(),
            senders: choices.clone(),
            newer: Some(link.clone()),
            older: Some(link.clone()),
            live: Some("/messages/live?rows=1".to_owned()),
            ..Self::bare(MessageListQuery::default(), FieldErrors::default())
                .with_views(saved_views(), None)
        };
        let counted = || {
            let mut page = full();
            for (tab, count) in page.tabs.iter_mut().zip(["1,000+", "1,000+", "444", "61", "0"]) {
                tab.count = Some(count.to_owned());
            }
            page
        };
        let panel = PanelContent::of(MessageView::of(open), "/messages".to_owned());
        vec![
            counted(),
            full().opened(open_id, panel),
            Self::bare(MessageListQuery::default(), FieldErrors::default()),
            Self { people: vec![contact], ..Self::bare(wrong, errors) },
            Self {
                name: "<b>".to_owned(),
                older: Some(link.clone()),
                looked_back_to: Some(DateTime::UNIX_EPOCH),
                ..Self::bare(narrow, FieldErrors::default().with("name", "Enter a name."))
                    .with_views(saved_views(), Some("Ann <b>"))
            },
        ]
    }
}
