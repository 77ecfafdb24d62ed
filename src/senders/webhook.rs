//! Compares a sender's inbound webhook at Twilio with the expected one, and names each difference.

use serde::{Deserialize, Serialize};

use super::inbound::{self, Route};
use crate::connections::{Check, Mend};
use crate::types::hook_address::{redacted, without_secret};
use crate::types::text_enum::text_enum;

/// A sender's inbound webhook as it is set at Twilio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The resource that decides, for users: `the number`, `the Messaging Service “Shop”` …
    pub decided_by: String,
    /// The URL that Twilio calls; only the host of another server, since the rest can contain
    /// secrets.
    pub address: Option<String>,
    /// `POST` or `GET`; `None` if no URL is set.
    pub method: Option<String>,
    /// Differences, most severe first.
    pub drift: Vec<Drift>,
}

text_enum! {
    /// A difference between the actual and the expected inbound webhook.
    pub enum Drift {
        /// The internet cannot reach the expected URL.
        Unreachable = "unreachable",
        /// A TwiML application at the number handles the messages.
        Application = "application",
        /// The service leaves them to its numbers, each with a webhook of its own.
        LeftToNumbers = "left_to_numbers",
        /// The service that has the number in its pool reports them to another URL.
        OverriddenByService = "overridden_by_service",
        /// No URL is set: incoming messages are dropped.
        NotSet = "not_set",
        /// The URL lacks the secret that authenticates calls without an Auth Token.
        WithoutSecret = "without_secret",
        /// Another URL is set.
        OtherAddress = "other_address",
        /// The method is GET.
        OtherMethod = "other_method",
        /// The retry settings are missing: Twilio retries only once, if it could not connect.
        FewRetries = "few_retries",
    }
}

/// Explanation of [`Drift::WithoutSecret`] for users.
pub const WITHOUT_SECRET: &str = "They are reported at an address that lacks the connection’s \
                                  present secret: Carillon takes a STOP at once, and \
                                  finds other texts within minutes.";

impl Webhook {
    /// Compares the inbound webhook at Twilio with the expected one: a POST to `expected`.
    #[must_use]
    pub fn compare(route: &Route, expected: &str) -> Self {
        let new = |by: String, set: Setting<'_>, drift| Self::new(by, set, drift, expected);
        match route {
            Route::Number { number, .. } => {
                let set = (number.sms_url.as_deref(), number.sms_method.as_deref());
                match &number.sms_application_sid {
                    // An application takes precedence over the number's URL.
                    Some(sid) => new(
                        format!("the application {sid}"),
                        (None, None),
                        vec![Drift::Application],
                    ),
                    None => {
                        new("the number".to_owned(), set, diff(set, expected, Drift::OtherAddress))
                    }
                }
            }
            Route::Service(service) if service.use_inbound_webhook_on_number => new(
                "each number of the Messaging Service".to_owned(),
                (None, None),
                vec![Drift::LeftToNumbers],
            ),
            Route::Service(service) => {
                let set =
                    (service.inbound_request_url.as_deref(), service.inbound_method.as_deref());
                new(
                    "the Messaging Service".to_owned(),
                    set,
                    diff(set, expected, Drift::OtherAddress),
                )
            }
            Route::ServiceOfNumber { service, .. } => {
                let set =
                    (service.inbound_request_url.as_deref(), service.inbound_method.as_deref());
                let by = format!("the Messaging Service “{}”", service.friendly_name);
                new(by, set, diff(set, expected, Drift::OverriddenByService))
            }
        }
    }

    fn new(
        decided_by: String,
        (address, method): Setting<'_>,
        drift: Vec<Drift>,
        expected: &str,
    ) -> Self {
        let method = address.map(|_| method.unwrap_or("POST").to_uppercase());
        let address = address.map(|address| redacted_url(address, expected));
        Self { decided_by, address, method, drift }
    }

    /// Adds [`Drift::Unreachable`].
    #[must_use]
    pub fn at_unreachable_address(mut self) -> Self {
        self.drift.insert(0, Drift::Unreachable);
        self
    }

    /// Whether the webhook is set as expected, but the internet cannot reach its URL.
    #[must_use]
    pub fn is_set_but_unreachable(&self) -> bool {
        self.drift == [Drift::Unreachable]
    }

    /// Whether Twilio reports incoming messages to Carillon, even if without retries.
    #[must_use]
    pub fn reports_here(&self) -> bool {
        self.drift.iter().all(|drift| *drift == Drift::FewRetries)
    }

