//! Samples of the page for a new action: empty, filled in, with errors, and without a sender.

use super::{ActionForm, NewActionPage, recipients};
use crate::error::FieldErrors;
use crate::sources::SourceKind;
use crate::types::id::SenderId;
use crate::web::ui::Choice;
use crate::web::ui::sources::new_action_preview::ShownAction;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl Samples for NewActionPage {
    const VARIES: Varies = Varies {
        texts: &[
            "source.name",
            "form.name",
            "form.body",
            "form.event_name",
            "senders.label",
            "shown.properties.value",
        ],
        lists: &["senders", "events", "shown.properties"],
    };

    fn samples() -> Vec<Self> {
        let senders = ["+1 500 555 0006", "Shop <2>"];
        let senders: Vec<Choice> =
            senders.iter().map(|label| Choice::new(SenderId::new().to_string(), *label)).collect();
        let form = ActionForm {
            event_name: "Order Completed".to_owned(),
            to: "$.traits.phone".to_owned(),
            body: "Your order #{{$.properties.order_id}} is on its way".to_owned(),
            name: "Order thanks".to_owned(),
            ..ActionForm::default()
        };
        let errors = FieldErrors::default()
            .with("event_name", "Enter the name of an event.")
            .with("to", "Use $.traits.phone.")
            .with("body", "Line 1: this variable does not end.")
            .with("media_urls", "Enter an address that begins with https://.")
            .with("sender_id", "Choose a sender.")
            .with("name", "Another automation has this name. Choose a different one.")
            .with("form", "The source was deleted meanwhile.");
        let page = |form: ActionForm, errors, senders, shown| {
            Some(Self {
                source: SourceView::sample()?,
                form,
                errors,
                events: vec!["Order Completed".to_owned(), "Order <2>".to_owned()],
                recipients: recipients(SourceKind::Segment),
                senders,
                shown,
            })
        };
        let mut shown = ShownAction::samples().into_iter();
        let mut next = || shown.next().unwrap_or_default();
        let none = FieldErrors::default;
        let pages = [
            page(ActionForm::default(), none(), senders.clone(), next()),
            page(form.clone(), none(), senders.clone(), next()),
            page(form.clone(), errors, senders, next()),
            page(form, none(), Vec::new(), next()),
        ];
        pages.into_iter().flatten().collect()
    }
}
