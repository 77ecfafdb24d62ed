//! What a simulated Twilio is made of: accounts, numbers and services, and how fast its network is.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::clock::Clock;

/// The account that most demos and tests use.
pub const ACCOUNT_SID: &str = "ACca4111000000000000000000000000a1";
/// The auth token of [`ACCOUNT_SID`]; webhooks are signed with it.
pub const AUTH_TOKEN: &str = "70c0ffee70c0ffee70c0ffee70c0ffee";
/// A standard API key of [`ACCOUNT_SID`].
pub const API_KEY_SID: &str = "SKca4111000000000000000000000000b1";
/// The secret of [`API_KEY_SID`].
pub const API_KEY_SECRET: &str = "NotAVerySecretSecretOfTheKey1234";
/// An account that Twilio has suspended: everything but reading the account is refused with 20005.
pub const SUSPENDED_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a2";
/// The auth token of [`SUSPENDED_ACCOUNT_SID`].
pub const SUSPENDED_AUTH_TOKEN: &str = "5a5be7de5a5be7de5a5be7de5a5be7de";
/// A trial account: it may text only [`TRIAL_VERIFIED_NUMBER`] (else 21608).
pub const TRIAL_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a3";
/// The auth token of [`TRIAL_ACCOUNT_SID`].
pub const TRIAL_AUTH_TOKEN: &str = "7e57ab1e7e57ab1e7e57ab1e7e57ab1e";
/// The one number that [`TRIAL_ACCOUNT_SID`] owns.
pub const TRIAL_NUMBER: &str = "+12065550150";
/// The one number that [`TRIAL_ACCOUNT_SID`] may text.
pub const TRIAL_VERIFIED_NUMBER: &str = "+12065550151";
/// Test credentials: only Twilio's magic numbers mean anything to them, and nothing is ever sent.
pub const TEST_ACCOUNT_SID: &str = "ACca4111000000000000000000000000a4";
/// The auth token of [`TEST_ACCOUNT_SID`].
pub const TEST_AUTH_TOKEN: &str = "0ddba11c0ddba11c0ddba11c0ddba11c";
/// A long code with SMS and MMS, outside any service.
pub const LONG_CODE: &str = "+15005550006";
/// A toll-free number, outside any service.
pub const TOLL_FREE: &str = "+18885550123";
/// A short code with SMS, outside any service.
pub const SHORT_CODE: &str = "555016";
/// A number that can only speak: sending an SMS from it is refused with 21606.
pub const VOICE_ONLY: &str = "+12065550199";
/// A number with WhatsApp; used as `whatsapp:+14155238886`.
pub const WHATSAPP: &str = "+14155238886";
/// A Messaging Service with two long codes, [`SERVICE_NUMBER_1`] and [`SERVICE_NUMBER_2`].
pub const SERVICE_SID: &str = "MGca4111000000000000000000000000c1";
/// The first sender of [`SERVICE_SID`].
pub const SERVICE_NUMBER_1: &str = "+12065550100";
/// The second sender of [`SERVICE_SID`].
pub const SERVICE_NUMBER_2: &str = "+12065550101";
/// A Messaging Service without a sender (21704).
pub const EMPTY_SERVICE_SID: &str = "MGca4111000000000000000000000000c2";

/// After which business accounts and numbers are named, unless the options say another.
const BUSINESS: &str = "Acme";

