//! Tests of the error policy: every code of the table, refused and reported, and the retry times.

use std::time::Duration;

use super::*;
use crate::messages::claim::ClaimedMessage;
use crate::twilio::error_codes::{Class, ContactEffect, Retry};
use crate::twilio::sid::MessageSid;
use crate::twilio::{CreatedMessage, Exchange, TwilioStatus};
use crate::types::deadline::Deadline;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn outcome(attempt: i16, answer: Result<CreatedMessage, SendError>) -> SubmitOutcome {
    let claimed = ClaimedMessage {
        message_id: MessageId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_dead_beef)),
        attempt,
        connection_id: ConnectionId::new(),
        sender_id: SenderId::new(),
        to_address: "+12065550111".to_owned(),
        sender_address: "+15005550006".to_owned(),
        body: "Hello.".to_owned(),
        media_urls: Vec::new(),
        parts: 1,
        validity_seconds: 36_000,
        checked_at: Deadline::now(),
    };
    SubmitOutcome { claimed, answer, finished_at: now(), duration_ms: 5 }
}

fn refused(code: i32) -> SubmitOutcome {
    let exchange = Exchange { duration: Duration::from_millis(5), ..Exchange::default() };
    outcome(
        1,
        Err(SendError::Refused {
            code: Some(code),
            http_status: 400,
            message: String::new(),
            exchange,
        }),
    )
}

fn lost() -> SendError {
    SendError::Unknown {
        why: "no answer".to_owned(),
        http_status: None,
        code: None,
        exchange: Exchange::default(),
    }
}

#[test]
fn every_code_does_what_its_row_says_when_a_message_is_refused() {
    for code in error_codes::all() {
        let decision = decide(&refused(code.code), 0, now());
        let status = match (code.class, code.contact, code.retry) {
            (Class::OptOut, ..) | (_, ContactEffect::Invalid | ContactEffect::Suppress, _) => {
                MessageStatus::Failed
            }
            (_, _, Retry::Ambiguous) => MessageStatus::Unconfirmed,
            (_, _, Retry::Backoff | Retry::QueueFull | Retry::Later | Retry::NextDay)
            | (Class::Sender | Class::Account, ..) => MessageStatus::Pending,
            _ => MessageStatus::Failed,
        };
        assert_eq!(
            (decision.status, decision.error_code),
            (status, Some(code.code)),
            "{}",
            code.code
        );
        let waits = decision.retry_at.map(|at| at - now());
        let range = match code.retry {
            _ if status != MessageStatus::Pending => None,
            Retry::Backoff => Some(TimeDelta::seconds(2)..=TimeDelta::seconds(3)),
            Retry::QueueFull => Some(TimeDelta::minutes(15)..=TimeDelta::seconds(1_350)),
            Retry::Later => Some(TimeDelta::hours(1)..=TimeDelta::minutes(90)),
            Retry::NextDay => Some(TimeDelta::minutes(1)..=TimeDelta::minutes(24 * 60 + 31)),
            _ => None,
        };
        match (range, waits) {
            (Some(range), Some(wait)) => assert!(range.contains(&wait), "{}: {wait}", code.code),
            (None, None) => {}
            mismatch => panic!("{}: {mismatch:?}", code.code),
        }
        let expected = match (code.class, code.contact, status) {
            (Class::OptOut, ..) => Some(Effect::Suppress(Reason::Carrier21610)),
            (_, ContactEffect::Invalid, _) => Some(Effect::Suppress(Reason::InvalidNumber)),
            (_, ContactEffect::Suppress, _) => Some(Effect::Suppress(Reason::CarrierBlocked)),
            (Class::Sender, _, MessageStatus::Pending) if waits.is_none() => {
                Some(Effect::StopSender)
            }
            (Class::Account, ..) => Some(Effect::StopConnection),
            _ if code.retry == Retry::QueueFull => Some(Effect::SlowSender),
            _ => None,
        };
        assert_eq!(decision.effect, expected, "{}", code.code);
    }
}

#[test]
fn every_code_does_what_its_row_says_when_it_is_reported() {
    let id = MessageId::new();
    for code in error_codes::all() {
        let refusal = decide(&refused(code.code), 0, now()).effect;
        for status in [MessageStatus::Failed, MessageStatus::Undelivered] {
            assert_eq!(
                effect_of_report(code.code, Some(status)),
                refusal,
                "{} {status}: a report has the same effect as a refusal",
                code.code
            );
        }
        let progress = [
            MessageStatus::Queued,
            MessageStatus::Sent,
            MessageStatus::Delivered,
            MessageStatus::Read,
        ];
        for status in progress {
            let expected = refusal.filter(|_| code.class == Class::OptOut);
            assert_eq!(
                effect_of_report(code.code, Some(status)),
                expected,
                "{} {status}: only an opt-out counts always",
                code.code
            );
        }
        let again = code.class == Class::Rate
            && matches!(code.retry, Retry::Backoff | Retry::QueueFull | Retry::NextDay);
        let at = retry_dropped_at(code.code, id, 0, now());
        assert_eq!(at.is_some(), again, "{}", code.code);
        assert!(
            at.is_none_or(|at| at - now() >= TimeDelta::minutes(1)),
            "{}: after the attempt has ended",
            code.code
        );
        let without_limit = retry_dropped_at(code.code, id, MAX_RETRIES, now()).is_some();
        assert_eq!(
            without_limit,
            again && code.retry == Retry::QueueFull,
            "{}: only a full queue is retried without limit",
            code.code
        );
    }
}

