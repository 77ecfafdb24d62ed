//! A sender's limits and queue in words: how fast, how long, when empty, and what to worry about.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::connections::SenderAddress;
use crate::messages::throttle::figures::{self, QueueFigures};
use crate::senders::{PartsPerSecond, Sender, Validity};
use crate::web::ui::automations::words;

/// Part of what Twilio would keep at most, from which on a queue is worth a warning.
const NEAR: (i32, i32) = (4, 5);

/// The messages that wait for a sender's rate.
#[derive(Debug, Serialize)]
pub(super) struct QueueView {
    messages: i64,
    parts: i64,
    empty_at: Option<DateTime<Utc>>,
    /// `2 hours 5 minutes`
    length: String,
    warnings: Vec<String>,
}

impl QueueView {
    /// None when nothing waits.
    pub(super) fn of(sender: &Sender, queue: &QueueFigures, now: DateTime<Utc>) -> Option<Self> {
        (queue.waiting_messages > 0).then(|| Self {
            messages: queue.waiting_messages,
            parts: queue.waiting_parts,
            empty_at: queue.empty_at,
            length: roughly(queue.length(now)),
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
                format!("About {}", words::rough(expiring, i64::MAX))
            },
        )),
    }
    let (length, longest) = (queue.length(now), figures::longest_at_twilio(sender.kind));
    let (hours, takes) = (longest.num_hours(), roughly(length));
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
    } else if length > longest * NEAR.0 / NEAR.1 {
        warnings.push(format!(
            "The queue takes {takes} and comes close to the {hours} hours for which Twilio would \
             keep messages of such a sender. What is \
             added now arrives late."
        ));
    }
    warnings
}

/// How fast it sends: `1 SMS part per second`.
pub(super) fn speed(rate: Option<PartsPerSecond>) -> String {
    match rate {
        None => "Not limited by Carillon".to_owned(),
        Some(rate) => format!("{}, shared by all automations", per_second(rate)),
    }
}

/// What Twilio usually grants.
pub(super) fn usual(address: &SenderAddress) -> String {
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

/// `2 days`
pub(super) fn validity(validity: Validity) -> String {
    words::duration(u32::try_from(validity.minutes()).unwrap_or(0) * 60)
}

fn per_second(rate: PartsPerSecond) -> String {
    let rate = rate.get();
    format!(
        "{rate} SMS part{} per second",
        if (rate - 1.0).abs() < f64::EPSILON { "" } else { "s" }
    )
}

/// A duration of which only the first units matter.
fn roughly(length: TimeDelta) -> String {
    let seconds = u32::try_from(length.num_seconds()).unwrap_or(u32::MAX).max(1);
    let unit = match seconds {
        0..=600 => 1,
        601..=86_400 => 60,
        _ => 3_600,
    };
    words::duration(seconds.div_ceil(unit).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::connections::view::SenderView;

    fn warned(parts_seconds: i64, expiring: i64) -> Vec<String> {
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
    fn a_queue_is_warned_of_before_it_is_as_long_as_twilios() {
        assert_eq!(warned(7 * 3_600, 0), Vec::<String>::new());
        assert!(warned(9 * 3_600, 0)[0].contains("comes close to the 10 hours"));
        assert!(
            warned(11 * 3_600, 0)[0].contains("The queue takes 11 hours: longer than the 10 hours")
        );
        let expiring = warned(60, 12);
        assert!(
            expiring[0].starts_with("About 12 of them would wait longer than 2 days"),
            "{expiring:?}"
        );
    }

    #[test]
    fn long_times_are_told_roughly() {
        let told = [59, 600, 3_725, 200_000].map(|seconds| roughly(TimeDelta::seconds(seconds)));
        assert_eq!(told, ["59 seconds", "10 minutes", "1 hour 3 minutes", "2 days 8 hours"]);
    }

    #[test]
    fn rates_are_told_as_people_write_them() {
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
