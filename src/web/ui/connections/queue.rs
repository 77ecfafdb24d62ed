//! A sender's limits and queue in words: rate, validity, when the queue is empty, and warnings.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::messages::throttle::figures::{self, QueueFigures};
use crate::senders::{PartsPerSecond, Sender, Validity};
use crate::web::ui::automations::labels;

/// The share of Twilio's maximum queue length, as a fraction, above which a queue gets a warning.
const WARNING_SHARE: (i32, i32) = (4, 5);

/// The messages that wait for a sender's rate.
#[derive(Debug, Serialize)]
pub(super) struct QueueView {
    messages: i64,
    parts: i64,
    empty_at: Option<DateTime<Utc>>,
    /// How long the queue takes: `2 hours 5 minutes`.
    length: String,
    warnings: Vec<String>,
}

impl QueueView {
    /// Describes the queue; none if it is empty.
    pub(super) fn of(sender: &Sender, queue: &QueueFigures, now: DateTime<Utc>) -> Option<Self> {
        (queue.waiting_messages > 0).then(|| Self {
            messages: queue.waiting_messages,
            parts: queue.waiting_parts,
            empty_at: queue.empty_at,
            length: rounded_up(queue.length(now)),
            warnings: warnings(sender, queue, now),
        })
    }
}

fn warnings(sender: &Sender, queue: &QueueFigures, now: DateTime<Utc>) -> Vec<String> {
    let mut warnings = Vec::new();
    let validity = validity(sender.validity);
    match queue.expiring_messages {
        0 => {}
        expiring => warnings.push(format!(
            "{} of them would wait longer than {validity} and then expire: they would not be sent. \
             Raise the rate if Twilio grants this \
             sender a higher one, send from another sender as well, or let messages wait longer.",
            if expiring == 1 {
                "One".to_owned()
            } else {
                format!("About {}", labels::capped_count(expiring, i64::MAX))
            },
        )),
    }
    let (length, longest) = (queue.length(now), figures::longest_at_twilio(sender.kind));
    let (hours, takes) = (longest.num_hours(), rounded_up(length));
    if length > longest {
        let late = if queue.expiring_messages > 0 {
            ""
        } else {
            " Carillon keeps them in order, but they arrive late."
        };
        warnings.push(format!(
            "The queue takes {takes}: longer than the {hours} hours for which Twilio would keep \
             messages of such a sender.{late}"
        ));
    } else if length > longest * WARNING_SHARE.0 / WARNING_SHARE.1 {
        warnings.push(format!(
            "The queue takes {takes} and comes close to the {hours} hours for which Twilio would \
             keep messages of such a sender. What is \
             added now arrives late."
        ));
    }
    warnings
}

/// The rate of a sender as text: `1 SMS part per second`.
pub(super) fn speed(rate: Option<PartsPerSecond>) -> String {
    match rate {
        None => "Not limited by Carillon".to_owned(),
        Some(rate) => format!("{}, shared by all automations", per_second(rate)),
    }
}

/// A sentence about the rate that Twilio usually grants to a sender of this kind.
pub(super) fn usual_rate(address: &SenderAddress) -> String {
    match PartsPerSecond::usual(address) {
        Some(rate) => format!(
            "Twilio's usual rate for this kind of number is {}. A long text has several parts, and \
             each counts. Leave it empty only if \
             Twilio shall do the queueing: it keeps at most 10 hours' worth, and drops what comes \
             on top.",
            per_second(rate)
        ),
        None => {
            "Leave it empty unless you want it slower: Twilio spreads the messages of a Messaging \
                 Service over the senders in its pool, \
                 and keeps to their rates itself."
                .to_owned()
        }
    }
}

/// The validity as text: `2 days`.
pub(super) fn validity(validity: Validity) -> String {
    labels::duration(u32::try_from(validity.minutes()).unwrap_or(0) * 60)
}

fn per_second(rate: PartsPerSecond) -> String {
    let rate = rate.get();
    format!(
        "{rate} SMS part{} per second",
        if (rate - 1.0).abs() < f64::EPSILON { "" } else { "s" }
    )
}

/// A duration as text, rounded up to seconds, minutes or hours, depending on its length.
fn rounded_up(length: TimeDelta) -> String {
    let seconds = u32::try_from(length.num_seconds()).unwrap_or(u32::MAX).max(1);
    let unit = match seconds {
        0..=600 => 1,
        601..=86_400 => 60,
        _ => 3_600,
    };
    labels::duration(seconds.div_ceil(unit).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::connections::view::SenderView;

    fn warnings_for(parts_seconds: i64, expiring: i64) -> Vec<String> {
        let now = DateTime::UNIX_EPOCH;
        let queue = QueueFigures {
            waiting_messages: 100,
            waiting_parts: 100,
            empty_at: Some(now + TimeDelta::seconds(parts_seconds)),
            expiring_messages: expiring,
        };
        let sender = SenderView::samples().remove(0).sender;
        QueueView::of(&sender, &queue, now).map(|view| view.warnings).unwrap_or_default()
    }

    #[test]
    fn a_queue_gets_a_warning_before_it_reaches_twilios_maximum() {
        assert_eq!(warnings_for(7 * 3_600, 0), Vec::<String>::new());
        assert!(warnings_for(9 * 3_600, 0)[0].contains("comes close to the 10 hours"));
        assert!(
            warnings_for(11 * 3_600, 0)[0]
                .contains("The queue takes 11 hours: longer than the 10 hours")
        );
        let expiring = warnings_for(60, 12);
        assert!(
            expiring[0].starts_with("About 12 of them would wait longer than 2 days"),
            "{expiring:?}"
        );
    }

    #[test]
    fn long_durations_are_rounded_up() {
        let texts =
            [59, 600, 3_725, 200_000].map(|seconds| rounded_up(TimeDelta::seconds(seconds)));
        assert_eq!(texts, ["59 seconds", "10 minutes", "1 hour 3 minutes", "2 days 8 hours"]);
    }

    #[test]
    fn rates_are_written_as_decimal_numbers() {
        assert_eq!(
            speed(PartsPerSecond::new(1.0).ok()),
            "1 SMS part per second, shared by all automations"
        );
        assert_eq!(
            speed(PartsPerSecond::new(0.5).ok()),
            "0.5 SMS parts per second, shared by all automations"
        );
    }
}
