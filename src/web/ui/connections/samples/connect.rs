//! Samples of the form that connects an account: empty, and with errors.

use super::{ConnectInput, ConnectPage};
use crate::connection_center::Existing;
use crate::connections::Check;
use crate::error::FieldErrors;
use crate::types::id::ConnectionId;
use crate::web::ui::connections::key_fields::API_KEY;
use crate::web::{Samples, Varies};

impl Samples for ConnectPage {
    const VARIES: Varies = Varies { texts: &["form.name", "form.sender"], lists: &[] };

    fn samples() -> Vec<Self> {
        let form = ConnectInput {
            account_sid: "AC<12>".to_owned(),
            method: API_KEY.to_owned(),
            ..ConnectInput::default()
        };
        let errors = FieldErrors::default()
            .with("account_sid", "An Account SID is AC and 32 characters.")
            .with("sender", "Enter the phone number to send from.")
            .with("form", "Couldn’t reach Twilio.");
        let warning = Check::warning(
            "Address for Twilio’s calls",
            "Twilio can’t call http://localhost:8080.",
            "Set CARILLON_PUBLIC_URL.",
        );
        vec![
            Self {
                form: ConnectInput::default(),
                errors: FieldErrors::default(),
                existing: None,
                address_warning: None,
            },
            Self { form, errors, existing: Some(existing()), address_warning: Some(warning) },
            Self {
                form: ConnectInput::default(),
                errors: FieldErrors::default()
                    .with("account_sid", "This Twilio account is connected already, as “Shop”."),
                existing: Some(Existing { field: "account_sid", ..existing() }),
                address_warning: None,
            },
        ]
    }
}

/// A connection that already has the entered account.
pub(in crate::web::ui::connections) fn existing() -> Existing {
    Existing {
        id: ConnectionId::new(),
        name: "Shop <1>".to_owned(),
        field: "sender",
        message: String::new(),
        url: String::new(),
    }
}