#[test]
fn an_unknown_code_fails_the_message_and_nothing_else() {
    let decision = decide(&refused(99_999), 0, now());
    assert_eq!(
        (decision.status, decision.retry_at, decision.effect),
        (MessageStatus::Failed, None, None)
    );
    assert_eq!(effect_of_report(99_999, Some(MessageStatus::Failed)), None);
    assert_eq!(retry_dropped_at(99_999, MessageId::new(), 0, now()), None);
}

#[test]
fn a_message_that_twilio_may_have_is_never_retried() {
    let decision = decide(&outcome(1, Err(lost())), 0, now());
    assert_eq!((decision.status, decision.retry_at), (MessageStatus::Unconfirmed, None));
}

#[test]
fn an_unprocessed_message_is_retried_without_a_limit() {
    let exchange = Exchange::default();
    let not_processed = [
        SendError::Busy { exchange: exchange.clone() },
        SendError::NotSent { why: "no route".to_owned(), exchange: exchange.clone() },
        SendError::Refused {
            code: Some(21_611),
            http_status: 429,
            message: String::new(),
            exchange,
        },
    ];
    for error in not_processed {
        for attempt in [1, 50, 3_000] {
            let decision = decide(&outcome(attempt, Err(error.clone())), 100, now());
            let waits = decision.retry_at.unwrap() - now();
            assert_eq!(decision.status, MessageStatus::Pending);
            assert!(
                waits > TimeDelta::seconds(1) && waits <= TimeDelta::minutes(23),
                "{error}: {waits}"
            );
        }
    }
}

#[test]
fn a_message_fails_at_its_limit_of_refusals() {
    for (code, limit) in
        [(63_018, MAX_REFUSALS), (30_500, MAX_SLOW_REFUSALS), (30_023, MAX_SLOW_REFUSALS)]
    {
        let before_last = decide(&refused(code), limit - 2, now());
        assert_eq!(before_last.status, MessageStatus::Pending, "{code}");
        assert_eq!(
            decide(&refused(code), limit - 1, now()).status,
            MessageStatus::Failed,
            "{code}"
        );
    }
    for code in [20_003, 21_606] {
        assert_eq!(
            decide(&refused(code), 100, now()).status,
            MessageStatus::Pending,
            "{code}: it is the sender's or account's fault"
        );
    }
}

#[test]
fn twilio_may_record_a_message_as_failed_at_once() {
    let receipt = CreatedMessage {
        sid: MessageSid::parse("SM0123456789abcdef0123456789abcdef").unwrap(),
        status: TwilioStatus::parse("failed"),
        error_code: Some(21_610),
        from: None,
        num_segments: None,
        exchange: Exchange::default(),
    };
    let outcome = outcome(1, Ok(receipt));
    let decision = decide(&outcome, 0, now());
    assert_eq!(
        (decision.status, decision.effect),
        (MessageStatus::Failed, Some(Effect::Suppress(Reason::Carrier21610)))
    );
    let consequence = Consequence::of(&outcome).unwrap();
    assert!(
        consequence.number_to_suppress().is_some() && consequence.why.contains("(21610)"),
        "{consequence:?}"
    );
}

#[test]
fn the_next_day_begins_at_midnight_on_the_pacific_coast() {
    let pacific = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    for (now, midnight) in [
        ("2026-11-21T23:59:00-08:00", "2026-11-22T00:00:00-08:00"),
        ("2026-11-22T00:00:00-08:00", "2026-11-23T00:00:00-08:00"),
        ("2026-07-04T09:00:00-07:00", "2026-07-05T00:00:00-07:00"),
        // The clocks change in between.
        ("2026-03-07T12:00:00-08:00", "2026-03-08T00:00:00-08:00"),
        ("2026-10-31T12:00:00-07:00", "2026-11-01T00:00:00-07:00"),
    ] {
        for _ in 0..50 {
            let late = next_day(MessageId::new(), pacific(now)) - pacific(midnight);
            assert!(
                (TimeDelta::minutes(1)..=TimeDelta::minutes(31)).contains(&late),
                "{now}: {late}"
            );
        }
    }
}

#[test]
fn jitter_spreads_waits_and_is_stable_for_a_message_and_turn() {
    let (id, minute) = (MessageId::new(), TimeDelta::minutes(1));
    assert_eq!(with_jitter(id, 3, minute), with_jitter(id, 3, minute));
    let waits: Vec<TimeDelta> =
        (0..2_000).map(|_| with_jitter(MessageId::new(), 1, minute)).collect();
    assert!(waits.iter().all(|wait| (minute..minute * 3 / 2).contains(wait)));
    let early = waits.iter().filter(|wait| **wait < minute * 5 / 4).count();
    assert!((800..1_200).contains(&early), "{early} of 2,000 in the first half");
}
