//! Samples of connections: active, and stopped.

use chrono::DateTime;

use super::ConnectionView;
use crate::connections::{Connection, UnconfirmedPolicy};
use crate::types::id::ConnectionId;

impl ConnectionView {
    /// An active account.
    pub(in crate::web::ui::connections) fn sample() -> Self {
        Connection {
            id: ConnectionId::new(),
            name: "Bells & Sons".to_owned(),
            account_sid: "ACca4111000000000000000000000000a1".to_owned(),
            account_name: "Bells <main>".to_owned(),
            account_type: Some("Full".to_owned()),
            has_auth_token: true,
            api_key_sid: None,
            unconfirmed_policy: UnconfirmedPolicy::GiveUp,
            max_concurrency: 250,
            former_auth_token_until: Some(DateTime::UNIX_EPOCH),
            former_hook_secret_until: None,
            verified_at: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
            disabled_at: None,
            stopped_at: None,
            stopped_reason: None,
        }
        .into()
    }

    /// A trial account with an API key, stopped because Twilio refuses the keys.
    pub(in crate::web::ui::connections) fn stopped_sample() -> Self {
        let Self { mut connection, .. } = Self::sample();
        connection.has_auth_token = false;
        connection.former_hook_secret_until = Some(DateTime::UNIX_EPOCH);
        connection.api_key_sid = Some("SKca4111000000000000000000000000b1".to_owned());
        connection.account_type = Some("Trial".to_owned());
        connection.unconfirmed_policy = UnconfirmedPolicy::Resend;
        connection.stopped_at = Some(DateTime::UNIX_EPOCH);
        connection.stopped_reason = Some("Twilio refused the keys (20003).".to_owned());
        connection.into()
    }
}
