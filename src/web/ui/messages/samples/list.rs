//! Samples of the list of messages: full, empty, and with errors of the filter or of a view's name.

use chrono::DateTime;

use super::{ContactMatch, MessageListPage};
use crate::error::FieldErrors;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::saved_views::View;
use crate::types::id::MessageId;
use crate::web::ui::Choice;
use crate::web::ui::messages::list_query::MessageListQuery;
use crate::web::ui::messages::list_rows::MessageListRow;
use crate::web::ui::messages::samples;
use crate::web::{Samples, Varies};

impl Samples for MessageListPage {
    const VARIES: Varies = Varies {
        texts: &[
            "wanted.text",
            "wanted.contact",
            "chips.value",
            "people.name",
            "views.name",
            "name",
            "automations.label",
            "templates.label",
            "senders.label",
            "rows.who",
            "rows.text",
            "rows.trouble",
            "rows.automation",
        ],
        lists: &["people", "views", "automations", "templates", "senders", "rows"],
    };

    fn samples() -> Vec<Self> {
        let rows = samples::messages().into_iter().enumerate();
        let rows = rows.map(|(at, message)| {
            let contact = (at % 2 == 0).then(|| {
                samples::contact(if at % 4 == 0 { "+14155550199" } else { "+14155550123" })
            });
            let automation = message.automation_id.map(|_| "Thank <you> & see you".to_owned());
            MessageListRow::new(&message, contact.as_ref(), automation)
        });
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
            .with("contact", "Several contacts fit. Choose one below.")
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
            id: crate::types::id::ViewId::new(),
            name: name.to_owned(),
            query: query.to_owned(),
            made_by: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let saved_views =
            || vec![view("Failed <today>", "status=failed&within=day"), view("All", "")];
        let contact = ContactMatch {
            name: Some("Ann <b>".to_owned()),
            phone: "+1 415 555 0123".to_owned(),
            path: "/messages".to_owned(),
        };
        vec![
            Self {
                rows: rows.collect(),
                automations: choices.clone(),
                templates: choices.clone(),
                senders: choices,
                newer: Some(link.clone()),
                older: Some(link.clone()),
                live: Some("/messages/live?rows=1".to_owned()),
                ..Self::bare(MessageListQuery::default(), FieldErrors::default())
                    .with_views(saved_views(), None)
            },
            Self::bare(MessageListQuery::default(), FieldErrors::default()),
            Self { people: vec![contact], ..Self::bare(wrong, errors) },
            Self {
                name: "<b>".to_owned(),
                older: Some(link),
                looked_back_to: Some(DateTime::UNIX_EPOCH),
                ..Self::bare(narrow, FieldErrors::default().with("name", "Enter a name."))
                    .with_views(saved_views(), Some("Ann <b>"))
            },
        ]
    }
}
