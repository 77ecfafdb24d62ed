//! The subjects of failed jobs: messages, enrollments and senders.

use std::collections::HashMap;

use serde::Serialize;

use super::retry_effects;
use crate::automations::{self, Automation, Enrollment};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::{self, Message};
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
    /// Its current state, and what a retry does.
    pub(super) retry_effect: String,
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
        let messages = message::find_many(conn, &message_ids).await?;
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
        JobSubject {
            label: format!("Contact in “{name}”"),
            path: Some(format!("/enrollments/{}", enrollment.id)),
            retry_effect: retry_effects::of_enrollment(enrollment),
        }
    }
}

impl JobSubject {
    fn gone(label: &str, what: &str) -> Self {
        Self { label: label.to_owned(), path: None, retry_effect: retry_effects::of_deleted(what) }
    }

    fn message(message: &Message) -> Self {
        let to = PhoneNumber::from_e164(&message.to_address)
            .map_or_else(|_| message.to_address.clone(), |phone| phone.international());
        Self {
            label: format!("Message to {to}"),
            path: Some(format!("/messages/{}", message.id)),
            retry_effect: retry_effects::of_message(message.status).to_owned(),
        }
    }

    fn sender(sender: &Sender) -> Self {
        Self {
            label: format!("Queue of {}", sender.label()),
            path: Some(format!("/connections/{}", sender.connection_id)),
            retry_effect: retry_effects::OF_SENDER.to_owned(),
        }
    }
}
