//! What *Verify connection* shows of one sender.

use super::Sender;
use super::inbound::{self, Route};
use crate::connections::{Check, Problem, VerifiedSender};

/// The checks of a sender, read off what Twilio says about it: that it is there and can send, and that its incoming messages
/// are reported to `inbound_url`.
pub fn checks(sender: &Sender, found: &Result<VerifiedSender, Problem>, route: &Result<Route, Problem>, inbound_url: &str) -> Vec<Check> {
    let label = sender.label();
    let found = match found {
        Ok(found) => found,
        Err(problem) => return vec![Check::problem(format!("Sender {label}"), problem)],
    };
    vec![sender_check(sender, &label, found), inbound_check(&label, route, inbound_url)]
}

fn sender_check(sender: &Sender, label: &str, found: &VerifiedSender) -> Check {
    let title = format!("Sender {label}");
    if let Some(reason) = &sender.stopped_reason {
        return Check::failed(title, format!("Carillon has stopped it: {reason}"), "When the cause is removed in Twilio, enable it again.");
    }
    let detail = match (sender.disabled_at, found.mms_capable) {
        (Some(_), _) => "It is in the account, and disabled here.",
        (None, true) => "It is in the account, and can send SMS and MMS.",
        (None, false) => "It is in the account, and can send SMS but no MMS.",
    };
    Check::passed(title, detail)
}

fn inbound_check(label: &str, route: &Result<Route, Problem>, inbound_url: &str) -> Check {
    let title = format!("Incoming messages of {label}");
    let advice = "Press “Set webhook again” at the sender. Until then Carillon does not see replies, STOP among them.";
    match route {
        Err(problem) => Check::problem(title, problem),
        Ok(route) => match route.url() {
            Some(url) if inbound::is_same(url, inbound_url) => Check::passed(title, "Twilio reports them to Carillon."),
            Some(_) => Check::failed(title, "Twilio reports them to another address.", advice),
            None => Check::failed(title, "Twilio does not report them to Carillon.", advice),
        },
    }
}
