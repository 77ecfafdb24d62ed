//! Tests of the comparison of inbound webhooks.

use super::*;
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::services::TwilioService;

const HERE: &str = "https://sms.example.com/hooks/twilio/1/inbound#rc=5&rp=all";

fn number(changes: &str) -> InboundRoute {
    let json = format!(
        r#"{{"sid": "PNca4111000000000000000000000000d1", "phone_number": "+15005550006"{changes}}}"#
    );
    let number: TwilioNumber = serde_json::from_str(&json).unwrap();
    InboundRoute::Number { number, service: None }
}

fn service(changes: &str) -> TwilioService {
    let json = format!(
        r#"{{"sid": "MGca4111000000000000000000000000c1", "friendly_name": "Shop"{changes}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn of_pool(changes: &str) -> InboundRoute {
    let InboundRoute::Number { number, .. } = number("") else { panic!("it is a number") };
    InboundRoute::ServiceOfNumber { service: service(changes), number }
}

fn here(key: &str, method_key: &str, method: &str) -> String {
    format!(r#", "{key}": "{HERE}", "{method_key}": "{method}""#)
}

#[test]
fn an_expected_webhook_has_no_drift() {
    let routes = [
        number(&here("sms_url", "sms_method", "POST")),
        InboundRoute::Service(service(&here("inbound_request_url", "inbound_method", "post"))),
        of_pool(&format!(r#", "inbound_request_url": "{HERE}""#)),
    ];
    for route in routes {
        let webhook = InboundWebhook::compare(&route, HERE);
        assert_eq!(webhook.drift, [], "{route:?}");
        assert!(webhook.reports_here());
        assert_eq!(webhook.address.as_deref(), Some(HERE));
    }
}

#[test]
fn every_drift_is_named_with_what_to_do() {
    let elsewhere =
        r#", "inbound_request_url": "https://user:secret@crm.example.org/in?token=secret""#;
    for (route, expected, words) in [
        (number(""), Drift::NotSet, "drops them: the number has no address"),
        (
            number(r#", "sms_url": "https://old.example.com/secret/in?key=secret""#),
            Drift::OtherAddress,
            "at old.example.com",
        ),
        (number(&here("sms_url", "sms_method", "GET")), Drift::OtherMethod, "by GET"),
        (
            number(r#", "sms_url": "x", "sms_application_sid": "AP1""#),
            Drift::Application,
            "application AP1",
        ),
        (
            InboundRoute::Service(service(r#", "use_inbound_webhook_on_number": true"#)),
            Drift::LeftToNumbers,
            "leaves them to its numbers",
        ),
        (
            InboundRoute::Service(service("")),
            Drift::NotSet,
            "drops them: the Messaging Service has no address",
        ),
        (of_pool(elsewhere), Drift::OverriddenByService, "go to crm.example.org: "),
        (of_pool(""), Drift::OverriddenByService, "drops them: the Messaging Service “Shop”"),
    ] {
        let webhook = InboundWebhook::compare(&route, HERE);
        assert_eq!(webhook.drift.first(), Some(&expected), "{route:?}");
        assert!(!webhook.reports_here());
        let check = webhook.check("Shop");
        let shown = format!("{check:?} {webhook:?}");
        assert!(check.detail.contains(words), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_url_without_the_current_secret_is_reported_and_shown_redacted() {
    let secret = HERE.replace("/1/inbound", "/1/c2VjcmV0/inbound");
    let former = HERE.replace("/1/inbound", "/1/Zm9ybWVy/inbound");
    let set = |address: &str| number(&format!(r#", "sms_url": "{address}""#));
    for address in [HERE, &former] {
        let webhook = InboundWebhook::compare(&set(address), &secret);
        assert_eq!(webhook.drift, [Drift::WithoutSecret], "{address}");
        let check = webhook.check("Shop");
        let shown = format!("{webhook:?} {check:?}");
        assert!(
            !webhook.reports_here() && check.has_failed() && shown.contains("Repair webhook"),
            "{shown}"
        );
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("Zm9ybWVy"), "{shown}");
    }
    let webhook = InboundWebhook::compare(&set(&secret), &secret);
    assert_eq!((webhook.drift.len(), webhook.address.unwrap().contains("/1/…/inbound")), (0, true));
    assert_eq!(
        InboundWebhook::compare(&set(&secret), HERE).drift,
        [],
        "signatures prove calls of this address as well"
    );
}

#[test]
fn a_webhook_at_an_unreachable_address_never_reports_here() {
    let webhook = InboundWebhook::compare(&number(&here("sms_url", "sms_method", "POST")), HERE)
        .at_unreachable_address();
    assert!(webhook.is_set_but_unreachable() && !webhook.reports_here());
    assert!(webhook.why_not_reported().unwrap().contains("CARILLON_PUBLIC_URL"));
    let elsewhere =
        InboundWebhook::compare(&number(r#", "sms_url": "https://old.example.com/""#), HERE)
            .at_unreachable_address();
    assert!(!elsewhere.is_set_but_unreachable() && !elsewhere.reports_here());
}

#[test]
fn missing_retries_are_a_warning_not_a_failure() {
    let bare = HERE.split('#').next().unwrap();
    let webhook = InboundWebhook::compare(&number(&format!(r#", "sms_url": "{bare}""#)), HERE);
    assert_eq!(webhook.drift, [Drift::FewRetries]);
    assert!(webhook.reports_here());
    assert_eq!(webhook.check("Shop").outcome, crate::connections::CheckOutcome::Warning);
}
