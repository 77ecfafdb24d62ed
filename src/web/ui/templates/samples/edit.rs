//! Samples of the editor: new, saved, archived, with a draft, and with errors.

use chrono::DateTime;

use super::{ShownDraft, TemplateEditPage};
use crate::error::FieldErrors;
use crate::web::ui::Choice;
use crate::web::ui::templates::form::TemplateForm;
use crate::web::ui::templates::insertable_snippets::EXAMPLES;
use crate::web::ui::templates::samples;
use crate::web::ui::templates::saved_template::SavedTemplate;
use crate::web::{Samples, Varies};

impl Samples for TemplateEditPage {
    const VARIES: Varies = Varies {
        texts: &[
            "saved.name",
            "saved.author",
            "saved.uses.name",
            "saved.versions.author",
            "form.name",
            "form.body",
            "preview.contact",
            "preview.text.text",
            "contacts.label",
            "events.label",
            "senders.label",
            "insertable.items.label",
            "insertable.items.value",
        ],
        lists: &["saved.uses", "contacts", "events", "senders"],
    };

    fn samples() -> Vec<Self> {
        let page = |body: &str, saved: Option<SavedTemplate>, mut errors: FieldErrors| {
            let mut form = TemplateForm {
                name: "Order <shipped>".to_owned(),
                body: body.to_owned(),
                media_urls: "https://example.com/cat.jpg\nhttps://example.com/menu.pdf".to_owned(),
                ..TemplateForm::default()
            };
            let preview_panel = samples::preview_panel(&mut form, &mut errors);
            let senders = vec![Choice::new("1", "Shop <1>")];
            Self {
                saved,
                form,
                errors,
                senders,
                no_sender_has_mms: true,
                preview_panel,
                draft: None,
                examples: EXAMPLES,
            }
        };
        let errors = FieldErrors::default()
            .with("name", "Give the template a name.")
            .with("to", "Enter a number.")
            .with("form", "Ada saved version 4.")
            .with("media_urls", "No address.");
        let draft = |version| Some(ShownDraft { updated_at: DateTime::UNIX_EPOCH, version });
        let first = "Hi {{ contact.first_name | default(value='“you” <b>') }}, order {{ event.order_id }} שלום {{ contact.email }}";
        vec![
            page("", None, FieldErrors::default()),
            page("Hi {{ foo }} “x”", None, errors),
            Self { draft: draft(0), ..page(&"x".repeat(1_700), None, FieldErrors::default()) },
            page(first, Some(SavedTemplate::sample(false)), FieldErrors::default()),
            page(
                "Hi {{ contact.first_name }}, order {{ event.order_id }}",
                Some(SavedTemplate::sample(false)),
                FieldErrors::default(),
            ),
            Self {
                draft: draft(2),
                senders: Vec::new(),
                ..page(
                    "{{ contact.last_name }}",
                    Some(SavedTemplate::sample(true)),
                    FieldErrors::default(),
                )
            },
        ]
    }
}
