//! A contact, an event and a preview panel for the samples of several pages.

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::form::TemplateForm;
use super::preview_panel::{PreviewInput, PreviewPanel};
use super::preview_recipient::PreviewRecipient;
use crate::contacts::Contact;
use crate::error::FieldErrors;
use crate::events::{Event, EventName};
use crate::ledger::prices::Price;
use crate::types::id::{ContactId, EventId};
use crate::types::phone::PhoneNumber;
use crate::users::organization::Organization;

pub(super) fn organization() -> Organization {
    Organization {
        name: "Bells & Sons".to_owned(),
        default_country: None,
        time_zone: Tz::Europe__Berlin,
        day_zone: Tz::Europe__Berlin,
    }
}

pub(super) fn contact() -> Contact {
    Contact {
        id: ContactId::new(),
        phone: PhoneNumber::from_e164("+14155550123").expect("it is a number in E.164"),
        first_name: Some("Zoë <3".to_owned()),
        last_name: None,
        email: None,
        external_id: None,
        attributes: json!(
            {
                "city": "חיפה & יפו",
                "a name that is so long that it has to be cut": "x".repeat(300)
            }
        ),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

pub(super) fn event(name: &str, properties: Value) -> Event {
    Event {
        id: EventId::new(),
        client_id: None,
        name: EventName::parse(name).expect("it is a name"),
        contact_id: ContactId::new(),
        properties,
        occurred_at: DateTime::UNIX_EPOCH,
        received_at: DateTime::UNIX_EPOCH,
        source_id: None,
    }
}

/// The preview panel of a form, for the contact and the event.
pub(super) fn preview_panel(form: &mut TemplateForm, errors: &mut FieldErrors) -> PreviewPanel {
    let (organization, contact) = (organization(), contact());
    let events = vec![event("order_completed", json!({ "order_id": "A-1 <b>" }))];
    let recipient = PreviewRecipient::Contact(Box::new(contact.clone()));
    let price = Price {
        per_part: 0.0079,
        unit: "USD".to_owned(),
        parts: 1_234,
        learned_at: DateTime::UNIX_EPOCH,
    };
    let (country, price) = (contact.phone.country(), Some(price));
    PreviewInput {
        organization: &organization,
        zone: Tz::UTC,
        found: vec![contact],
        recipient,
        events,
        preferred: &[],
        country,
        price,
    }
    .preview(form, errors)
}
