//! The default accounts, numbers and Messaging Services, and their SIDs, keys and numbers.

use super::resources::{
    Account, AccountKind, AccountStatus, ApiKey, Capabilities, Method, Number, NumberKind,
    Registration, Service,
};

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

/// The default accounts, named after a business.
pub(super) fn accounts(business: &str) -> Vec<Account> {
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

/// The default numbers, named after a business.
pub(super) fn numbers(business: &str) -> Vec<Number> {
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

/// The default services, named after a business.
pub(super) fn services(business: &str) -> Vec<Service> {
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
