//! Connections in responses of the API.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::connections::{self, Check, Connection, UnconfirmedPolicy};
use crate::senders::Sender;
use crate::types::id::ConnectionId;
use crate::web::api::senders::SenderBody;

/// A connected Twilio account, without its secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionBody {
    #[schema(value_type = String)]
    id: ConnectionId,
    name: String,
    /// `AC…`
    account_sid: String,
    /// The account's name in Twilio; its SID where the keys cannot read it.
    account_name: String,
    /// `Trial` or `Full`; `null` where the keys cannot read it.
    account_type: Option<String>,
    /// `SK…` where an API key is used.
    api_key_sid: Option<String>,
    /// Whether an Auth Token is saved, so that webhooks are checked by their signature.
    has_auth_token: bool,
    /// `active`, `disabled` (by a person) or `stopped` (Twilio refuses the account).
    #[schema(value_type = String)]
    status: connections::Status,
    /// Why Twilio refuses the account.
    stopped_reason: Option<String>,
    #[schema(value_type = String)]
    unconfirmed_policy: UnconfirmedPolicy,
    /// How many requests of all workers may be in flight at Twilio at the same time.
    max_concurrency: i32,
    /// Until when webhooks signed with the former Auth Token are accepted.
    former_auth_token_until: Option<DateTime<Utc>>,
    /// Until when webhooks at the address with the former secret are accepted.
    former_webhook_secret_until: Option<DateTime<Utc>>,
    /// When Twilio last accepted the keys.
    verified_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    senders: Vec<SenderBody>,
}

/// The result of live checks.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(super) struct VerificationBody {
    /// Whether no check has failed.
    verified: bool,
    checks: Vec<CheckBody>,
}

/// The result of one check.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckBody {
    title: String,
    /// `passed`, `warning` or `failed`.
    #[schema(value_type = String)]
    outcome: connections::CheckOutcome,
    /// What was found.
    detail: String,
    /// What to do.
    advice: Option<String>,
    /// A page with more information.
    link: Option<String>,
}

impl ConnectionBody {
    /// Creates the response from a connection and its senders.
    pub(super) fn new(connection: Connection, senders: Vec<Sender>) -> Self {
        Self {
            id: connection.id,
            status: connection.status(),
            name: connection.name,
            account_sid: connection.account_sid,
            account_name: connection.account_name,
            account_type: connection.account_type,
            api_key_sid: connection.api_key_sid,
            has_auth_token: connection.has_auth_token,
            stopped_reason: connection.stopped_reason,
            unconfirmed_policy: connection.unconfirmed_policy,
            max_concurrency: connection.max_concurrency,
            former_auth_token_until: connection.former_auth_token_until,
            former_webhook_secret_until: connection.former_hook_secret_until,
            verified_at: connection.verified_at,
            created_at: connection.created_at,
            senders: senders.into_iter().map(SenderBody::from).collect(),
        }
    }
}

impl VerificationBody {
    /// Creates the response from the results of checks.
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let verified = !checks.iter().any(Check::has_failed);
        Self { verified, checks: checks.into_iter().map(CheckBody::from).collect() }
    }
}

impl From<Check> for CheckBody {
    fn from(Check { title, outcome, detail, advice, link, .. }: Check) -> Self {
        Self { title, outcome, detail, advice, link }
    }
}
