//! Samples of the form for new keys: empty, and with errors.

use super::{ConnectionKeysPage, KeysInput};
use crate::error::FieldErrors;
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::ui::connections::key_fields::API_KEY;
use crate::web::{Samples, Varies};

impl Samples for ConnectionKeysPage {
    const VARIES: Varies = Varies { texts: &["connection.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let form = KeysInput {
            method: API_KEY.to_owned(),
            api_key_sid: "SK<1>".to_owned(),
            ..KeysInput::default()
        };
        let errors = FieldErrors::default()
            .with("api_key_sid", "An API Key SID is SK and 32 characters.")
            .with("form", "Couldn’t reach Twilio.");
        vec![
            Self {
                connection: ConnectionView::sample(),
                form: KeysInput::default(),
                errors: FieldErrors::default(),
            },
            Self { connection: ConnectionView::stopped_sample(), form, errors },
        ]
    }
}
