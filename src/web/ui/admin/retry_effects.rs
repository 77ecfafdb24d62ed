//! What a retry of a failed job does, in words that depend on the current state of its subject.

use crate::automations::{Enrollment, EnrollmentStatus};
use crate::messages::status::MessageStatus;

/// The effect on a sender.
pub(super) const OF_SENDER: &str = "The messages in its queue go on as its rate allows.";

/// The effect on a message.
pub(super) const fn of_message(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Pending => {
            "It was not handed to Twilio. It is sent if nothing stands against it: no STOP, not \
             too late."
        }
        MessageStatus::Submitting | MessageStatus::Unconfirmed => {
            "Nobody knows whether Twilio has it. Twilio is asked; it is not sent on a guess."
        }
        _ => {
            "It has moved on since: nothing is sent twice, and trying again only clears this line."
        }
    }
}

/// The effect on an enrollment.
pub(super) fn of_enrollment(enrollment: &Enrollment) -> String {
    match enrollment.status {
        EnrollmentStatus::Active => {
            format!(
                "The contact stands before step {} and goes on from there.",
                i32::from(enrollment.step) + 1
            )
        }
        EnrollmentStatus::Completed | EnrollmentStatus::Failed => {
            "It has ended since: nothing is done twice.".to_owned()
        }
    }
}

/// The effect on a deleted subject, such as “The message”.
pub(super) fn of_deleted(what: &str) -> String {
    format!(
        "{what} was deleted: there is nothing left to do, and trying again only clears this line."
    )
}
