//! The subjects of failed jobs (messages, enrollments, senders) and what a retry does to each.

use std::collections::HashMap;

use serde::Serialize;

use crate::automations::{self, Automation, Enrollment, EnrollmentStatus};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message as messages;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::queue::Job;
use crate::queue::failed_jobs::FailedJob;
use crate::senders::{self, Sender};
use crate::types::id::{AutomationId, EnrollmentId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

/// The subject of a failed job.
#[derive(Debug, Clone, Serialize)]
pub(super) struct JobSubject {
    /// What the job is about, such as `Message to +1 206 555 0111`.
    pub(super) label: String,
    /// The path of its page, if it still exists.
    pub(super) path: Option<String>,
    /// Its present state, and what a retry does.
    pub(super) outlook: String,
}

/// The messages, enrollments, automations and senders of some jobs, as far as they still exist.
#[derive(Default)]
pub(super) struct JobSubjects {
    messages: HashMap<MessageId, Message>,
    enrollments: HashMap<EnrollmentId, Enrollment>,
    automations: HashMap<AutomationId, Automation>,
    senders: HashMap<SenderId, Sender>,
}

impl JobSubjects {
    pub(super) async fn load(conn: &mut Conn, jobs: &[FailedJob]) -> Result<Self> {
        let (mut message_ids, mut enrollment_ids, mut sender_ids) =
            (Vec::new(), Vec::new(), Vec::new());
        for failed in jobs {
            match failed.job {
                Job::Send(id) | Job::Settle(id) => message_ids.push(id),
                Job::Advance(id) => enrollment_ids.push(id),
                Job::Release(id) => sender_ids.push(id),
            }
        }
        let messages = messages::find_many(conn, &message_ids).await?;
        let enrollments = automations::find_enrollments(conn, &enrollment_ids).await?;
        let automation_ids: Vec<AutomationId> =
            enrollments.iter().map(|enrollment| enrollment.automation_id).collect();
        let automations = automations::find_many(conn, &automation_ids).await?;
        Ok(Self {
            messages: messages.into_iter().map(|message| (message.id, message)).collect(),
            enrollments: enrollments
                .into_iter()
                .map(|enrollment| (enrollment.id, enrollment))
                .collect(),
            automations: automations
                .into_iter()
                .map(|automation| (automation.id, automation))
                .collect(),
            senders: senders::find_many(conn, &sender_ids).await?,
        })
    }

    /// Describes the subject of a job.
    pub(super) fn of(&self, job: Job) -> JobSubject {
        match job {
            Job::Send(id) | Job::Settle(id) => self
                .messages
                .get(&id)
                .map_or_else(|| JobSubject::gone("A message", "The message"), JobSubject::message),
            Job::Advance(id) => self.enrollments.get(&id).map_or_else(
                || JobSubject::gone("A contact in an automation", "The contact"),
                |enrollment| self.enrollment(enrollment),
            ),
            Job::Release(id) => self.senders.get(&id).map_or_else(
                || JobSubject::gone("The queue of a sender", "The sender"),
                JobSubject::sender,
            ),
        }
    }

    fn enrollment(&self, enrollment: &Enrollment) -> JobSubject {
        let name = self
            .automations
            .get(&enrollment.automation_id)
            .map_or("an automation", |automation| automation.name.as_str());
        let outlook = match enrollment.status {
            EnrollmentStatus::Active => {
                format!(
                    "The contact stands before step {} and goes on from there.",
                    i32::from(enrollment.step) + 1
                )
            }
            EnrollmentStatus::Completed | EnrollmentStatus::Failed => {
                "It has ended meanwhile: nothing is done twice.".to_owned()
            }
        };
        JobSubject {
            label: format!("Contact in “{name}”"),
            path: Some(format!("/enrollments/{}", enrollment.id)),
            outlook,
        }
    }
}

impl JobSubject {
    fn gone(label: &str, what: &str) -> Self {
        let outlook = format!(
            "{what} was deleted: there is nothing left to do, and trying again only clears this \
             line."
        );
        Self { label: label.to_owned(), path: None, outlook }
    }

    fn message(message: &Message) -> Self {
        let to = PhoneNumber::from_e164(&message.to_address)
            .map_or_else(|_| message.to_address.clone(), |phone| phone.international());
        let outlook = match message.status {
            MessageStatus::Pending => {
                "It was not handed to Twilio. It is sent if nothing stands against it: no STOP, \
                 not too late."
            }
            MessageStatus::Submitting | MessageStatus::Unconfirmed => {
                "Nobody knows whether Twilio has it. Twilio is asked; it is not sent on a guess."
            }
            _ => {
                "It has moved on meanwhile: nothing is sent twice, and trying again only clears \
                 this line."
            }
        };
        Self {
            label: format!("Message to {to}"),
            path: Some(format!("/messages/{}", message.id)),
            outlook: outlook.to_owned(),
        }
    }

    fn sender(sender: &Sender) -> Self {
        let outlook = "The messages in its queue go on as its rate allows.".to_owned();
        Self {
            label: format!("Queue of {}", sender.label()),
            path: Some(format!("/connections/{}", sender.connection_id)),
            outlook,
        }
    }
}
