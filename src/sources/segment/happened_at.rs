//! When a message happened, also if the sender's clock is wrong.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::message_context::MessageContext;
use crate::error::FieldErrors;
use crate::types::date_or_time::{DateOrTime, DateOrTimeError};

/// How far a sender's clock may differ before its times are corrected: a request takes a while, and
/// is repeated.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(1);

/// The time of a field; `None` if it is absent or blank.
type Stated = Result<Option<DateTime<Utc>>, DateOrTimeError>;

/// When the message happened; `None` if it does not say.
///
/// If its sender's clock is wrong, the time between the call and the request counts, as Segment
/// specifies: `receivedAt - (sentAt - originalTimestamp)`. Clients that send no `originalTimestamp`
/// state the time of the call as `timestamp`.
pub(super) fn happened_at(
    message: &Map<String, Value>,
    context: &MessageContext<'_>,
) -> Result<Option<DateTime<Utc>>, FieldErrors> {
    let zone = context.defaults.zone;
    let (stated, original) =
        (time(message.get("timestamp"), zone), time(message.get("originalTimestamp"), zone));
    let own_sent_at = || time(message.get("sentAt"), zone).ok().flatten();
    let called_at = original.ok().flatten().or(stated.ok().flatten());
    if let (Some(sent_at), Some(called_at)) = (context.sent_at.or_else(own_sent_at), called_at)
        && (context.now - sent_at).abs() > MAX_SKEW
        && let Some(corrected) = context.now.checked_sub_signed(sent_at - called_at)
    {
        return Ok(Some(corrected));
    }
    match (stated, original) {
        (Ok(Some(stated)), _) => Ok(Some(stated)),
        (_, Ok(Some(original))) => Ok(Some(original)),
        (Ok(None), Ok(None)) => Ok(None),
        (Err(error), _) => Err(no_time("timestamp", error)),
        (_, Err(error)) => Err(no_time("originalTimestamp", error)),
    }
}

/// When the request was sent, by the clock of its sender.
pub(super) fn sent_at(body: &Value, zone: Tz) -> Option<DateTime<Utc>> {
    time(body.get("sentAt"), zone).ok().flatten()
}

fn time(value: Option<&Value>, zone: Tz) -> Stated {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => Ok(Some(DateOrTime::of_json(value)?.instant_in(zone).to_utc())),
    }
}

fn no_time(field: &str, error: DateOrTimeError) -> FieldErrors {
    FieldErrors::default().with(field, format!("Not the time of an event: {error}."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::tests::{context, now};
    use super::*;

    /// The time of a message, in seconds before the server's.
    fn age(message: &Value) -> Option<i64> {
        let at = happened_at(message.as_object().unwrap(), &context()).unwrap();
        at.map(|at| (now() - at).num_seconds())
    }

    fn ago(seconds: i64) -> String {
        (now() - TimeDelta::seconds(seconds)).to_rfc3339()
    }

    #[test]
    fn a_time_counts_as_stated_while_the_clock_is_right() {
        assert_eq!(age(&json!({})), None);
        assert_eq!(age(&json!({ "timestamp": null, "originalTimestamp": " " })), None);
        assert_eq!(age(&json!({ "timestamp": ago(5) })), Some(5));
        assert_eq!(age(&json!({ "originalTimestamp": ago(7), "sentAt": ago(-59) })), Some(7));
        assert_eq!(
            age(
                &json!({ "timestamp": ago(90_000), "originalTimestamp": ago(3), "sentAt": ago(1) })
            ),
            Some(90_000),
            "an import has its own times"
        );
        assert_eq!(age(&json!({ "timestamp": now().timestamp_millis() - 4_000 })), Some(4));
    }

    #[test]
    fn a_wrong_clock_is_corrected_by_the_time_of_the_request() {
        // The clock is an hour slow, and the call was made 10 seconds before the request.
        let slow = json!({ "timestamp": ago(3_610), "sentAt": ago(3_600) });
        assert_eq!(age(&slow), Some(10));
        // A day fast.
        let fast = json!({ "originalTimestamp": ago(-86_390), "sentAt": ago(-86_400) });
        assert_eq!(age(&fast), Some(10));
        let both = json!({
            "timestamp": ago(1), "originalTimestamp": ago(3_605), "sentAt": ago(3_600)
        });
        assert_eq!(age(&both), Some(5), "the original time is by the same clock");
        // Without `sentAt`, the clock cannot be checked.
        assert_eq!(age(&json!({ "timestamp": ago(3_610) })), Some(3_610));
        assert_eq!(age(&json!({ "timestamp": ago(3_610), "sentAt": "soon" })), Some(3_610));
    }

    #[test]
    fn the_time_of_the_request_comes_from_the_envelope_first() {
        let message = json!({ "timestamp": ago(3_610), "sentAt": ago(1) });
        let context =
            MessageContext { sent_at: Some(now() - TimeDelta::seconds(3_600)), ..context() };
        let at = happened_at(message.as_object().unwrap(), &context).unwrap().unwrap();
        assert_eq!((now() - at).num_seconds(), 10);
        assert_eq!(sent_at(&json!({ "sentAt": ago(0) }), Tz::UTC), Some(now()));
        assert_eq!(sent_at(&json!({ "sentAt": "x" }), Tz::UTC), None);
    }

    #[test]
    fn an_unreadable_time_is_an_error_unless_the_other_is_readable() {
        let at = |message: Value| happened_at(message.as_object().unwrap(), &context());
        for wrong in [json!("yesterday"), json!("0001-01-01T00:00:00Z"), json!(true), json!([])] {
            let errors = at(json!({ "timestamp": wrong })).unwrap_err();
            assert!(errors.to_string().starts_with("timestamp: Not the time"), "{errors}");
            assert!(at(json!({ "originalTimestamp": wrong })).is_err());
            assert_eq!(age(&json!({ "timestamp": wrong, "originalTimestamp": ago(2) })), Some(2));
            assert_eq!(age(&json!({ "originalTimestamp": wrong, "timestamp": ago(2) })), Some(2));
        }
    }

    proptest! {
        #[test]
        fn the_correction_keeps_the_delay_whatever_the_clock_shows(
            skew in -300_000_000_i64..300_000_000, delay in 0_i64..100_000
        ) {
            prop_assume!(skew.abs() > 60);
            let message = json!({ "timestamp": ago(skew + delay), "sentAt": ago(skew) });
            prop_assert_eq!(age(&message), Some(delay));
        }
    }
}
