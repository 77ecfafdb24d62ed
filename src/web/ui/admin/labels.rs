//! Texts of the admin pages: names of jobs, routines and tasks; durations, counts and sizes.

use chrono::TimeDelta;

use crate::queue::JobKind;
use crate::queue::routines::Routine;
use crate::queue::set_aside::Task;
use crate::web::http::filters::grouped;
use crate::web::ui::automations::labels::duration;

/// The name of a kind of job, and a sentence about what it does.
pub(super) const fn kind(kind: JobKind) -> (&'static str, &'static str) {
    match kind {
        JobKind::Advance => {
            ("Moving contacts on", "Takes a contact through an automation up to the next wait.")
        }
        JobKind::Send => ("Sending messages", "Hands one message to Twilio."),
        JobKind::Settle => {
            ("Settling messages", "Asks Twilio what became of a message when its answer was lost.")
        }
        JobKind::Release => {
            ("Releasing queues", "Lets messages go as the rate of their sender allows.")
        }
    }
}

/// The name of a routine, and a sentence about what it does.
pub(in crate::web::ui) const fn routine(routine: Routine) -> (&'static str, &'static str) {
    match routine {
        Routine::CollectInbound => {
            ("Collecting incoming messages", "Asks Twilio for those whose webhooks did not come.")
        }
        Routine::EndSessions => {
            ("Ending sessions", "Forgets browsers that were signed in too long ago.")
        }
        Routine::InspectConnections => (
            "Inspecting connections",
            "Asks Twilio whether webhooks and registrations are as they should be.",
        ),
        Routine::FoldLedger => ("Keeping the ledger", "Adds up what became of messages."),
        Routine::LearnPrices => {
            ("Learning prices", "Asks Twilio what the newest messages have cost.")
        }
        Routine::LookUpStale => {
            ("Looking up messages", "Asks Twilio about messages whose reports did not come.")
        }
    }
}

/// The task that could not be done, for an item that is set aside.
pub(super) const fn task(task: Task) -> &'static str {
    match task {
        Task::TakeIn => "Take in an incoming message",
        Task::ListInbound => "List the incoming messages of a sender",
        Task::LookUp => "Look up the status of a message",
        Task::Inspect => "Inspect a connection",
        Task::LearnPrices => "Learn what messages cost",
        Task::Fold => "Add a change to the ledger",
        Task::Release => "Release a message from its queue",
        Task::EndSession => "End a session",
        Task::Export => "Export a message",
    }
}

/// A duration rounded down to its largest units: `under a second`, `42 seconds`, `3 hours 5
/// minutes`, `2 days 4 hours`.
pub(super) fn rounded_duration(span: TimeDelta) -> String {
    let seconds = u32::try_from(span.num_seconds()).unwrap_or(if span < TimeDelta::zero() {
        0
    } else {
        u32::MAX
    });
    let unit = match seconds {
        0 => return "under a second".to_owned(),
        1..600 => 1,
        600..86_400 => 60,
        _ => 3_600,
    };
    duration(seconds / unit * unit)
}

/// A count of jobs that may have stopped at a limit: `1,234`, `at least 20,000`.
pub(super) fn at_least(count: i64, is_cut: bool) -> String {
    if is_cut { format!("at least {}", grouped(count)) } else { grouped(count) }
}

/// A size in bytes as text, in units of 1,024 as PostgreSQL writes them: `8 kB`, `1.5 GB`.
pub(super) fn size(bytes: i64) -> String {
    const UNITS: [(&str, u32); 4] = [("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)];
    let Some((unit, shift)) = UNITS.into_iter().find(|(_, shift)| bytes >= 1_i64 << shift) else {
        return format!("{} bytes", grouped(bytes));
    };
    let tenths = bytes / ((1_i64 << shift) / 10).max(1);
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", grouped(tenths / 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_down_to_its_largest_units() {
        let texts = [-3, 0, 42, 605, 11_100, 187_654]
            .map(|seconds| rounded_duration(TimeDelta::seconds(seconds)));
        assert_eq!(
            texts,
            [
                "under a second",
                "under a second",
                "42 seconds",
                "10 minutes",
                "3 hours 5 minutes",
                "2 days 4 hours"
            ]
        );
    }

    #[test]
    fn sizes_use_the_largest_unit_that_fits() {
        let texts =
            [0, 1_023, 8_192, 1_572_864, 52_428_800, 5_368_709_120, 1_099_511_627_776].map(size);
        assert_eq!(texts, ["0 bytes", "1,023 bytes", "8 kB", "1.5 MB", "50 MB", "5 GB", "1 TB"]);
    }
}
