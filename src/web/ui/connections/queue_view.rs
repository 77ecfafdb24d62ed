//! The queue of a sender as pages show it: how many messages wait, when it is empty, and warnings.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::limit_labels;
use crate::messages::throttle::queue_figures::{self, QueueFigures};
use crate::senders::Sender;
use crate::web::quantities;

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
            length: quantities::duration_rounded_up(queue.length(now)),
            warnings: warnings(sender, queue, now),
        })
    }
}

fn warnings(sender: &Sender, queue: &QueueFigures, now: DateTime<Utc>) -> Vec<String> {
    let mut warnings = Vec::new();
    let validity = limit_labels::validity(sender.validity);
    match queue.expiring_messages {
        0 => {}
        expiring => warnings.push(format!(
            "{} of them would wait longer than {validity} and expire without being sent. Raise the \
             limit if Twilio allows it, use another sender too, or let messages wait longer.",
            if expiring == 1 {
                "One".to_owned()
            } else {
                format!("About {}", quantities::capped_count(expiring, i64::MAX))
            },
        )),
    }
    let (length, longest) = (queue.length(now), queue_figures::longest_at_twilio(sender.kind));
    let (hours, takes) = (longest.num_hours(), quantities::duration_rounded_up(length));
    if length > longest {
        let late = if queue.expiring_messages > 0 {
            ""
        } else {
            " The messages stay in order, but arrive late."
        };
        warnings.push(format!(
            "The queue takes {takes}: longer than the {hours} hours that Twilio keeps messages of \
             such a sender.{late}"
        ));
    } else if length > longest * WARNING_SHARE.0 / WARNING_SHARE.1 {
        warnings.push(format!(
            "The queue takes {takes} and comes close to the {hours} hours that Twilio keeps \
             messages of such a sender. New messages arrive late."
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::web::ui::connections::sender_view::SenderView;

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
}
