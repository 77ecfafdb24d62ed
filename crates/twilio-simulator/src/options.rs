//! The configuration of a simulator: accounts, numbers, services and the speed of the network.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::clock::Clock;

/// The SID of the default account.
pub const ACCOUNT_SID: &str = "ACca4111000000000000000000000000a1";
/// The auth token of [`ACCOUNT_SID`]; webhooks are signed with it.
pub const AUTH_TOKEN: &str = "70c0ffee70c0ffee70c0ffee70c0ffee";
/// A standard API key of [`ACCOUNT_SID`].
pub const API_KEY_SID: &str = "SKca4111000000000000000000000000b1";
/// The secret of [`API_KEY_SID`].
pub const API_KEY_SECRET: &str = "NotAVerySecretSecretOfTheKey1234";
/// The SID of a suspended account: every request except reading the account is refused with 20005.
pub const SUSPENDED_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a2";
/// The auth token of [`SUSPENDED_ACCOUNT_SID`].
pub const SUSPENDED_AUTH_TOKEN: &str = "5a5be7de5a5be7de5a5be7de5a5be7de";
/// The SID of a trial account, which may text only [`TRIAL_VERIFIED_NUMBER`] (otherwise 21608).
pub const TRIAL_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a3";
/// The auth token of [`TRIAL_ACCOUNT_SID`].
pub const TRIAL_AUTH_TOKEN: &str = "7e57ab1e7e57ab1e7e57ab1e7e57ab1e";
/// The one number that [`TRIAL_ACCOUNT_SID`] owns.
pub const TRIAL_NUMBER: &str = "+12065550150";
/// The one number that [`TRIAL_ACCOUNT_SID`] may text.
pub const TRIAL_VERIFIED_NUMBER: &str = "+12065550151";
/// The SID of test credentials: they accept only Twilio's magic numbers and send nothing.
pub const TEST_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a4";
/// The auth token of [`TEST_ACCOUNT_SID`].
pub const TEST_AUTH_TOKEN: &str = "0ddba11c0ddba11c0ddba11c0ddba11c";
/// A long code with SMS and MMS, outside any service.
pub const LONG_CODE: &str = "+15005550006";
/// A toll-free number, outside any service.
pub const TOLL_FREE: &str = "+18885550123";
/// A short code with SMS, outside any service.
pub const SHORT_CODE: &str = "555016";
/// A voice-only number: sending an SMS from it is refused with 21606.
pub const VOICE_ONLY: &str = "+12065550199";
/// A WhatsApp number; its address is `whatsapp:+14155238886`.
pub const WHATSAPP: &str = "+14155238886";
/// The SID of a Messaging Service with the long codes [`SERVICE_NUMBER_1`] and
/// [`SERVICE_NUMBER_2`].
pub const SERVICE_SID: &str = "MGca4111000000000000000000000000c1";
/// The first sender of [`SERVICE_SID`].
pub const SERVICE_NUMBER_1: &str = "+12065550100";
/// The second sender of [`SERVICE_SID`].
pub const SERVICE_NUMBER_2: &str = "+12065550101";
/// The SID of a Messaging Service without a sender (21704).
pub const EMPTY_SERVICE_SID: &str = "MGca4111000000000000000000000000c2";

/// The default business name in the names of accounts, numbers and services.
const BUSINESS: &str = "Acme";

/// The configuration of a simulator. The default suits demos, [`SimulatorOptions::instant`] suits
/// tests.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// The accounts that exist.
    pub accounts: Vec<Account>,
    /// The numbers that the accounts own.
    pub numbers: Vec<Number>,
    /// The Messaging Services of the accounts.
    pub services: Vec<Service>,
    /// The source of time; a test shares the clock of the program under test.
    pub clock: Clock,
    /// The range of the delay between two statuses of a message.
    pub hop: RangeInclusive<Duration>,
    /// The delay between two statuses of a message under [`Fault::Slow`](crate::Fault::Slow).
    pub slow_hop: Duration,
    /// How long a request that is never answered is held open before its connection is closed.
    pub hold: Duration,
    /// The pause before a failed callback is retried.
    pub retry_pause: Duration,
    /// The maximum number of concurrent callbacks.
    pub callback_concurrency: usize,
    /// The maximum number of concurrent API requests; further ones are refused with 429 and 20429.
    pub max_concurrent_requests: Option<usize>,
    /// The number of threads that serve requests.
    pub workers: usize,
    /// The seed of the random network: the delays and the order of shuffled callbacks.
    pub seed: u64,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            accounts: accounts(BUSINESS),
            numbers: numbers(BUSINESS),
            services: services(BUSINESS),
            clock: Clock::system(),
            hop: Duration::from_millis(300)..=Duration::from_millis(700),
            slow_hop: Duration::from_secs(10),
            hold: Duration::from_mins(1),
            retry_pause: Duration::from_millis(100),
            callback_concurrency: 64,
            max_concurrent_requests: None,
            workers: 1,
            seed: rand::random(),
        }
    }
}

