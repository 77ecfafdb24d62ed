//! Jobs: pieces of work for a worker, each about one row.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::types::id::{EnrollmentId, MessageId, SenderId};
use crate::types::text_enum::text_enum;

/// A piece of work for a worker: always about one row, named by its id and loaded when the job
/// runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Run an enrollment's steps up to its next wait.
    Advance(EnrollmentId),
    /// Claim a pending message and submit it to Twilio.
    Send(MessageId),
    /// Find out from Twilio whether it accepted a message whose submission was never confirmed.
    Settle(MessageId),
    /// Release those of a sender's queued messages that its rate allows now; one such job exists as
    /// long as messages wait.
    Release(SenderId),
}

text_enum! {
    /// The kind of a [`Job`], as the database stores it.
    pub enum JobKind {
        /// See [`Job::Advance`].
        Advance = "advance",
        /// See [`Job::Send`].
        Send = "send",
        /// See [`Job::Settle`].
        Settle = "settle",
        /// See [`Job::Release`].
        Release = "release",
    }
}

impl Job {
    /// The kind, without the id.
    #[must_use]
    pub const fn kind(self) -> JobKind {
        match self {
            Self::Advance(_) => JobKind::Advance,
            Self::Send(_) => JobKind::Send,
            Self::Settle(_) => JobKind::Settle,
            Self::Release(_) => JobKind::Release,
        }
    }

    /// The id of the row that the job is about.
    #[must_use]
    pub const fn subject(self) -> Uuid {
        match self {
            Self::Advance(id) => id.0,
            Self::Send(id) | Self::Settle(id) => id.0,
            Self::Release(id) => id.0,
        }
    }

    /// The job of this kind about the row with this id.
    #[must_use]
    pub const fn of(kind: JobKind, subject: Uuid) -> Self {
        match kind {
            JobKind::Advance => Self::Advance(EnrollmentId(subject)),
            JobKind::Send => Self::Send(MessageId(subject)),
            JobKind::Settle => Self::Settle(MessageId(subject)),
            JobKind::Release => Self::Release(SenderId(subject)),
        }
    }
}

/// A job to enqueue and when it is due.
#[derive(Debug, Clone, Copy)]
pub struct NewJob {
    /// The job.
    pub job: Job,
    /// The time before which the job does not run.
    pub run_at: DateTime<Utc>,
}