/// How a simulator starts; the default suits people who look at it, [`SimulatorOptions::instant`]
/// suits tests.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// The accounts that exist.
    pub accounts: Vec<Account>,
    /// The numbers that the accounts own.
    pub numbers: Vec<Number>,
    /// The Messaging Services of the accounts.
    pub services: Vec<Service>,
    /// Where dates come from; a test shares the clock of the program under test.
    pub clock: Clock,
    /// Time between two statuses of a message.
    pub hop: RangeInclusive<Duration>,
    /// Time between two statuses while the network is slow.
    pub slow_hop: Duration,
    /// How long a request that is never answered is held open before it is cut.
    pub hold: Duration,
    /// Pause before a failed callback is repeated.
    pub retry_pause: Duration,
    /// Callbacks under way at the same time.
    pub callback_concurrency: usize,
    /// API requests allowed at the same time; more are refused with 429 and 20429.
    pub max_concurrent_requests: Option<usize>,
    /// Threads that answer requests.
    pub workers: usize,
    /// Where the chance of the network starts: how long hops take, and in which order shuffled
    /// callbacks come.
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
    /// The default world with a network that takes no time.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            hop: Duration::ZERO..=Duration::ZERO,
            retry_pause: Duration::ZERO,
            ..Self::default()
        }
    }

    /// Puts the accounts, numbers and services of the default world in place of those set before,
    /// named after a business: `Acme toll-free` becomes `{business} toll-free`.
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
    /// The primary auth token: password of the API, key of the signatures.
    pub auth_token: String,
    /// Another token that the API takes, while the primary one is being replaced.
    pub secondary_auth_token: Option<String>,
    /// The name that people gave it.
    pub friendly_name: String,
    /// Whether it may do anything.
    pub status: AccountStatus,
    /// What it may do.
    pub kind: AccountKind,
    /// Standard API keys: they may do everything but read accounts and keys.
    pub api_keys: Vec<ApiKey>,
}

/// A standard API key.
#[derive(Clone)]
pub struct ApiKey {
    /// `SK` and 32 hexadecimal digits.
    pub sid: String,
    /// Its password.
    pub secret: String,
}

/// Whether an account may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// All is well.
    Active,
    /// Stopped by Twilio, e.g. for an unpaid bill.
    Suspended,
    /// Gone for good.
    Closed,
}

/// What an account may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// Everything.
    Full,
    /// Text verified numbers only.
    Trial {
        /// The numbers, in E.164.
        verified: Vec<String>,
    },
    /// Test credentials: magic numbers only, nothing is sent.
    Test,
}

/// A phone number that an account owns.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "Twilio calls it phone_number")]
pub struct Number {
    /// `PN` (short codes: `SC`) and 32 hexadecimal digits.
    pub sid: String,
    /// The owner.
    pub account_sid: String,
    /// E.164, or the digits of a short code.
    pub phone_number: String,
    /// The name that people gave it.
    pub friendly_name: String,
    /// What sort of number it is.
    pub kind: NumberKind,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where inbound messages are reported, unless a service does that.
    pub sms_url: Option<String>,
    /// How inbound messages are reported.
    pub sms_method: Method,
    /// An application that takes inbound messages in place of `sms_url`.
    pub sms_application_sid: Option<String>,
    /// The verification of a toll-free number.
    pub verification: Option<Registration>,
}

/// How far something has come that carriers in the United States want registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is looked at.
    InReview,
    /// It is done.
    Approved,
    /// It was rejected, for this reason.
    Rejected(String),
}

/// What sort of number it is; STOP works differently on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// An ordinary local number.
    LongCode,
    /// +1 800, 888 …: the network itself handles STOP.
    TollFree,
    /// Five or six digits: nothing is handled outside a service.
    ShortCode,
    /// Reached as `whatsapp:+…` only.
    WhatsApp,
}

/// What a number can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Calls.
    pub voice: bool,
    /// Text messages.
    pub sms: bool,
    /// Media messages.
    pub mms: bool,
}

/// How a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters as a form.
    Post,
}

/// A Messaging Service: a pool of senders with one opt-out list.
#[derive(Clone, Debug)]
pub struct Service {
    /// `MG` and 32 hexadecimal digits.
    pub sid: String,
    /// The owner.
    pub account_sid: String,
    /// The name that people gave it.
    pub friendly_name: String,
    /// The numbers of its pool.
    pub numbers: Vec<String>,
    /// Where inbound messages are reported; `None` drops them.
    pub inbound_request_url: Option<String>,
    /// How inbound messages are reported.
    pub inbound_method: Method,
    /// Report inbound messages to the number's own URL instead.
    pub use_inbound_webhook_on_number: bool,
    /// Status callback for messages that name none themselves.
    pub status_callback: Option<String>,
    /// Whether Advanced Opt-Out is switched on (it adds `OptOutType` to the webhook).
    pub advanced_opt_out: bool,
    /// The A2P campaign that covers its long codes.
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
