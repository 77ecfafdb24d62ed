//! How Twilio reports a sender's incoming messages, compared with how it should: each difference by
//! its name.

use serde::{Deserialize, Serialize};

use super::inbound::{self, Route};
use crate::connections::{Check, Mend};
use crate::types::hook_address::{redacted, without_secret};
use crate::types::text_enum::text_enum;

/// What Twilio has set for a sender's incoming messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// What decides about it: `the number`, `the Messaging Service “Shop”` …
    pub decided_by: String,
    /// The address that is called; none if nothing is. Of other servers' addresses only the host,
    /// since the rest can hold secrets.
    pub address: Option<String>,
    /// `POST` or `GET`; none if nothing is called.
    pub method: Option<String>,
    /// What is not as it should be, the gravest first.
    pub drift: Vec<Drift>,
}

text_enum! {
    /// A difference between what Twilio has and what it should have.
    pub enum Drift {
        /// The internet does not reach the address that should be called.
        Unreachable = "unreachable",
        /// An application at the number takes the messages.
        Application = "application",
        /// The service leaves them to its numbers, each of which reports where it likes.
        LeftToNumbers = "left_to_numbers",
        /// The service that has the number in its pool reports them elsewhere.
        OverriddenByService = "overridden_by_service",
        /// No address is set: they are dropped.
        NotSet = "not_set",
        /// The address has not the secret that proves Twilio's calls where there is no Auth Token.
        WithoutSecret = "without_secret",
        /// Another address is set.
        OtherAddress = "other_address",
        /// They come by GET.
        OtherMethod = "other_method",
        /// A call that fails is tried again once only, and only if no connection could be made.
        FewRetries = "few_retries",
    }
}

/// What is said of an address that is ours but for its secret.
pub const WITHOUT_SECRET: &str = "They are reported at an address that lacks the connection’s \
                                  present secret: Carillon takes a STOP at once, and \
                                  finds other texts within minutes.";

impl Webhook {
    /// Compares what Twilio has with what it should: a POST to `expected`.
    #[must_use]
    pub fn compare(route: &Route, expected: &str) -> Self {
        let new = |by: String, set: Set<'_>, drift| Self::new(by, set, drift, expected);
        match route {
            Route::Number { number, .. } => {
                let set = (number.sms_url.as_deref(), number.sms_method.as_deref());
                match &number.sms_application_sid {
                    // It wins over the number's own address.
                    Some(sid) => new(
                        format!("the application {sid}"),
                        (None, None),
                        vec![Drift::Application],
                    ),
                    None => {
                        new("the number".to_owned(), set, drift(set, expected, Drift::OtherAddress))
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
                    drift(set, expected, Drift::OtherAddress),
                )
            }
            Route::ServiceOfNumber { service, .. } => {
                let set =
                    (service.inbound_request_url.as_deref(), service.inbound_method.as_deref());
                let by = format!("the Messaging Service “{}”", service.friendly_name);
                new(by, set, drift(set, expected, Drift::OverriddenByService))
            }
        }
    }

    fn new(
        decided_by: String,
        (address, method): Set<'_>,
        drift: Vec<Drift>,
        expected: &str,
    ) -> Self {
        let method = address.map(|_| method.unwrap_or("POST").to_uppercase());
        Self { decided_by, address: address.map(|address| shown(address, expected)), method, drift }
    }

    /// The same, with an address that the internet does not reach, whatever is set.
    #[must_use]
    pub fn at_unreachable_address(mut self) -> Self {
        self.drift.insert(0, Drift::Unreachable);
        self
    }

    /// Whether everything is set as it should be, and only the internet does not reach the address.
    #[must_use]
    pub fn is_set_in_vain(&self) -> bool {
        self.drift == [Drift::Unreachable]
    }

    /// Whether incoming messages arrive here, though perhaps not as well as they could.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.drift.iter().all(|drift| *drift == Drift::FewRetries)
    }

    /// Why incoming messages do not arrive, and what to do; none if they do.
    #[must_use]
    pub fn why_not_heard(&self) -> Option<String> {
        self.drift.first().filter(|_| !self.is_heard()).map(|drift| self.what_to_do(*drift))
    }

