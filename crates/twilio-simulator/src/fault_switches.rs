//! The fault switches of the phone pages, with their labels.

use serde::Serialize;

use super::faults::{Extent, Fault, Rule, RuleId};

/// A button that enables a fault.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Switch {
    /// The value that the form submits.
    pub(super) key: &'static str,
    #[serde(skip)]
    pub(super) fault: Fault,
    /// The label of the button.
    pub(super) title: &'static str,
    /// The explanation below the label.
    pub(super) hint: &'static str,
}

/// A titled group of switches.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) switches: &'static [Switch],
}

/// All switches, in the order of the page.
pub(super) const GROUPS: &[Group] = &[
    Group {
        title: "The message",
        switches: &[
            switch("deliver", Fault::Deliver, "Arrives", "Queued, sending, sent, delivered."),
            switch(
                "undelivered_30003",
                Fault::Undelivered { code: 30003 },
                "Handset is off",
                "Sent, then undelivered with 30003.",
            ),
            switch(
                "failed_30007",
                Fault::Failed { code: 30007 },
                "Filtered as spam",
                "The carrier refuses it: failed with 30007.",
            ),
            switch(
                "failed_30008",
                Fault::Failed { code: 30008 },
                "Fails for an unknown reason",
                "Failed with 30008, unknown error.",
            ),
            switch("slow", Fault::Slow, "Is slow", "Several seconds between two statuses."),
        ],
    },
    Group {
        title: "The status reports",
        switches: &[
            switch("shuffle", Fault::Shuffle, "Out of order", "Delivered may arrive before sent."),
            switch(
                "repeat",
                Fault::Repeat,
                "Duplicated",
                "Each report arrives twice, as when a response is lost.",
            ),
            switch(
                "drop_callbacks",
                Fault::DropCallbacks,
                "Lost",
                "The message is sent, but no report arrives.",
            ),
        ],
    },
    Group {
        title: "Twilio's response",
        switches: &[
            switch(
                "answer_429",
                Fault::TooManyRequests,
                "Too many requests",
                "429. Not recorded, safe to retry.",
            ),
            switch(
                "answer_500",
                Fault::ServerError,
                "Server error",
                "500. The message is not recorded.",
            ),
            switch(
                "answer_500_recorded",
                Fault::ServerErrorRecorded,
                "Server error, but sent",
                "500, but the message is recorded and sent.",
            ),
            switch(
                "timeout",
                Fault::Timeout,
                "No response",
                "The request hangs. The message is not recorded.",
            ),
            switch(
                "timeout_recorded",
                Fault::TimeoutRecorded,
                "No response, but sent",
                "The request hangs, but the message is recorded and sent.",
            ),
            switch(
                "reset",
                Fault::Reset,
                "Connection reset",
                "Reset before the message is recorded.",
            ),
            switch(
                "reset_recorded",
                Fault::ResetRecorded,
                "Connection reset, but sent",
                "Reset after the message is recorded.",
            ),
            switch(
                "refuse_21610",
                Fault::Refuse { code: 21610 },
                "Refused: opted out",
                "400 with 21610, as after a missed STOP.",
            ),
            switch(
                "refuse_21611",
                Fault::Refuse { code: 21611 },
                "Refused: queue full",
                "429 with 21611.",
            ),
        ],
    },
];

const fn switch(
    key: &'static str,
    fault: Fault,
    title: &'static str,
    hint: &'static str,
) -> Switch {
    Switch { key, fault, title, hint }
}

/// The switch with a key.
pub(super) fn find(key: &str) -> Option<&'static Switch> {
    GROUPS.iter().flat_map(|group| group.switches).find(|switch| switch.key == key)
}

/// An enabled rule as the page shows it.
#[derive(Serialize)]
pub(super) struct SwitchedOn {
    pub(super) id: u64,
    /// The fault, e.g. `The message: handset is off`.
    pub(super) title: String,
    /// The extent, e.g. `for the next 3 messages, all phones`.
    pub(super) scope: String,
}

/// Describes an enabled rule.
pub(super) fn describe(id: RuleId, rule: &Rule) -> SwitchedOn {
    let known = GROUPS.iter().find_map(|group| {
        let switch = group.switches.iter().find(|switch| switch.fault == rule.fault)?;
        Some(format!("{}: {}", group.title, lower_first(switch.title)))
    });
    let title = known.unwrap_or_else(|| match rule.fault {
        Fault::Undelivered { code } => format!("The message: undelivered with {code}"),
        Fault::Failed { code } => format!("The message: failed with {code}"),
        Fault::Refuse { code } => format!("Twilio's response: refused with {code}"),
        other => format!("{other:?}"),
    });
    let extent = match rule.extent {
        Extent::Always => "until switched off".to_owned(),
        Extent::Next(1) => "for the next message".to_owned(),
        Extent::Next(count) => format!("for the next {count} messages"),
        Extent::Chance { probability, .. } => {
            format!("for about {:.0} % of the messages", probability * 100.0)
        }
    };
    let phones = if rule.handset.is_some() { "this phone" } else { "all phones" };
    SwitchedOn { id: id.0, title, scope: format!("{extent}, {phones}") }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
