//! The causes of undelivered messages as pages show them: in words, with advice and a link.

use serde::Serialize;

use super::query::LedgerPageQuery;
use crate::consent::Reason;
use crate::ledger::Cause;
use crate::ledger::outcome::Outcome;
use crate::messages::claim::EXPIRED;
use crate::templates::NO_DEFAULT;
use crate::twilio::error_codes;

/// A cause of undelivered messages, with a link to them.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct CauseRow {
    outcome: Outcome,
    title: String,
    /// Twilio's error code.
    code: Option<i32>,
    advice: Option<&'static str>,
    count: i64,
    /// The path of the list of these messages; none if no filter of the list selects exactly them.
    link: Option<String>,
}

impl CauseRow {
    /// The row of a cause.
    pub(in crate::web::ui) fn new(cause: &Cause, query: &LedgerPageQuery) -> Self {
        let code = cause.error_code.map(|code| code.to_string());
        let parameters = match (&code, &cause.reason) {
            (Some(code), _) => vec![("error_code", code.as_str())],
            (None, Some(reason)) if reason != "canceled" => vec![("reason", reason.as_str())],
            (None, Some(_)) => vec![("status", "canceled")],
            (None, None) => Vec::new(),
        };
        let link = (!parameters.is_empty())
            .then(|| query.messages(None, Some(cause.outcome), &parameters));
        Self {
            outcome: cause.outcome,
            title: cause_title(cause.error_code, cause.reason.as_deref()),
            code: cause.error_code,
            advice: advice(cause),
            count: cause.count,
            link,
        }
    }
}

/// Advice on a cause, if something can be done about it.
fn advice(cause: &Cause) -> Option<&'static str> {
    match (cause.error_code, cause.reason.as_deref().unwrap_or_default()) {
        (Some(code), _) => Some(error_codes::lookup(code).advice),
        (None, reason) if reason.ends_with(NO_DEFAULT) => {
            Some("Give it a fallback in the template, or report it with the event.")
        }
        (None, EXPIRED) => Some("Raise the rate of the sender, or let its messages wait longer."),
        (None, _) => None,
    }
}

/// The text of a cause: the error code with its title, the suppression, or the stored reason.
pub(in crate::web::ui) fn cause_text(error_code: Option<i32>, reason: Option<&str>) -> String {
    let title = cause_title(error_code, reason);
    error_code.map_or_else(|| title.clone(), |code| format!("{code}: {title}"))
}

/// The same without the error code.
fn cause_title(error_code: Option<i32>, reason: Option<&str>) -> String {
    match (error_code, reason) {
        (Some(code), _) => error_codes::lookup(code).title.to_owned(),
        (None, Some("canceled")) => "Canceled before Twilio sent it".to_owned(),
        (None, Some(reason)) => reason
            .parse::<Reason>()
            .map_or_else(|_| reason.to_owned(), |reason| reason.label().to_owned()),
        (None, None) => "No reason given".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_advice_with_or_without_an_error_code() {
        let advice = |error_code, reason: Option<&str>| {
            advice(&Cause {
                outcome: Outcome::Failed,
                error_code,
                reason: reason.map(str::to_owned),
                count: 1,
            })
        };
        assert!(advice(Some(30003), None).is_some_and(|words| !words.is_empty()));
        assert!(
            advice(None, Some(&format!("event.city is not set in this event, {NO_DEFAULT}")))
                .unwrap()
                .contains("fallback")
        );
        assert!(advice(None, Some(EXPIRED)).unwrap().contains("rate"));
        assert_eq!((advice(None, Some("stop")), advice(None, None)), (None, None));
    }

    #[test]
    fn each_cause_has_a_text() {
        assert!(cause_text(Some(30003), Some("stop")).starts_with("30003: "));
        assert_eq!(cause_text(None, Some("stop")), "Texted STOP");
        assert_eq!(cause_text(None, Some("event.city is not set")), "event.city is not set");
        assert_eq!(cause_text(None, None), "No reason given");
    }
}
