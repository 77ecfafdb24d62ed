//! What a retry of a failed job does, in words that depend on the current state of its subject.

use crate::automations::{Enrollment, EnrollmentStatus};
use crate::messages::status::MessageStatus;

/// The effect on a sender.
pub(super) const OF_SENDER: &str = "The messages in its queue continue within its limit.";

/// The effect on a message.
pub(super) const fn of_message(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Pending => {
            "Twilio doesn’t have it. It goes out, unless there is a STOP or it is too late."
        }
        MessageStatus::Submitting | MessageStatus::Unconfirmed => {
            "It is uncertain whether Twilio accepted it. Carillon asks Twilio before it sends."
        }
        _ => "It has moved on since. Retrying only clears this line.",
    }
}

/// The effect on an enrollment.
pub(super) fn of_enrollment(enrollment: &Enrollment) -> String {
    match enrollment.status {
        EnrollmentStatus::Active => {
            format!("The contact continues at step {}.", i32::from(enrollment.step) + 1)
        }
        EnrollmentStatus::Completed | EnrollmentStatus::Failed => {
            "It has ended since. Retrying only clears this line.".to_owned()
        }
    }
}

/// The effect on a deleted subject, such as “The message”.
pub(super) fn of_deleted(what: &str) -> String {
    format!("{what} was deleted. Retrying only clears this line.")
}
