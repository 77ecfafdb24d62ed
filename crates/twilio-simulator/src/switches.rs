//! The switches of the handset page: each fault in words.

use serde::Serialize;

use super::faults::{Extent, Fault, Rule, RuleId};

/// A choice on the page.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Switch {
    /// What the form sends.
    pub(super) key: &'static str,
    #[serde(skip)]
    pub(super) fault: Fault,
    /// What it says.
    pub(super) title: &'static str,
    /// What that means.
    pub(super) hint: &'static str,
}

/// Switches that belong together.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) switches: &'static [Switch],
}

/// All switches, as the page shows them.
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
                "Fails, nobody knows why",
                "Failed with 30008, unknown error.",
            ),
            switch("slow", Fault::Slow, "Is slow", "Many seconds between two statuses."),
        ],
    },
    Group {
        title: "The status reports",
        switches: &[
            switch("shuffle", Fault::Shuffle, "Out of order", "Delivered may come before sent."),
            switch(
                "repeat",
                Fault::Repeat,
                "Each one twice",
                "As Twilio does when an answer got lost.",
            ),
            switch(
                "drop_callbacks",
                Fault::DropCallbacks,
                "Get lost",
                "The message moves on, no report comes.",
            ),
        ],
    },
    Group {
        title: "Twilio's answer",
        switches: &[
            switch(
                "answer_429",
                Fault::TooManyRequests,
                "Too many requests",
                "429. Not recorded, safe to repeat.",
            ),
            switch(
                "answer_500",
                Fault::ServerError,
                "Server error",
                "500. The message was not recorded.",
            ),
            switch(
                "answer_500_recorded",
                Fault::ServerErrorRecorded,
                "Server error, yet it is sent",
                "500, but the message was recorded and goes out.",
            ),
            switch(
                "timeout",
                Fault::Timeout,
                "No answer",
                "The request hangs. Nothing was recorded.",
            ),
            switch(
                "timeout_recorded",
                Fault::TimeoutRecorded,
                "No answer, yet it is sent",
                "The request hangs, but the message goes out.",
            ),
            switch("reset", Fault::Reset, "Connection cut", "Cut before anything was recorded."),
            switch(
                "reset_recorded",
                Fault::ResetRecorded,
                "Connection cut, yet it is sent",
                "Cut after the message was recorded.",
            ),
            switch(
                "refuse_21610",
                Fault::Refuse { code: 21610 },
                "Refused: opted out",
                "400 with 21610, as after a STOP that we missed.",
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

/// The switch that a form names.
pub(super) fn find(key: &str) -> Option<&'static Switch> {
    GROUPS.iter().flat_map(|group| group.switches).find(|switch| switch.key == key)
}

/// A switch that is on, in words.
#[derive(Serialize)]
pub(super) struct SwitchedOn {
    pub(super) id: u64,
    /// `The message: handset is off`
    pub(super) title: String,
    /// `for the next 3 messages, for all phones`
    pub(super) scope: String,
}

/// Describes a rule that is on.
pub(super) fn describe(id: RuleId, rule: &Rule) -> SwitchedOn {
    let known = GROUPS.iter().find_map(|group| {
        let switch = group.switches.iter().find(|switch| switch.fault == rule.fault)?;
        Some(format!("{}: {}", group.title, lower_first(switch.title)))
    });
    let title = known.unwrap_or_else(|| match rule.fault {
        Fault::Undelivered { code } => format!("The message: undelivered with {code}"),
        Fault::Failed { code } => format!("The message: failed with {code}"),
        Fault::Refuse { code } => format!("Twilio's answer: refused with {code}"),
        other => format!("{other:?}"),
    });
    let time = match rule.extent {
        Extent::Always => "until switched off".to_owned(),
        Extent::Next(1) => "for the next message".to_owned(),
        Extent::Next(count) => format!("for the next {count} messages"),
        Extent::Chance { probability, .. } => {
            format!("for about {:.0} % of the messages", probability * 100.0)
        }
    };
    let who = if rule.handset.is_some() { "this phone" } else { "all phones" };
    SwitchedOn { id: id.0, title, scope: format!("{time}, {who}") }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
