//! The checks of a connection's keys and account, from Twilio's response to its requests.

use super::check_result::{Check, KEYS_TITLE, RepairPlace};
use super::keys::Keys;
use super::problem::Problem;
use super::verify::{ProfileAccess, VerifiedAccount};

/// The checks of keys and account, derived from Twilio's response to them.
pub fn account_checks(keys: &Keys, answer: &Result<VerifiedAccount, Problem>) -> Vec<Check> {
    const REACHED: &str = "Twilio answers";
    const ACCOUNT: &str = "Account";
    let reached = Check::passed(REACHED, "Twilio answered all requests.");
    let accepted = Check::passed(KEYS_TITLE, accepted_keys(keys));
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
        Err(problem) => {
            vec![reached, Check::problem(KEYS_TITLE, problem).with_repair_place(RepairPlace::Keys)]
        }
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
            "A standard API key can’t read whether the account is active.",
            "This is fine. To see the account’s name and status here, add the Auth Token.",
        ),
        (ProfileAccess::Read, Some("Trial")) => Check::warning(
            title,
            format!(
                "“{}” is an active trial account: it sends only to numbers verified at Twilio.",
                account.name
            ),
            "Upgrade the account in Twilio’s console before you send to customers.",
        ),
        (ProfileAccess::Read, _) => Check::passed(title, format!("“{}” is active.", account.name)),
    }
}

fn signature_check(keys: &Keys) -> Check {
    const TITLE: &str = "Webhook signatures";
    if keys.has_auth_token() {
        return Check::passed(
            TITLE,
            "Carillon checks the signature of Twilio’s calls with the Auth Token.",
        );
    }
    Check::warning(
        TITLE,
        "No Auth Token saved: a secret in the webhook address protects Twilio’s calls. Signatures \
         are stronger, since they also protect the content.",
        "Replace the keys and add the Auth Token.",
    )
    .with_repair_place(RepairPlace::Keys)
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::{CheckOutcome, NewKeys};

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
