//! Compares a sender's inbound webhook at Twilio with the expected one, and names each difference.

use serde::{Deserialize, Serialize};

use super::inbound_route::{self, InboundRoute};
use crate::connections::{Check, RepairPlace};
use crate::types::hook_address::{redacted, without_secret};
use crate::types::text_enum::text_enum;

/// A sender's inbound webhook as it is set at Twilio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundWebhook {
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
                                  current secret: Carillon takes a STOP at once, and finds other \
                                  texts within minutes.";

impl InboundWebhook {
    /// Compares the inbound webhook at Twilio with the expected one: a POST to `expected`.
    #[must_use]
    pub fn compare(route: &InboundRoute, expected: &str) -> Self {
        let new = |by: String, set: Setting<'_>, drift| Self::new(by, set, drift, expected);
        match route {
            InboundRoute::Number { number, .. } => {
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
            InboundRoute::Service(service) if service.use_inbound_webhook_on_number => new(
                "each number of the Messaging Service".to_owned(),
                (None, None),
                vec![Drift::LeftToNumbers],
            ),
            InboundRoute::Service(service) => {
                let set =
                    (service.inbound_request_url.as_deref(), service.inbound_method.as_deref());
                new(
                    "the Messaging Service".to_owned(),
                    set,
                    diff(set, expected, Drift::OtherAddress),
                )
            }
            InboundRoute::ServiceOfNumber { service, .. } => {
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

    /// The check that *Check now* shows.
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
            _ => format!("{} Until then, replies such as STOP don’t arrive.", worst.advice()),
        };
        Check::failed(title, detail, advice).with_repair_place(RepairPlace::Webhook)
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
            Drift::Unreachable => "The internet doesn’t reach the address of this Carillon, so \
                                   Twilio can’t call it."
                .to_owned(),
            Drift::Application => {
                format!("They go to {by}, which overrides the number’s address.")
            }
            Drift::LeftToNumbers => {
                "The service leaves them to its numbers, each with its own address.".to_owned()
            }
            Drift::OverriddenByService => match &self.address {
                Some(address) => format!(
                    "They go to {}: {by} has the number in its pool and decides.",
                    inbound_route::host_of(address)
                ),
                None => format!(
                    "Twilio drops them: {by} has the number in its pool, but no address set."
                ),
            },
            Drift::NotSet => format!("Twilio drops them: {by} has no address set."),
            Drift::WithoutSecret => WITHOUT_SECRET.to_owned(),
            Drift::OtherAddress => {
                format!(
                    "They go to another address, at {}.",
                    self.address.as_deref().map_or_else(String::new, inbound_route::host_of)
                )
            }
            Drift::OtherMethod => "Twilio reports them by GET, but Carillon needs POST.".to_owned(),
            Drift::FewRetries => {
                "They arrive, but Twilio doesn’t repeat a failed call: the settings after # are \
                 missing."
                    .to_owned()
            }
        }
    }
}

impl Drift {
    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Set CARILLON_PUBLIC_URL to this server’s public https address, restart, then \
                 select “Repair webhook”."
            }
            Self::OverriddenByService => {
                "Add the Messaging Service as a sender instead of the number, or repair the \
                 webhook. If the service reports elsewhere, change it in Twilio’s console."
            }
            _ => "Select “Repair webhook” at the sender.",
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
    if !inbound_route::is_same(address, expected) {
        return vec![if inbound_route::differs_in_secret(address, expected) {
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
        return "an unreadable address".to_owned();
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
#[path = "inbound_webhook_tests.rs"]
mod tests;