    /// Why incoming messages do not arrive, with advice; `None` if they do.
    #[must_use]
    pub fn why_not_reported(&self) -> Option<String> {
        let worst = self.drift.first().filter(|_| !self.reports_here());
        worst.map(|drift| self.what_to_do(*drift))
    }

    /// The check that *Verify connection* shows.
    #[must_use]
    pub fn check(&self, label: &str) -> Check {
        let title = format!("Incoming messages of {label}");
        let Some(worst) = self.drift.first() else {
            return Check::passed(title, "Twilio reports them to Carillon.");
        };
        let detail =
            self.drift.iter().map(|drift| self.sentence(*drift)).collect::<Vec<_>>().join(" ");
        if self.reports_here() {
            return Check::warning(title, detail, worst.advice());
        }
        let advice = match worst {
            Drift::WithoutSecret => worst.advice().to_owned(),
            _ => format!(
                "{} Until then Carillon does not see replies, STOP among them.",
                worst.advice()
            ),
        };
        Check::failed(title, detail, advice).mended_at(Mend::Webhook)
    }

    /// A difference in a sentence, with advice.
    #[must_use]
    pub fn what_to_do(&self, drift: Drift) -> String {
        format!("{} {}", self.sentence(drift), drift.advice())
    }

    /// A difference in a sentence.
    #[must_use]
    pub fn sentence(&self, drift: Drift) -> String {
        let by = &self.decided_by;
        match drift {
            Drift::Unreachable => "The internet does not reach the address of this Carillon, so \
                                   that Twilio cannot call it."
                .to_owned(),
            Drift::Application => {
                format!("They go to {by}, which is set at the number and wins over its address.")
            }
            Drift::LeftToNumbers => {
                "The service leaves them to its numbers, each of which reports \
                                     where it likes."
                    .to_owned()
            }
            Drift::OverriddenByService => match &self.address {
                Some(address) => format!(
                    "They go to {}, since {by} has the number in its pool and decides.",
                    inbound::host_of(address)
                ),
                None => format!(
                    "They are dropped, since {by} has the number in its pool, decides, and has no \
                     address set."
                ),
            },
            Drift::NotSet => format!("They are dropped: {by} has no address set."),
            Drift::WithoutSecret => WITHOUT_SECRET.to_owned(),
            Drift::OtherAddress => {
                format!(
                    "They go to another address, at {}.",
                    self.address.as_deref().map_or_else(String::new, inbound::host_of)
                )
            }
            Drift::OtherMethod => "They are reported by GET, where Carillon takes POST.".to_owned(),
            Drift::FewRetries => {
                "They are reported to Carillon, but a call that fails is not tried again: the \
                 settings after # are missing."
                    .to_owned()
            }
        }
    }
}

impl Drift {
    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Set CARILLON_PUBLIC_URL to the https address under which the internet reaches \
                 this server, restart, then press “Repair \
                 webhook”."
            }
            Self::OverriddenByService => {
                "Add the Messaging Service as a sender instead of the number, or repair the \
                 webhook: where the service reports to somebody \
                 else, Carillon leaves it alone, and you change it in Twilio's console."
            }
            _ => "Press “Repair webhook” at the sender.",
        }
    }
}

/// URL and method at Twilio.
type Setting<'a> = (Option<&'a str>, Option<&'a str>);

/// Compares URL and method with the expected webhook; a different URL counts as `other`.
fn diff((address, method): Setting<'_>, expected: &str, other: Drift) -> Vec<Drift> {
    let Some(address) = address else {
        return vec![if other == Drift::OverriddenByService { other } else { Drift::NotSet }];
    };
    // If signatures are checked, a secret in the URL is unnecessary but harmless.
    let plain = if without_secret(expected).is_none() { without_secret(address) } else { None };
    let address = plain.as_deref().unwrap_or(address);
    if !inbound::is_same(address, expected) {
        return vec![if inbound::differs_in_secret(address, expected) {
            Drift::WithoutSecret
        } else {
            other
        }];
    }
    let by_get = method.is_some_and(|method| !method.eq_ignore_ascii_case("POST"));
    let lacks_retry_settings = address != expected;
    [(by_get, Drift::OtherMethod), (lacks_retry_settings, Drift::FewRetries)]
        .into_iter()
        .filter_map(|(is, drift)| is.then_some(drift))
        .collect()
}

