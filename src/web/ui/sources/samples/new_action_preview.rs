//! Samples of the preview of an action: nothing yet, a text with the newest event, and a mistake.

use chrono::DateTime;

use super::{InsertableValue, NewActionPreview, ShownAction};
use crate::templates::body_pieces;
use crate::web::{Samples, Varies};

impl ShownAction {
    pub(in crate::web::ui::sources) fn samples() -> Vec<Self> {
        let contact: &'static [&'static str] = &["{{$.traits.firstName}}", "{{$.traits.email}}"];
        let value = |write: &str, value: &str| InsertableValue {
            write: write.to_owned(),
            value: value.to_owned(),
        };
        vec![
            Self { contact, ..Self::default() },
            Self {
                pieces: body_pieces("Your order #{{ event.order_id }} is on its way <b>"),
                event_at: Some(DateTime::UNIX_EPOCH),
                properties: vec![
                    value("{{$.properties.order_id}}", "A-17"),
                    value("{{$.properties.note}}", "<b>"),
                ],
                contact,
                ..Self::default()
            },
            Self {
                pieces: body_pieces("Hello *|FNAME|*"),
                event_at: Some(DateTime::UNIX_EPOCH),
                problem: Some("Line 1: this variable does not end.".to_owned()),
                warnings: vec!["*|FNAME|* is sent as it is.".to_owned()],
                contact,
                ..Self::default()
            },
        ]
    }
}

impl Samples for NewActionPreview {
    const VARIES: Varies = Varies { texts: &["shown.problem"], lists: &["shown.properties"] };

    fn samples() -> Vec<Self> {
        ShownAction::samples().into_iter().map(|shown| Self { shown }).collect()
    }
}