    /// The line that *Verify connection* shows.
    #[must_use]
    pub fn check(&self, label: &str) -> Check {
        let title = format!("Incoming messages of {label}");
        let Some(gravest) = self.drift.first() else {
            return Check::passed(title, "Twilio reports them to Carillon.");
        };
        let detail =
            self.drift.iter().map(|drift| self.sentence(*drift)).collect::<Vec<_>>().join(" ");
        if self.is_heard() {
            return Check::warning(title, detail, gravest.advice());
        }
        let advice = match gravest {
            Drift::WithoutSecret => gravest.advice().to_owned(),
            _ => format!(
                "{} Until then Carillon does not see replies, STOP among them.",
                gravest.advice()
            ),
        };
        Check::failed(title, detail, advice).mended_at(Mend::Webhook)
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn what_to_do(&self, drift: Drift) -> String {
        format!("{} {}", self.sentence(drift), drift.advice())
    }

    /// What is wrong, in a sentence.
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

/// Address and method, as they are set.
type Set<'a> = (Option<&'a str>, Option<&'a str>);

/// Differences of an address and its method; `other` is what another address is called.
fn drift((address, method): Set<'_>, expected: &str, other: Drift) -> Vec<Drift> {
    let Some(address) = address else {
        return vec![if other == Drift::OverriddenByService { other } else { Drift::NotSet }];
    };
    // Where signatures are checked, a secret in the address is one more than is needed.
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
    let forgetful = address != expected;
    [(by_get, Drift::OtherMethod), (forgetful, Drift::FewRetries)]
        .into_iter()
        .filter_map(|(is, drift)| is.then_some(drift))
        .collect()
}

/// An address as it may be shown: ours whole, but for a query; others' only as far as it says whose
/// it is.
fn shown(address: &str, expected: &str) -> String {
    let origin = |address: &str| url::Url::parse(address).ok().map(|url| url.origin());
    let Ok(mut url) = url::Url::parse(address) else {
        return "an address that cannot be read".to_owned();
    };
    if Some(url.origin()) != origin(expected) {
        return format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default());
    }
    // Only addresses without a host refuse these, and have nothing to hide there.
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
    fn what_is_as_it_should_be_has_no_drift() {
        let routes = [
            number(&here("sms_url", "sms_method", "POST")),
            Route::Service(service(&here("inbound_request_url", "inbound_method", "post"))),
            of_pool(&format!(r#", "inbound_request_url": "{HERE}""#)),
        ];
        for route in routes {
            let webhook = Webhook::compare(&route, HERE);
            assert_eq!(webhook.drift, [], "{route:?}");
            assert!(webhook.is_heard());
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
            assert!(!webhook.is_heard());
            let check = webhook.check("Shop");
            let shown = format!("{check:?} {webhook:?}");
            assert!(check.detail.contains(words), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn an_address_without_the_present_secret_is_told_and_shown_without_any() {
        let secret = HERE.replace("/1/inbound", "/1/c2VjcmV0/inbound");
        let former = HERE.replace("/1/inbound", "/1/Zm9ybWVy/inbound");
        let set = |address: &str| number(&format!(r#", "sms_url": "{address}""#));
        for address in [HERE, &former] {
            let webhook = Webhook::compare(&set(address), &secret);
            assert_eq!(webhook.drift, [Drift::WithoutSecret], "{address}");
            let check = webhook.check("Shop");
            let shown = format!("{webhook:?} {check:?}");
            assert!(
                !webhook.is_heard() && check.has_failed() && shown.contains("Repair webhook"),
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
    fn an_address_that_twilio_cannot_call_is_not_heard_however_it_is_set() {
        let webhook = Webhook::compare(&number(&here("sms_url", "sms_method", "POST")), HERE)
            .at_unreachable_address();
        assert!(webhook.is_set_in_vain() && !webhook.is_heard());
        assert!(webhook.why_not_heard().unwrap().contains("CARILLON_PUBLIC_URL"));
        let elsewhere =
            Webhook::compare(&number(r#", "sms_url": "https://old.example.com/""#), HERE)
                .at_unreachable_address();
        assert!(!elsewhere.is_set_in_vain() && !elsewhere.is_heard());
    }

    #[test]
    fn missing_retries_are_a_warning_and_no_failure() {
        let bare = HERE.split('#').next().unwrap();
        let webhook = Webhook::compare(&number(&format!(r#", "sms_url": "{bare}""#)), HERE);
        assert_eq!(webhook.drift, [Drift::FewRetries]);
        assert!(webhook.is_heard());
        assert_eq!(webhook.check("Shop").outcome, crate::connections::CheckOutcome::Warning);
    }
}