/// A URL for display: Carillon's own without query and secret, others only as scheme and host.
fn redacted_url(address: &str, expected: &str) -> String {
    let origin = |address: &str| url::Url::parse(address).ok().map(|url| url.origin());
    let Ok(mut url) = url::Url::parse(address) else {
        return "an address that cannot be read".to_owned();
    };
    if Some(url.origin()) != origin(expected) {
        return format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default());
    }
    // These fail only for URLs without a host, which cannot contain credentials.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    redacted(url.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::numbers::TwilioNumber;
    use crate::twilio::services::TwilioService;

    const HERE: &str = "https://sms.example.com/hooks/twilio/1/inbound#rc=5&rp=all";

    fn number(changes: &str) -> Route {
        let json = format!(
            r#"{{"sid": "PNca4111000000000000000000000000d1", "phone_number": "+15005550006"{changes}}}"#
        );
        let number: TwilioNumber = serde_json::from_str(&json).unwrap();
        Route::Number { number, service: None }
    }

    fn service(changes: &str) -> TwilioService {
        let json = format!(
            r#"{{"sid": "MGca4111000000000000000000000000c1", "friendly_name": "Shop"{changes}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn of_pool(changes: &str) -> Route {
        let Route::Number { number, .. } = number("") else { panic!("it is a number") };
        Route::ServiceOfNumber { service: service(changes), number }
    }

    fn here(key: &str, method_key: &str, method: &str) -> String {
        format!(r#", "{key}": "{HERE}", "{method_key}": "{method}""#)
    }

    #[test]
    fn an_expected_webhook_has_no_drift() {
        let routes = [
            number(&here("sms_url", "sms_method", "POST")),
            Route::Service(service(&here("inbound_request_url", "inbound_method", "post"))),
            of_pool(&format!(r#", "inbound_request_url": "{HERE}""#)),
        ];
        for route in routes {
            let webhook = Webhook::compare(&route, HERE);
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
            (number(""), Drift::NotSet, "dropped: the number has no address"),
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
                Route::Service(service(r#", "use_inbound_webhook_on_number": true"#)),
                Drift::LeftToNumbers,
                "leaves them to its numbers",
            ),
            (Route::Service(service("")), Drift::NotSet, "the Messaging Service has no address"),
            (of_pool(elsewhere), Drift::OverriddenByService, "go to crm.example.org, since"),
            (
                of_pool(""),
                Drift::OverriddenByService,
                "dropped, since the Messaging Service “Shop”",
            ),
        ] {
            let webhook = Webhook::compare(&route, HERE);
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
            let webhook = Webhook::compare(&set(address), &secret);
            assert_eq!(webhook.drift, [Drift::WithoutSecret], "{address}");
            let check = webhook.check("Shop");
            let shown = format!("{webhook:?} {check:?}");
            assert!(
                !webhook.reports_here() && check.has_failed() && shown.contains("Repair webhook"),
                "{shown}"
            );
            assert!(!shown.contains("c2VjcmV0") && !shown.contains("Zm9ybWVy"), "{shown}");
        }
        let webhook = Webhook::compare(&set(&secret), &secret);
        assert_eq!(
            (webhook.drift.len(), webhook.address.unwrap().contains("/1/…/inbound")),
            (0, true)
        );
        assert_eq!(
            Webhook::compare(&set(&secret), HERE).drift,
            [],
            "signatures prove calls of this address as well"
        );
    }

    #[test]
    fn a_webhook_at_an_unreachable_address_never_reports_here() {
        let webhook = Webhook::compare(&number(&here("sms_url", "sms_method", "POST")), HERE)
            .at_unreachable_address();
        assert!(webhook.is_set_but_unreachable() && !webhook.reports_here());
        assert!(webhook.why_not_reported().unwrap().contains("CARILLON_PUBLIC_URL"));
        let elsewhere =
            Webhook::compare(&number(r#", "sms_url": "https://old.example.com/""#), HERE)
                .at_unreachable_address();
        assert!(!elsewhere.is_set_but_unreachable() && !elsewhere.reports_here());
    }

    #[test]
    fn missing_retries_are_a_warning_not_a_failure() {
        let bare = HERE.split('#').next().unwrap();
        let webhook = Webhook::compare(&number(&format!(r#", "sms_url": "{bare}""#)), HERE);
        assert_eq!(webhook.drift, [Drift::FewRetries]);
        assert!(webhook.reports_here());
        assert_eq!(webhook.check("Shop").outcome, crate::connections::CheckOutcome::Warning);
    }
}
