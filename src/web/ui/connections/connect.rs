//! The form that connects a Twilio account.

use serde::{Deserialize, Serialize};

use super::key_fields::AUTH_TOKEN;
use super::public_address::address_warning;
use crate::connection_center::{self, ConnectForm, Existing};
use crate::connections::{Check, NewKeys};
use crate::error::FieldErrors;
use crate::web::ui::typed_secret::TypedSecret;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The page that connects an account.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectPage {
    form: ConnectInput,
    errors: FieldErrors,
    /// The connection that already has the entered account or sender.
    existing: Option<Existing>,
    address_warning: Option<Check>,
}

/// The form's input. Secrets are read, but never written into a page.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConnectInput {
    name: String,
    account_sid: String,
    /// The method to sign in: `auth_token` or `api_key`.
    method: String,
    #[serde(skip_serializing)]
    auth_token: TypedSecret,
    api_key_sid: String,
    #[serde(skip_serializing)]
    api_key_secret: TypedSecret,
    sender: String,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let address_warning = address_warning(&visit.context);
    visit.page(&ConnectPage {
        form: ConnectInput::default(),
        errors: FieldErrors::default(),
        existing: None,
        address_warning,
    })
}

pub(super) async fn submit(visit: Visit<Admin>, form: Form<ConnectInput>) -> PageResult {
    let input = form.into_inner();
    match connection_center::connect(&visit.context, &visit.actor(), input.to_form()).await {
        Ok((connection, None)) => visit
            .redirect(format!("/connections/{}/senders/new", connection.id))
            .flash(format!("“{}” is connected. Now choose a sender.", connection.name)),
        Ok((connection, Some(sender))) => {
            let redirect = visit.redirect(format!("/connections/{}", connection.id));
            match sender.webhook_error {
                None => redirect.flash(format!(
                    "“{}” is connected. Incoming messages arrive here.",
                    connection.name
                )),
                Some(_) => redirect.warning(format!(
                    "“{}” is connected, but incoming messages don’t arrive here yet. See its \
                     senders.",
                    connection.name
                )),
            }
        }
        Err(error) => {
            let existing = error.existing();
            let errors = error.fields()?;
            if errors.iter().all(|(field, _)| field == "sender") {
                return connect_without_sender(visit, input, errors).await;
            }
            refuse(visit, input, errors, existing)
        }
    }
}

/// Connects the account although its sender was refused: secrets never return to a form, so that
/// keys that are not saved would have to be typed again. The sender is then chosen from a list.
async fn connect_without_sender(
    visit: Visit<Admin>,
    input: ConnectInput,
    mut errors: FieldErrors,
) -> PageResult {
    let form = ConnectForm { sender: String::new(), ..input.to_form() };
    match connection_center::connect(&visit.context, &visit.actor(), form).await {
        Ok((connection, _)) => {
            let sender = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("sender", &input.sender)
                .finish();
            let path = format!("/connections/{}/senders/new?{sender}", connection.id);
            let reasons: Vec<&str> =
                errors.iter().flat_map(|(_, all)| all).map(String::as_str).collect();
            visit.redirect(path).warning(format!(
                "“{}” is connected, but without a sender. {} Choose one below.",
                connection.name,
                reasons.join(" ")
            ))
        }
        Err(error) => {
            let existing = error.existing();
            for (field, messages) in error.fields()?.iter() {
                for message in messages {
                    errors.add(field, message);
                }
            }
            refuse(visit, input, errors, existing)
        }
    }
}

fn refuse(
    visit: Visit<Admin>,
    form: ConnectInput,
    errors: FieldErrors,
    existing: Option<Existing>,
) -> PageResult {
    let address_warning = address_warning(&visit.context);
    visit.invalid(&ConnectPage { form, errors, existing, address_warning })
}

impl ConnectInput {
    /// Converts the input. If the Auth Token is chosen, the fields of the API key are ignored.
    fn to_form(&self) -> ConnectForm {
        let is_api_key = self.method != AUTH_TOKEN;
        let keys = NewKeys {
            account_sid: self.account_sid.clone(),
            auth_token: self.auth_token.0.as_str().into(),
            api_key_sid: if is_api_key { self.api_key_sid.clone() } else { String::new() },
            api_key_secret: if is_api_key {
                self.api_key_secret.0.as_str().into()
            } else {
                String::new().into()
            },
        };
        ConnectForm { name: self.name.clone(), keys, sender: self.sender.clone() }
    }
}

impl Page for ConnectPage {
    const TEMPLATE: &'static str = "ui/connections/connect.html";
}

#[cfg(debug_assertions)]
#[path = "samples/connect.rs"]
pub(super) mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::connections::key_fields::API_KEY;

    #[test]
    fn no_secret_gets_into_a_page_or_a_log() {
        let input = ConnectInput {
            auth_token: TypedSecret("t0ken".into()),
            api_key_secret: TypedSecret("s3cret".into()),
            ..ConnectInput::default()
        };
        let shown = format!("{} {input:?}", serde_json::to_string(&input).unwrap());
        assert!(!shown.contains("t0ken") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_chosen_auth_token_overrides_an_api_key_left_in_the_form() {
        let mut input = ConnectInput {
            method: AUTH_TOKEN.into(),
            api_key_sid: "SK1".into(),
            ..ConnectInput::default()
        };
        assert_eq!(input.to_form().keys.api_key_sid, "");
        input.method = API_KEY.into();
        assert_eq!(input.to_form().keys.api_key_sid, "SK1");
    }
}
