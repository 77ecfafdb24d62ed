//! Samples of the form of a contact: new, and with errors.

use super::{ATTRIBUTE_KINDS, ContactEditPage, title};
use crate::error::FieldErrors;
use crate::types::id::ContactId;
use crate::web::ui::contacts::form::ContactForm;
use crate::web::ui::contacts::samples;
use crate::web::{Samples, Varies};

impl Samples for ContactEditPage {
    const VARIES: Varies = Varies {
        texts: &[
            "form.first_name",
            "form.last_name",
            "form.email",
            "form.external_id",
            "form.attributes.name",
            "form.attributes.value",
        ],
        lists: &["form.attributes"],
    };

    fn samples() -> Vec<Self> {
        let sample = |id, default_country, form, errors| Self {
            id,
            title: title(id),
            default_country,
            kinds: ATTRIBUTE_KINDS,
            form,
            errors,
        };
        let errors = FieldErrors::default()
            .with("phone", "This number is already a contact.")
            .with("attribute_0", "Not a number. Write it like 12 or 12.5.");
        let edited = samples::contacts().iter().map(ContactForm::of).next().unwrap_or_default();
        vec![
            sample(None, None, ContactForm::default().with_blank_rows(), FieldErrors::default()),
            sample(Some(ContactId::new()), Some("Germany"), edited, errors),
        ]
    }
}
