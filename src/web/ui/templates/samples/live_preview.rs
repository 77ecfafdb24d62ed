//! Samples of the live part of the editor: plain, with variables, and with errors.

use super::LivePreview;
use crate::error::FieldErrors;
use crate::web::ui::templates::form::TemplateForm;
use crate::web::ui::templates::samples;
use crate::web::{Samples, Varies};

impl Samples for LivePreview {
    const VARIES: Varies = Varies {
        texts: &["preview.contact", "preview.text.text", "contacts.label", "events.label"],
        lists: &["contacts", "events"],
    };

    fn samples() -> Vec<Self> {
        let page = |body: &str, kept| {
            let (mut form, mut errors) = (
                TemplateForm { body: body.to_owned(), ..TemplateForm::default() },
                FieldErrors::default(),
            );
            let preview_panel = samples::preview_panel(&mut form, &mut errors);
            Self { form, errors, no_sender_has_mms: false, preview_panel, kept }
        };
        vec![
            page("Hi", None),
            page("“Hi” {{ contact.first_name }} {{ event.order_id }}", Some(true)),
            page("{{", Some(false)),
        ]
    }
}