impl SimulatorOptions {
    /// The default options without network delays.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            hop: Duration::ZERO..=Duration::ZERO,
            retry_pause: Duration::ZERO,
            ..Self::default()
        }
    }

    /// Replaces accounts, numbers and services with the default ones, named after a business:
    /// `Acme toll-free` becomes `{business} toll-free`.
    #[must_use]
    pub fn of_business(self, business: &str) -> Self {
        Self {
            accounts: accounts(business),
            numbers: numbers(business),
            services: services(business),
            ..self
        }
    }
}

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

fn accounts(business: &str) -> Vec<Account> {
    let account = |sid: &str, token: &str, what: &str| Account {
        sid: sid.into(),
        auth_token: token.into(),
        secondary_auth_token: None,
        friendly_name: format!("{business} Simulator{what}"),
        status: AccountStatus::Active,
        kind: AccountKind::Full,
        api_keys: Vec::new(),
    };
    vec![
        Account {
            api_keys: vec![ApiKey { sid: API_KEY_SID.into(), secret: API_KEY_SECRET.into() }],
            ..account(ACCOUNT_SID, AUTH_TOKEN, "")
        },
        Account {
            status: AccountStatus::Suspended,
            ..account(SUSPENDED_ACCOUNT_SID, SUSPENDED_AUTH_TOKEN, " (suspended)")
        },
        Account {
            kind: AccountKind::Trial { verified: vec![TRIAL_VERIFIED_NUMBER.into()] },
            ..account(TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN, " (trial)")
        },
        Account {
            kind: AccountKind::Test,
            ..account(TEST_ACCOUNT_SID, TEST_AUTH_TOKEN, " (test credentials)")
        },
    ]
}

fn numbers(business: &str) -> Vec<Number> {
    const ALL: Capabilities = Capabilities { voice: true, sms: true, mms: true };
    const SMS: Capabilities = Capabilities { voice: false, sms: true, mms: false };
    const VOICE: Capabilities = Capabilities { voice: true, sms: false, mms: false };
    let of_business = |what: &str| format!("{business}{what}");
    let rows = [
        (LONG_CODE, ACCOUNT_SID, of_business(""), NumberKind::LongCode, ALL),
        (TOLL_FREE, ACCOUNT_SID, of_business(" toll-free"), NumberKind::TollFree, ALL),
        (SHORT_CODE, ACCOUNT_SID, of_business(" short code"), NumberKind::ShortCode, SMS),
        (VOICE_ONLY, ACCOUNT_SID, "Front desk (voice only)".into(), NumberKind::LongCode, VOICE),
        (WHATSAPP, ACCOUNT_SID, of_business(" on WhatsApp"), NumberKind::WhatsApp, ALL),
        (SERVICE_NUMBER_1, ACCOUNT_SID, "Service sender 1".into(), NumberKind::LongCode, ALL),
        (SERVICE_NUMBER_2, ACCOUNT_SID, "Service sender 2".into(), NumberKind::LongCode, ALL),
        (TRIAL_NUMBER, TRIAL_ACCOUNT_SID, "Trial number".into(), NumberKind::LongCode, ALL),
    ];
    rows.into_iter()
        .enumerate()
        .map(|(index, (phone_number, account_sid, friendly_name, kind, capabilities))| Number {
            sid: format!(
                "{}ca41110000000000000000000000{:04x}",
                if kind == NumberKind::ShortCode { "SC" } else { "PN" },
                0xd1 + index
            ),
            account_sid: account_sid.into(),
            phone_number: phone_number.into(),
            friendly_name,
            kind,
            capabilities,
            sms_url: None,
            sms_method: Method::Post,
            sms_application_sid: None,
            verification: (kind == NumberKind::TollFree).then_some(Registration::Approved),
        })
        .collect()
}

fn services(business: &str) -> Vec<Service> {
    let service = |sid: &str, name: String, numbers: &[&str]| Service {
        sid: sid.into(),
        account_sid: ACCOUNT_SID.into(),
        friendly_name: name,
        numbers: numbers.iter().map(ToString::to_string).collect(),
        inbound_request_url: None,
        inbound_method: Method::Post,
        use_inbound_webhook_on_number: false,
        status_callback: None,
        advanced_opt_out: false,
        campaign: Some(Registration::Approved),
    };
    vec![
        service(SERVICE_SID, format!("{business} service"), &[SERVICE_NUMBER_1, SERVICE_NUMBER_2]),
        service(EMPTY_SERVICE_SID, "Empty service".into(), &[]),
    ]
}
