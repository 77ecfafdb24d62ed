//! The result of *Verify connection*: one [`Check`] per requirement, with advice where it is not
//! met.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::problem::Problem;
use super::verify::{ProfileAccess, VerifiedAccount};
use crate::twilio::Client;
use crate::types::public_url::PublicUrl;
use crate::types::text_enum::text_enum;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub title: String,
    /// Whether the check passed.
    pub outcome: CheckOutcome,
    /// Result in a sentence.
    pub detail: String,
    /// What to do; `None` if no action is needed.
    pub advice: Option<String>,
    /// A page with more information.
    #[serde(default)]
    pub link: Option<String>,
    /// Where in Carillon the problem is fixed, if there is a specific place.
    #[serde(default)]
    pub mend: Option<Mend>,
}

text_enum! {
    /// Where in Carillon a failed check is fixed.
    pub enum Mend {
        /// The form that replaces the keys.
        Keys = "keys",
        /// The button that sets the inbound webhook.
        Webhook = "webhook",
        /// The webhook test, which the user repeats once the cause is removed.
        Test = "test",
    }
}

text_enum! {
    /// Outcome of a check.
    pub enum CheckOutcome {
        /// Works as expected.
        Passed = "passed",
        /// Works, but could be improved.
        Warning = "warning",
        /// Does not work.
        Failed = "failed",
    }
}

impl Check {
    /// A check that passed.
    pub fn passed(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            outcome: CheckOutcome::Passed,
            detail: detail.into(),
            advice: None,
            link: None,
            mend: None,
        }
    }

    /// A check of something that works but could be improved.
    pub fn warning(
        title: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            outcome: CheckOutcome::Warning,
            advice: Some(advice.into()),
            ..Self::passed(title, detail)
        }
    }

    /// A check of something that does not work.
    pub fn failed(
        title: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            outcome: CheckOutcome::Failed,
            advice: Some(advice.into()),
            ..Self::passed(title, detail)
        }
    }

    /// Adds a link to a page with more information.
    #[must_use]
    pub fn with_link(self, link: &str) -> Self {
        Self { link: Some(link.to_owned()), ..self }
    }

    /// Adds the place in Carillon where the problem is fixed.
    #[must_use]
    pub fn mended_at(self, mend: Mend) -> Self {
        Self { mend: Some(mend), ..self }
    }

    /// The failed check for saved keys that cannot be unsealed.
    pub fn unreadable_keys(reason: impl Into<String>) -> Self {
        Self::failed(KEYS, reason, "Replace the keys.").mended_at(Mend::Keys)
    }

    /// Whether the check failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.outcome == CheckOutcome::Failed
    }

    /// The failed check for a [`Problem`].
    pub fn problem(title: impl Into<String>, problem: &Problem) -> Self {
        Self::failed(title, problem.sentence(), problem.advice())
    }
}

const KEYS: &str = "Keys";

/// The checks of keys and account, derived from Twilio's answer to them.
pub fn account_checks(keys: &Keys, answer: &Result<VerifiedAccount, Problem>) -> Vec<Check> {
    const REACHED: &str = "Twilio answers";
    const ACCOUNT: &str = "Account";
    let reached = Check::passed(REACHED, "Twilio answered the requests of this check.");
    let accepted = Check::passed(KEYS, accepted_keys(keys));
    match answer {
        Ok(account) => {
            vec![reached, accepted, account_check(ACCOUNT, account), signature_check(keys)]
        }
        Err(problem @ (Problem::Unreachable { .. } | Problem::Busy | Problem::Strange { .. })) => {
            vec![Check::problem(REACHED, problem)]
        }
        Err(
            problem @ (Problem::AccountSuspended
            | Problem::AccountClosed
            | Problem::AccountInactive),
        ) => {
            vec![reached, accepted, Check::problem(ACCOUNT, problem)]
        }
        Err(problem) => vec![reached, Check::problem(KEYS, problem).mended_at(Mend::Keys)],
    }
}

/// Checks from the address alone whether Twilio can call the hooks at `public_url`. `None` with a
/// simulator, which may reach addresses that the internet does not.
pub fn address_check(client: &Client, public_url: &PublicUrl) -> Option<Check> {
    client.talks_to_twilio().then(|| public_url_check(public_url))
}

