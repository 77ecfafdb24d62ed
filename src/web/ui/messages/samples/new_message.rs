//! Samples of the page that sends one message: empty, with a preview, and with every error.

use super::{ChosenContact, ContactOption, NewMessagePage};
use crate::error::FieldErrors;
use crate::types::country::Country;
use crate::web::ui::Choice;
use crate::web::ui::messages::new_message_form::NewMessageForm;
use crate::web::ui::messages::new_message_preview::{PreviewedMessage, TextSize};
use crate::web::ui::templates::price_estimate::PriceEstimate;
use crate::web::{Samples, Varies};

impl Samples for NewMessagePage {
    const VARIES: Varies = Varies {
        texts: &[
            "contact.name",
            "people.label",
            "senders.label",
            "templates.label",
            "preview.to",
            "preview.text",
            "form.to",
            "form.body",
        ],
        lists: &["people", "senders", "templates", "preview.media_urls"],
    };

    fn samples() -> Vec<Self> {
        let id = "01980d3c-9b5a-7000-8000-000000000000";
        let text = "Hi Lucía, your beans are ready at Pier 9 until 18:00.";
        let page = |form: NewMessageForm, preview: PreviewedMessage| Self {
            form,
            errors: FieldErrors::default(),
            contact: None,
            people: Vec::new(),
            senders: vec![Choice::new(id, "Harbour service (+1 415 555 0100)")],
            templates: vec![Choice::new(id, "Order thanks")],
            preview,
        };
        let contact = || {
            Some(ChosenContact {
                name: "Lucía Fernández".to_owned(),
                phone: "+1 415 555 0112".to_owned(),
                path: format!("/contacts/{id}"),
            })
        };
        let empty = || page(NewMessageForm::default(), PreviewedMessage::default());
        let written = page(
            NewMessageForm {
                contact_id: id.to_owned(),
                sender_id: id.to_owned(),
                body: text.to_owned(),
                ..NewMessageForm::default()
            },
            PreviewedMessage {
                to: Some("Lucía Fernández, +1 415 555 0112".to_owned()),
                text: Some(text.to_owned()),
                size: Some(TextSize::of(text)),
                estimate: Some(PriceEstimate::new(1, Country::parse("US").ok(), None)),
                ..PreviewedMessage::default()
            },
        );
        let from_template = page(
            NewMessageForm { template_id: id.to_owned(), ..NewMessageForm::default() },
            PreviewedMessage {
                problem: Some("event.order_id is not set".to_owned()),
                media_urls: vec!["https://example.com/bell.jpg?a=1&b=2".to_owned()],
                ..PreviewedMessage::default()
            },
        );
        let option = |name: &str, number: &str| ContactOption {
            value: id.to_owned(),
            label: name.to_owned(),
            hint: number.to_owned(),
        };
        let wrong = NewMessageForm {
            to: "Lucía".to_owned(),
            body: "Hi *|FNAME|*".to_owned(),
            ..NewMessageForm::default()
        };
        let errors = FieldErrors::default()
            .with(
                "form",
                "You sent another message with this form. Check this one and send it again.",
            )
            .with("to", "Several contacts match. Choose one below.")
            .with("sender_id", "Choose a sender.")
            .with("template_id", "Choose a template.")
            .with("body", "Enter a text.");
        vec![
            empty(),
            Self { contact: contact(), ..written },
            from_template,
            Self { senders: Vec::new(), ..empty() },
            Self {
                errors,
                people: vec![
                    option("Lucía Fernández", "+1 415 555 0112"),
                    option("Lucía Ortega", "+1 415 555 0119"),
                ],
                preview: PreviewedMessage {
                    refusal: Some("They texted STOP. They can undo it by texting START."),
                    warnings: vec!["*|FNAME|* is sent as it is.".to_owned()],
                    ..PreviewedMessage::default()
                },
                ..page(wrong, PreviewedMessage::default())
            },
        ]
    }
}
