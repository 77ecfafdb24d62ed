//! The names of kinds of jobs, routines and tasks on the admin pages, with what each does.

use crate::queue::JobKind;
use crate::queue::routines::Routine;
use crate::queue::set_aside::Task;

/// The name of a kind of job, and a sentence about what it does.
pub(super) const fn kind(kind: JobKind) -> (&'static str, &'static str) {
    match kind {
        JobKind::Advance => {
            ("Moving contacts on", "Takes a contact through an automation up to the next wait.")
        }
        JobKind::Send => ("Sending messages", "Hands one message to Twilio."),
        JobKind::Settle => {
            ("Settling messages", "Asks Twilio about a message whose answer was lost.")
        }
        JobKind::Release => {
            ("Releasing queues", "Sends queued messages within the sender’s limit.")
        }
    }
}

/// The name of a routine, and a sentence about what it does.
pub(in crate::web::ui) const fn routine(routine: Routine) -> (&'static str, &'static str) {
    match routine {
        Routine::CollectInbound => (
            "Collecting incoming messages",
            "Asks Twilio for incoming messages whose webhooks \
                                              didn’t arrive.",
        ),
        Routine::EndSessions => ("Ending sessions", "Signs out expired sessions."),
        Routine::InspectConnections => {
            ("Inspecting connections", "Checks webhooks and registrations at Twilio.")
        }
        Routine::FoldLedger => ("Keeping the ledger", "Counts delivered and failed messages."),
        Routine::LearnPrices => ("Learning prices", "Asks Twilio for the cost of new messages."),
        Routine::LookUpStale => {
            ("Looking up messages", "Asks Twilio about messages whose reports didn’t arrive.")
        }
    }
}

/// The task that could not be done, for an item that is set aside.
pub(super) const fn task(task: Task) -> &'static str {
    match task {
        Task::TakeIn => "Save an incoming message",
        Task::ListInbound => "List the incoming messages of a sender",
        Task::LookUp => "Look up the status of a message",
        Task::Inspect => "Inspect a connection",
        Task::LearnPrices => "Read the cost of messages",
        Task::Fold => "Add a change to the ledger",
        Task::Release => "Release a message from its queue",
        Task::EndSession => "End a session",
        Task::Export => "Export a message",
    }
}
