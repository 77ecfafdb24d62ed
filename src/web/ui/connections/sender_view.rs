//! A sender and its registrations as pages show them: status, limits and queue.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::limit_labels;
use super::queue_view::QueueView;
use crate::connections::{Check, Status};
use crate::messages::throttle::queue_figures::QueueFigures;
use crate::senders::registration::Registration;
use crate::senders::{Health, Sender};

/// A sender with its status.
#[derive(Debug, Serialize)]
pub(super) struct SenderView {
    #[serde(flatten)]
    pub(super) sender: Sender,
    status: Status,
    label: String,
    shown_address: String,
    /// The rate: `1 SMS part per second`.
    speed: String,
    /// The validity, how long a message may wait: `2 days`.
    patience: String,
    queue: Option<QueueView>,
    /// Whether Twilio has been asked about the sender.
    is_checked: bool,
    /// The registrations that carriers require; empty if none is required.
    registrations: Vec<RegistrationView>,
}

/// A registration in words.
#[derive(Debug, Serialize)]
pub(super) struct RegistrationView {
    #[serde(flatten)]
    registration: Registration,
    check: Check,
}

impl From<Registration> for RegistrationView {
    fn from(registration: Registration) -> Self {
        Self { check: registration.check(), registration }
    }
}

impl From<Sender> for SenderView {
    fn from(sender: Sender) -> Self {
        Self {
            status: sender.status(),
            label: sender.label(),
            shown_address: sender.address.for_people(),
            speed: limit_labels::speed(sender.parts_per_second),
            patience: limit_labels::validity(sender.validity),
            queue: None,
            is_checked: false,
            registrations: Vec::new(),
            sender,
        }
    }
}

impl SenderView {
    /// A sender with its queue.
    pub(super) fn with_queue(sender: Sender, waiting: &QueueFigures, now: DateTime<Utc>) -> Self {
        let queue = QueueView::of(&sender, waiting, now);
        Self { queue, ..sender.into() }
    }

    /// Adds what the last inspection at Twilio said of its registrations.
    pub(super) fn with_health(self, health: Option<&Health>) -> Self {
        let Some(health) = health else { return self };
        let registrations = health.registrations.iter().cloned();
        Self {
            is_checked: true,
            registrations: registrations.map(RegistrationView::from).collect(),
            ..self
        }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/sender_view.rs"]
mod samples;