fn public_url_check(public_url: &PublicUrl) -> Check {
    const TITLE: &str = "Address for Twilio's calls";
    const ADVICE: &str = "Set CARILLON_PUBLIC_URL to the https address under which the internet \
                          reaches this server (a reverse proxy or a \
                          tunnel), restart, and repair the webhooks.";
    match unreachable_reason(public_url) {
        Some(why) => Check::failed(
            TITLE,
            format!(
                "Twilio cannot call {public_url}: {why}. Neither delivery reports nor replies \
                 arrive, STOP among them."
            ),
            ADVICE,
        ),
        None if !public_url.is_https() => {
            let detail = format!(
                "Twilio calls {public_url} without encryption: phone numbers and texts can be read \
                 on the way."
            );
            Check::warning(TITLE, detail, ADVICE)
        }
        None => Check::passed(TITLE, format!("Twilio is told to call {public_url}.")),
    }
}

fn accepted_keys(keys: &Keys) -> String {
    match (keys.api_key_sid(), keys.has_auth_token()) {
        (Some(sid), true) => format!("Twilio accepts the API key {sid} and the Auth Token."),
        (Some(sid), false) => format!("Twilio accepts the API key {sid}."),
        (None, _) => "Twilio accepts the Auth Token.".to_owned(),
    }
}

fn account_check(title: &str, account: &VerifiedAccount) -> Check {
    match (account.profile, account.kind.as_deref()) {
        (ProfileAccess::Hidden, _) => Check::warning(
            title,
            "Whether the account is active could not be read: standard API keys may not.",
            "Nothing needs doing. To see the account's name and status here, save the Auth Token \
             as well.",
        ),
        (ProfileAccess::Read, Some("Trial")) => Check::warning(
            title,
            format!(
                "“{}” is active, and a trial account: it sends only to numbers that are verified \
                 in Twilio.",
                account.name
            ),
            "Upgrade the account in Twilio's console before sending to customers.",
        ),
        (ProfileAccess::Read, _) => Check::passed(title, format!("“{}” is active.", account.name)),
    }
}

fn signature_check(keys: &Keys) -> Check {
    const TITLE: &str = "Webhook signatures";
    if keys.has_auth_token() {
        return Check::passed(
            TITLE,
            "Twilio's calls are checked by their signature, with the saved Auth Token.",
        );
    }
    Check::warning(
        TITLE,
        "No Auth Token is saved: the secret in the webhook addresses proves Twilio's calls. \
         Signatures are stronger, since they also prove \
         what a call says, and never travel with it.",
        "Replace the keys and add the Auth Token.",
    )
    .mended_at(Mend::Keys)
}

/// Why the internet cannot reach the host, as far as its name or address reveals.
fn unreachable_reason(public_url: &PublicUrl) -> Option<&'static str> {
    let host = public_url.host().trim_matches(['[', ']']).to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => private_v4(address),
            IpAddr::V6(address) => private_v6(address),
        };
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Some("“localhost” is this computer only");
    }
    if !host.contains('.')
        || [".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid"]
            .iter()
            .any(|end| host.ends_with(end))
    {
        return Some("its name is known inside a private network only");
    }
    // Twilio rejects such a StatusCallback with error 21609.
    host.contains('_').then_some("Twilio does not accept host names with an underscore")
}

fn private_v4(address: Ipv4Addr) -> Option<&'static str> {
    // 100.64.0.0/10 (RFC 6598) is the carrier-grade NAT range; it is not reachable from outside
    // either.
    let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
    if address.is_loopback() || address.is_unspecified() {
        return Some("this address is this computer only");
    }
    (address.is_private() || address.is_link_local() || is_shared)
        .then_some("this address is inside a private network")
}

