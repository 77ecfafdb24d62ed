//! The resources that the accounts own: API keys, numbers and Messaging Services.

use serde::Serialize;

/// A Twilio account.
#[derive(Clone)]
pub struct Account {
    /// `AC` and 32 hexadecimal digits.
    pub sid: String,
    /// The primary auth token: the API password and the key of webhook signatures.
    pub auth_token: String,
    /// A secondary auth token, which the API also accepts while the primary one is replaced.
    pub secondary_auth_token: Option<String>,
    /// The display name.
    pub friendly_name: String,
    /// Whether the account is active.
    pub status: AccountStatus,
    /// The kind of account, which limits what it may send.
    pub kind: AccountKind,
    /// The standard API keys, which allow everything except reading accounts and keys.
    pub api_keys: Vec<ApiKey>,
}

/// A standard API key.
#[derive(Clone)]
pub struct ApiKey {
    /// `SK` and 32 hexadecimal digits.
    pub sid: String,
    /// The secret, used as the API password.
    pub secret: String,
}

/// The status of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// The account can be used.
    Active,
    /// Twilio has suspended the account, e.g. for an unpaid bill.
    Suspended,
    /// The account is closed permanently.
    Closed,
}

/// The kind of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// An account without restrictions.
    Full,
    /// A trial account, which may text only verified numbers.
    Trial {
        /// The verified numbers, in E.164.
        verified: Vec<String>,
    },
    /// Test credentials: they accept only magic numbers and send nothing.
    Test,
}

/// A phone number that an account owns.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "Twilio calls it phone_number")]
pub struct Number {
    /// `PN`, or `SC` for short codes, and 32 hexadecimal digits.
    pub sid: String,
    /// The SID of the owning account.
    pub account_sid: String,
    /// The number in E.164, or the digits of a short code.
    pub phone_number: String,
    /// The display name.
    pub friendly_name: String,
    /// The kind of number.
    pub kind: NumberKind,
    /// The supported kinds of traffic.
    pub capabilities: Capabilities,
    /// The webhook for inbound messages, unless a service overrides it.
    pub sms_url: Option<String>,
    /// The HTTP method of the webhook.
    pub sms_method: Method,
    /// An application that receives inbound messages instead of `sms_url`.
    pub sms_application_sid: Option<String>,
    /// The verification of a toll-free number.
    pub verification: Option<Registration>,
}

/// The status of a registration that carriers in the United States require.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The registration is being reviewed.
    InReview,
    /// The registration is approved.
    Approved,
    /// The registration was rejected for a reason.
    Rejected(String),
}

/// The kind of a number, which determines how STOP works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// An ordinary local number.
    LongCode,
    /// A toll-free number (+1 800, 888 …): the network itself handles STOP.
    TollFree,
    /// A short code of five or six digits: keywords are handled only within a service.
    ShortCode,
    /// A WhatsApp number, addressed as `whatsapp:+…` only.
    WhatsApp,
}

/// The kinds of traffic that a number supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Whether the number supports calls.
    pub voice: bool,
    /// Whether the number supports text messages.
    pub sms: bool,
    /// Whether the number supports media messages.
    pub mms: bool,
}

/// The HTTP method of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET, with the parameters in the query string.
    Get,
    /// POST, with the parameters in a form body.
    Post,
}

/// A Messaging Service: a pool of senders with one opt-out list.
#[derive(Clone, Debug)]
pub struct Service {
    /// `MG` and 32 hexadecimal digits.
    pub sid: String,
    /// The SID of the owning account.
    pub account_sid: String,
    /// The display name.
    pub friendly_name: String,
    /// The numbers of the sender pool.
    pub numbers: Vec<String>,
    /// The webhook for inbound messages; `None` drops them.
    pub inbound_request_url: Option<String>,
    /// The HTTP method of the webhook.
    pub inbound_method: Method,
    /// Whether inbound messages go to the webhook of the number instead.
    pub use_inbound_webhook_on_number: bool,
    /// The status callback URL for messages without their own.
    pub status_callback: Option<String>,
    /// Whether Advanced Opt-Out is enabled, which adds `OptOutType` to the webhook.
    pub advanced_opt_out: bool,
    /// The A2P campaign of the service's long codes.
    pub campaign: Option<Registration>,
}
