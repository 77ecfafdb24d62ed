//! The Connection Center: the accounts that are connected, and connecting one.

pub(super) mod add_sender;
pub(super) mod health;
pub(super) mod keys;
pub(super) mod limits;
mod public_address;
mod queue;
pub(super) mod rejected;
mod secret;
pub(super) mod show;
mod switches;
mod test_input;
mod test_message;
mod view;

use std::collections::HashMap;

use actix_web::web::{self, ServiceConfig};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::connection_center::{self, ConnectForm, Existing};
use crate::connections::{self, Check, NewKeys, webhooks};
use crate::error::FieldErrors;
use crate::senders::{self, Sender};
use crate::types::id::ConnectionId;
use crate::web::{Admin, Form, Page, PageResult, Varies, Viewer, Visit};
use public_address::{address_warning, is_reachable};
use secret::{API_KEY, AUTH_TOKEN, Secret};
use view::{ConnectionView, SenderView};

/// Mounts `/connections` and what changes senders.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").get(list).post(connect))
        .service(web::resource("/connections/new").get(ask))
        .configure(rejected::routes)
        .configure(show::routes)
        .configure(health::routes)
        .configure(switches::routes)
        .configure(test_message::routes)
        .configure(keys::routes)
        .configure(limits::routes)
        .configure(add_sender::routes);
}

/// The list of connections.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectionsPage {
    connections: Vec<Row>,
    /// Whether Twilio can call this Carillon, as far as its public address tells.
    is_reachable: bool,
    /// Webhooks of the last day that name no connection; none where none of them are kept.
    strays: Option<i64>,
}

/// A connection with its senders.
#[derive(Debug, Serialize)]
struct Row {
    connection: ConnectionView,
    senders: Vec<SenderView>,
}

/// The form that connects an account.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ConnectPage {
    form: ConnectInput,
    errors: FieldErrors,
    /// The connection that has what was entered.
    existing: Option<Existing>,
    address_warning: Option<Check>,
}

/// What is typed there. Secrets are read, but never written into a page.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ConnectInput {
    name: String,
    account_sid: String,
    /// `auth_token` or `api_key`.
    method: String,
    #[serde(skip_serializing)]
    auth_token: Secret,
    api_key_sid: String,
    #[serde(skip_serializing)]
    api_key_secret: Secret,
    sender: String,
}

async fn list(visit: Visit<Viewer>) -> PageResult {
    let mut conn = visit.conn().await?;
    let connections = connections::list(&mut conn).await?;
    let mut senders: HashMap<ConnectionId, Vec<Sender>> = HashMap::new();
    for sender in senders::list(&mut conn).await? {
        senders.entry(sender.connection_id).or_default().push(sender);
    }
    let strays = if webhooks::has_strays(&mut conn).await? {
        Some(webhooks::count_since(&mut conn, None, visit.now() - TimeDelta::days(1)).await?)
    } else {
        None
    };
    drop(conn);
    let rows = connections.into_iter().map(|connection| Row {
        senders: senders
            .remove(&connection.id)
            .unwrap_or_default()
            .into_iter()
            .map(SenderView::from)
            .collect(),
        connection: connection.into(),
    });
    let is_reachable = is_reachable(&visit.context);
    visit.page(&ConnectionsPage { connections: rows.collect(), is_reachable, strays })
}

async fn ask(visit: Visit<Admin>) -> PageResult {
    let address_warning = address_warning(&visit.context);
    visit.page(&ConnectPage {
        form: ConnectInput::default(),
        errors: FieldErrors::default(),
        existing: None,
        address_warning,
    })
}

async fn connect(visit: Visit<Admin>, form: Form<ConnectInput>) -> PageResult {
    let input = form.into_inner();
    match connection_center::connect(&visit.context, &visit.actor(), input.to_form()).await {
        Ok((connection, None)) => {
            visit.redirect(format!("/connections/{}/senders/new", connection.id)).flash(format!(
                "Twilio accepts the keys: “{}” is connected. Now choose what to send from.",
                connection.name
            ))
        }
        Ok((connection, Some(sender))) => {
            let there = visit.redirect(format!("/connections/{}", connection.id));
            match sender.webhook_error {
                None => there.flash(format!(
                    "“{}” is connected, and its incoming messages are reported here.",
                    connection.name
                )),
                Some(_) => there.warning(format!(
                    "“{}” is connected, but its incoming messages are not reported here yet: see \
                     below.",
                    connection.name
                )),
            }
        }
        Err(error) => {
            let existing = error.existing();
            let errors = error.fields()?;
            let address_warning = address_warning(&visit.context);
            visit.invalid(&ConnectPage { form: input, errors, existing, address_warning })
        }
    }
}

impl ConnectInput {
    /// What is sent to Twilio: with the Auth Token chosen, what the API key's fields hold does not
    /// count.
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

impl Page for ConnectionsPage {
    const TEMPLATE: &'static str = "ui/connections/list.html";
    const VARIES: Varies = Varies {
        texts: &[
            "connections.connection.name",
            "connections.connection.account_name",
            "connections.senders.label",
        ],
        lists: &["connections"],
    };

    fn samples() -> Vec<Self> {
        let row = |connection, senders| Row { connection, senders };
        let rows = vec![
            row(ConnectionView::sample(), SenderView::samples()),
            row(ConnectionView::stopped_sample(), Vec::new()),
        ];
        vec![
            Self { connections: Vec::new(), is_reachable: true, strays: None },
            Self { connections: rows, is_reachable: true, strays: Some(3) },
        ]
    }
}

impl Page for ConnectPage {
    const TEMPLATE: &'static str = "ui/connections/new.html";
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
            .with("form", "Twilio could not be reached.");
        let warning = Check::warning(
            "Address for Twilio's calls",
            "Twilio cannot call http://localhost:8080.",
            "Set CARILLON_PUBLIC_URL.",
        );
        vec![
            Self {
                form: ConnectInput::default(),
                errors: FieldErrors::default(),
                existing: None,
                address_warning: None,
            },
            Self {
                form,
                errors,
                existing: Some(Existing::sample()),
                address_warning: Some(warning),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_gets_into_a_page_or_a_log() {
        let input = ConnectInput {
            auth_token: Secret("t0ken".into()),
            api_key_secret: Secret("s3cret".into()),
            ..ConnectInput::default()
        };
        let shown = format!("{} {input:?}", serde_json::to_string(&input).unwrap());
        assert!(!shown.contains("t0ken") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn with_the_auth_token_chosen_an_api_key_left_in_the_form_does_not_count() {
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