fn private_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(address) = address.to_ipv4_mapped() {
        return private_v4(address);
    }
    if address.is_loopback() || address.is_unspecified() {
        return Some("this address is this computer only");
    }
    (address.is_unique_local() || address.is_unicast_link_local())
        .then_some("this address is inside a private network")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::NewKeys;

    fn keys(auth_token: &str, api_key_sid: &str, api_key_secret: &str) -> Keys {
        let new = NewKeys {
            account_sid: "ACca4111000000000000000000000000a1".into(),
            auth_token: auth_token.into(),
            api_key_sid: api_key_sid.into(),
            api_key_secret: api_key_secret.into(),
        };
        Keys::parse(&new).unwrap()
    }

    fn account(profile: ProfileAccess, kind: Option<&str>) -> VerifiedAccount {
        VerifiedAccount { name: "Shop".into(), kind: kind.map(Into::into), profile }
    }

    fn outcomes(checks: &[Check]) -> Vec<(&str, CheckOutcome)> {
        checks.iter().map(|check| (check.title.as_str(), check.outcome)).collect()
    }

    #[test]
    fn an_address_that_the_internet_cannot_reach_fails() {
        for (url, why) in [
            ("http://localhost:8080", "this computer only"),
            ("https://carillon.localhost", "this computer only"),
            ("http://127.0.0.1:8080", "this computer only"),
            ("https://[::1]", "this computer only"),
            ("https://192.168.1.4", "private network"),
            ("https://10.0.0.1", "private network"),
            ("https://100.64.3.2", "private network"),
            ("https://[fd00::1]", "private network"),
            ("https://carillon", "private network"),
            ("https://sms.lan", "private network"),
            ("https://my_sms.example.com", "underscore"),
        ] {
            let check = public_url_check(&PublicUrl::parse(url).unwrap());
            assert_eq!(check.outcome, CheckOutcome::Failed, "{url}");
            assert!(check.detail.contains(why), "{url}: {}", check.detail);
        }
        let readable = public_url_check(&PublicUrl::parse("http://sms.example.com").unwrap());
        assert!(
            readable.outcome == CheckOutcome::Warning
                && readable.detail.contains("without encryption"),
            "{readable:?}"
        );
        for url in [
            "https://sms.example.com",
            "https://8.8.8.8",
            "https://[2001:4860::1]",
            "https://example.com/sms",
        ] {
            assert_eq!(
                public_url_check(&PublicUrl::parse(url).unwrap()).outcome,
                CheckOutcome::Passed,
                "{url}"
            );
        }
    }

    #[test]
    fn a_healthy_account_passes_four_checks() {
        let checks =
            account_checks(&keys("0a1b", "", ""), &Ok(account(ProfileAccess::Read, Some("Full"))));
        assert_eq!(checks.len(), 4);
        assert!(
            checks
                .iter()
                .all(|check| check.outcome == CheckOutcome::Passed && check.advice.is_none()),
            "{checks:?}"
        );
    }

    #[test]
    fn an_api_key_alone_passes_with_two_warnings() {
        let checks = account_checks(
            &keys("", "SKca4111000000000000000000000000b1", "s3cret"),
            &Ok(account(ProfileAccess::Hidden, None)),
        );
        assert_eq!(
            outcomes(&checks),
            [
                ("Twilio answers", CheckOutcome::Passed),
                ("Keys", CheckOutcome::Passed),
                ("Account", CheckOutcome::Warning),
                ("Webhook signatures", CheckOutcome::Warning)
            ]
        );
    }

    #[test]
    fn the_first_thing_that_fails_ends_the_list() {
        let keys = keys("0a1b", "", "");
        let unreachable = account_checks(
            &keys,
            &Err(Problem::Unreachable { why: "no answer within 30 seconds".into() }),
        );
        assert_eq!(outcomes(&unreachable), [("Twilio answers", CheckOutcome::Failed)]);
        let refused =
            account_checks(&keys, &Err(Problem::AuthTokenRefused(keys.account_sid().clone())));
        assert_eq!(
            outcomes(&refused),
            [("Twilio answers", CheckOutcome::Passed), ("Keys", CheckOutcome::Failed)]
        );
        let suspended = account_checks(&keys, &Err(Problem::AccountSuspended));
        assert_eq!(
            suspended.last().map(|check| (check.title.as_str(), check.outcome)),
            Some(("Account", CheckOutcome::Failed))
        );
    }
}
